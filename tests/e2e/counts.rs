// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--count-by`: events that are counted by their fields.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use serde_json::{Map, Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, scratch};

use crate::schema::check_all;
use crate::sys::{self, AT_FDCWD, c};

/// Names that could be taken for something else.
const NASTY: [&[u8]; 6] = [
    b"(9 more rows: 9",
    b"two\nlines",
    b"a,b\"c",
    b"\xff",
    b"\xfe",
    b"=1+1",
];

// Its argument: a directory. Opens each of its files, those of even numbers twice, and as often some that are not there.
actor!(opens_often, |stage| {
    let directory = Path::new(stage.arg(0));
    for (number, name) in NASTY.iter().enumerate() {
        let path = directory.join(std::ffi::OsStr::from_bytes(name));
        for _ in 0..2 - number % 2 {
            drop(sys::openat(AT_FDCWD, &c(&path), 0, 0));
            drop(sys::openat(
                AT_FDCWD,
                &c(path.with_extension("absent")),
                0,
                0,
            ));
        }
    }
});

/// What opensnoop tells with each of these options of the opens of one process.
fn opens<const N: usize>(options: [&[&str]; N]) -> [Finished; N] {
    let directory = scratch();
    for name in NASTY {
        fs::write(directory.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
    }
    let actor = Actor::new("opens_often").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tools = options.map(|args| {
        let tool = Tool::new("opensnoop").args(["--pid", &pid]).args(args);
        tool.start()
    });
    actor.go();
    actor.finish();
    tools.map(|tool| tool.finish().success())
}

/// The counts that a reader of JSON comes to: by the fields of these names, and what stands beside them.
fn by_hand(events: &[Value], names: &[&str]) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for event in events {
        let fields = names.iter().flat_map(|name| {
            let exact = format!("{name}_b64");
            let exact = event.get(&exact).map(|bytes| (exact, bytes.clone()));
            [((*name).to_owned(), event[name].clone())]
                .into_iter()
                .chain(exact)
        });
        let by: Map<String, Value> = fields.collect();
        *counts.entry(Value::from(by).to_string()).or_default() += 1;
    }
    counts
}

/// The same of the rows that a tool counted.
fn counted(rows: &[Value]) -> BTreeMap<String, u64> {
    let rows = rows.iter();
    let counts = rows.map(|row| (row["by"].to_string(), row["count"].as_u64().unwrap()));
    let counts: Vec<_> = counts.collect();
    let by_key: BTreeMap<_, _> = counts.iter().cloned().collect();
    assert_eq!(by_key.len(), counts.len(), "a key has two rows: {counts:?}");
    by_key
}

#[test]
fn counts_are_those_of_a_reader_of_json() {
    let keys: [&[&str]; 4] = [
        &["path"],
        &["error", "comm"],
        &["path", "error", "flags"],
        &["full_path"],
    ];
    let lists = keys.map(|names| names.join(","));
    let [all, one, two, three, four] = opens([
        &["--format", "json", "-F"],
        &["--format", "json", "--count-by", &lists[0]],
        &["--format", "json", "--count-by", &lists[1]],
        &["--format", "json", "--count-by", &lists[2]],
        &["--format", "json", "--count-by", &lists[3]],
    ]);
    let events = all.events("open");
    assert_eq!(events.len(), 18);
    for (names, tool) in keys.iter().zip([one, two, three, four]) {
        check_all(&tool);
        let rows = tool.events("count");
        assert_eq!(counted(&rows), by_hand(&events, names), "{names:?}");
        assert_eq!(tool.summary()["events"], 18);
        let counts = rows.iter().map(|row| row["count"].as_u64().unwrap());
        assert!(counts.is_sorted_by(|one, other| one >= other), "{rows:?}");
        assert!(rows.iter().all(|row| row["other"].is_null()));
    }
}

