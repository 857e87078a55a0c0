// SPDX-License-Identifier: MIT OR Apache-2.0
//! `hist merge`: one log of several.

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::inputs;
use super::pick::{Met, Pick};
use super::table::tag_word;
use tracewell_shared::console;
use tracewell_shared::error::Result;
use tracewell_shared::hist::log::{self, Losses, Record, Recorder, Tags};
use tracewell_shared::output::beside::Beside;

/// Writes the log.
pub(super) fn run(files: &[PathBuf], output: &Path, pick: &Pick) -> Result<u8> {
    let mut tags = Tags::default();
    let mut met = Met::default();
    let mut losses = Losses::default();
    let mut recorded = Duration::ZERO;
    let mut begun: Option<Duration> = None;
    for file in files {
        let told = inputs::add_up(file, pick, &mut met, &mut tags)?;
        recorded = recorded.saturating_add(told.recorded);
        losses.add(&told.losses);
        begun = begun.into_iter().chain(told.begun).min();
    }
    met.check()?;
    let first = tags.iter().map(|(_, merged)| merged.start).min();
    let (beside, sink) = Beside::begin(output)?;
    let mut recorder = Recorder::new(sink, first.or(begun).unwrap_or_default())?;
    for (tag, merged) in tags.iter() {
        let written = tag.map(writable);
        if written.as_deref() != tag {
            let written = written.as_deref().unwrap_or_default();
            let was = tag_word(tag);
            console::say(
                "hist",
                format_args!("the tag {was} is written as {written}: no tag can have a space"),
            );
        }
        recorder.add(&Record {
            tag: written.as_deref(),
            start: merged.start,
            length: merged.end.saturating_sub(merged.start),
            histogram: &merged.values.to_logged()?,
        })?;
    }
    recorder.losses(&losses);
    recorder.recorded(recorded);
    recorder.flush()?;
    beside.end()?;
    Ok(0)
}

/// The tag with what none can have as `%XX`. A comma and a line's end are in none that was read.
fn writable(tag: &str) -> String {
    let parts = tag.split_inclusive([' ', '\r']);
    parts
        .map(|part| match part.strip_suffix([' ', '\r']) {
            Some(lead) => format!("{lead}{}", log::tag(&part.as_bytes()[lead.len()..])),
            None => part.to_owned(),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::writable;

    #[test]
    fn a_tag_that_cannot_be_written_is_escaped() {
        for (tag, written) in [
            ("disk=a;flags=é%20", "disk=a;flags=é%20"),
            ("a b  c\r", "a%20b%20%20c%0D"),
            ("", ""),
        ] {
            assert_eq!(writable(tag), written);
        }
    }
}
