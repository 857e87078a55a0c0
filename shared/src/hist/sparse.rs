// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram of one of very many keys, which takes memory for the buckets that have something in them.

use std::collections::BTreeMap;

use super::{Bucket, quantile};

/// How values are spread, within the buckets of a [`Histogram`](super::Histogram).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sparse {
    /// By the buckets' numbers.
    counts: BTreeMap<u16, u64>,
    count: u64,
    sum: u128,
    max: u64,
}

impl Sparse {
    /// Adds a value.
    pub fn add(&mut self, value: u64) {
        // There are fewer buckets than that.
        let index = u16::try_from(Bucket::index_of(value)).unwrap_or(u16::MAX);
        *self.counts.entry(index).or_default() += 1;
        self.count += 1;
        self.sum += u128::from(value);
        self.max = self.max.max(value);
    }

    /// Adds all of another's.
    pub fn merge(&mut self, other: &Self) {
        for (index, count) in &other.counts {
            *self.counts.entry(*index).or_default() += count;
        }
        self.count += other.count;
        self.sum += other.sum;
        self.max = self.max.max(other.max);
    }

    /// How many values there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The sum of all values, exact, as far as it has room.
    pub fn sum(&self) -> u64 {
        u64::try_from(self.sum).unwrap_or(u64::MAX)
    }

    /// Their mean, rounded; `None` where there is none.
    pub fn mean(&self) -> Option<u64> {
        let count = u128::from(self.count);
        let mean = (self.sum + count / 2).checked_div(count)?;
        u64::try_from(mean).ok()
    }

    /// The largest value, exact; `None` where there is none.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The value that this share of all values does not exceed, within 1.6 %; `None` where there is none.
    pub fn quantile(&self, share: f64) -> Option<u64> {
        let buckets = self
            .counts
            .iter()
            .map(|(index, count)| Bucket::at(usize::from(*index), *count));
        // The middle of the last bucket may be above all that is in it.
        quantile(self.count, buckets, share).map(|value| value.min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::super::{BUCKETS, Bucket};
    use super::Sparse;

    #[test]
    fn a_value_is_in_the_bucket_of_its_number() {
        let borders = (0..BUCKETS).map(|index| Bucket::at(index, 1));
        for (index, bucket) in borders.enumerate() {
            for value in [bucket.low, bucket.middle(), bucket.high] {
                assert_eq!(Bucket::index_of(value), index, "{value}");
            }
        }
    }

    #[test]
    fn figures_are_those_of_the_values() {
        let mut all = Sparse::default();
        assert_eq!(
            (all.mean(), all.max(), all.quantile(0.5)),
            (None, None, None)
        );
        for value in 1..=1000 {
            all.add(value);
        }
        assert_eq!((all.count(), all.sum()), (1000, 500_500));
        assert_eq!((all.mean(), all.max()), (Some(501), Some(1000)));
        let median = all.quantile(0.5).unwrap();
        assert!((492..=508).contains(&median), "{median}");
        assert!((975..=1000).contains(&all.quantile(0.99).unwrap()));
        assert!((992..=1000).contains(&all.quantile(1.0).unwrap()));
    }

    #[test]
    fn what_is_merged_is_as_if_it_had_been_added() {
        let mut parts = [Sparse::default(), Sparse::default()];
        let mut all = Sparse::default();
        for value in [0, 3, 70, 71, u64::MAX, u64::MAX] {
            parts[usize::from(value > 3)].add(value);
            all.add(value);
        }
        let [mut one, other] = parts;
        one.merge(&other);
        assert_eq!(one, all);
        assert_eq!(all.sum(), u64::MAX);
    }
}
