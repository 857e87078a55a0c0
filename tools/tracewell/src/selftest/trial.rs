// SPDX-License-Identifier: MIT OR Apache-2.0
//! One tool beside its load: started as a user would, ended, and what it told counted.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use serde_json::Value;
use tracewell_shared::tool::load::{self, Load};

use super::ending;

/// What a tool told of its load.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Recall {
    /// How many events there were.
    pub(super) made: u64,
    /// How many of them it told.
    pub(super) seen: u64,
    /// The tool's summary.
    pub(super) summary: Value,
}

impl Recall {
    /// How many it said that it lost.
    pub(super) fn lost(&self) -> u64 {
        self.summary["lost"].as_u64().unwrap_or(0)
    }

    /// Those that are accounted for: seen, or told as lost. Others of the same task may be among the lost.
    pub(super) fn told(&self) -> u64 {
        self.seen.saturating_add(self.lost()).min(self.made)
    }

    /// What the tool said that its figures are worth.
    pub(super) fn account(&self) -> &str {
        self.summary["account"].as_str().unwrap_or("none")
    }

    /// Whether what it said holds: nothing was seen that was not made, and what was neither seen nor lost is within what
    /// it said that may be missing.
    pub(super) fn holds(&self) -> bool {
        let missing = self.made - self.told();
        let at_most = self.summary["lost_at_most"].as_u64().unwrap_or(0);
        self.seen <= self.made
            && match self.account() {
                "exact" => missing == 0,
                "at_most" => missing <= at_most,
                account => account == "unknown",
            }
    }

    /// Of those that were made.
    pub(super) fn ratio(&self) -> f64 {
        if self.made == 0 {
            return 1.0;
        }
        self.told() as f64 / self.made as f64
    }
}

/// Runs this program as the tool, with the load beside it. An error is what went wrong.
pub(super) fn run(
    tool: &str,
    options: &[OsString],
    mut load: Load,
    count: u64,
) -> Result<Recall, String> {
    let told = |what: &str, error: io::Error| format!("{what}: {error}");
    let (mut ready, ready_to) = io::pipe().map_err(|error| told("pipe", error))?;
    let mut command = Command::new("/proc/self/exe");
    command
        .arg0("tracewell")
        // Standard input is a descriptor that a child has without further ado.
        .args([tool, "--format", "json", "--ready-fd", "0"])
        .args(options)
        .args(load::filter())
        .args(&load.args)
        .stdin(ready_to)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command
        .spawn()
        .map_err(|error| told("cannot start it", error))?;
    // Else this process would keep the pipe open itself.
    drop(command);
    let mut child = Ended(child);
    ending::runs(Some(child.pid()));
    let said = child
        .0
        .stderr
        .take()
        .map(|pipe| thread::spawn(move || text(pipe)));
    let seen = load.seen;
    let printed = child.0.stdout.take();
    let printed = printed.map(|pipe| thread::spawn(move || read(BufReader::new(pipe), &*seen)));

    let began = ready.read_exact(&mut [0]).is_ok();
    let made = if began {
        let maker = thread::Builder::new().name(load::name());
        let maker = maker.spawn(move || make(&mut *load.make, count));
        let made = maker
            .map_err(|error| told("cannot start a thread", error))?
            .join();
        let made = made.map_err(|_| "the load panicked".to_owned())?;
        Some(made.map_err(|error| told("cannot make the load", error))?)
    } else {
        None
    };
    child.interrupt();
    ending::runs(None);
    let status = child
        .0
        .wait()
        .map_err(|error| told("cannot wait for it", error))?;
    let joined = printed.and_then(|thread| thread.join().ok());
    let said = said
        .and_then(|thread| thread.join().ok())
        .unwrap_or_default();
    let (seen, summary) = joined.ok_or("its output cannot be read")?;
    match (made, summary) {
        (Some(made), Some(summary)) if status.success() => Ok(Recall {
            made,
            seen,
            summary,
        }),
        _ => Err(format!("it ended with {status}: {}", said.trim())),
    }
}

/// Makes so many events, or fewer where the test is to end; gives how many they were.
fn make(event: &mut dyn FnMut(u64) -> io::Result<()>, count: u64) -> io::Result<u64> {
    for number in 0..count {
        if ending::asked() {
            return Ok(number);
        }
        event(number)?;
    }
    Ok(count)
}

/// A child that does not outlive this.
struct Ended(Child);

impl Ended {
    fn interrupt(&self) {
        // It is not waited for yet, so the number is its own. That it has ended already is found out later.
        let _ = kill(self.pid(), Signal::SIGINT);
    }

    fn pid(&self) -> Pid {
        Pid::from_raw(self.0.id().cast_signed())
    }
}

