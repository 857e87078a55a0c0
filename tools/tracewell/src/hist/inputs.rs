// SPDX-License-Identifier: MIT OR Apache-2.0
//! The logs that a command reads, and what is said of them on standard error.

use std::path::{Path, PathBuf};

use super::pick::{Met, Pick};
use tracewell_shared::console;
use tracewell_shared::error::{Error, Result};
use tracewell_shared::hist::log::{Interval, Log, Tags, Told};

/// Standard input can be read once only.
pub(super) fn refuse_stdin_twice(files: &[PathBuf]) -> Result<()> {
    if files.iter().filter(|file| *file == Path::new("-")).count() > 1 {
        return Err(
            Error::usage("standard input is named twice, and can be read once only")
                .help("name a file instead of one of the two -"),
        );
    }
    Ok(())
}

/// Reads a log: gives the intervals that are asked for to `visit`, and says what one should know of the log.
pub(super) fn read(
    file: &Path,
    pick: &Pick,
    met: &mut Met,
    visit: &mut dyn FnMut(&Interval<'_>) -> Result<()>,
) -> Result<Told> {
    let mut log = Log::open(file)?;
    let told = log.read(&mut |interval| match met.lets(pick, interval.tag) {
        true => visit(interval),
        false => Ok(()),
    })?;
    let name = log.name();
    if let Some(line) = told.cut {
        console::say(
            "hist",
            format_args!(
                "{name}:{line}: the last line is cut off and left out; the lines before it are used"
            ),
        );
    }
    if told.intervals == 0 {
        console::say(
            "hist",
            format_args!("{name}: a recording in which nothing was counted"),
        );
    }
    if !told.losses.is_empty() {
        console::say(
            "hist",
            format_args!("{name}: {} while it was recorded", told.losses),
        );
    }
    Ok(told)
}

/// What the intervals of a log come to by tag.
pub(super) fn add_up(file: &Path, pick: &Pick, met: &mut Met, tags: &mut Tags) -> Result<Told> {
    read(file, pick, met, &mut |interval| tags.add(interval))
}
