// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a histogram says in one number, and conditions on how that changed: `p99>+20%`.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use tracewell_shared::hist::log::Spread;

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
    pub(crate) fn of(self, values: &Spread) -> f64 {
        match self {
            // 99.9 / 100.0 is a trifle more than 0.999, and of 2000 values that trifle would be one.
            Self::Percentile(percent) => {
                let share = (percent * 1e10).round() / 1e12;
                values.quantile(share) as f64
            }
            Self::Max => values.max() as f64,
            Self::Mean => values.mean(),
            Self::Count => values.len() as f64,
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

/// What one of two logs has of a tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Side<'a> {
    pub(crate) values: &'a Spread,
    /// Whether the log has a record of the tag at all.
    pub(crate) is_there: bool,
    /// For how long the log was recorded.
    pub(crate) recorded: Duration,
}

impl Side<'_> {
    /// How many values came in a second; `None` where nobody knows how many seconds there were.
    pub(crate) fn rate(&self) -> Option<f64> {
        let seconds = self.recorded.as_secs_f64();
        (seconds > 0.0).then(|| self.values.len() as f64 / seconds)
    }

    /// What is compared of it.
    fn compared(&self, quantity: Quantity) -> Result<f64, &'static str> {
        match quantity {
            Quantity::Count => self
                .rate()
                .ok_or("counts are compared as rates, and one file does not say for how long it was recorded"),
            _ => Ok(quantity.of(self.values)),
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
    /// Whether it is so. Without any value on a side that it takes, it cannot be said that it is not: an error. A change
    /// of the count is one of its rate, since the two logs may be of different lengths.
    pub(crate) fn holds(&self, before: &Side<'_>, after: &Side<'_>) -> Result<bool, &'static str> {
        if after.values.is_empty() {
            return Err("it is not in the second file");
        }
        let (now, limit) = match self.limit {
            Limit::Value(value) => (self.quantity.of(after.values), value),
            Limit::Change(_) if before.values.is_empty() => {
                return Err("it is not in the first file");
            }
            Limit::Change(share) => {
                let then = before.compared(self.quantity)?;
                (after.compared(self.quantity)?, then * (1.0 + share))
            }
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
    let limit = if quantity == Quantity::Count {
        "1000"
    } else {
        "5ms"
    };
    let wrong = || {
        format!(
            "'{text}' is no limit: type a change such as {quantity}>+20% or {quantity}<-10%, or a limit such as {quantity}>{limit}"
        )
    };
    let signed = text.strip_prefix(['+', '-']);
    if let Some(percent) = text.strip_suffix('%') {
        return match number(percent) {
            Some(percent) if signed.is_some() => Ok(Limit::Change(percent / 100.0)),
            // What is more than 20 % would else be anybody's guess.
            Some(_) => Err(format!(
                "'{text}' has no sign: type +{text} for that much more than before, -{text} for that much less"
            )),
            None => Err(wrong()),
        };
    }
    if let Some(plain) = signed {
        // A sign is for changes, and a change has its percent sign: which of both was forgotten is not guessed.
        let change = if number(plain).is_some() { text } else { "+20" };
        return Err(format!(
            "'{text}' has a sign and no %: type {change}% for a change, or {plain} for a limit that does not depend on \
             the file before"
        ));
    }
    if quantity == Quantity::Count {
        return number(text).map(Limit::Value).ok_or_else(wrong);
    }
    if number(text).is_some() {
        return Err(format!(
            "'{text}' has no unit: type {text}us, {text}ms or {text}s"
        ));
    }
    humantime::parse_duration(text)
        .map(|time| Limit::Value(time.as_nanos() as f64))
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use hdrhistogram::Histogram;
    use tempfile::NamedTempFile;
    use tracewell_shared::hist::log::{Log, Record, Recorder, Spread, Tags};

    use super::{Condition, Quantity, Side};

    /// These values, as they come back from a log.
    fn spread(values: &[u64]) -> Spread {
        let file = NamedTempFile::new().unwrap();
        let mut recorder = Recorder::create(file.path(), Duration::ZERO).unwrap();
        let mut histogram = Histogram::new(3).unwrap();
        for value in values {
            histogram.record(*value).unwrap();
        }
        let record = Record {
            tag: None,
            start: Duration::ZERO,
            length: Duration::from_secs(1),
            histogram: &histogram,
        };
        recorder.add(&record).unwrap();
        recorder.flush().unwrap();
        let mut tags = Tags::default();
        let mut log = Log::open(file.path()).unwrap();
        log.read(&mut |interval| tags.add(interval)).unwrap();
        let (_, all) = tags.iter().next().unwrap();
        all.values.clone()
    }

    fn side(values: &Spread, seconds: u64) -> Side<'_> {
        Side {
            values,
            is_there: !values.is_empty(),
            recorded: Duration::from_secs(seconds),
        }
    }

    fn holds(condition: &str, before: &Side<'_>, after: &Side<'_>) -> Result<bool, &'static str> {
        let condition: Condition = condition.parse().unwrap();
        condition.holds(before, after)
    }

    #[test]
    fn conditions_say_what_must_not_be() {
        let (before, after) = (spread(&[1_000; 100]), spread(&[1_250; 100]));
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
            let told = self::holds(text, &side(&before, 10), &side(&after, 10));
            assert_eq!(told, Ok(holds), "{text}");
        }
    }

    /// A minute beside an hour: sixty times as many are no more in a second.
    #[test]
    fn counts_are_compared_as_rates() {
        let (minute, hour) = (spread(&[1; 100]), spread(&[1; 6_000]));
        for (condition, seconds, holds) in [
            ("count>+1%", 3_600, false),
            ("count<-1%", 3_600, false),
            ("count>+50%", 1_800, true),
            ("count<-40%", 7_200, true),
            // A number is one of the file after, however long that is.
            ("count>5999", 3_600, true),
            ("count<6000", 60, false),
        ] {
            let told = self::holds(condition, &side(&minute, 60), &side(&hour, seconds));
            assert_eq!(told, Ok(holds), "{condition}");
        }
        let why = holds("count>+1%", &side(&minute, 0), &side(&hour, 60)).unwrap_err();
        assert!(why.contains("for how long"), "{why}");
        assert_eq!(
            holds("p50>+1%", &side(&minute, 0), &side(&hour, 0)),
            Ok(false)
        );
    }

    #[test]
    fn a_rank_that_is_whole_is_that_one() {
        let values: Vec<u64> = (1..=1_000).collect();
        let histogram = spread(&values);
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
        let (some, none) = (spread(&[7]), Spread::default());
        let (some, none) = (side(&some, 1), side(&none, 1));
        assert!(holds("p99>+20%", &none, &some).is_err());
        assert!(holds("p99>+20%", &some, &none).is_err());
        assert!(holds("count<-20%", &some, &none).is_err());
        assert_eq!(holds("p99>1s", &none, &some), Ok(false));
    }

    #[test]
    fn mistakes_are_told() {
        for (bad, says) in [
            ("", "no < or >"),
            ("p99", "no < or >"),
            ("p99=5ms", "no < or >"),
            ("p101>1ms", "p101"),
            ("p-1>1ms", "p-1"),
            ("pxx>1ms", "pxx"),
            ("avg>1ms", "avg"),
            ("p99>", "type a change such as p99>+20%"),
            ("p99>>1ms", "type a change"),
            ("p99>+x%", "type a change"),
            ("p99>+nan%", "type a change"),
            ("count>5ms", "a limit such as count>1000"),
            ("count>inf", "a limit such as count>1000"),
            ("p99>20%", "type +20% for"),
            ("count<50%", "type +50% for"),
            ("count>+20", "type +20% for a change, or 20 for"),
            ("count<-1", "type -1% for a change, or 1 for"),
            ("p99>+5ms", "or 5ms for a limit"),
            ("p99>5", "type 5us, 5ms or 5s"),
        ] {
            let why = bad.parse::<Condition>().unwrap_err();
            assert!(why.contains(says), "{bad}: {why}");
        }
        assert_eq!("p99.9".parse(), Ok(Quantity::Percentile(99.9)));
    }
}
