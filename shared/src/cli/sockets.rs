// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of tools of sockets: which ones, by their ends.

use super::sets;
use crate::error::Result;
use crate::trace::set::Set;
use crate::trace::sockets::Version;

/// Which versions of IP. Flattened beside [`Common`](super::Common).
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct IpVersions {
    /// Only IPv4, by sockets of IPv6 too
    #[arg(short = '4', long, help_heading = "Filters", conflicts_with = "ipv6")]
    pub ipv4: bool,

    /// Only IPv6
    #[arg(short = '6', long, help_heading = "Filters")]
    pub ipv6: bool,
}

impl IpVersions {
    /// The one that is asked for.
    pub fn only(self) -> Option<Version> {
        match (self.ipv4, self.ipv6) {
            (true, _) => Some(Version::V4),
            (_, true) => Some(Version::V6),
            _ => None,
        }
    }
}

/// Which ports. Flattened in the same place.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Ports {
    /// Only these local ports, with commas between; '!' before one leaves it out
    #[arg(short = 'L', long, value_name = "PORT", help_heading = "Filters", value_parser = sets::text_parser(port))]
    pub localport: Vec<Set<u16>>,

    /// Only these remote ports
    #[arg(short = 'D', long, value_name = "PORT", help_heading = "Filters", value_parser = sets::text_parser(port))]
    pub remoteport: Vec<Set<u16>>,
}

impl Ports {
    /// The local and the remote ones.
    ///
    /// # Errors
    ///
    /// For one that is both wanted and excluded.
    pub fn chosen(&self) -> Result<[Set<u16>; 2]> {
        Ok([
            sets::together("--localport", &self.localport)?,
            sets::together("--remoteport", &self.remoteport)?,
        ])
    }
}

fn port(text: &str) -> std::result::Result<u16, String> {
    text.parse()
        .map_err(|_| "a port is a number from 0 to 65535".to_owned())
}
