// SPDX-License-Identifier: MIT OR Apache-2.0
//! HdrHistogram logs: text files of histograms that many other programs read and write.
//!
//! A line is `Tag=NAME,START,LENGTH,MAX,HISTOGRAM`: seconds since the `#[BaseTime` above, and the histogram compressed
//! and in base64. Values are nanoseconds. [`Log`] reads one, interval by interval; [`Tags`] adds intervals up;
//! [`Recorder`] writes a log.

mod layout;
mod line;
mod losses;
mod payload;
mod read;
mod spread;
mod tags;
mod times;
mod write;

pub use losses::Losses;
pub use read::{Interval, Log, Told};
pub use spread::{Spread, TooMany};
pub use tags::{Merged, Tags};
pub use write::{Record, Recorder};

use super::Histogram;
use crate::error::{Error, Kind, Result};

/// A histogram as it is written: what came in one interval under one tag.
pub type Logged = hdrhistogram::Histogram<u64>;

/// Three significant digits: finer than the kernel's buckets.
const DIGITS: u8 = 3;

/// A histogram without values, which grows with what is recorded.
///
/// # Errors
///
/// Never: the precision is one that there is.
pub fn empty() -> Result<Logged> {
    Logged::new(DIGITS).map_err(|error| Error::new(Kind::Io, error.to_string()))
}

impl Histogram {
    /// The same, as the log has it: a bucket's values are all its middle.
    ///
    /// # Errors
    ///
    /// When a value is larger than a log can have.
    pub fn to_logged(&self) -> Result<Logged> {
        let mut logged = empty()?;
        for bucket in self.buckets() {
            logged
                .record_n(bucket.middle(), bucket.count)
                .map_err(|error| Error::new(Kind::Io, error.to_string()))?;
        }
        Ok(logged)
    }
}

/// The bytes as a tag may have them: what it may not, and what is not printed, as `%XX`.
pub fn tag(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in bytes {
        match byte {
            b'%' | b',' | b';' | 0..=b' ' | 0x7f.. => text.push_str(&format!("%{byte:02X}")),
            _ => text.push(char::from(*byte)),
        }
    }
    text
}

/// A tag as a terminal may show it: what another program wrote may hold anything.
pub fn tag_shown(tag: &str) -> String {
    let mut shown = Vec::new();
    crate::text::escape::text(&mut shown, tag.as_bytes());
    String::from_utf8_lossy(&shown).into_owned()
}
