// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool showed, and what it says it lost.

use std::fs::File;
use std::io::BufRead;
use std::io::BufReader;
use std::path::Path;

use memchr::memmem::Finder;

use crate::error::Context;
use crate::error::Result;
use crate::tool::Format;
use crate::tool::Style;
use crate::tool::Tool;

/// The events of one run.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Lines of output about the storm, what the rows of a histogram add up to, or the storm's own row of a table.
    pub seen: u64,
    /// Events the tool says it lost.
    pub told: u64,
}

impl Account {
    /// Of `made` events, those that were neither shown nor told. Negative when the tool claims to have
    /// lost more than there were.
    #[must_use]
    pub fn silent(&self, made: u64) -> i64 {
        made as i64 - self.seen as i64 - self.told as i64
    }

    /// Reads what `tool` left in its output and on its stderr. An event of the storm is a line with
    /// `marker` in it.
    ///
    /// # Errors
    ///
    /// When a file cannot be read.
    pub fn read(tool: &Tool, output: &Path, stderr: &str, marker: &str) -> Result<Self> {
        let file = File::open(output).context(|| output.display().to_string())?;
        let lines = BufReader::with_capacity(1 << 20, file);
        let counted = match tool.disk {
            Some(_) => count_rows(lines),
            None if tool.name == "syscount" => count_row(lines, marker),
            None => count(lines, marker),
        };
        let (seen, last) = counted.context(|| output.display().to_string())?;
        let told = match (tool.style, tool.format) {
            (Style::LibbpfTools, _) => told_as_noticed(stderr),
            (Style::Tracewell, Format::Table) => told_at_the_end(stderr, &tool.name),
            (Style::Tracewell, Format::Json) => told_by_summary(&last),
        };
        Ok(Self { seen, told })
    }
}

/// Lines with `marker` in them, and the last line.
fn count(mut lines: impl BufRead, marker: &str) -> std::io::Result<(u64, Vec<u8>)> {
    let finder = Finder::new(marker);
    let (mut seen, mut line, mut last) = (0, Vec::new(), Vec::new());
    while lines.read_until(b'\n', &mut line)? > 0 {
        seen += u64::from(finder.find(&line).is_some());
        std::mem::swap(&mut line, &mut last);
        line.clear();
    }
    Ok((seen, last))
}

/// What the rows `32 -> 63 : 86 |****|` add up to, and the last line.
fn count_rows(lines: impl BufRead) -> std::io::Result<(u64, Vec<u8>)> {
    let (mut seen, mut last) = (0, String::new());
    for line in lines.lines() {
        last = line?;
        let row = last
            .split_once(" -> ")
            .and_then(|(_, row)| row.split_once(':'));
        let count = row.and_then(|(_, count)| count.split_whitespace().next()?.parse().ok());
        seen += count.unwrap_or(0_u64);
    }
    Ok((seen, last.into_bytes()))
}

/// What the rows `getppid   86` come to, and the last line.
fn count_row(lines: impl BufRead, marker: &str) -> std::io::Result<(u64, Vec<u8>)> {
    let (mut seen, mut last) = (0, String::new());
    for line in lines.lines() {
        last = line?;
        let mut words = last.split_whitespace();
        if words.next() == Some(marker) {
            seen += words
                .next()
                .and_then(|count| count.parse().ok())
                .unwrap_or(0_u64);
        }
    }
    Ok((seen, last.into_bytes()))
}

/// libbpf-tools: `Lost 123 events on CPU #1!`, as often as it happens.
fn told_as_noticed(stderr: &str) -> u64 {
    let lost = |line: &str| -> Option<u64> {
        let line = line.to_ascii_lowercase();
        let (number, _) = line.split_once("lost ")?.1.split_once(" events")?;
        number.parse().ok()
    };
    stderr.lines().filter_map(lost).sum()
}

/// Ours: `opensnoop: 1234 events, 5 lost (buffer full 5)`, once.
fn told_at_the_end(stderr: &str, name: &str) -> u64 {
    let lost = |line: &str| -> Option<u64> {
        let (_, rest) = line
            .strip_prefix(name)?
            .strip_prefix(": ")?
            .split_once(" events, ")?;
        rest.split_once(" lost")?.0.parse().ok()
    };
    stderr.lines().rev().find_map(lost).unwrap_or(0)
}

/// Ours, JSON: the last object is the summary.
fn told_by_summary(last: &[u8]) -> u64 {
    serde_json::from_slice::<serde_json::Value>(last)
        .ok()
        .filter(|object| object["event"] == "summary")
        .and_then(|object| object["lost"].as_u64())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Account;
    use super::count;
    use super::count_row;
    use super::count_rows;
    use super::told_as_noticed;
    use super::told_at_the_end;
    use super::told_by_summary;

    #[test]
    fn lines_about_the_storm_are_counted() {
        let output =
            "PID COMM FD ERR PATH\n7 storm 3 0 /run/a\n8 cat 3 0 /run/b\n9 storm 3 0 /run/a";
        let (seen, last) = count(output.as_bytes(), "/run/a").unwrap();
        assert_eq!(
            (seen, last.as_slice()),
            (2, b"9 storm 3 0 /run/a".as_slice())
        );
    }

    #[test]
    fn rows_of_a_histogram_are_added_up() {
        let output = "Tracing\n\n     usecs  : count    distribution\n  0 -> 1   : 3   |*|\n  2 -> 3 : 40 |**|\np50 2\n";
        let (seen, last) = count_rows(output.as_bytes()).unwrap();
        assert_eq!((seen, last.as_slice()), (43, b"p50 2".as_slice()));
    }

    #[test]
    fn the_row_of_the_storm_is_found() {
        let output = "SYSCALL COUNT\nread 7\ngetppid  1000\nwrite getppid\n";
        let (seen, last) = count_row(output.as_bytes(), "getppid").unwrap();
        assert_eq!((seen, last.as_slice()), (1000, b"write getppid".as_slice()));
    }

    #[test]
    fn the_peers_reports_are_added_up() {
        let stderr = "Lost 12 events on CPU #0!\nsomething else\nlost 3 events on CPU #1\n";
        assert_eq!(told_as_noticed(stderr), 15);
        assert_eq!(told_as_noticed(""), 0);
    }

    #[test]
    fn our_report_is_read_from_the_last_line() {
        let stderr = "opensnoop: note\nopensnoop: 1234 events, 5 lost (buffer full 5)\n";
        assert_eq!(told_at_the_end(stderr, "opensnoop"), 5);
        assert_eq!(told_at_the_end("opensnoop: 1234 events\n", "opensnoop"), 0);
        assert_eq!(told_at_the_end(stderr, "execsnoop"), 0);
    }

    #[test]
    fn our_json_ends_with_a_summary() {
        let summary = br#"{"event":"summary","events":9,"lost":4}"#;
        assert_eq!(told_by_summary(summary), 4);
        assert_eq!(told_by_summary(br#"{"event":"open","lost":4}"#), 0);
    }

    #[test]
    fn what_is_neither_shown_nor_told_is_silent() {
        let account = Account { seen: 90, told: 4 };
        assert_eq!(account.silent(100), 6);
        assert_eq!(account.silent(93), -1);
    }
}
