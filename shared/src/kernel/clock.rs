// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the kernel's clock to the wall clock.
//!
//! Events carry nanoseconds of `CLOCK_BOOTTIME`, taken in the kernel when they happened. That clock
//! counts through a suspend, so only a step of the wall clock moves the difference between the two.
//!
//! In a time namespace, such as a container's, a process is told another boot time than the kernel takes: it is that of
//! the initial namespace everywhere here, and `/proc` is the only place that shows the other.

use std::fs;
use std::sync::OnceLock;

use nix::time::{ClockId, clock_gettime};
use time::{OffsetDateTime, UtcOffset};

const SECOND_NS: u64 = 1_000_000_000;

/// A difference that moved by more than this is a step of the wall clock; less is noise.
const STEP_NS: u64 = 500_000;

/// Time zones change their offset on quarters of an hour, so it is asked for once in each.
const ZONE_NS: u64 = 15 * 60 * SECOND_NS;

/// How often the clocks are read to find the closest pair of readings.
const READINGS: usize = 5;

/// Converts the kernel's boot-time nanoseconds to wall-clock time.
#[derive(Debug, Clone)]
pub struct Clock {
    /// What must be added to boot time to make it time since the epoch.
    offset_ns: i64,
    /// The local time zone's offset from UTC.
    local: UtcOffset,
    /// When the clocks were last compared, in boot time; `None` for a clock that is fixed.
    taken_ns: Option<u64>,
}

impl Clock {
    /// A clock that agrees with the system's, as of now.
    pub fn new() -> Self {
        let offset_ns = measure();
        let boot_ns = boot_now_ns();
        let mut clock = Self {
            offset_ns,
            local: UtcOffset::UTC,
            taken_ns: Some(boot_ns),
        };
        clock.local = local_offset(clock.utc(boot_ns)).unwrap_or(UtcOffset::UTC);
        clock
    }

    /// A clock that never changes: boot time plus `offset_ns`, in the zone `local`. For tests and
    /// for events that another machine recorded.
    pub fn fixed(offset_ns: i64, local: UtcOffset) -> Self {
        Self {
            offset_ns,
            local,
            taken_ns: None,
        }
    }

    /// Follows a step of the wall clock or a change of the local offset. Cheap enough to be called
    /// once a batch: it compares the clocks at most once a second. Says whether anything changed.
    pub fn refresh(&mut self) -> bool {
        let Some(taken_ns) = self.taken_ns else {
            return false;
        };
        let now_ns = boot_now_ns();
        if now_ns.saturating_sub(taken_ns) < SECOND_NS {
            return false;
        }
        let zone_before = self.unix_ns(taken_ns) / ZONE_NS;
        self.taken_ns = Some(now_ns);
        let mut changed = self.adopt(measure());
        if self.unix_ns(now_ns) / ZONE_NS != zone_before {
            // Without an answer the old offset stays, which is right most of the year.
            let local = local_offset(self.utc(now_ns)).unwrap_or(self.local);
            changed |= local != self.local;
            self.local = local;
        }
        changed
    }

    /// Takes `offset_ns` if it is a step away from the present one. Small differences are the noise
    /// of measuring, and following them would make the times of neighbours jump.
    fn adopt(&mut self, offset_ns: i64) -> bool {
        let step = offset_ns.abs_diff(self.offset_ns) > STEP_NS;
        if step {
            self.offset_ns = offset_ns;
        }
        step
    }

    /// Nanoseconds since the epoch at the boot time `boot_ns`.
    #[inline]
    pub fn unix_ns(&self, boot_ns: u64) -> u64 {
        boot_ns.saturating_add_signed(self.offset_ns)
    }

