// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::fs::File;
use std::io;
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::Load;

use crate::event::Synced;

/// A file that is written back, whole and without what is about it; and a device that cannot be.
pub(crate) fn syncs(directory: &Path) -> Result<Load, String> {
    let told = |error: io::Error| error.to_string();
    let file = File::create(directory.join("file")).map_err(told)?;
    let device = File::open("/dev/null").map_err(told)?;
    let make = move |number| {
        match number % 3 {
            0 => file.sync_all()?,
            1 => file.sync_data()?,
            _ => drop(device.sync_all()),
        }
        Ok(())
    };
    Ok(Load {
        args: Vec::new(),
        make: Box::new(make),
        // The thread makes no others.
        seen: Box::new(|object| u64::from(object["event"] == Synced::KIND)),
    })
}
