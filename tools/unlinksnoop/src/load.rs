// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::fs::{self, File};
use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{self, Load};

use crate::event::Unlink;

/// Files and directories that are removed, some of which are not there.
pub(crate) fn removals(directory: &Path) -> Result<Load, String> {
    let seen = load::below(directory, Unlink::KIND);
    let path = directory.join("removed");
    let make = move |number| {
        match number % 3 {
            0 => {
                drop(File::create(&path)?);
                fs::remove_file(&path)?;
            }
            1 => {
                fs::create_dir(&path)?;
                fs::remove_dir(&path)?;
            }
            _ => drop(fs::remove_file(&path)),
        }
        Ok(())
    };
    Ok(Load {
        args: Vec::new(),
        make: Box::new(make),
        seen,
    })
}