impl Drop for Ended {
    fn drop(&mut self) {
        ending::runs(None);
        // Both fail where it has ended and been waited for.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn text(mut pipe: impl Read) -> String {
    let mut bytes = Vec::new();
    drop(pipe.read_to_end(&mut bytes));
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How many events the lines tell of, and the summary.
fn read(lines: impl BufRead, seen: &dyn Fn(&Value) -> u64) -> (u64, Option<Value>) {
    let mut count = 0;
    let mut summary = None;
    for object in lines
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| serde_json::from_str::<Value>(&line).ok())
    {
        count += seen(&object);
        if object["event"] == "summary" {
            summary = Some(object);
        }
    }
    (count, summary)
}

#[cfg(test)]
mod tests {
    use super::{Recall, make, read};
    use crate::TOOLS;
    use serde_json::{Value, json};

    /// Tools whose loads a unit test does not make: what they make them of, the tests of selftest have.
    const MADE_ELSEWHERE: [(&str, &str); 6] = [
        ("biolatency", "a loop device takes privileges"),
        (
            "execsnoop",
            "its load starts the program that makes it, which is this test",
        ),
        ("exitsnoop", "its load is execsnoop's"),
        (
            "tcpconnlat",
            "its load's own are known by their ports, which differ each time",
        ),
        ("tcplife", "the same, and by what they carry"),
        ("tcpretrans", "the same"),
    ];

    #[test]
    fn a_load_is_as_large_as_was_asked_for_and_knows_its_own() {
        let elsewhere = |name| MADE_ELSEWHERE.iter().any(|(tool, _)| *tool == name);
        for tool in TOOLS.iter().filter(|tool| !elsewhere(tool.name)) {
            let trace = tool.trace.as_ref().unwrap();
            let directory = tempfile::tempdir().unwrap();
            let mut load = (trace.load)(directory.path()).unwrap();
            for count in [1, 10] {
                assert_eq!(make(&mut *load.make, count).unwrap(), count);
            }
            if !tool.prints_events() {
                let told = |kind| (load.seen)(&json!({"event": kind, "count": 5}));
                assert_eq!(
                    (told(trace.kinds[0].name), told("lost")),
                    (5, 0),
                    "{}",
                    tool.name
                );
                continue;
            }
            let own = directory.path().join("file-0");
            let told = |kind, path| (load.seen)(&json!({"event": kind, "path": path}));
            assert_eq!(told(trace.kinds[0].name, own.to_str()), 1);
            assert_eq!(told("lost", own.to_str()), 0);
            // What has no path is the load's if its thread did it.
            let fields = trace.kinds[0].fields;
            if !fields.iter().any(|field| field.name == "path") {
                continue;
            }
            assert_eq!(told(trace.kinds[0].name, Some("/etc/passwd")), 0);
            assert_eq!(told(trace.kinds[0].name, None), 0);
        }
    }

    fn recall(made: u64, seen: u64, lost: u64) -> Recall {
        let summary = json!({"event": "summary", "lost": lost});
        Recall {
            made,
            seen,
            summary,
        }
    }

    #[test]
    fn what_is_told_as_lost_is_accounted_for() {
        assert_eq!(recall(300, 300, 0).ratio(), 1.0);
        assert_eq!(recall(300, 200, 100).ratio(), 1.0);
        assert_eq!(recall(300, 297, 0).ratio(), 0.99);
        // What the load's thread did besides may be lost too.
        assert_eq!(recall(300, 300, 7).told(), 300);
        assert_eq!(recall(0, 0, 0).ratio(), 1.0);
    }

    #[test]
    fn an_account_holds_as_far_as_it_goes() {
        for (account, at_most, seen, lost, holds) in [
            ("exact", 0, 300, 0, true),
            ("exact", 0, 299, 1, true),
            ("exact", 0, 299, 0, false),
            ("exact", 0, 301, 0, false),
            ("at_most", 2, 298, 0, true),
            ("at_most", 2, 297, 0, false),
            ("at_most", 2, 297, 1, true),
            ("unknown", 0, 3, 0, true),
            ("unknown", 0, 301, 0, false),
            ("perfect", 0, 300, 0, false),
        ] {
            let mut recall = recall(300, seen, lost);
            recall.summary["account"] = account.into();
            recall.summary["lost_at_most"] = at_most.into();
            assert_eq!(recall.holds(), holds, "{recall:?}");
        }
        // No account at all.
        assert!(!recall(300, 300, 0).holds());
    }

    #[test]
    fn lines_are_counted_up_to_the_summary() {
        let lines = "{\"event\":\"open\"}\nnot json\n{\"event\":\"open\"}\n{\"event\":\"summary\",\"lost\":1}\n";
        let seen = |object: &Value| u64::from(object["event"] == "open");
        let (count, summary) = read(lines.as_bytes(), &seen);
        assert_eq!((count, summary.unwrap()["lost"].as_u64()), (2, Some(1)));
        assert_eq!(read("".as_bytes(), &seen), (0, None));
    }
}
