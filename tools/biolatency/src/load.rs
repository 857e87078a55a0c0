// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::path::Path;

use tracewell_shared::tool::load::{self, Load};

use crate::loop_device::LoopDevice;

/// Reads and writes of a disk of its own.
pub(crate) fn requests(directory: &Path) -> Result<Load, String> {
    let disk = LoopDevice::new(directory);
    let mut disk = disk.map_err(|error| format!("no loop device can be had: {error}"))?;
    Ok(Load {
        args: vec!["--disk".into(), disk.name().into()],
        make: Box::new(move |number| disk.request(number, number % 2 == 0)),
        seen: load::counted(),
    })
}
