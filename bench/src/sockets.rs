// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP connections whose both ends are of this program.

use std::io;
use std::io::Read;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::net::TcpStream;
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

/// One connection, of which both ends are here; where others connect too, the end that is accepted may be another's. It is
/// cut off by who began it, so that no port is kept for it.
pub(crate) fn connect(server: &TcpListener) -> io::Result<()> {
    let client = TcpStream::connect(server.local_addr()?)?;
    let accepted = server.accept()?;
    cut_off(client)?;
    drop(accepted);
    Ok(())
}

/// The byte that a network loses.
const LOST: u8 = 1;

/// A socket that listens, at whose connections segments are thrown away that begin with `LOST`, until one has the kernel do
/// without. Where the kernel is short of room for programs, this takes privilege; what it is for does not.
pub fn lossy_server() -> io::Result<TcpListener> {
    let server = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let step = |code: u32, jt: u8, jf: u8, k: u32| libc::sock_filter {
        code: code as u16,
        jt,
        jf,
        k,
    };
    // The packet begins with TCP's header, whose byte 12 says how long it is.
    let mut steps = [
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_ABS, 0, 0, 12),
        step(libc::BPF_ALU | libc::BPF_AND | libc::BPF_K, 0, 0, 0xf0),
        step(libc::BPF_ALU | libc::BPF_RSH | libc::BPF_K, 0, 0, 2),
        step(libc::BPF_MISC | libc::BPF_TAX, 0, 0, 0),
        step(libc::BPF_LD | libc::BPF_W | libc::BPF_LEN, 0, 0, 0),
        step(libc::BPF_ALU | libc::BPF_SUB | libc::BPF_X, 0, 0, 0),
        step(libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K, 2, 0, 0),
        step(libc::BPF_LD | libc::BPF_B | libc::BPF_IND, 0, 0, 0),
        step(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            1,
            0,
            LOST.into(),
        ),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, u32::MAX),
        step(libc::BPF_RET | libc::BPF_K, 0, 0, 0),
    ];
    let filter = libc::sock_fprog {
        len: steps.len() as u16,
        filter: steps.as_mut_ptr(),
    };
    set(&server, libc::SO_ATTACH_FILTER, &filter)?;
    Ok(server)
}

/// One connection to a [`lossy_server`] whose first byte is thrown away when it comes, so that it is sent again. Nobody else
/// may connect.
pub(crate) fn send_again(server: &TcpListener) -> io::Result<()> {
    let mut client = TcpStream::connect(server.local_addr()?)?;
    let (mut accepted, _) = server.accept()?;
    client.set_nodelay(true)?;
    client.write_all(&[LOST])?;
    // It may come later than the write returns (ksoftirqd).
    while dropped(&accepted)? == 0 {
        thread::sleep(Duration::from_micros(50));
    }
    set(&accepted, libc::SO_DETACH_FILTER, &0_i32)?;
    // Three that come say that one before them did not (tcp_reordering, RFC 6675).
    for _ in 0..4 {
        client.write_all(&[LOST + 1])?;
    }
    accepted.read_exact(&mut [0; 5])?;
    cut_off(client)
}

/// How much of what came to an end the kernel has thrown away: `SK_MEMINFO_DROPS` of `linux/sock_diag.h`.
fn dropped(end: &TcpStream) -> io::Result<u32> {
    let mut info = [0_u32; 9];
    let mut bytes = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes so many bytes at most.
    let result = unsafe {
        libc::getsockopt(
            end.as_raw_fd(),
            libc::SOL_SOCKET,
            libc::SO_MEMINFO,
            (&raw mut info).cast(),
            &raw mut bytes,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(info[8])
}

/// Closes an end at once, without a word but that it is reset.
fn cut_off(end: TcpStream) -> io::Result<()> {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    set(&end, libc::SO_LINGER, &at_once)?;
    drop(end);
    Ok(())
}

/// setsockopt(2), of an option with a value as the kernel has it.
fn set<T>(end: &impl AsRawFd, option: libc::c_int, value: &T) -> io::Result<()> {
    // SAFETY: the value outlives the call, and its size is given.
    let result = unsafe {
        libc::setsockopt(
            end.as_raw_fd(),
            libc::SOL_SOCKET,
            option,
            std::ptr::from_ref(value).cast(),
            size_of::<T>() as libc::socklen_t,
        )
    };
    if result != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    #[test]
    fn connections_go_as_they_should() {
        let server = TcpListener::bind("127.0.0.1:0").unwrap();
        let lossy = super::lossy_server().unwrap();
        for _ in 0..3 {
            super::connect(&server).unwrap();
            super::send_again(&lossy).unwrap();
        }
    }
}
