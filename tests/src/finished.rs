// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool printed, once it has ended.

use std::process::ExitStatus;

use serde_json::Value;

use crate::rung;

/// A run that is over.
#[derive(Debug, Clone)]
pub struct Finished {
    /// The tool's name.
    pub name: String,
    /// Its exit status.
    pub status: ExitStatus,
    /// What it printed; empty if that went elsewhere than to the test's own pipe.
    pub stdout: Vec<u8>,
    /// What it said.
    pub stderr: String,
}

impl Finished {
    /// The exit code; `None` if a signal killed it.
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }

    /// The same run, if its exit status is 0.
    ///
    /// # Panics
    ///
    /// When it is another.
    #[must_use]
    pub fn success(self) -> Self {
        self.ended_with(0)
    }

    /// The same run, if its exit status is this.
    ///
    /// # Panics
    ///
    /// When it is another.
    #[must_use]
    pub fn ended_with(self, code: i32) -> Self {
        assert_eq!(
            self.code(),
            Some(code),
            "{} ended with {}; it said:\n{}",
            self.name,
            self.status,
            self.stderr
        );
        self
    }

    /// What was printed.
    ///
    /// # Panics
    ///
    /// When it is not UTF-8: no tool may print such.
    pub fn text(&self) -> &str {
        str::from_utf8(&self.stdout).expect("output is UTF-8")
    }

    /// The lines that were printed, without their ends.
    ///
    /// # Panics
    ///
    /// When what was printed is not UTF-8, or its last line has no end: no tool may print such.
    pub fn lines(&self) -> Vec<&str> {
        let text = self.text();
        assert!(
            text.is_empty() || text.ends_with('\n'),
            "the last line has no end: {text:?}"
        );
        // Not lines(): that would take a carriage return away.
        let mut lines: Vec<_> = text.split('\n').collect();
        lines.pop();
        lines
    }

    /// The lines of JSON.
    ///
    /// # Panics
    ///
    /// When a line is not an object with an `event`.
    pub fn objects(&self) -> Vec<Value> {
        let parse = |line: &&str| {
            let object: Value = serde_json::from_str(line)
                .unwrap_or_else(|error| panic!("not JSON ({error}): {line:?}"));
            assert!(object["event"].is_string(), "an object of no kind: {line}");
            object
        };
        self.lines().iter().map(parse).collect()
    }

    /// The JSON objects of one kind: `open`, `exec`, `lost`.
    pub fn events(&self, kind: &str) -> Vec<Value> {
        let mut objects = self.objects();
        objects.retain(|object| object["event"] == kind);
        objects
    }

    /// The summary, which is the last JSON object.
    ///
    /// # Panics
    ///
    /// When it is not, or is not the only one.
    pub fn summary(&self) -> Value {
        let mut objects = self.objects();
        let last = objects.pop().unwrap_or_default();
        assert_eq!(last["event"], "summary", "the last object of {objects:?}");
        assert!(
            objects.iter().all(|object| object["event"] != "summary"),
            "two summaries"
        );
        last
    }

    /// Checks that what was seen, and what was told as lost, is all that was made, or as near to it as the account says;
    /// nothing may be lost where the tool chose the rung.
    pub fn accounts_for(&self, seen: usize, made: usize) {
        self.adds_up(seen as u64, made as u64);
        assert!(rung().is_some() || seen == made, "{}", self.summary());
    }

    /// Checks that the account of a run that saw `seen` of `made` events holds, and that its figures go together.
    pub fn adds_up(&self, seen: u64, made: u64) {
        let summary = self.summary();
        let lost = of_causes(&summary, "lost");
        let at_most = of_causes(&summary, "lost_at_most");
        assert!(
            (seen + lost..=seen + lost + at_most).contains(&made),
            "{made} made, {seen} seen: {summary}"
        );
        match summary["account"].as_str() {
            Some("exact") => assert_eq!(at_most, 0, "{summary}"),
            Some("at_most") => assert!(at_most > 0, "{summary}"),
            // Nobody disturbs what these tests make. Those that do ask for this word.
            Some("unknown") => {}
            _ => panic!("no account: {summary}"),
        }
    }

    /// The rung that the run used, from its JSON summary.
    pub fn rung(&self) -> String {
        let rung = self.summary()["rung"].as_str().map(str::to_owned);
        rung.expect("a summary names the rung")
    }
}

/// A total of the summary, which is the sum over its causes.
fn of_causes(summary: &Value, total: &str) -> u64 {
    let causes = summary[format!("{total}_by")].as_object().expect("causes");
    let sum: u64 = causes
        .values()
        .map(|count| count.as_u64().expect("a count"))
        .sum();
    assert_eq!(summary[total], sum, "{summary}");
    sum
}
