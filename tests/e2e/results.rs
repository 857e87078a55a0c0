// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--failed` and `--successes`: which results are shown, by every tool whose events have one.

use serde_json::Value;
use tracewell_tests::environment::program;
use tracewell_tests::{Tool, scratch};

/// A script, and which events are of it.
type Load = (&'static str, fn(&Value) -> bool);

/// A shell's script with as many successes as failures of what a tool tells of, and whether an event is one of these.
fn load(tool: &str) -> Option<Load> {
    let made = |event: &Value| {
        event["path"]
            .as_str()
            .is_some_and(|path| path.ends_with("made"))
    };
    Some(match tool {
        "opensnoop" => (
            ": >made; cat made; cat absent-made; cat made; cat absent-made",
            made,
        ),
        "unlinksnoop" => (
            ": >a-made; : >b-made; unlink a-made; unlink a-made; unlink b-made; unlink b-made",
            made,
        ),
        // A directory can be synced, a pipe cannot.
        "syncsnoop" => ("sync .; sync /dev/stdout; sync .; sync /dev/stdout", |_| {
            true
        }),
        "gethostlatency" => (
            "storm lookup --ops 2; storm lookup --missing --ops 2",
            |_| true,
        ),
        // A line is read, and no more.
        "bashreadline" => return None,
        // A disk that fails is in its own tests.
        "biosnoop" => return None,
        // A connection is closed, and a segment sent.
        "tcplife" | "tcpretrans" => return None,
        // No program of a shell's connects: it is told in a test of its own.
        "tcpconnlat" => return None,
        "exitsnoop" => ("(:); (exit 3); (:); (exit 4); exit 5", |event| {
            event["ppid"] != 1
        }),
        // -x has another meaning: failures beside successes.
        "execsnoop" => return None,
        other => panic!("say what succeeds and fails in {other}"),
    })
}

#[test]
fn only_what_is_asked_for_is_shown() {
    let directory = scratch();
    for tool in crate::event_tools() {
        let Some((script, is_of)) = load(tool) else {
            continue;
        };
        let script = script.replace("storm", program("storm").to_str().unwrap());
        let count = |options: &[&str]| {
            let mut run = Tool::new(tool).json().args(options);
            run = run.args(["--", "sh", "-c", &format!("exec >/dev/null 2>&1; {script}")]);
            run.command().current_dir(directory.path());
            let finished = run.run();
            let kind = finished.objects()[0]["event"].as_str().unwrap().to_owned();
            let mut events = finished.events(&kind);
            events.retain(&is_of);
            let failed = |event: &&Value| {
                let exited = event["exit_code"].as_u64();
                exited.map_or(!event["error"].is_null(), |code| code != 0)
            };
            let failed = events.iter().filter(failed).count();
            (events.len() - failed, failed)
        };
        let (succeeded, failed) = count(&[]);
        assert!(
            succeeded >= 2 && failed >= 2,
            "{tool}: {succeeded}, {failed}"
        );
        assert_eq!(count(&["-x"]), (0, failed), "{tool}");
        assert_eq!(count(&["--successes"]), (succeeded, 0), "{tool}");
        let both = Tool::new(tool).args(["-x", "--successes"]).run();
        assert!(both.ended_with(2).stderr.contains("--successes"));
    }
}
