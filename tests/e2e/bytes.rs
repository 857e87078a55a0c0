// SPDX-License-Identifier: MIT OR Apache-2.0
//! Names and arguments are bytes: they come back exactly, and cannot pass for anything else.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;
use tracewell_shared::output::escape::{unescape, unescape_cell};
use tracewell_tests::{Finished, Tool, optional, own_tid, scratch};

use crate::nasty::{NASTY, base, check_visible, execs, names, opens, os};
use crate::sys::{self, c};
use crate::words;

#[test]
fn json_has_the_exact_bytes() {
    let finished = opens(&["--format", "json"]);
    check_visible(&finished);
    let events = finished.events("open");
    assert_eq!(events.len(), NASTY.len());
    for (event, name) in events.iter().zip(NASTY) {
        assert_eq!(words::bytes(event, "path"), *name);
        assert_eq!(words::bytes(event, "comm"), name[..name.len().min(15)]);
        // The bytes stand beside only where the text is not them.
        assert_eq!(
            event.get("path_b64").is_some(),
            str::from_utf8(name).is_err()
        );
    }
    assert_eq!(
        finished.objects().len(),
        NASTY.len() + 1,
        "an object too many"
    );
    check_with_jq(&finished);
}

#[test]
fn json_has_the_exact_arguments() {
    for (finished, name) in execs(&["--format", "json"]).iter().zip(names()) {
        check_visible(finished);
        let events = finished.events("exec");
        assert_eq!(events.len(), 1);
        assert_eq!(words::list(&events[0], "args"), NASTY);
        assert_eq!(base(&words::bytes(&events[0], "filename")), name);
        assert_eq!(words::bytes(&events[0], "comm"), name[..name.len().min(15)]);
        check_with_jq(finished);
    }
}

/// Has another reader of JSON read it too: that it reads, and as many objects as there are lines.
fn check_with_jq(finished: &Finished) {
    if !optional("jq") {
        return;
    }
    let mut jq = Command::new("jq");
    let mut jq = jq
        .args(["-e", "-c", "."])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = jq.stdin.take().unwrap();
    let input = finished.stdout.clone();
    let writer = std::thread::spawn(move || stdin.write_all(&input));
    let output = jq.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success());
    let objects = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(objects, finished.lines().len());
}

#[test]
fn a_table_has_one_line_an_event_and_can_be_read_back() {
    let tool = Tool::new("opensnoop").args(["--tid", &own_tid()]).start();
    for name in NASTY {
        drop(sys::read(os(name)));
    }
    let finished = tool.finish().success();
    check_visible(&finished);
    let lines = finished.lines();
    assert_eq!(lines.len(), 1 + NASTY.len());
    let start = lines[0].find("PATH").unwrap();
    for (line, name) in lines[1..].iter().zip(NASTY) {
        assert_eq!(
            unescape(&line.as_bytes()[start..]).as_deref(),
            Some(*name),
            "{line:?}"
        );
    }
}

#[test]
fn a_name_of_a_process_cannot_forge_columns_or_lines() {
    let finished = opens(&[]);
    check_visible(&finished);
    let lines = finished.lines();
    assert_eq!(lines.len(), 1 + NASTY.len());
    for (line, name) in lines[1..].iter().zip(NASTY) {
        // The number comes first, then the name.
        let start = format!("{:<7} ", own_tid());
        let rest = line
            .strip_prefix(&start)
            .unwrap_or_else(|| panic!("{line:?} has no {start:?}"));
        let comm = &name[..name.len().min(15)];
        let shown = word(comm);
        assert!(
            rest.starts_with(&format!("{shown} ")),
            "{line:?} has no {shown:?}"
        );
        if !comm.is_empty() {
            assert_eq!(unescape(shown.as_bytes()).as_deref(), Some(comm));
        }
        // For whoever counts columns, as awk(1) does, the name is one of them.
        let words: Vec<_> = line.split_ascii_whitespace().collect();
        assert_eq!((words[1], words[3]), (&*shown, "ENOENT"), "{line:?}");
    }
}

/// A name as a column shows it that others follow, made another way than the tools do.
fn word(bytes: &[u8]) -> String {
    if bytes.is_empty() {
        return "\"\"".to_owned();
    }
    escaped(bytes).replace(' ', "\\x20").replace('"', "\\\"")
}

