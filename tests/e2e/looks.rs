// SPDX-License-Identifier: MIT OR Apache-2.0
//! How a table looks: its times, its colours, and without a header; and the letters of options that all tools have.

use serde_json::json;
use tracewell_tests::{Finished, Tool};

use crate::event_tools;

/// opensnoop's table of what cat(1) opens.
fn table(args: &[&str]) -> Finished {
    let tool = Tool::new("opensnoop").args(args);
    // The last one fails.
    let tool = tool.args(["--", "cat", "/etc/hostname", "/etc/absent"]);
    tool.env("LC_ALL", "C").run()
}

/// The rows of opens, without what cat(1) itself printed.
fn rows(finished: &Finished) -> Vec<String> {
    let lines = finished.lines();
    let of_opens = lines.iter().filter(|line| line.contains(" cat "));
    of_opens.map(|line| (*line).to_owned()).collect()
}

#[test]
fn times_are_shown_as_asked() {
    for (format, pattern) in [
        ("time", r"^\d\d:\d\d:\d\d\.\d{6} "),
        (
            "date",
            r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}[+-]\d\d:\d\d ",
        ),
        ("utc", r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z "),
        ("unix", r"^1\d{9}\.\d{6} "),
        ("elapsed", r"^\d+\.\d{6} "),
        ("delta", r"^-?\d+\.\d{6} "),
    ] {
        let finished = table(&["--time-format", format]);
        let schema = json!({ "pattern": pattern });
        let rows = rows(&finished);
        assert!(rows.len() > 2, "{}", finished.stderr);
        let header = finished.lines()[0];
        // Columns stay below each other.
        let place = header.find("COMM").unwrap();
        for row in rows {
            assert!(
                jsonschema::is_valid(&schema, &json!(row)),
                "{format}: {row}"
            );
            assert_eq!(row.find("cat"), Some(place), "{header}\n{row}");
        }
    }
    let both = table(&["-T", "--time-format", "utc"]);
    assert_eq!(both.lines()[0].matches("TIME").count(), 1);
}

#[test]
fn a_table_without_header_has_rows_alone() {
    let finished = table(&["--no-header"]);
    assert!(!finished.lines().iter().any(|line| line.contains("COMM")));
    assert!(rows(&finished).len() > 2);
    let csv = table(&["--format", "csv", "--no-header"]);
    assert!(!csv.lines().iter().any(|line| line.starts_with("time,")));
    let counts = table(&["--count-by", "comm", "--no-header"]);
    assert!(!counts.lines().iter().any(|line| line.contains("COMM")));
}

#[test]
fn colours_are_had_where_they_are_asked_for() {
    let red = |args: &[&str]| {
        let finished = table(args);
        let lines = finished.lines();
        let of_absent = lines.iter().find(|line| line.contains("/etc/absent"));
        of_absent.unwrap().starts_with("\x1b[31m")
    };
    assert!(red(&["--color", "always"]));
    assert!(!red(&["--color", "never"]));
    assert!(!red(&[]));
}

/// Their `-d` is a disk, by the name that BCC gave it in biolatency.
const OF_DISKS: [&str; 3] = ["biolatency", "biosnoop", "biotop"];

#[test]
fn letters_that_are_free_are_those_of_all_tools() {
    for tool in tracewell::TOOLS.iter().filter(|tool| tool.trace.is_some()) {
        let parser = tool.parser();
        for (id, letter) in [("pid", 'p'), ("uid", 'u'), ("duration", 'd'), ("json", 'j')] {
            let mut options = parser.get_arguments();
            let has = options.find(|option| option.get_short() == Some(letter));
            let has = has.unwrap_or_else(|| panic!("{}: nothing has -{letter}", tool.name));
            let own = !has.get_id().as_str().eq(id);
            let other = letter == 'd' && OF_DISKS.contains(&tool.name);
            assert_eq!(own, other, "{}: -{letter} is {}", tool.name, has.get_id());
        }
    }
    for name in event_tools() {
        let duration = if OF_DISKS.contains(&name) {
            "--duration"
        } else {
            "-d"
        };
        let tool = Tool::new(name).args([
            "-j",
            duration,
            "0.05",
            "-p",
            &std::process::id().to_string(),
        ]);
        let finished = tool.run().success();
        assert_eq!(finished.summary()["tool"], name);
    }
}
