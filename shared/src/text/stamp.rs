// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times as text. Events come many to a second, so the text of a second is made once.

use crate::kernel::clock::Clock;
use time::OffsetDateTime;

const SECOND_NS: u64 = 1_000_000_000;

/// How a table shows when something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum TimeFormat {
    /// The local time of day
    #[default]
    Time,
    /// The local date and time with the zone
    Date,
    /// The date and time in UTC
    Utc,
    /// Seconds since 1970 (UTC)
    Unix,
    /// Seconds since the tool began to trace
    Elapsed,
    /// Seconds since the row before
    Delta,
}

impl TimeFormat {
    /// How many columns such a text takes, as a rule.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Time => 15,
            Self::Date => 32,
            Self::Utc => 27,
            Self::Unix => 17,
            Self::Elapsed | Self::Delta => 10,
        }
    }
}

/// Writes the times of events.
#[derive(Debug)]
pub(crate) struct Stamp {
    clock: Clock,
    format: TimeFormat,
    opened_ns: u64,
    /// The time that was written last.
    last_ns: Option<u64>,
    utc: Cached<19>,
    local: Cached<8>,
    date: Cached<19>,
}

/// The text of the second that was last asked for.
#[derive(Debug)]
struct Cached<const N: usize> {
    second: Option<u64>,
    text: [u8; N],
}

impl<const N: usize> Cached<N> {
    const EMPTY: Self = Self {
        second: None,
        text: [0; N],
    };

    #[inline]
    fn get(&mut self, second: u64, make: impl FnOnce() -> [u8; N]) -> &[u8; N] {
        if self.second != Some(second) {
            self.text = make();
            self.second = Some(second);
        }
        &self.text
    }
}

impl Stamp {
    pub(crate) fn new(clock: Clock) -> Self {
        Self {
            opened_ns: clock.boot_now_ns(),
            clock,
            format: TimeFormat::default(),
            last_ns: None,
            utc: Cached::EMPTY,
            local: Cached::EMPTY,
            date: Cached::EMPTY,
        }
    }

    /// From now on a table's times are written so.
    pub(crate) fn set_format(&mut self, format: TimeFormat) {
        self.format = format;
    }

    /// Follows the system's clock; to be called once a batch.
    pub(crate) fn refresh(&mut self) {
        if self.clock.refresh() {
            self.local = Cached::EMPTY;
            self.date = Cached::EMPTY;
        }
    }

    /// When something happened, as a table is to show it; its length is returned.
    pub(crate) fn time(&mut self, out: &mut Vec<u8>, boot_ns: u64) -> usize {
        let start = out.len();
        match self.format {
            TimeFormat::Time => return self.time_of_day(out, boot_ns),
            TimeFormat::Date => self.date_and_zone(out, boot_ns),
            TimeFormat::Utc => {
                let unix_ns = self.clock.unix_ns(boot_ns);
                out.extend_from_slice(self.utc_second(unix_ns, boot_ns));
                micros(out, unix_ns);
                out.push(b'Z');
            }
            TimeFormat::Unix => {
                let mut text = [0; SECONDS_BYTES];
                out.extend_from_slice(seconds(&mut text, self.clock.unix_ns(boot_ns)));
            }
            TimeFormat::Elapsed => return self.elapsed(out, boot_ns),
            TimeFormat::Delta => {
                // A row may be of something that happened before the last one.
                let (before, sign) = match self.last_ns.unwrap_or(boot_ns) {
                    last if last > boot_ns => (last - boot_ns, &b"-"[..]),
                    last => (boot_ns - last, &b""[..]),
                };
                let mut text = [0; SECONDS_BYTES];
                out.extend_from_slice(sign);
                out.extend_from_slice(seconds(&mut text, before));
                self.last_ns = Some(boot_ns);
            }
        }
        out.len() - start
    }

