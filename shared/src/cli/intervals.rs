// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of tools that count in the kernel, and show what came in each interval.

use std::path::PathBuf;
use std::time::Duration;

use super::{Asked, values};
use crate::hist::rows::Unit;

/// When it is shown: the two arguments of BCC's tools, and whether with the time. Flattened beside
/// [`Common`](super::Common).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Intervals {
    /// Show what came in each interval of this length: seconds, or with a unit such as 500ms; without it all, at the end
    #[arg(value_name = "INTERVAL", value_parser = values::duration)]
    pub interval: Option<Duration>,

    /// End after this many intervals
    #[arg(value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,

    /// Show the end of each interval, in local time
    #[arg(short = 'T', long, help_heading = "Output")]
    pub timestamp: bool,
}

/// How histograms of times are shown, and where else they go.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Histograms {
    /// Which histograms.
    #[command(flatten)]
    pub asked: Asked,

    /// Rows in milliseconds, not microseconds
    #[arg(short, long, help_heading = "Output")]
    pub milliseconds: bool,

    /// Show mean, sum and count
    #[arg(short, long, help_heading = "Output")]
    pub extension: bool,

    /// Write each interval's histograms to this file too, which must be new or empty, as an HdrHistogram log
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub record: Option<PathBuf>,

    /// How many powers of two of nanoseconds all histograms of an interval have room for; 4,096 by default
    ///
    /// One histogram takes some five to fifteen. What finds no room is counted in one of its own, (other).
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = clap::value_parser!(u32).range(1..=1 << 20))]
    pub room: Option<u32>,
}

impl Histograms {
    /// What the rows are in.
    pub fn unit(&self) -> Unit {
        if self.milliseconds {
            Unit::MILLIS
        } else {
            Unit::MICROS
        }
    }
}

/// Which rows of a table are shown, and in which order.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Rows {
    /// Which rows.
    #[command(flatten)]
    pub asked: Asked,

    /// Show so many rows only, the first ones
    #[arg(long, value_name = "N", help_heading = "Output", value_parser = rows)]
    pub top: Option<usize>,

    /// Sort by this field: the largest numbers first, names by the alphabet
    #[arg(long, value_name = "FIELD", help_heading = "Output")]
    pub sort: Option<String>,

    /// Show how many there were in a second, too, in a table
    #[arg(long, help_heading = "Output")]
    pub rate: bool,

    /// On a terminal, show each table in the place of the last one
    #[arg(long, help_heading = "Output")]
    pub clear: bool,
}

pub(super) fn rows(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err("not a number of rows from 1 on".to_owned()),
        Ok(rows) => Ok(rows),
    }
}
