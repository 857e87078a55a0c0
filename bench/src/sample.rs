// SPDX-License-Identifier: MIT OR Apache-2.0
//! The values of one figure over the rounds.

use serde_derive::Serialize;

/// Values of the same figure, at least one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Sample {
    /// The middle value, or the mean of the two middle ones.
    pub median: f64,
    /// The smallest.
    pub min: f64,
    /// The largest.
    pub max: f64,
    /// All, in the order they were taken.
    pub values: Vec<f64>,
}

impl Sample {
    /// The sample of `values`; `None` if there are none.
    #[must_use]
    pub fn new(values: Vec<f64>) -> Option<Self> {
        let mut sorted = values.clone();
        sorted.sort_by(f64::total_cmp);
        let middle = sorted.len() / 2;
        let median = if sorted.len().is_multiple_of(2) {
            f64::midpoint(*sorted.get(middle.wrapping_sub(1))?, *sorted.get(middle)?)
        } else {
            *sorted.get(middle)?
        };
        Some(Self {
            median,
            min: *sorted.first()?,
            max: *sorted.last()?,
            values,
        })
    }
}

/// `ours / peer` of the medians. `None` where a ratio means nothing: the peer's figure is not positive.
#[must_use]
pub fn ratio(ours: &Sample, peer: &Sample) -> Option<f64> {
    (peer.median > 0.0).then(|| ours.median / peer.median)
}

#[cfg(test)]
mod tests {
    use super::Sample;
    use super::ratio;

    fn sample(values: &[f64]) -> Sample {
        Sample::new(values.to_vec()).unwrap()
    }

    #[test]
    fn the_median_does_not_follow_an_outlier() {
        let odd = sample(&[3.0, 1_000.0, 1.0]);
        assert_eq!((odd.median, odd.min, odd.max), (3.0, 1.0, 1_000.0));
        assert_eq!(odd.values, [3.0, 1_000.0, 1.0]);
        assert_eq!(sample(&[4.0, 1.0, 2.0, 9.0]).median, 3.0);
        assert_eq!(sample(&[5.0]).median, 5.0);
        assert_eq!(Sample::new(Vec::new()), None);
    }

    #[test]
    fn a_ratio_needs_something_to_compare_with() {
        assert_eq!(ratio(&sample(&[1.0]), &sample(&[4.0])), Some(0.25));
        assert_eq!(ratio(&sample(&[-1.0]), &sample(&[4.0])), Some(-0.25));
        assert_eq!(ratio(&sample(&[1.0]), &sample(&[0.0])), None);
        assert_eq!(ratio(&sample(&[1.0]), &sample(&[-2.0])), None);
    }
}
