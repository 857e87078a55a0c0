// SPDX-License-Identifier: MIT OR Apache-2.0
//! Since when a log's times count: the rule of `HistogramLogReader`, HdrHistogram's own.
//!
//! Times of intervals count from the `BaseTime`. A log without one says absolute times; unless its first is more than a
//! year before its `StartTime`, which they then count from.

use std::time::Duration;

/// A moment or a length in microseconds: what a log says has three decimals, or six.
pub(super) type Micros = i64;

/// The end of the year 9999.
const LAST: Micros = 253_402_300_799_999_999;

const YEAR: Micros = 365 * 24 * 3600 * 1_000_000;

/// What a number of seconds says.
pub(super) fn seconds(text: &str) -> Result<Micros, String> {
    let number = text.parse::<f64>().ok().filter(|number| number.is_finite());
    let micros = number.ok_or_else(|| format!("'{}' is no number of seconds", shown(text)))? * 1e6;
    if micros.abs() > LAST as f64 {
        return Err(format!(
            "{} seconds are past the year 9999; times in a log are seconds, with a fraction",
            shown(text)
        ));
    }
    Ok((micros.round() as Micros).clamp(-LAST, LAST))
}

fn shown(text: &str) -> String {
    super::tag_shown(&text.chars().take(40).collect::<String>())
}

/// What a log's head says of its times.
#[derive(Debug, Default)]
pub(super) struct Times {
    start: Option<Micros>,
    base: Option<Micros>,
}

impl Times {
    pub(super) fn started(&mut self, start: Micros) {
        self.start = Some(start);
    }

    pub(super) fn based(&mut self, base: Micros) {
        self.base = Some(base);
    }

    /// When the log begins, if it says so.
    pub(super) fn start(&self) -> Option<Duration> {
        since_epoch(self.start?).ok()
    }

    /// The moment of a time in the log, since the Unix epoch.
    pub(super) fn moment(&mut self, time: Micros) -> Result<Duration, String> {
        let start = self.start.unwrap_or(time);
        let relative = time < start.saturating_sub(YEAR);
        let base = *self.base.get_or_insert(if relative { start } else { 0 });
        since_epoch(base + time)
    }
}

fn since_epoch(moment: Micros) -> Result<Duration, String> {
    match u64::try_from(moment) {
        Ok(micros) if moment <= LAST => Ok(Duration::from_micros(micros)),
        Ok(_) => Err("its time is past the year 9999".to_owned()),
        Err(_) => Err("its time is before the year 1970".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{Times, seconds};

    fn moments(start: Option<&str>, base: Option<&str>, times: &[&str]) -> Vec<f64> {
        let mut head = Times::default();
        if let Some(start) = start {
            head.started(seconds(start).unwrap());
        }
        if let Some(base) = base {
            head.based(seconds(base).unwrap());
        }
        let times = times.iter().map(|time| seconds(time).unwrap());
        times
            .map(|time| head.moment(time).unwrap().as_secs_f64())
            .collect()
    }

    #[test]
    fn times_count_from_where_their_writer_counted() {
        let now = "1700000000";
        // With a BaseTime, from there.
        assert_eq!(moments(Some(now), Some(now), &["5.25"]), [1_700_000_005.25]);
        assert_eq!(
            moments(None, Some("1700000000.5"), &["0"]),
            [1_700_000_000.5]
        );
        assert_eq!(moments(Some(now), Some("0"), &["5"]), [5.0]);
        // Without one, a time of long ago counts from the StartTime; and so do those that follow.
        assert_eq!(
            moments(Some(now), None, &["0.127", "1.127", "1700000000"]),
            [1_700_000_000.127, 1_700_000_001.127, 3_400_000_000.0]
        );
        // One of the year before it is absolute.
        let year = 365.0 * 86_400.0;
        let (just, past) = (1_700_000_000.0 - year, 1_700_000_000.0 - year - 0.001);
        assert_eq!(moments(Some(now), None, &[&just.to_string()]), [just]);
        assert_eq!(
            moments(Some(now), None, &[&past.to_string()]),
            [past + 1.7e9]
        );
        // With neither, times are absolute.
        assert_eq!(moments(None, None, &["0.127", "1.5"]), [0.127, 1.5]);
        assert_eq!(
            moments(None, None, &["1700000000.123"]),
            [1_700_000_000.123]
        );
    }

    #[test]
    fn times_that_nobody_means_are_told() {
        for (text, says) in [
            ("9999999999999999999.0", "past the year 9999"),
            ("1700000000123000", "past the year 9999"),
            ("-1e300", "past the year 9999"),
            ("inf", "no number"),
            ("NaN", "no number"),
            ("", "no number"),
            ("12:30", "no number"),
        ] {
            let why = seconds(text).unwrap_err();
            assert!(why.contains(says), "{text}: {why}");
        }
        let mut head = Times::default();
        head.based(seconds("253402300799").unwrap());
        assert!(head.moment(seconds("253402300799").unwrap()).is_err());
        assert!(head.moment(seconds("-253402300799.5").unwrap()).is_err());
        assert!(head.moment(0).is_ok());
    }

    /// What no log says is not made up: a length that is counted from it would be one from 1970 on.
    #[test]
    fn a_start_that_is_not_said_is_none() {
        let mut head = Times::default();
        head.based(seconds("1700000000").unwrap());
        head.moment(0).unwrap();
        assert_eq!(head.start(), None);
    }
}