#[test]
fn what_has_no_row_is_counted_all_the_same() {
    let [top, room, both] = opens([
        &["--format", "json", "--count-by", "path", "--top", "2"],
        &["--format", "json", "--count-by", "path", "--keys-max", "3"],
        &["--count-by", "path", "--keys-max", "3", "--top", "1"],
    ]);
    for (tool, rows, why) in [(top, 2, "top"), (room, 3, "keys_max")] {
        let all = check_all(&tool);
        let (own, others): (Vec<_>, Vec<_>) = tool
            .events("count")
            .into_iter()
            .partition(|row| row["other"].is_null());
        assert_eq!((own.len(), others.len()), (rows, 1), "{all:?}");
        assert_eq!(
            (&others[0]["other"], &others[0]["by"]),
            (&json!(why), &json!(null))
        );
        let counts = own.iter().chain(&others);
        let counts = counts.map(|row| row["count"].as_u64().unwrap());
        assert_eq!(counts.sum::<u64>(), 18);
    }
    let table = both.text();
    let last: Vec<_> = table.lines().rev().take(2).collect();
    assert!(
        last[0].starts_with("(no room for a row of their own: "),
        "{table}"
    );
    assert!(last[1].starts_with("(2 more rows: ") && last[1].ends_with("; --top shows more)"));
}

#[test]
fn no_name_can_be_taken_for_something_else() {
    let [table, csv] = opens([
        &["--count-by", "path,error"],
        &["--format", "csv", "--count-by", "path,error"],
    ]);
    let table = table.text();
    let mut lines = table.lines();
    assert_eq!(
        lines.next(),
        Some("Counting events by path, error... Hit Ctrl-C to end.")
    );
    assert_eq!(lines.next(), Some(""));
    assert!(
        lines.next().unwrap().starts_with("   COUNT PATH"),
        "{table}"
    );
    let rows: Vec<_> = lines.collect();
    assert_eq!(rows.len(), 12, "{table}");
    for row in rows {
        let count = row.split_whitespace().next().unwrap();
        assert!(["1", "2"].contains(&count), "{row}");
    }
    let csv = csv.text();
    let mut lines = csv.lines();
    assert_eq!(
        lines.next(),
        Some("time,interval_ms,path,error,count,stat,values,sum,mean,p50,p99,max,other")
    );
    assert_eq!(lines.count(), 12, "{csv}");
}

#[test]
fn figures_are_those_of_the_field() {
    let script = "for i in 1 2 3; do sleep 0.01; done; true | cat";
    let tool = Tool::new("exitsnoop").json();
    let tool = tool.args(["--count-by", "comm", "--stat", "age_ns"]);
    let counted = tool.args(["--", "sh", "-c", script]).run().success();
    let rows = counted.events("count");
    check_all(&counted);
    let sleeps = rows
        .iter()
        .find(|row| row["by"]["comm"] == "sleep")
        .unwrap();
    assert_eq!(
        (&sleeps["count"], &sleeps["values"]),
        (&json!(3), &json!(3))
    );
    let figure = |name: &str| sleeps[name].as_u64().unwrap();
    assert_eq!(sleeps["stat"], "age_ns");
    // Each slept that long at least.
    assert!(figure("sum") >= 30_000_000 && figure("max") <= figure("sum") - 20_000_000);
    assert!(figure("mean").abs_diff(figure("sum") / 3) <= 1);
    assert!(figure("p50") <= figure("p99") && figure("p99") <= figure("max"));
    let sums = rows.iter().map(|row| row["sum"].as_u64().unwrap());
    assert!(sums.is_sorted_by(|one, other| one >= other), "{rows:?}");
}

#[test]
fn a_value_that_is_absent_is_no_figure() {
    let [tool] = opens([&["--format", "json", "--count-by", "comm", "--stat", "errno"]]);
    let rows = tool.events("count");
    assert_eq!(rows.len(), 1);
    // Half of the opens fail, with ENOENT.
    assert_eq!(
        (&rows[0]["count"], &rows[0]["values"]),
        (&json!(18), &json!(9))
    );
    assert_eq!((&rows[0]["sum"], &rows[0]["mean"]), (&json!(18), &json!(2)));
}

