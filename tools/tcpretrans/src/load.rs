// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::net::Ipv4Addr;
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{self, Load, sockets};

use crate::event::Retransmit;

/// Connections whose first byte is thrown away once. Where the machine is slow, the kernel may send more again.
pub(crate) fn retransmits(_directory: &Path) -> Result<Load, String> {
    let server = sockets::Server::new(Ipv4Addr::LOCALHOST.into());
    let server = server.map_err(|error| format!("there is no loopback: {error}"))?;
    let port = server.port();
    Ok(load::at_least(Load {
        args: Vec::new(),
        make: Box::new(move |_| server.talk_again()),
        seen: Box::new(move |object| {
            let is = object["event"] == Retransmit::KIND
                && object["dport"] == port
                && object["role"] == "connect"
                && object["bytes"] == 1;
            u64::from(is)
        }),
    }))
}
