// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::hint::black_box;
use std::path::Path;

use nix::unistd::getppid;
use tracewell_shared::tool::load::{self, Load};

/// Calls of getppid(2), which nothing else makes.
pub(crate) fn calls(_directory: &Path) -> Result<Load, String> {
    Ok(Load {
        args: vec!["--syscall".into(), "getppid".into()],
        make: Box::new(|_| {
            black_box(getppid());
            Ok(())
        }),
        seen: load::counted(),
    })
}
