// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options by which events are counted by their fields, instead of shown.

use std::num::NonZeroUsize;
use std::time::Duration;

use super::values;

/// How events are counted, flattened into the options of tools that print events.
#[derive(Debug, Clone, clap::Args)]
pub struct Counting {
    /// Count events instead of showing them, in a row for all that are alike in these fields, such as comm,path
    ///
    /// The rows come at the end, or for each --interval, the largest counts first.
    #[arg(
        long,
        value_name = "LIST",
        help_heading = "Counts",
        value_delimiter = ',',
        conflicts_with = "columns"
    )]
    pub count_by: Vec<String>,

    /// With --count-by: show sum, mean, median, 99th percentile and maximum of this field too, the largest sums first
    #[arg(
        long,
        value_name = "FIELD",
        help_heading = "Counts",
        requires = "count_by"
    )]
    pub stat: Option<String>,

    /// With --count-by: show so many rows, and what all others come to; 20 in a table by default, else all
    #[arg(long, value_name = "N", help_heading = "Counts", requires = "count_by", value_parser = super::intervals::rows)]
    pub top: Option<usize>,

    /// With --count-by: show what came in each interval of this length: seconds, or with a unit such as 500ms
    #[arg(long, value_name = "TIME", help_heading = "Counts", requires = "count_by", value_parser = values::duration)]
    pub interval: Option<Duration>,

    /// With --count-by: show how many there were in a second, too, in a table
    #[arg(long, help_heading = "Counts", requires = "count_by")]
    pub rate: bool,

    /// With --count-by: how many rows an interval has room for; what needs one more is counted together
    #[arg(
        long,
        value_name = "N",
        help_heading = "Counts",
        requires = "count_by",
        default_value = "65536"
    )]
    pub keys_max: NonZeroUsize,
}

impl Counting {
    /// Whether rows are told apart by this field, or tell of it: a name of JSON, or the header of a column.
    pub(super) fn names(&self, field: &str) -> bool {
        let mut named = self.count_by.iter().chain(&self.stat);
        named.any(|name| name.eq_ignore_ascii_case(field))
    }
}
