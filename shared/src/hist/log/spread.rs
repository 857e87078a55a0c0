// SPDX-License-Identifier: MIT OR Apache-2.0
//! How values are spread, as logs tell it: the buckets that are not empty, and no others.

use super::layout::Layout;
use super::{Logged, empty};
use crate::error::{Error, Kind, Result};

/// The digits that are kept, whatever a log has: a histogram then has at most some 56,000 buckets.
pub(super) const DIGITS_KEPT: u8 = 3;

/// Values in buckets, to as many significant digits as their log has, and three at most.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spread {
    /// `None` as long as there is no value.
    layout: Option<Layout>,
    /// The buckets that are not empty and their counts, by rising number.
    counts: Vec<(u32, u64)>,
    total: u64,
}

/// There are more values than can be counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TooMany;

impl Spread {
    /// How many values there are.
    pub fn len(&self) -> u64 {
        self.total
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.total == 0
    }

    /// No value is larger; 0 where there is none.
    pub fn max(&self) -> u64 {
        self.buckets()
            .last()
            .map_or(0, |(layout, index, _)| layout.high(index))
    }

    /// The mean of the middles of the buckets; 0 where there is none.
    pub fn mean(&self) -> f64 {
        let total = self.total.max(1) as f64;
        self.buckets().fold(0.0, |mean, (layout, index, count)| {
            mean + layout.middle(index) as f64 * (count as f64 / total)
        })
    }

    /// The largest value of the bucket that this share of all values does not exceed; 0 where there is none.
    pub fn quantile(&self, share: f64) -> u64 {
        let rank = ((share * self.total as f64).ceil() as u64).clamp(1, self.total.max(1));
        let mut seen = 0;
        let found = self.buckets().find(|(_, _, count)| {
            seen += count;
            seen >= rank
        });
        found.map_or(0, |(layout, index, _)| layout.high(index))
    }

    fn buckets(&self) -> impl DoubleEndedIterator<Item = (Layout, u32, u64)> + '_ {
        let counts = self.layout.map(|layout| (layout, &self.counts));
        counts.into_iter().flat_map(|(layout, counts)| {
            let counts = counts.iter();
            counts.map(move |(index, count)| (layout, *index, *count))
        })
    }

    /// Empties it, for values of this layout.
    pub(super) fn begin(&mut self, layout: Layout) {
        self.layout = Some(layout.at_most(DIGITS_KEPT));
        self.counts.clear();
        self.total = 0;
    }

    /// Adds values of one bucket of the layout that it was begun with; buckets come by rising number.
    pub(super) fn push(&mut self, from: Layout, index: u32, count: u64) -> Result<(), TooMany> {
        let Some(layout) = self.layout else {
            return Ok(());
        };
        let index = match layout == from {
            true => index,
            false => layout.index(from.low(index)),
        };
        self.total = self.total.checked_add(count).ok_or(TooMany)?;
        match self.counts.last_mut() {
            Some((last, all)) if *last == index => *all += count,
            _ => self.counts.push((index, count)),
        }
        Ok(())
    }

    /// Adds all values of another.
    ///
    /// # Errors
    ///
    /// When there are then more than can be counted; it stays as it was.
    pub fn add(&mut self, other: &Self) -> Result<(), TooMany> {
        let Some(theirs) = other.layout.filter(|_| !other.is_empty()) else {
            return Ok(());
        };
        let total = self.total.checked_add(other.total).ok_or(TooMany)?;
        let ours = self.layout.filter(|_| !self.is_empty()).unwrap_or(theirs);
        let layout = ours.finer(theirs);
        if self.layout != Some(layout) {
            self.counts = moved(&self.counts, ours, layout);
            self.layout = Some(layout);
        }
        if theirs == layout {
            self.join(&other.counts);
        } else {
            self.join(&moved(&other.counts, theirs, layout));
        }
        self.total = total;
        Ok(())
    }

    /// Adds counts by rising number. Most of a tag's records have the same buckets, so that is one walk along both.
    fn join(&mut self, others: &[(u32, u64)]) {
        let mut new = Vec::new();
        let mut at = 0;
        for &(index, count) in others {
            let rest = self.counts.get(at..).unwrap_or_default();
            at += rest.partition_point(|(here, _)| *here < index);
            match self.counts.get_mut(at) {
                Some((here, all)) if *here == index => *all += count,
                _ => new.push((index, count)),
            }
        }
        if !new.is_empty() {
            self.counts.append(&mut new);
            // Two runs that rise, which this sort takes as they are.
            self.counts.sort_by_key(|(index, _)| *index);
        }
    }

    /// The same, as it is written.
    ///
    /// # Errors
    ///
    /// Never, as all values are some that a histogram can have.
    pub fn to_logged(&self) -> Result<Logged> {
        let strange = |why: String| Error::new(Kind::Io, why);
        let Some(layout) = self.layout else {
            return empty();
        };
        let smallest = layout.smallest();
        let most = self.max().max(2 * smallest);
        let mut logged = Logged::new_with_bounds(smallest, most, layout.digits())
            .map_err(|error| strange(error.to_string()))?;
        for (layout, index, count) in self.buckets() {
            logged
                .record_n(layout.low(index), count)
                .map_err(|error| strange(error.to_string()))?;
        }
        Ok(logged)
    }
}

