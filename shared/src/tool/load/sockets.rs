// SPDX-License-Identifier: MIT OR Apache-2.0
//! Connections of a load: both ends are of one thread, and what they carry is known.

use std::io::{self, Read, Write};
use std::net::{IpAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::thread;
use std::time::Duration;

use nix::errno::Errno;
use nix::libc::{self, linger};
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Linger;

/// A socket that listens.
#[derive(Debug)]
pub struct Server(TcpListener);

impl Server {
    /// At a free port of this address.
    ///
    /// # Errors
    ///
    /// Where this machine does not have it.
    pub fn new(address: IpAddr) -> io::Result<Self> {
        TcpListener::bind((address, 0)).map(Self)
    }

    /// Its port.
    pub fn port(&self) -> u16 {
        self.0.local_addr().map_or(0, |address| address.port())
    }

    /// Makes a connection that carries so many bytes there, and so many back, and is cut off by who began it, so that no
    /// port is kept for it.
    ///
    /// # Errors
    ///
    /// Where one of both fails.
    pub fn talk(&self, there: usize, back: usize) -> io::Result<()> {
        let mut client = TcpStream::connect(self.0.local_addr()?)?;
        let (mut server, _) = self.0.accept()?;
        client.write_all(&vec![0; there])?;
        server.read_exact(&mut vec![0; there])?;
        server.write_all(&vec![0; back])?;
        client.read_exact(&mut vec![0; back])?;
        cut_off(client, server)
    }

    /// Makes a connection whose first byte is thrown away when it comes, so that it is sent again.
    ///
    /// # Errors
    ///
    /// Where it fails.
    pub fn talk_again(&self) -> io::Result<()> {
        let mut client = TcpStream::connect(self.0.local_addr()?)?;
        let (mut server, _) = self.0.accept()?;
        client.set_nodelay(true)?;
        drop_all(&server)?;
        client.write_all(&[1])?;
        // It may come later than the write returns (ksoftirqd).
        while dropped(&server)? == 0 {
            thread::sleep(Duration::from_micros(50));
        }
        drop_none(&server)?;
        // Three that come say that one before them did not (tcp_reordering, RFC 6675).
        for _ in 0..4 {
            client.write_all(&[2])?;
        }
        server.read_exact(&mut [0; 5])?;
        cut_off(client, server)
    }
}

/// Closes one end at once, without a word but that it is reset; and the other one when it has come to it, so that it is not
/// this process that ends the connection there.
fn cut_off(end: TcpStream, mut other: TcpStream) -> io::Result<()> {
    let at_once = linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&end, Linger, &at_once)?;
    drop(end);
    match other.read(&mut [0]) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionReset => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// Has the kernel throw away all that comes to an end, as a network would.
///
/// # Errors
///
/// Where it does not take filters.
pub fn drop_all(end: &TcpStream) -> io::Result<()> {
    // "Keep no byte of it."
    let mut keep_none = libc::sock_filter {
        code: (libc::BPF_RET | libc::BPF_K) as u16,
        jt: 0,
        jf: 0,
        k: 0,
    };
    let program = libc::sock_fprog {
        len: 1,
        filter: &raw mut keep_none,
    };
    filter(
        end,
        libc::SO_ATTACH_FILTER,
        (&raw const program).cast(),
        size_of_val(&program),
    )
}

/// How much the kernel has thrown away: `SK_MEMINFO_DROPS` of `linux/sock_diag.h`.
fn dropped(end: &TcpStream) -> io::Result<u32> {
    let mut info = [0_u32; 9];
    let mut bytes = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes so many bytes at most.
    let result = unsafe {
        let to = (&raw mut info).cast();
        let fd = end.as_raw_fd();
        libc::getsockopt(fd, libc::SOL_SOCKET, libc::SO_MEMINFO, to, &raw mut bytes)
    };
    Errno::result(result)?;
    let [.., drops] = info;
    Ok(drops)
}

/// The opposite.
///
/// # Errors
///
/// Where there is no filter.
pub fn drop_none(end: &TcpStream) -> io::Result<()> {
    let nothing = 0_i32;
    filter(
        end,
        libc::SO_DETACH_FILTER,
        (&raw const nothing).cast(),
        size_of_val(&nothing),
    )
}

fn filter(
    end: &TcpStream,
    option: i32,
    value: *const libc::c_void,
    bytes: usize,
) -> io::Result<()> {
    let bytes = bytes as libc::socklen_t;
    // SAFETY: the kernel reads so many bytes, and a program where they point to one, which lives as long.
    let result =
        unsafe { libc::setsockopt(end.as_raw_fd(), libc::SOL_SOCKET, option, value, bytes) };
    Errno::result(result)?;
    Ok(())
}