    /// `2026-11-22T15:23:08.123456+01:00`
    fn date_and_zone(&mut self, out: &mut Vec<u8>, boot_ns: u64) {
        let unix_ns = self.clock.unix_ns(boot_ns);
        let local = || date_and_time(self.clock.local(boot_ns));
        out.extend_from_slice(self.date.get(unix_ns / SECOND_NS, local));
        micros(out, unix_ns);
        let (hours, minutes, _) = self.clock.local(boot_ns).offset().as_hms();
        let mut zone = *b"+00:00";
        if hours < 0 || minutes < 0 {
            zone[0] = b'-';
        }
        digits(&mut zone[1..3], hours.unsigned_abs().into());
        digits(&mut zone[4..], minutes.unsigned_abs().into());
        out.extend_from_slice(&zone);
    }

    /// `2026-11-22T15:23:08.123456789Z`
    pub(crate) fn rfc3339(&mut self, out: &mut Vec<u8>, boot_ns: u64) {
        let unix_ns = self.clock.unix_ns(boot_ns);
        out.extend_from_slice(self.utc_second(unix_ns, boot_ns));
        let mut fraction = *b".000000000Z";
        digits(&mut fraction[1..10], (unix_ns % SECOND_NS) as u32);
        out.extend_from_slice(&fraction);
    }

    /// `15:23:08.123456` in local time; its length is returned.
    pub(crate) fn time_of_day(&mut self, out: &mut Vec<u8>, boot_ns: u64) -> usize {
        let unix_ns = self.clock.unix_ns(boot_ns);
        let second = self.local.get(unix_ns / SECOND_NS, || {
            let mut text = *b"00:00:00";
            hours_to_seconds(&mut text, self.clock.local(boot_ns));
            text
        });
        out.extend_from_slice(second);
        second.len() + micros(out, unix_ns)
    }

    /// The same in UTC.
    pub(crate) fn time_of_day_utc(&mut self, out: &mut Vec<u8>, boot_ns: u64) -> usize {
        let unix_ns = self.clock.unix_ns(boot_ns);
        let second = &self.utc_second(unix_ns, boot_ns)[11..];
        out.extend_from_slice(second);
        second.len() + micros(out, unix_ns)
    }

    /// `2026-11-22T15:23:08`
    fn utc_second(&mut self, unix_ns: u64, boot_ns: u64) -> &[u8; 19] {
        self.utc.get(unix_ns / SECOND_NS, || {
            date_and_time(self.clock.utc(boot_ns))
        })
    }

    /// Seconds since the output was opened, `1.234567`; its length is returned.
    pub(crate) fn elapsed(&self, out: &mut Vec<u8>, boot_ns: u64) -> usize {
        let mut text = [0; SECONDS_BYTES];
        let text = seconds(&mut text, boot_ns.saturating_sub(self.opened_ns));
        out.extend_from_slice(text);
        text.len()
    }
}

/// Room for the text of any time in [`seconds`].
pub(crate) const SECONDS_BYTES: usize = 18;

/// Seconds with microseconds, `1.234567`.
pub(crate) fn seconds(text: &mut [u8; SECONDS_BYTES], ns: u64) -> &[u8] {
    let mut whole = itoa::Buffer::new();
    let whole = whole.format(ns / SECOND_NS).as_bytes();
    text[..whole.len()].copy_from_slice(whole);
    let end = whole.len() + 7;
    text[whole.len()] = b'.';
    digits(
        &mut text[whole.len() + 1..end],
        (ns % SECOND_NS / 1000) as u32,
    );
    &text[..end]
}

/// The part of a moment that is behind its seconds, `.123456`; its length is returned.
fn micros(out: &mut Vec<u8>, unix_ns: u64) -> usize {
    let mut fraction = *b".000000";
    digits(&mut fraction[1..], (unix_ns % SECOND_NS / 1000) as u32);
    out.extend_from_slice(&fraction);
    fraction.len()
}

fn date_and_time(at: OffsetDateTime) -> [u8; 19] {
    let mut text = *b"0000-00-00T00:00:00";
    digits(&mut text[..4], at.year().unsigned_abs());
    digits(&mut text[5..7], u32::from(u8::from(at.month())));
    digits(&mut text[8..10], u32::from(at.day()));
    hours_to_seconds(&mut text[11..], at);
    text
}

