// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which values a histogram of a log does not tell apart: HdrHistogram's buckets, numbered from 0.
//!
//! Below `2^(unit + sub)` each `2^unit` values share a bucket. From there on each power of two has half as many
//! buckets as all that is below.

/// How finely values are told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    /// Values below this power of two are not told apart.
    unit: u32,
    /// Decimal digits that are kept, 0 to [`DIGITS_MAX`].
    digits: u8,
}

/// What there is a format for.
pub(super) const DIGITS_MAX: u8 = 5;

impl Layout {
    /// `None` of what is no layout: a smallest value of 0, more digits than there are, or both too large together.
    pub(super) fn new(smallest: u64, digits: u8) -> Option<Self> {
        let unit = smallest.checked_ilog2()?;
        let layout = Self { unit, digits };
        (digits <= DIGITS_MAX && unit + layout.sub() <= 63).then_some(layout)
    }

    /// The digits that it keeps.
    pub(super) fn digits(self) -> u8 {
        self.digits
    }

    /// The smallest value that is told from 0.
    pub(super) fn smallest(self) -> u64 {
        1 << self.unit
    }

    /// The same with no more digits than this.
    pub(super) fn at_most(self, digits: u8) -> Self {
        Self {
            digits: self.digits.min(digits),
            ..self
        }
    }

    /// The finer of both in each respect.
    pub(super) fn finer(self, other: Self) -> Self {
        let finer = Self {
            unit: self.unit.min(other.unit),
            digits: self.digits.max(other.digits),
        };
        debug_assert!(finer.unit + finer.sub() <= 63);
        finer
    }

    /// So many buckets, as a power of two, are of the size of the unit: enough for twice the numbers of its digits.
    fn sub(self) -> u32 {
        (2 * 10_u32.pow(self.digits.into()))
            .next_power_of_two()
            .ilog2()
    }

    /// How many buckets it takes for all values of 64 bits.
    pub(super) fn buckets(self) -> u32 {
        (64 - self.unit - self.sub() + 2) << (self.sub() - 1)
    }

    /// The smallest value of a bucket, and how many it has, as a power of two. The index is below
    /// [`buckets`](Self::buckets).
    fn place(self, index: u32) -> (u64, u32) {
        let half = self.sub() - 1;
        let (power, offset) = match index >> half {
            0 | 1 => (0, index),
            row => (row - 1, index - ((row - 1) << half)),
        };
        let width = power + self.unit;
        (u64::from(offset) << width, width)
    }

    /// The smallest value of a bucket.
    pub(super) fn low(self, index: u32) -> u64 {
        self.place(index).0
    }

    /// The largest.
    pub(super) fn high(self, index: u32) -> u64 {
        let (low, width) = self.place(index);
        low + ((1 << width) - 1)
    }

    /// The one in the middle.
    pub(super) fn middle(self, index: u32) -> u64 {
        let (low, width) = self.place(index);
        low + ((1 << width) >> 1)
    }

    /// The bucket of a value.
    pub(super) fn index(self, value: u64) -> u32 {
        let half = self.sub() - 1;
        let bits = 64 - (value | (self.smallest() << half)).leading_zeros();
        let power = bits.saturating_sub(self.unit + self.sub());
        let offset = (value >> (power + self.unit)) as u32;
        offset + (power << half)
    }
}

#[cfg(test)]
mod tests {
    use super::Layout;

    #[test]
    fn buckets_are_those_of_the_crate() {
        for (smallest, digits) in [(1, 0), (1, 1), (1, 2), (1, 3), (7, 3), (1_000, 3), (1, 5)] {
            let layout = Layout::new(smallest, digits).unwrap();
            let theirs =
                hdrhistogram::Histogram::<u64>::new_with_bounds(smallest, u64::MAX, digits)
                    .unwrap();
            assert_eq!(layout.buckets() as usize, theirs.distinct_values());
            let mut value = 0_u64;
            while value < u64::MAX / 2 {
                let index = layout.index(value);
                assert_eq!(
                    layout.low(index),
                    theirs.lowest_equivalent(value),
                    "{value}"
                );
                assert_eq!(
                    layout.high(index),
                    theirs.highest_equivalent(value),
                    "{value}"
                );
                assert_eq!(
                    layout.middle(index),
                    theirs.median_equivalent(value),
                    "{value}"
                );
                value += 1 + value / 3;
            }
            let last = layout.buckets() - 1;
            assert_eq!(layout.high(last), u64::MAX);
            assert_eq!(layout.index(u64::MAX), last);
        }
    }

    #[test]
    fn what_is_no_layout_is_none() {
        for (smallest, digits) in [(0, 3), (1, 6), (1 << 53, 3), (u64::MAX, 0), (1, 255)] {
            assert_eq!(Layout::new(smallest, digits), None, "{smallest} {digits}");
        }
    }
}
