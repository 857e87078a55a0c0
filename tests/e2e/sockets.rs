// SPDX-License-Identifier: MIT OR Apache-2.0
//! TCP connections whose both ends are here, and what the kernel says of them.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;

use nix::errno::Errno;
use nix::libc;
use nix::sys::socket::setsockopt;
use nix::sys::socket::sockopt::Linger;
use tracewell_shared::tool::load::sockets::Server;

/// The two ends of a connection.
pub(crate) struct Pair {
    pub(crate) client: TcpStream,
    pub(crate) server: TcpStream,
}

impl Pair {
    pub(crate) fn of(listener: &TcpListener) -> Self {
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (server, _) = listener.accept().unwrap();
        Self { client, server }
    }

    /// Sends so many bytes there, and so many back, which are read.
    pub(crate) fn carry(&mut self, there: usize, back: usize) {
        let ends = [&mut self.client, &mut self.server];
        let [client, server] = ends;
        client.write_all(&vec![1; there]).unwrap();
        server.read_exact(&mut vec![0; there]).unwrap();
        server.write_all(&vec![2; back]).unwrap();
        client.read_exact(&mut vec![0; back]).unwrap();
    }

    /// Where it goes to, and from where.
    pub(crate) fn ports(&self) -> [u16; 2] {
        [&self.client, &self.server].map(|end| end.local_addr().unwrap().port())
    }
}

/// Closes an end at once, without a word but that it is reset.
pub(crate) fn cut_off(end: TcpStream) {
    let at_once = libc::linger {
        l_onoff: 1,
        l_linger: 0,
    };
    setsockopt(&end, Linger, &at_once).unwrap();
    drop(end);
}

/// Makes a connection that loses a byte on the way, and whose one end is closed by this process, the other by the kernel.
pub(crate) fn talk() {
    let server = Server::new(Ipv4Addr::LOCALHOST.into()).unwrap();
    server.talk_again().unwrap();
}

/// Waits until the other side has closed it.
fn until_closed(end: &mut TcpStream) {
    assert_eq!(end.read(&mut [0]).unwrap(), 0);
}

/// Which end closes first, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum First {
    Client,
    Server,
    /// The client, at once.
    Reset,
}

impl First {
    /// Ends a connection so; both ends are this thread's.
    pub(crate) fn end(self, pair: Pair) {
        let Pair {
            mut client,
            mut server,
        } = pair;
        match self {
            Self::Client => {
                drop(client);
                until_closed(&mut server);
            }
            Self::Server => {
                drop(server);
                until_closed(&mut client);
            }
            Self::Reset => {
                cut_off(client);
                server.read(&mut [0]).unwrap_err();
            }
        }
    }

    /// The states that both ends were in before, the client's first.
    pub(crate) fn states(self) -> [&'static str; 2] {
        match self {
            Self::Client => ["fin_wait2", "last_ack"],
            Self::Server => ["last_ack", "fin_wait2"],
            Self::Reset => ["established", "established"],
        }
    }
}

/// A socket that listens at a free port of this address.
pub(crate) fn listener(address: &str) -> TcpListener {
    TcpListener::bind(SocketAddr::new(address.parse().unwrap(), 0)).unwrap()
}

pub(crate) fn port(listener: &TcpListener) -> u16 {
    listener.local_addr().unwrap().port()
}

/// A port where nobody listens.
pub(crate) fn closed_port() -> u16 {
    port(&listener("127.0.0.1"))
}

/// What the kernel counts of a connection: `tcpi_bytes_acked` and `tcpi_bytes_received` of linux/tcp.h.
pub(crate) fn counted(end: &TcpStream) -> [u64; 2] {
    let mut info = [0_u64; 30];
    let mut bytes = size_of_val(&info) as libc::socklen_t;
    // SAFETY: the kernel writes so many bytes there at most.
    let result = unsafe {
        let to = (&raw mut info).cast();
        libc::getsockopt(
            end.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            to,
            &raw mut bytes,
        )
    };
    Errno::result(result).unwrap();
    [info[15], info[16]]
}

/// The number of this process's network namespace.
pub(crate) fn own_netns() -> u64 {
    fs::metadata("/proc/self/ns/net").unwrap().ino()
}
