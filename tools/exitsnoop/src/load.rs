// SPDX-License-Identifier: MIT OR Apache-2.0
//! The load that shows whether the tool misses anything.

use std::path::Path;

use tracewell_shared::event::Event;
use tracewell_shared::tool::load::{self, Load};

use crate::event::Exit;

/// Programs that start, and end.
pub(crate) fn exits(directory: &Path) -> Result<Load, String> {
    load::programs(directory, Exit::KIND)
}
