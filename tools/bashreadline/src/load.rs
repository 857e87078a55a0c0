// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything. There may be no bash, and none that can be typed into.

use std::ffi::CString;
use std::fs::{self, File};
use std::io;
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::Load;
use tracewell_shared::tool::load::library::{self, Function};

use crate::event::Line;

/// Lines that a library of the load's own gives back by a function called readline.
pub(crate) fn lines(directory: &Path) -> Result<Load, String> {
    let path = directory.join("readline");
    let library = library::bytes("readline").ok_or("it has no code for this machine")?;
    let told = |error: io::Error| format!("its library cannot be used: {error}");
    fs::write(&path, library).map_err(told)?;
    let readline = File::open(&path)
        .and_then(|file| Function::map(&file))
        .map_err(told)?;
    let make = move |number: u64| readline.give(&CString::new(format!("echo {number}"))?);
    Ok(Load {
        args: vec!["-s".into(), path.into()],
        make: Box::new(make),
        // The thread reads no others.
        seen: Box::new(|object| u64::from(object["event"] == Line::KIND)),
    })
}
