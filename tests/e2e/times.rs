// SPDX-License-Identifier: MIT OR Apache-2.0
//! Times are those of the events.

use std::time::{Duration, SystemTime};

use nix::sys::signal::Signal;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tracewell_tests::{Tool, own_tid};

use crate::output::{ABSENT, columns};
use crate::sys;

/// What clocks may differ by; far more than they do, and less than the tool is stopped for.
const SLACK: Duration = Duration::from_millis(700);

#[test]
fn the_time_is_the_event_s_own() {
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--tid", &own_tid()])
        .start();
    let before = SystemTime::now() - SLACK;
    tool.stop();
    drop(sys::read(ABSENT));
    let after = SystemTime::now() + SLACK;
    std::thread::sleep(3 * SLACK);
    tool.signal(Signal::SIGCONT);
    let finished = tool.finish().success();
    let text = finished.events("open")[0]["time"]
        .as_str()
        .unwrap()
        .to_owned();
    // UTC, to the nanosecond.
    assert_eq!(text.len(), "2026-11-22T15:23:08.123456789Z".len(), "{text}");
    assert!(text.ends_with('Z'), "{text}");
    let time: SystemTime = OffsetDateTime::parse(&text, &Rfc3339).unwrap().into();
    assert!(
        before <= time && time <= after,
        "{before:?} {text} {after:?}"
    );
}

#[test]
fn a_table_s_time_is_local() {
    let tool = Tool::new("opensnoop").args(["-T", "--tid", &own_tid()]);
    // Five and a half hours before UTC, in POSIX's way of signs.
    let tool = tool.env("TZ", "XST-05:30").start();
    let second = |time: OffsetDateTime| (time + Duration::from_secs(19_800)).time();
    let before = second(OffsetDateTime::now_utc() - SLACK);
    drop(sys::read(ABSENT));
    let after = second(OffsetDateTime::now_utc() + SLACK);
    let finished = tool.finish().success();
    let text = &columns(&finished, 1)[0];
    let format = time::macros::format_description!("[hour]:[minute]:[second].[subsecond digits:6]");
    let time = time::Time::parse(text, format).unwrap_or_else(|error| panic!("{text}: {error}"));
    // Around midnight, the day's end lies between.
    let within = if before <= after {
        before <= time && time <= after
    } else {
        before <= time || time <= after
    };
    assert!(within, "{before} {text} {after}");
}