/// The counts in a finer layout: a bucket's values are all taken for the one in its middle.
fn moved(counts: &[(u32, u64)], from: Layout, to: Layout) -> Vec<(u32, u64)> {
    let counts = counts.iter();
    counts
        .map(|(index, count)| (to.index(from.middle(*index)), *count))
        .collect()
}

#[cfg(test)]
impl Spread {
    /// How many buckets are kept.
    pub(super) fn bucket_count(&self) -> usize {
        self.counts.len()
    }

    /// Of these values, to three digits.
    pub(crate) fn of(values: &[u64]) -> Self {
        let layout = Layout::new(1, DIGITS_KEPT).unwrap();
        let mut values = values.to_vec();
        values.sort_unstable();
        let mut spread = Self::default();
        spread.begin(layout);
        for value in values {
            spread.push(layout, layout.index(value), 1).unwrap();
        }
        spread
    }
}

#[cfg(test)]
mod tests {
    use super::super::layout::Layout;
    use super::{Spread, TooMany};

    /// Values over nine powers of ten.
    fn values(count: u64) -> Vec<u64> {
        let mut state = 88_172_645_463_325_252_u64;
        let next = |_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state % 10_u64.pow((state >> 40) as u32 % 9 + 1)
        };
        (0..count).map(next).collect()
    }

    #[test]
    fn numbers_are_those_of_the_crate() {
        let values = values(20_000);
        let mut theirs = super::empty().unwrap();
        values
            .iter()
            .for_each(|value| theirs.record(*value).unwrap());
        let mut ours = Spread::default();
        for part in values.chunks(777) {
            ours.add(&Spread::of(part)).unwrap();
        }
        assert_eq!(ours, Spread::of(&values));
        assert_eq!((ours.len(), ours.max()), (theirs.len(), theirs.max()));
        assert!((ours.mean() / theirs.mean() - 1.0).abs() < 1e-9);
        for share in [0.001, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
            assert_eq!(ours.quantile(share), theirs.value_at_quantile(share));
        }
        assert!(ours.to_logged().unwrap() == theirs);
    }

    #[test]
    fn layouts_meet_in_the_finer_one() {
        let coarse = Layout::new(1, 1).unwrap();
        let wide = Layout::new(1_000, 3).unwrap();
        let mut both = Spread::default();
        for layout in [coarse, wide] {
            let mut one = Spread::default();
            one.begin(layout);
            one.push(layout, layout.index(1_000_000), 10).unwrap();
            both.add(&one).unwrap();
        }
        both.add(&Spread::of(&[1, 2])).unwrap();
        assert_eq!(both.len(), 22);
        assert_eq!(both.quantile(0.01), 1);
        let far = both.quantile(0.5).abs_diff(1_000_000);
        assert!(far < 50_000, "a tenth of a digit: {far}");
    }

    #[test]
    fn more_than_can_be_counted_is_told() {
        let layout = Layout::new(1, 3).unwrap();
        let mut most = Spread::default();
        most.begin(layout);
        most.push(layout, 5, u64::MAX).unwrap();
        assert_eq!(most.push(layout, 5, 1), Err(TooMany));
        assert_eq!(most.clone().add(&Spread::of(&[1])), Err(TooMany));
        assert_eq!(most.quantile(0.5), 5);
        assert_eq!(Spread::default().quantile(0.5), 0);
    }
}
