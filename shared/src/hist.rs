// SPDX-License-Identifier: MIT OR Apache-2.0
//! Histograms as BPF programs keep them: log-linear, so that a value is known to within 1/32 of itself.
//!
//! `bpf/include/hist.h` has the layout. Below 64 each value has a bucket of its own; from there on each power of two
//! has 32. The middle of a bucket is at most 1/64, that is 1.6 %, from any value in it.

pub mod log;
pub mod rows;
mod sparse;
mod spread;

pub use crate::event::Bucket;
pub use sparse::Sparse;
pub use spread::Spread;

use crate::data::raw::{histogram as raw, histogram_chunk as raw_chunk};

const SHARE_BITS: u32 = 5;
const BUCKETS: usize = (size_of::<raw>() - size_of::<u64>()) / size_of::<u64>();
const CHUNK_BUCKETS: usize = (size_of::<raw_chunk>() - size_of::<u64>()) / size_of::<u64>();
const _: () = assert!(BUCKETS == 1216 && BUCKETS.is_multiple_of(CHUNK_BUCKETS));

/// How values are spread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histogram {
    sum: u64,
    counts: Box<[u64]>,
}

impl Bucket {
    /// The one of this number.
    fn at(index: usize, count: u64) -> Self {
        let index = index as u64;
        let shift = (index >> SHARE_BITS).saturating_sub(1);
        let low = (index - (shift << SHARE_BITS)) << shift;
        Self {
            low,
            // Whatever is larger than all buckets is in the last.
            high: if index as usize == BUCKETS - 1 {
                u64::MAX
            } else {
                low + (1 << shift) - 1
            },
            count,
        }
    }

    /// The number of the one that a value is in.
    fn index_of(value: u64) -> usize {
        // Below 64 each value has a bucket of its own.
        let shift = (value | 1).ilog2().saturating_sub(SHARE_BITS);
        let index = (u64::from(shift) << SHARE_BITS) + (value >> shift);
        (index as usize).min(BUCKETS - 1)
    }
}

impl Default for Histogram {
    fn default() -> Self {
        Self {
            sum: 0,
            counts: vec![0; BUCKETS].into(),
        }
    }
}

impl Histogram {
    /// The histogram in a map's value; `None` for bytes of another length.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sum, counts) = sum_and_counts(bytes, BUCKETS)?;
        Some(Self {
            sum,
            counts: counts.collect(),
        })
    }

    /// Adds the chunk of this number, as BPF keeps it; `None` where these bytes are none.
    pub(crate) fn add_chunk(&mut self, number: u64, bytes: &[u8]) -> Option<()> {
        let (sum, counts) = sum_and_counts(bytes, CHUNK_BUCKETS)?;
        let from = usize::try_from(number).ok()?.checked_mul(CHUNK_BUCKETS)?;
        let places = self
            .counts
            .get_mut(from..from.checked_add(CHUNK_BUCKETS)?)?;
        self.sum = self.sum.wrapping_add(sum);
        for (place, count) in places.iter_mut().zip(counts) {
            *place += count;
        }
        Some(())
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The sum of all values, exact.
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.counts.iter().all(|count| *count == 0)
    }

    /// What came since `before`, an earlier state of this one.
    ///
    /// The kernel may count while it is read, so a value can be in the sum of one state and in the counts of the
    /// next only. None is ever in neither or in both.
    #[must_use]
    pub fn since(&self, before: &Self) -> Self {
        let counts = self.counts.iter().zip(&before.counts);
        Self {
            sum: self.sum.wrapping_sub(before.sum),
            counts: counts.map(|(now, then)| now.wrapping_sub(*then)).collect(),
        }
    }

    /// The buckets that are not empty, in rising order.
    pub fn buckets(&self) -> impl Iterator<Item = Bucket> + '_ {
        let counts = self.counts.iter().enumerate();
        counts
            .filter(|(_, count)| **count > 0)
            .map(|(index, count)| Bucket::at(index, *count))
    }

    /// No value is smaller; `None` where there is none.
    pub fn min(&self) -> Option<u64> {
        self.buckets().next().map(|bucket| bucket.low)
    }

    /// No value is larger; `None` where there is none.
    pub fn max(&self) -> Option<u64> {
        self.buckets().last().map(|bucket| bucket.high)
    }

    /// The value that this share of all values does not exceed, within 1.6 %; `None` where there is none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        quantile(self.count(), self.buckets(), share)
    }
}

/// The value that this share of `count` values does not exceed, which are in these buckets, in rising order.
fn quantile(count: u64, buckets: impl IntoIterator<Item = Bucket>, share: f64) -> Option<u64> {
    // Rounding up: of two values, the first is the median. What a product of floating point is too large by is
    // no rank.
    let rank = ((share * count as f64 - 1e-6).ceil() as u64).clamp(1, count.max(1));
    let mut seen = 0;
    let bucket = buckets.into_iter().find(|bucket| {
        seen += bucket.count;
        seen >= rank
    });
    bucket.map(|bucket| bucket.middle())
}

/// The sum that a map's value begins with, and the counts of so many buckets behind it.
fn sum_and_counts(bytes: &[u8], buckets: usize) -> Option<(u64, impl Iterator<Item = u64>)> {
    let (words, rest) = bytes.as_chunks::<8>();
    let (sum, counts) = words.split_first()?;
    let whole = rest.is_empty() && counts.len() == buckets;
    let counts = counts.iter().map(|word| u64::from_ne_bytes(*word));
    whole.then_some((u64::from_ne_bytes(*sum), counts))
}

/// The quantiles that are told, by the names of their fields.
pub const QUANTILES: [(&str, f64); 5] = [
    ("p50", 0.5),
    ("p90", 0.9),
    ("p99", 0.99),
    ("p999", 0.999),
    ("p9999", 0.9999),
];

#[cfg(test)]
#[path = "hist/tests.rs"]
mod tests;
