// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::net::{Ipv4Addr, TcpStream};
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{Load, sockets};

use crate::event::Connect;

/// Connections that are answered, and every third one that is refused.
pub(crate) fn connects(_directory: &Path) -> Result<Load, String> {
    let told = |error: std::io::Error| format!("there is no loopback: {error}");
    let address = Ipv4Addr::LOCALHOST.into();
    let server = sockets::Server::new(address).map_err(told)?;
    // Nobody listens at a port that was given back.
    let closed = sockets::Server::new(address).map_err(told)?.port();
    let open = server.port();
    Ok(Load {
        args: Vec::new(),
        make: Box::new(move |number| {
            if number % 3 == 0 {
                drop(TcpStream::connect((address, closed)));
                return Ok(());
            }
            server.talk(1, 1)
        }),
        seen: Box::new(move |object| {
            let is = object["event"] == Connect::KIND
                && match object["outcome"].as_str() {
                    Some("established") => object["dport"] == open,
                    Some("failed") => {
                        object["dport"] == closed && object["error"] == "ECONNREFUSED"
                    }
                    _ => false,
                };
            u64::from(is)
        }),
    })
}
