// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{self, Load};

use crate::event::Exec;

/// Programs that start: this one, by another name.
pub(crate) fn execs(directory: &Path) -> Result<Load, String> {
    let told = |error: io::Error| error.to_string();
    let program = directory.join(load::name());
    symlink(std::env::current_exe().map_err(told)?, &program).map_err(told)?;
    Ok(Load {
        args: Vec::new(),
        make: Box::new(move |_| {
            let mut command = Command::new(&program);
            command
                .arg("--list")
                .stdin(Stdio::null())
                .stdout(Stdio::null());
            command.status().map(drop)
        }),
        seen: Box::new(|object| u64::from(object["event"] == Exec::KIND)),
    })
}
