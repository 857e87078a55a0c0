// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::ffi::CStr;
use std::io;
use std::path::Path;
use std::ptr;

use nix::libc;
use tracewell_shared::event::Event;
use tracewell_shared::tool::load::Load;

use crate::event::Lookup;
use crate::libc::FILES;

/// Numeric addresses, and a name that is to be taken for one: none of them takes a network, or a file.
const HOSTS: [&CStr; 3] = [c"127.0.0.1", c"::1", c"no-number"];

/// Lookups by getaddrinfo(3), of which the last one in three fails.
pub(crate) fn lookups(_directory: &Path) -> Result<Load, String> {
    if !FILES.has_own(&["getaddrinfo"]) {
        return Err(
            "this program has its C library in itself, without the names of its functions".into(),
        );
    }
    let make = |number: u64| {
        let host = HOSTS[(number % HOSTS.len() as u64) as usize];
        let failed = look_up(host) != 0;
        if failed == host.to_bytes().starts_with(b"no") {
            Ok(())
        } else {
            Err(io::Error::other(format!(
                "getaddrinfo of {host:?} came out otherwise"
            )))
        }
    };
    Ok(Load {
        args: Vec::new(),
        make: Box::new(make),
        // The thread makes no others.
        seen: Box::new(|object| u64::from(object["event"] == Lookup::KIND)),
    })
}

/// Looks a numeric host up; what getaddrinfo(3) returned.
fn look_up(host: &CStr) -> i32 {
    // SAFETY: all of it is zero in hints that ask for nothing.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_NUMERICHOST;
    let mut found = ptr::null_mut();
    // SAFETY: a string, and structures that live as long as the call.
    let returned =
        unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &raw const hints, &raw mut found) };
    if returned == 0 {
        // SAFETY: the call made it.
        unsafe { libc::freeaddrinfo(found) };
    }
    returned
}
