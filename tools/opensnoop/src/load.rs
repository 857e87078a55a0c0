// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::fs::File;
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{self, Load};

use crate::event::Open;

/// Files that are made, opened again, and looked for in vain.
pub(crate) fn opens(directory: &Path) -> Result<Load, String> {
    let seen = load::below(directory, Open::KIND);
    let directory = directory.to_owned();
    let make = move |number| {
        let path = directory.join(format!("file-{}", number / 3));
        match number % 3 {
            0 => drop(File::create(path)?),
            1 => drop(File::open(path)?),
            _ => drop(File::open(directory.join("absent"))),
        }
        Ok(())
    };
    Ok(Load {
        args: Vec::new(),
        make: Box::new(make),
        seen,
    })
}
