// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::net::Ipv4Addr;
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{Load, sockets};

use crate::event::Life;

/// Connections that carry so many bytes there, and so many back; of each the side that begins it.
const SENT: usize = 1000;
const RECEIVED: usize = 300;

pub(crate) fn lives(_directory: &Path) -> Result<Load, String> {
    let server = sockets::Server::new(Ipv4Addr::LOCALHOST.into());
    let server = server.map_err(|error| format!("there is no loopback: {error}"))?;
    Ok(Load {
        // Who accepts them is this thread, too.
        args: vec!["--remoteport".into(), server.port().to_string().into()],
        make: Box::new(move |_| server.talk(SENT, RECEIVED)),
        seen: Box::new(|object| {
            let is = object["event"] == Life::KIND
                && object["role"] == "connect"
                && object["sent_bytes"] == SENT
                && object["received_bytes"] == RECEIVED
                && !object["duration_ns"].is_null();
            u64::from(is)
        }),
    })
}
