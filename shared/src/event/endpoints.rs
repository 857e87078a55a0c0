// SPDX-License-Identifier: MIT OR Apache-2.0
//! The two ends of a connection: what every event of a socket tells of them.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::data::raw::endpoints;
use crate::event::Group;

/// The two ends of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Group)]
pub struct Endpoints {
    /// The version of IP: 4 or 6.
    #[field(range(4, 6), left("IP", 2))]
    pub ip: u8,
    /// The local address.
    #[field(left("SADDR", 15))]
    pub saddr: IpAddr,
    /// The local port.
    #[field(null = "where none had been chosen yet", left("SPORT", 5))]
    pub sport: Option<u16>,
    /// The remote address.
    #[field(left("DADDR", 15))]
    pub daddr: IpAddr,
    /// The remote port.
    #[field(left("DPORT", 5))]
    pub dport: u16,
    /// The socket is of IPv6 and speaks IPv4: the program has these addresses with `::ffff:` before them.
    pub mapped: bool,
    /// The network namespace of the socket: the inode number of `/proc/PID/ns/net`.
    #[field(left("NETNS", 10))]
    pub netns: u32,
}

/// Of linux/socket.h.
const AF_INET: u16 = 2;
const AF_INET6: u16 = 10;

impl Endpoints {
    /// Reads `struct endpoints` of `bpf/include/sockets.h`, which the bytes begin with. `None` where they are too few, or
    /// none of a socket of IP.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let mut raw = endpoints::default();
        plain::copy_from_bytes(&mut raw, bytes).ok()?;
        let (saddr, daddr) = match raw.family {
            AF_INET => (v4(raw.saddr), v4(raw.daddr)),
            AF_INET6 => (v6(raw.saddr), v6(raw.daddr)),
            _ => return None,
        };
        // A socket that was not bound has the address of no host until it is connected.
        let remote = daddr.to_canonical();
        let local = if remote.is_ipv4() && saddr == IpAddr::V6(Ipv6Addr::UNSPECIFIED) {
            IpAddr::V4(Ipv4Addr::UNSPECIFIED)
        } else {
            saddr.to_canonical()
        };
        Some(Self {
            ip: if remote.is_ipv4() { 4 } else { 6 },
            saddr: local,
            sport: (raw.sport != 0).then_some(raw.sport),
            daddr: remote,
            dport: raw.dport,
            mapped: raw.family == AF_INET6 && remote.is_ipv4(),
            netns: raw.netns,
        })
    }
}

fn bytes(words: [u64; 2]) -> [u8; 16] {
    let mut bytes = [0; 16];
    for (eight, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(words) {
        *eight = word.to_ne_bytes();
    }
    bytes
}

fn v4(words: [u64; 2]) -> IpAddr {
    let [a, b, c, d, ..] = bytes(words);
    Ipv4Addr::new(a, b, c, d).into()
}

fn v6(words: [u64; 2]) -> IpAddr {
    Ipv6Addr::from(bytes(words)).into()
}

#[cfg(test)]
mod tests {
    use super::{AF_INET, AF_INET6, Endpoints, endpoints};

    /// What is told of a socket of this family, with these bytes of its addresses.
    fn told(family: u16, saddr: [u8; 16], daddr: [u8; 16]) -> Option<Endpoints> {
        let words = |bytes: [u8; 16]| {
            let (eights, _) = bytes.as_chunks();
            std::array::from_fn(|index| u64::from_ne_bytes(eights[index]))
        };
        let raw = endpoints {
            saddr: words(saddr),
            daddr: words(daddr),
            sport: 40000,
            dport: 443,
            family,
            netns: 7,
            ..endpoints::default()
        };
        // SAFETY: integers, whose padding is a field.
        Endpoints::decode(unsafe { plain::as_bytes(&raw) })
    }

    fn v6(text: &str) -> [u8; 16] {
        text.parse::<std::net::Ipv6Addr>().unwrap().octets()
    }

    fn v4(first: [u8; 4]) -> [u8; 16] {
        let mut bytes = [0; 16];
        bytes[..4].copy_from_slice(&first);
        bytes
    }

    #[test]
    fn addresses_are_those_of_the_packets() {
        let ends = told(AF_INET, v4([10, 0, 0, 1]), v4([127, 0, 0, 1])).unwrap();
        assert_eq!((ends.ip, ends.mapped), (4, false));
        assert_eq!(ends.saddr.to_string(), "10.0.0.1");
        assert_eq!(ends.daddr.to_string(), "127.0.0.1");
        assert_eq!((ends.sport, ends.dport, ends.netns), (Some(40000), 443, 7));

        let ends = told(AF_INET6, v6("fe80::1"), v6("::1")).unwrap();
        assert_eq!((ends.ip, ends.mapped), (6, false));
        assert_eq!(ends.saddr.to_string(), "fe80::1");
    }

    #[test]
    fn what_stands_for_ipv4_is_told_as_that() {
        let ends = told(AF_INET6, v6("::ffff:10.0.0.1"), v6("::ffff:1.2.3.4")).unwrap();
        assert_eq!((ends.ip, ends.mapped), (4, true));
        assert_eq!(ends.daddr.to_string(), "1.2.3.4");
        let unbound = told(AF_INET6, v6("::"), v6("::ffff:1.2.3.4")).unwrap();
        assert_eq!(unbound.saddr.to_string(), "0.0.0.0");
    }

    #[test]
    fn other_bytes_are_none() {
        assert_eq!(told(1, [0; 16], [0; 16]), None);
        assert_eq!(Endpoints::decode(&[0; 40]), None);
    }
}