fn hours_to_seconds(text: &mut [u8], at: OffsetDateTime) {
    let (hour, minute, second) = at.to_hms();
    digits(&mut text[..2], u32::from(hour));
    digits(&mut text[3..5], u32::from(minute));
    digits(&mut text[6..8], u32::from(second));
}

/// Fills `text` with the last digits of `value`.
#[inline]
fn digits(text: &mut [u8], mut value: u32) {
    for digit in text.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

#[cfg(test)]
mod tests {
    use super::{SECOND_NS, Stamp};
    use crate::kernel::clock::Clock;
    use time::UtcOffset;
    use time::macros::datetime;

    fn stamp() -> Stamp {
        let moment = datetime!(2026-11-22 23:59:59 UTC).unix_timestamp_nanos();
        let local = UtcOffset::from_hms(5, 30, 0).unwrap();
        Stamp::new(Clock::fixed(moment.try_into().unwrap(), local))
    }

    fn text(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn rfc3339_has_all_nanoseconds() {
        let mut stamp = stamp();
        for (boot_ns, expected) in [
            (0, "2026-11-22T23:59:59.000000000Z"),
            (123_456_789, "2026-11-22T23:59:59.123456789Z"),
            (SECOND_NS + 1, "2026-11-23T00:00:00.000000001Z"),
            (999_999_999, "2026-11-22T23:59:59.999999999Z"),
            (40 * 86_400 * SECOND_NS, "2027-01-01T23:59:59.000000000Z"),
        ] {
            assert_eq!(text(|out| stamp.rfc3339(out, boot_ns)), expected);
        }
    }

    #[test]
    fn time_of_day_is_local() {
        let mut stamp = stamp();
        let first = text(|out| assert_eq!(stamp.time_of_day(out, 1_999), 15));
        assert_eq!(first, "05:29:59.000001");
        let second = text(|out| assert_eq!(stamp.time_of_day(out, 2 * SECOND_NS - 1), 15));
        assert_eq!(second, "05:30:00.999999");
        let utc = text(|out| assert_eq!(stamp.time_of_day_utc(out, 2 * SECOND_NS - 1), 15));
        assert_eq!(utc, "00:00:00.999999");
    }

    #[test]
    fn a_table_has_the_times_that_are_asked_for() {
        use super::TimeFormat::{Date, Delta, Elapsed, Time, Unix, Utc};

        let mut stamp = stamp();
        stamp.opened_ns = 0;
        let at = 1_234_567_890;
        for (format, expected) in [
            (Time, "05:30:00.234567"),
            (Date, "2026-11-23T05:30:00.234567+05:30"),
            (Utc, "2026-11-23T00:00:00.234567Z"),
            (Unix, "1795392000.234567"),
            (Elapsed, "1.234567"),
            (Delta, "0.000000"),
        ] {
            stamp.set_format(format);
            let mut bytes = 0;
            assert_eq!(text(|out| bytes = stamp.time(out, at)), expected);
            assert_eq!(bytes, expected.len());
            assert!(bytes <= format.width(), "{format:?}");
        }
        assert_eq!(text(|out| _ = stamp.time(out, at + 1_500_000)), "0.001500");
        assert_eq!(text(|out| _ = stamp.time(out, at)), "-0.001500");
        let west = UtcOffset::from_hms(-3, -30, 0).unwrap();
        let mut stamp = Stamp::new(Clock::fixed(0, west));
        stamp.set_format(Date);
        let epoch = text(|out| _ = stamp.time(out, 0));
        assert_eq!(epoch, "1969-12-31T20:30:00.000000-03:30");
    }

    #[test]
    fn elapsed_counts_from_the_opening() {
        let mut stamp = stamp();
        stamp.opened_ns = 100;
        let later = 12 * SECOND_NS + 34_567_000 + 100;
        assert_eq!(text(|out| _ = stamp.elapsed(out, later)), "12.034567");
        assert_eq!(text(|out| _ = stamp.elapsed(out, 99)), "0.000000");
    }
}