    /// The time in UTC at the boot time `boot_ns`.
    pub fn utc(&self, boot_ns: u64) -> OffsetDateTime {
        // 64 bits of nanoseconds end in the year 2554, so this cannot leave the type's range.
        OffsetDateTime::from_unix_timestamp_nanos(self.unix_ns(boot_ns).into())
            .unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    /// The local time at the boot time `boot_ns`.
    pub fn local(&self, boot_ns: u64) -> OffsetDateTime {
        self.utc(boot_ns).to_offset(self.local)
    }

    /// The kernel's boot-time clock, now.
    pub fn boot_now_ns(&self) -> u64 {
        boot_now_ns()
    }
}

impl Default for Clock {
    fn default() -> Self {
        Self::new()
    }
}

/// The kernel's boot-time clock, now: that of the initial time namespace.
pub(crate) fn boot_now_ns() -> u64 {
    now_ns(ClockId::CLOCK_BOOTTIME).saturating_add_signed(-namespace_ns())
}

/// How far the boot time that this process is told is ahead of the kernel's own, in nanoseconds: 0 in the initial time
/// namespace. It stays the same for as long as the process lives.
pub(crate) fn namespace_ns() -> i64 {
    static AHEAD: OnceLock<i64> = OnceLock::new();
    *AHEAD.get_or_init(|| {
        // The offsets are those that children get. They are this process's own too, unless it has made a namespace
        // for its children only: then it still is in the one that it was in, and its parent says of that.
        let own = fs::read_link("/proc/self/ns/time");
        let of_children = |process: &str| {
            let namespace = fs::read_link(format!("/proc/{process}/ns/time_for_children"));
            let same = matches!((&own, namespace), (Ok(own), Ok(theirs)) if *own == theirs);
            let offsets = || fs::read_to_string(format!("/proc/{process}/timens_offsets"));
            same.then(offsets)?.ok()
        };
        let parent = std::os::unix::process::parent_id().to_string();
        of_children("self")
            .or_else(|| of_children(&parent))
            .and_then(|text| boot_offset_ns(&text))
            .unwrap_or(0)
    })
}

/// The boot time's offset from `timens_offsets`, of which a line is `CLOCK SECONDS NANOSECONDS`: `time_namespaces(7)`.
fn boot_offset_ns(text: &str) -> Option<i64> {
    text.lines().find_map(|line| {
        let mut words = line.split_ascii_whitespace();
        // Its number stood here before Linux 5.7.
        if !["boottime", "7"].contains(&words.next()?) {
            return None;
        }
        let seconds: i64 = words.next()?.parse().ok()?;
        let nanos: i64 = words.next()?.parse().ok()?;
        seconds
            .checked_mul(SECOND_NS.cast_signed())?
            .checked_add(nanos)
    })
}

/// Reads a clock. Linux has had both since 2.6.39 and cannot refuse to read them.
fn now_ns(clock: ClockId) -> u64 {
    clock_gettime(clock).map_or(0, |now| {
        let seconds = u64::try_from(now.tv_sec()).unwrap_or(0);
        let nanos = u64::try_from(now.tv_nsec()).unwrap_or(0);
        seconds.saturating_mul(SECOND_NS).saturating_add(nanos)
    })
}

/// Wall clock minus boot time. The wall clock is read between two readings of the other; of several
/// tries the one with the shortest time between them is the least disturbed.
fn measure() -> i64 {
    let mut best = (u64::MAX, 0);
    for _ in 0..READINGS {
        let before = boot_now_ns();
        let wall = now_ns(ClockId::CLOCK_REALTIME);
        let after = boot_now_ns();
        let gap = after.saturating_sub(before);
        if gap < best.0 {
            let middle = before + gap / 2;
            best = (gap, wall.wrapping_sub(middle).cast_signed());
        }
    }
    best.1
}

fn local_offset(at: OffsetDateTime) -> Option<UtcOffset> {
    UtcOffset::local_offset_at(at).ok()
}

#[cfg(test)]
mod tests {
    use super::{Clock, SECOND_NS, boot_offset_ns};
    use std::time::{SystemTime, UNIX_EPOCH};
    use time::UtcOffset;
    use time::macros::datetime;

    #[test]
    fn agrees_with_the_system() {
        let clock = Clock::new();
        let before = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let ours = clock.unix_ns(clock.boot_now_ns());
        let after = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let slack = 1_000_000;
        assert!(u128::from(ours) + slack >= before.as_nanos());
        assert!(u128::from(ours) <= after.as_nanos() + slack);
    }

    #[test]
    fn offsets_of_a_time_namespace_are_understood() {
        for (text, offset) in [
            (
                "monotonic           0         0\nboottime        86400         0\n",
                Some(86_400 * SECOND_NS.cast_signed()),
            ),
            (
                "monotonic 5 6\nboottime -2 500000000\n",
                Some(-1_500_000_000),
            ),
            ("1 0 0\n7 1 1\n", Some(1_000_000_001)),
            ("monotonic 1 1\n", None),
            ("boottime x 0\n", None),
            ("", None),
        ] {
            assert_eq!(boot_offset_ns(text), offset, "{text}");
        }
    }

    #[test]
    fn converts_boot_time() {
        let moment = datetime!(2026-11-22 15:23:08.123456789 UTC);
        let offset = i64::try_from(moment.unix_timestamp_nanos()).unwrap() - 5;
        let clock = Clock::fixed(offset, UtcOffset::from_hms(5, 30, 0).unwrap());
        assert_eq!(clock.utc(5), moment);
        assert_eq!(clock.local(5).time().as_hms(), (20, 53, 8));
    }

    #[test]
    fn strange_values_stay_in_range() {
        let clock = Clock::fixed(-10, UtcOffset::UTC);
        assert_eq!(clock.unix_ns(3), 0);
        let clock = Clock::fixed(i64::MAX, UtcOffset::UTC);
        assert_eq!(clock.unix_ns(u64::MAX), u64::MAX);
        assert_eq!(clock.utc(u64::MAX).year(), 2554);
    }

    #[test]
    fn only_a_step_is_adopted() {
        let mut clock = Clock::fixed(1_000_000_000, UtcOffset::UTC);
        assert!(!clock.adopt(1_000_500_000));
        assert_eq!(clock.unix_ns(0), 1_000_000_000);
        assert!(clock.adopt(999_499_999));
        assert_eq!(clock.unix_ns(0), 999_499_999);
        assert!(clock.adopt(-7));
        assert_eq!(clock.unix_ns(7), 0);
    }

    #[test]
    fn refresh_corrects_a_wrong_offset_once_a_second() {
        let mut clock = Clock::new();
        let right = clock.unix_ns(0);
        clock.offset_ns += 3_600_000_000_000;
        assert!(!clock.refresh(), "not a second old");
        clock.taken_ns = Some(clock.boot_now_ns().saturating_sub(2 * SECOND_NS));
        assert!(clock.refresh());
        assert!(clock.unix_ns(0).abs_diff(right) < 1_000_000);
        assert!(!Clock::fixed(0, UtcOffset::UTC).refresh());
    }
}
