// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a histogram says in one number, and conditions on how that changed: `p99>+20%`.

use std::fmt;
use std::str::FromStr;

use super::log::Logged;

/// One number of a histogram.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Quantity {
    /// This share of all values is no larger.
    Percentile(f64),
    Max,
    Mean,
    Count,
}

impl Quantity {
    /// Its value: nanoseconds, or a number of values.
    pub(crate) fn of(self, histogram: &Logged) -> f64 {
        match self {
            // 99.9 / 100.0 is a trifle more than 0.999, and of 2000 values that trifle would be one.
            Self::Percentile(percent) => {
                let share = (percent * 1e10).round() / 1e12;
                histogram.value_at_quantile(share) as f64
            }
            Self::Max => histogram.max() as f64,
            Self::Mean => histogram.mean(),
            Self::Count => histogram.len() as f64,
        }
    }
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "max" => return Ok(Self::Max),
            "mean" => return Ok(Self::Mean),
            "count" => return Ok(Self::Count),
            _ => {}
        }
        text.strip_prefix('p')
            .and_then(|percent| percent.parse().ok())
            .filter(|percent| (0.0..=100.0).contains(percent))
            .map(Self::Percentile)
            .ok_or_else(|| format!("'{text}' is not p50, p99.9, max, mean or count"))
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Percentile(percent) => write!(f, "p{percent}"),
            Self::Max => f.write_str("max"),
            Self::Mean => f.write_str("mean"),
            Self::Count => f.write_str("count"),
        }
    }
}

/// What must not be.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Condition {
    text: String,
    quantity: Quantity,
    above: bool,
    limit: Limit,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Limit {
    /// A change, as a share of the value before.
    Change(f64),
    /// A value: nanoseconds, or a number of values.
    Value(f64),
}

impl Condition {
    /// Whether it is so. Without any value on a side that it takes, it cannot be said that it is not: an error.
    pub(crate) fn holds(&self, before: &Logged, after: &Logged) -> Result<bool, &'static str> {
        if after.is_empty() {
            return Err("it is not in the second file");
        }
        let now = self.quantity.of(after);
        let limit = match self.limit {
            Limit::Value(value) => value,
            Limit::Change(_) if before.is_empty() => return Err("it is not in the first file"),
            Limit::Change(share) => self.quantity.of(before) * (1.0 + share),
        };
        Ok(if self.above { now > limit } else { now < limit })
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl FromStr for Condition {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let at = text
            .find(['<', '>'])
            .ok_or("there is no < or > in it; a condition is such as 'p99>+20%' or 'max>5ms'")?;
        let (quantity, rest) = text.split_at(at);
        let above = rest.starts_with('>');
        let limit = rest.get(1..).unwrap_or_default().trim();
        let quantity: Quantity = quantity.trim().parse()?;
        Ok(Self {
            text: text.to_owned(),
            limit: parse_limit(limit, quantity)?,
            quantity,
            above,
        })
    }
}

fn parse_limit(text: &str, quantity: Quantity) -> Result<Limit, String> {
    let number = |text: &str| {
        let number: Option<f64> = text.parse().ok();
        number.filter(|number| number.is_finite())
    };
    let wrong = || format!("'{text}' is no limit, such as +20%, -10% or 5ms");
    if let Some(percent) = text.strip_suffix('%') {
        // With its sign: what is more than 20 % would else be anybody's guess.
        let signed = percent.starts_with(['+', '-']);
        return match number(percent) {
            Some(percent) if signed => Ok(Limit::Change(percent / 100.0)),
            _ => Err(wrong()),
        };
    }
    if quantity == Quantity::Count {
        return number(text)
            .filter(|count| *count >= 0.0)
            .map(Limit::Value)
            .ok_or_else(wrong);
    }
    humantime::parse_duration(text)
        .map(|time| Limit::Value(time.as_nanos() as f64))
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::{Condition, Quantity};
    use crate::hist::log::{Logged, empty};

    fn of(values: &[u64]) -> Logged {
        let mut histogram = empty().unwrap();
        for value in values {
            histogram.record(*value).unwrap();
        }
        histogram
    }

    #[test]
    fn conditions_say_what_must_not_be() {
        let (before, after) = (of(&[1_000; 100]), of(&[1_250; 100]));
        for (text, holds) in [
            ("p99>+20%", true),
            ("p99>+30%", false),
            ("p50 > +0%", true),
            ("p99.9<+20%", false),
            ("mean>+24.9%", true),
            ("max>1us", true),
            ("max>2us", false),
            ("p50<-10%", false),
            ("count<100", false),
            ("count<101", true),
            ("count>+0%", false),
        ] {
            let condition: Condition = text.parse().unwrap();
            assert_eq!(condition.holds(&before, &after), Ok(holds), "{text}");
        }
    }

    #[test]
    fn a_rank_that_is_whole_is_that_one() {
        let values: Vec<u64> = (1..=1_000).collect();
        let histogram = of(&values);
        for (percent, rank) in [(99.9, 999.0), (99.0, 990.0), (50.0, 500.0), (0.1, 1.0)] {
            assert_eq!(
                Quantity::Percentile(percent).of(&histogram),
                rank,
                "{percent}"
            );
        }
    }

    #[test]
    fn what_is_not_there_cannot_be_judged() {
        let (some, none) = (of(&[7]), of(&[]));
        let change: Condition = "p99>+20%".parse().unwrap();
        assert!(change.holds(&none, &some).is_err());
        assert!(change.holds(&some, &none).is_err());
        let value: Condition = "p99>1s".parse().unwrap();
        assert_eq!(value.holds(&none, &some), Ok(false));
    }

    #[test]
    fn mistakes_are_told() {
        for bad in [
            "",
            "p99",
            "p99=5ms",
            "p101>1ms",
            "p-1>1ms",
            "pxx>1ms",
            "p99>",
            "p99>20%",
            "p99>5",
            "p99>+x%",
            "p99>+nan%",
            "count>5ms",
            "count>-1",
            "avg>1ms",
            "p99>>1ms",
        ] {
            assert!(bad.parse::<Condition>().is_err(), "{bad}");
        }
        assert_eq!("p99.9".parse(), Ok(Quantity::Percentile(99.9)));
    }
}