#[test]
fn intervals_come_to_all() {
    let tool = Tool::new("opensnoop").json();
    let tool = tool.args(["--count-by", "comm", "--interval", "50ms"]);
    let script = "for i in 1 2 3 4 5 6 7 8; do cat /etc/hostname >/dev/null; sleep 0.03; done";
    let tool = tool.args(["--", "sh", "-c", script]).run().success();
    let rows = tool.events("count");
    let mut times: Vec<_> = rows.iter().map(|row| row["time"].to_string()).collect();
    times.dedup();
    assert!(times.len() > 1, "{rows:?}");
    let counts = rows.iter().map(|row| row["count"].as_u64().unwrap());
    assert_eq!(json!(counts.sum::<u64>()), tool.summary()["events"]);
}

#[test]
fn rates_stand_behind_counts() {
    let [tool, figures] = opens([
        &["--count-by", "path", "--rate"],
        &["--count-by", "comm", "--rate", "--stat", "errno"],
    ]);
    let words = |tool: &Finished| -> Vec<Vec<String>> {
        let table = tool.text();
        let lines = table.lines().skip(2);
        let words = |line: &str| line.split_whitespace().map(str::to_owned).collect();
        lines.map(words).collect()
    };
    let rows = words(&tool);
    assert_eq!(rows[0], ["COUNT", "COUNT/s", "PATH"]);
    let rate_of = |count: &str| {
        let row = rows.iter().find(|row| row[0] == count).unwrap();
        row[1].replace('.', "").parse::<u64>().unwrap()
    };
    // Both are rounded.
    let (one, two) = (rate_of("1"), rate_of("2"));
    assert!(one > 0 && two.abs_diff(2 * one) <= 2, "{rows:?}");
    assert_eq!(
        words(&figures)[0][..4],
        ["COUNT", "COUNT/s", "VALUES", "SUM"]
    );
}

#[test]
fn only_so_many_events_are_counted() {
    let [tool] = opens([&[
        "--format",
        "json",
        "--count-by",
        "comm",
        "--max-events",
        "5",
    ]]);
    let rows = tool.events("count");
    assert_eq!((rows.len(), &rows[0]["count"]), (1, &json!(5)));
    assert_eq!(tool.summary()["events"], 5);
}

#[test]
fn fields_that_are_none_are_told_before_anything_is_attached() {
    let traces = tracewell::TOOLS.iter();
    let counting = traces.filter(|tool| {
        let parser = tool.parser();
        let mut options = parser.get_arguments();
        options.any(|option| option.get_long() == Some("count-by"))
    });
    let mut tried = 0;
    for tool in counting {
        tried += 1;
        for (args, told) in [
            (
                &["--count-by", "nope"][..],
                "no field is called 'nope'; the fields are time",
            ),
            (&["--count-by", "pid,pid"], "pid is there twice"),
            (&["--count-by", "time"], "time differs from event to event"),
            (
                &["--count-by", "pid", "--stat", "comm"],
                "such fields are pid",
            ),
            (&["--stat", "pid"], "--count-by"),
            (&["--rate"], "--count-by"),
            (
                &["--count-by", "pid", "--rate", "--format", "csv"],
                "divide count by interval_ms",
            ),
            (&["--count-by", "pid", "--columns", "pid"], "--columns"),
            (&["--count-by", "pid", "--top", "0"], "from 1 on"),
        ] {
            let finished = Tool::new(tool.name).args(args).run().ended_with(2);
            assert!(
                finished.stderr.contains(told),
                "{args:?}: {}",
                finished.stderr
            );
        }
    }
    assert!(tried >= 4, "{tried}");
}
