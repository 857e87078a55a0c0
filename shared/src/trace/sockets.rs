// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which sockets are asked for: what the kernel's side decides of versions of IP and ports, in objects of sockets.

use crate::data::raw::{port_set, socket_knobs};
use crate::error::Result;
use crate::kernel::{Kernel as _, Place, Running};
use crate::query::condition::Asks;
use crate::trace::object::{Knobs, Opened};
use crate::trace::set::Set;

/// A version of IP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Version {
    /// IPv4: by sockets of IPv6, too.
    V4,
    /// IPv6.
    V6,
}

/// Which connections are asked for, by their ends.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sockets {
    /// Of this version of IP only.
    pub ip: Option<Version>,
    /// By the local port.
    pub sports: Set<u16>,
    /// By the remote port.
    pub dports: Set<u16>,
}

// SAFETY: integers alone, and that section of `bpf/include/sockets.bpf.h` has one such variable.
unsafe impl Knobs for socket_knobs {
    const SECTION: &'static str = ".rodata.sockets";
}

impl Sockets {
    /// Tells an object of sockets.
    ///
    /// # Errors
    ///
    /// For one that is none.
    pub fn set(&self, object: &mut Opened<'_>) -> Result<()> {
        let knobs = object.knobs::<socket_knobs>()?;
        knobs.ip_version = match self.ip {
            None => 0,
            Some(Version::V4) => 4,
            Some(Version::V6) => 6,
        };
        for (ports, by, bits) in [
            (&self.sports, &mut knobs.by_sport, &mut knobs.sports),
            (&self.dports, &mut knobs.by_dport, &mut knobs.dports),
        ] {
            *by = (!ports.is_empty()).into();
            mark(ports, bits);
        }
        Ok(())
    }

    /// Has the kernel decide what a condition asks of the ends, where that is plain and nothing else was asked; gives the
    /// names of the fields.
    pub fn narrow(&mut self, asks: &Asks<'_>) -> Vec<&'static str> {
        let mut decided = Vec::new();
        for (ports, name) in [(&mut self.sports, "sport"), (&mut self.dports, "dport")] {
            if let Some(only) = asks.only(name).filter(|_| ports.is_empty()) {
                *ports = Set::any(only.iter().filter_map(|port| u16::try_from(*port).ok()));
                decided.push(name);
            }
        }
        if let (Some([only]), None) = (asks.only("ip"), self.ip) {
            self.ip = match only {
                4 => Some(Version::V4),
                _ => Some(Version::V6),
            };
            decided.push("ip");
        }
        decided
    }
}

/// Why a rung cannot keep sockets apart on this kernel; for [`Hooks::unfit`](crate::trace::tracer::Hooks::unfit).
///
/// While a task is preempted inside a program, the kernel refuses it to whole lives of other sockets, so that one is taken for
/// another that had its address. Only typed programs are told a socket's cookie.
pub fn unfit(rung: &str) -> Option<&'static str> {
    let confuses = rung == "raw_tp" && Running::only_asked().preempts(Place::Tracepoints).is_some();
    confuses.then_some(
        "this kernel preempts tasks inside such programs, by which one socket would be taken for another",
    )
}

/// Sets the bit of each port that the set lets through.
fn mark(ports: &Set<u16>, bits: &mut port_set) {
    for (index, word) in bits.word.iter_mut().enumerate() {
        *word = if ports.wanted().is_empty() {
            u64::MAX
        } else {
            0
        };
        let bit_of = |port: &u16| (usize::from(*port) / 64 == index).then(|| 1_u64 << (port % 64));
        for bit in ports.wanted().iter().filter_map(bit_of) {
            *word |= bit;
        }
        for bit in ports.excluded().iter().filter_map(bit_of) {
            *word &= !bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{mark, port_set};
    use crate::trace::set::Set;

    /// The ports that a set lets through.
    fn through(set: &Set<u16>) -> Vec<u16> {
        let mut bits = port_set::default();
        mark(set, &mut bits);
        let is_set = |port: &u16| bits.word[usize::from(*port) / 64] >> (port % 64) & 1 == 1;
        (0..=u16::MAX).filter(is_set).collect()
    }

    #[test]
    fn each_port_has_a_bit() {
        assert_eq!(through(&Set::any([65535, 443, 0, 443])), [0, 443, 65535]);
        let mut all: Vec<u16> = (0..=u16::MAX).collect();
        assert_eq!(through(&Set::default()), all);
        all.retain(|port| *port != 22);
        assert_eq!(through(&Set::none([22])), all);
    }
}
