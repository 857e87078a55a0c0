// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram as programs read it: the figures that it comes to, and its parts.

use super::{Bucket, Histogram};
use crate::event::Group;

/// How values are spread, in fields of an event. There is at least one value.
#[derive(Debug, Clone, PartialEq, Eq, Group)]
pub struct Spread {
    /// How many operations ended.
    #[field(range(1, u64::MAX as i128))]
    pub count: u64,
    /// How long they took together, exact.
    pub sum: u64,
    /// None was shorter; at most 3 % below the shortest.
    pub min: u64,
    /// None was longer; at most 3 % above the longest.
    pub max: u64,
    /// The median, within 1.6 %.
    pub p50: u64,
    /// Nine of ten took no longer, within 1.6 %.
    pub p90: u64,
    /// 99 % took no longer, within 1.6 %.
    pub p99: u64,
    /// 99.9 % took no longer, within 1.6 %.
    pub p999: u64,
    /// 99.99 % took no longer, within 1.6 %.
    pub p9999: u64,
    /// How many took between `low` and `high`, both included, in rising order; empty buckets are left out.
    pub buckets: Vec<Bucket>,
}

impl Spread {
    /// Of a histogram that is not empty.
    pub fn of(histogram: &Histogram) -> Self {
        let share = |share| histogram.quantile(share).unwrap_or_default();
        Self {
            count: histogram.count(),
            sum: histogram.sum(),
            min: histogram.min().unwrap_or_default(),
            max: histogram.max().unwrap_or_default(),
            p50: share(0.5),
            p90: share(0.9),
            p99: share(0.99),
            p999: share(0.999),
            p9999: share(0.9999),
            buckets: histogram.buckets().collect(),
        }
    }
}
