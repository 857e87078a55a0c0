// SPDX-License-Identifier: MIT OR Apache-2.0
//! Events that are larger than a buffer, or nearly: told whole, cut, or counted as lost for that reason.

use std::fs::File;

use serde_json::Value;
use tracewell_tests::{Actor, Tool, actor, buffers, forced, note};

use crate::storms::{traced, unique_uid};

// Its argument: how many bytes of a name, which is that of the root. It opens it several times.
actor!(opens_long_names, |stage| {
    let bytes: usize = stage.text(0).parse().expect("a number");
    for _ in 0..LONG {
        assert!(File::open(["/"].into_iter().cycle().take(bytes).collect::<String>()).is_ok());
    }
});

const LONG: u64 = 5;

/// An event that no buffer of that size ever takes is lost for that reason, and the tool says so beforehand.
#[test]
fn events_larger_than_the_buffer_are_told_so() {
    for buffer in buffers() {
        // With what comes before it, a name of 3,900 bytes has room on a page and one of 4,090 has none.
        for (bytes, too_large) in [(3900, 0), (4090, LONG)] {
            let actor = Actor::new("opens_long_names")
                .arg(bytes.to_string())
                .start();
            let tool = Tool::new("opensnoop")
                .json()
                .args(["--pid", &actor.pid().to_string()])
                .args(["--buffer", &buffer, "--buffer-size", "4k"])
                .start();
            actor.go();
            actor.finish();
            let finished = tool.finish().success();
            assert!(
                finished.stderr.contains("(too_large)"),
                "{}",
                finished.stderr
            );
            finished.adds_up(finished.events("open").len() as u64, LONG);
            let lost = &finished.summary()["lost_by"]["too_large"];
            assert_eq!(lost.as_u64().unwrap_or(0), too_large, "{bytes}, {buffer}");
        }
    }
}

/// A ring is as large as its largest event, where nobody asks for another size.
#[test]
fn a_ring_holds_its_largest_event() {
    let finished = traced("execsnoop", unique_uid())
        .args(["--max-args-bytes", "4m", "--duration", "0.001"])
        .run();
    // Before 5.11 a map's value has 4 MiB at most, and so no event is larger than the ring.
    if finished.stderr.contains("-E2BIG") {
        note("skipped a ring for larger events: this kernel has none");
        return;
    }
    let finished = finished.success();
    assert!(
        !finished.stderr.contains("too_large"),
        "{}",
        finished.stderr
    );
    let finished = traced("execsnoop", unique_uid())
        .args([
            "--max-args-bytes",
            "4m",
            "--duration",
            "0.001",
            "--buffer-size",
            "4m",
        ])
        .run()
        .success();
    assert!(finished.stderr.contains("too_large"), "{}", finished.stderr);
}

/// How many bytes of arguments a record of a perf buffer has room for, behind `struct exec_event` and a name of a file.
const MOST_BY_PERF: usize = 65_516 - 120 - 4096;

/// An event that a perf buffer could not carry (64 KiB) would turn all that lies behind it into nonsense.
#[test]
fn events_that_no_perf_buffer_carries_are_refused() {
    if forced("--buffer").is_some() {
        return;
    }
    let most = MOST_BY_PERF;
    for (bytes, code) in [(most, 0), (most + 1, 2)] {
        let finished = traced("execsnoop", unique_uid())
            .args(["--buffer", "perf", "--duration", "0.001"])
            .args(["--max-args-bytes", &bytes.to_string()])
            .run()
            .ended_with(code);
        assert_eq!(
            finished.stderr.contains("--buffer ring"),
            code == 2,
            "{}",
            finished.stderr
        );
    }
}

/// One argument more than fits, next to others, through perf buffers at their limit and through the ring beyond it.
#[test]
fn large_arguments_are_whole_or_cut_and_never_anothers() {
    let most = MOST_BY_PERF;
    let large = "x".repeat(100_000);
    let args = |n: usize| -> Vec<&str> {
        let mut args = vec!["large"];
        args.resize(n + 1, &large);
        args.push("last");
        args
    };
    for buffer in buffers() {
        // As much as 5.10 has room for.
        let bytes = if buffer == "perf" { most } else { 4_000_000 };
        for count in [0, 1, 3, 18] {
            let given = args(count);
            let options = ["--buffer", &buffer, "--buffer-size", "4m"];
            let limit = ["--max-args-bytes", &bytes.to_string()];
            let finished = traced("execsnoop", 0)
                .json()
                .args(options)
                .args(limit)
                .args([
                    "--",
                    "/bin/sh",
                    "-c",
                    "/bin/true \"$@\"; /bin/true between; /bin/true \"$@\"; :",
                ])
                .args(&given)
                .run()
                .success();
            let events = finished.events("exec");
            let events = &events[1..];
            assert_eq!(events.len(), 3, "{buffer}, {count}");
            let whole: usize = given[1..].iter().map(|arg| arg.len() + 1).sum();
            let whole = whole + "/bin/true".len() + 1;
            for event in [&events[0], &events[2]] {
                assert_eq!(event["args_truncated"], whole > bytes, "{buffer}, {count}");
                check_args(event, &given[1..]);
            }
            assert_eq!(
                events[1]["args"],
                serde_json::json!(["/bin/true", "between"])
            );
        }
    }
}

/// All arguments are those that were given; the last may be cut.
fn check_args(event: &Value, given: &[&str]) {
    let shown = event["args"].as_array().expect("arguments");
    let cut = event["args_truncated"] == true;
    assert!(cut || shown.len() == given.len() + 1);
    for (index, (shown, given)) in shown[1..].iter().zip(given).enumerate() {
        let shown = shown.as_str().expect("a text");
        let last = cut && index + 2 == event["args"].as_array().map_or(0, Vec::len);
        assert!(
            if last {
                given.starts_with(shown)
            } else {
                *given == shown
            },
            "argument {index} has {} bytes of {}",
            shown.len(),
            given.len()
        );
    }
}