/// What is no control, but hidden all the same, of what is in `NASTY`; and the mark of a cut.
const HIDDEN: &str = "\u{a0}\u{ad}\u{34f}\u{200b}\u{2026}\u{2028}\u{2029}\u{202e}\u{2066}\u{2069}\u{2800}\u{3164}\u{fe0f}\u{feff}";

/// What a table shows for bytes, made another way than the tools do.
fn escaped(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            match character {
                '\n' => text.push_str("\\n"),
                '\t' => text.push_str("\\t"),
                '\\' => text.push_str("\\\\"),
                hidden if hidden.is_control() || HIDDEN.contains(hidden) => {
                    for byte in hidden.encode_utf8(&mut [0; 4]).bytes() {
                        write!(text, "\\x{byte:02x}").unwrap();
                    }
                }
                visible => text.push(visible),
            }
        }
        for byte in chunk.invalid() {
            write!(text, "\\x{byte:02x}").unwrap();
        }
    }
    text
}

#[test]
fn a_table_s_arguments_can_be_told_apart_and_read_back() {
    for quote in [false, true] {
        let runs = execs(if quote { &["-q"] } else { &[] });
        for (finished, name) in runs.iter().zip(names()) {
            check_visible(finished);
            let lines = finished.lines();
            assert_eq!(lines.len(), 2, "{lines:?}");
            assert!(!lines[1].starts_with("(lost "), "{lines:?}");
            // Behind the return value, which is the first number that is alone.
            let start = lines[1].find(" 0       ").unwrap() + 9;
            let mut words = words::split(&lines[1][start..]);
            let file = words.remove(0);
            assert_eq!(base(&file), name);
            assert_eq!(words, NASTY[1..], "{:?}", lines[1]);
            let quoted = lines[1][start..].starts_with("\"");
            assert!(quoted || !quote, "{:?}", lines[1]);
        }
    }
}

fn records(finished: &Finished) -> Vec<csv::StringRecord> {
    let mut reader = csv::ReaderBuilder::new().from_reader(&*finished.stdout);
    let header = reader.headers().unwrap().clone();
    let mut records = vec![header];
    records.extend(
        reader
            .records()
            .map(|record| record.expect("a record of CSV")),
    );
    records
}

fn field<'a>(records: &'a [csv::StringRecord], row: usize, name: &str) -> &'a str {
    let column = records[0]
        .iter()
        .position(|header| header == name)
        .expect("a column of this name");
    &records[row][column]
}

#[test]
fn csv_can_be_read_back() {
    let finished = opens(&["--format", "csv"]);
    check_visible(&finished);
    let rows = records(&finished);
    assert_eq!(rows.len(), 1 + NASTY.len());
    assert_eq!(finished.lines().len(), rows.len(), "a record is one line");
    for (index, name) in NASTY.iter().enumerate() {
        let path = field(&rows, index + 1, "path");
        assert_eq!(unescape_cell(path.as_bytes()).as_deref(), Some(*name));
        assert!(!path.starts_with(['=', '+', '-', '@']), "{path}");
        let comm = field(&rows, index + 1, "comm");
        assert_eq!(
            unescape_cell(comm.as_bytes()).as_deref(),
            Some(&name[..name.len().min(15)])
        );
    }

    for (finished, name) in execs(&["--format", "csv"]).iter().zip(names()) {
        check_visible(finished);
        let rows = records(finished);
        assert_eq!(rows.len(), 2);
        assert_eq!(words::split(field(&rows, 1, "args")), NASTY);
        let file = unescape(field(&rows, 1, "filename").as_bytes()).unwrap();
        assert_eq!(base(&file), name);
    }
}

#[test]
fn a_whole_path_has_the_exact_bytes() {
    let scratch = scratch();
    for name in names() {
        let directory = scratch.path().join(os(name));
        fs::create_dir(&directory).unwrap();
        let held = fs::File::open(&directory).unwrap();
        let tool = Tool::new("opensnoop")
            .json()
            .args(["-F", "--tid", &own_tid()])
            .start();
        let dirfd = std::os::fd::AsRawFd::as_raw_fd(&held);
        drop(sys::openat(dirfd, &c(os(name)), 0, 0));
        let events = tool.finish().success().events("open");
        let full = words::bytes(&events[0], "full_path");
        assert_eq!(Path::new(os(&full)), directory.join(os(name)));
        assert_ne!(events[0]["full_path"], Value::Null);
    }
}
