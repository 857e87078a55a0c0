// SPDX-License-Identifier: MIT OR Apache-2.0
//! Conditions: what they mean, and what is said of those that mean nothing.

use serde_json::Value;

use super::Expression;
use crate::event::{ErrorName, Event};
use crate::output::Format;
use crate::output::sample::{Args, Sample, columns, written_of};

const ARGS: &[Option<&[u8]>] = &[Some(b"ls"), None, Some(b"-l a")];

fn sample() -> Sample<'static> {
    Sample {
        pid: 42,
        ret: -2,
        comm: b"tmux: server",
        path: Some(b"/etc/pass\xffwd\n"),
        args: Some(Args(ARGS)),
        cut: true,
        error: Some(ErrorName(2)),
        uid: Some(1000),
        ..Sample::default()
    }
}

fn check(text: &str) -> Result<super::Condition, String> {
    let expression: Expression = text.parse()?;
    expression
        .check(Sample::FIELDS)
        .map_err(|error| error.to_string())
}

fn holds(text: &str) -> bool {
    check(text)
        .unwrap_or_else(|error| panic!("{text}: {error}"))
        .holds(&sample())
}

#[test]
fn conditions_hold_or_not() {
    for text in [
        "pid == 42",
        "pid != 41",
        "pid in (1, 42,3)",
        " pid>=42&&pid<=42 ",
        "pid > 0x20 && pid < 0o100",
        "ret == -2",
        "ret < 0",
        "comm == 'tmux: server'",
        r#"comm == "tmux: server""#,
        "comm ~ '^tmux'",
        "comm !~ '^sh'",
        r"path == '/etc/pass\xffwd\n'",
        r"path ~ '^/etc/pass\xFFwd\n$'",
        "path ~ 'pass.wd'",
        "args has 'ls'",
        "args ~ ' a$'",
        "args has '-l a'",
        "cut",
        "cut == true",
        "!(cut == false)",
        "error == ENOENT",
        "error in (EPERM, ENOENT)",
        "error ~ '^ENO'",
        "fd == null",
        "fd != 3",
        "!(fd == 3)",
        "error != null",
        "uid == 1000 || pid == 1",
        "pid == 1 || uid == 1000 && ret < 0",
        "!!cut",
        "(((pid == 42)))",
    ] {
        assert!(holds(text), "{text}");
        assert!(!holds(&format!("!({text})")), "not: {text}");
    }
}

#[test]
fn what_is_absent_is_only_null() {
    for text in ["fd == 3", "fd < 3", "fd >= 0", "fd in (1, 2)", "fd != null"] {
        assert!(!holds(text), "{text}");
    }
}

#[test]
fn and_binds_closer_than_or() {
    assert!(holds("cut || cut && pid == 1"));
    assert!(!holds("(cut || cut) && pid == 1"));
}

#[test]
fn what_means_nothing_is_told_with_its_place() {
    for (text, told, place) in [
        ("", "expected a field", 0..1),
        ("pid", "say what pid is to be", 0..3),
        ("pid =", "expected && or ||", 4..5),
        ("pid = 3", "write ==", 4..5),
        ("cut and cut", "write &&", 4..5),
        ("fd in (null, 3)", "null stands alone", 7..11),
        ("error == enoent", "write ENOENT", 9..15),
        ("comm == 'a\u{2026}'", "ask by ~", 8..12),
        ("pid == 0644", "write 0o644 or 644", 7..11),
        ("pid == ", "expected a value", 7..8),
        ("pid == 3 &&", "expected a field", 11..12),
        ("(pid == 3", "expected &&, || or )", 9..10),
        ("pid == 3)", "expected && or ||", 8..9),
        ("pid in 3", "expected ( and a list", 7..8),
        ("comm == 'sh", "expected the closing quote", 11..12),
        (
            "pidd == 3",
            "no field is called 'pidd'; the fields are time, pid",
            0..4,
        ),
        ("cut && pidd == 3", "no field is called 'pidd'", 7..11),
        ("pid == 'x'", "pid is a number", 7..10),
        ("pid == -1", "pid is from 0 to", 7..9),
        ("pid == 3s", "not a number: 3s", 7..9),
        ("pid ~ '3'", "no pattern fits that", 4..5),
        ("pid has 3", "ask by ==", 4..7),
        ("args == 'ls'", "ask by has", 5..7),
        ("comm == sh", "stands in quotes: 'sh'", 8..10),
        ("comm < 'sh'", "only numbers", 5..6),
        (
            "comm ~ '('",
            "not a regular expression: unclosed group",
            7..10,
        ),
        ("comm ~ sh", "a pattern stands in quotes", 7..9),
        (r"comm == '\q'", "a backslash begins", 8..12),
        ("error == NOPE", "error is never 'NOPE'", 9..13),
        ("cut == 1", "cut is true or false", 7..8),
        ("time == 3", "no value equals that", 8..9),
        ("pid in (1, null)", "null stands alone", 11..15),
    ] {
        let error = check(text).unwrap_err();
        let lines: Vec<_> = error.lines().collect();
        let [what, again, marks] = lines[..] else {
            panic!("{text}: {error}");
        };
        assert!(what.contains(told), "{text}: {error}");
        assert_eq!(again.trim_start_matches(' '), text.trim_start_matches(' '));
        let start = marks.len() - marks.trim_start().len() - 2;
        assert_eq!(start..marks.len() - 2, place, "{text}: {error}");
    }
}

#[test]
fn depth_has_a_bound_and_patterns_too() {
    let deep = |depth| format!("{}cut{}", "(".repeat(depth), ")".repeat(depth));
    assert!(holds(&deep(60)));
    assert!(check(&deep(100_000)).unwrap_err().contains("64"));
    assert!(holds(&format!("{}cut", "!".repeat(100_000))));
    let behind_a_quote = check(&format!("comm == 'a\\'' && {}", deep(100_000)));
    assert!(behind_a_quote.unwrap_err().contains("64"));
    // Parentheses of a text are none.
    assert!(!holds(&format!("comm == '{}'", "(".repeat(100))));
    let large = check("comm ~ '(a{1000}){1000}'").unwrap_err();
    assert!(large.contains("too large"), "{large}");
}

#[test]
fn what_only_one_value_can_meet_is_known() {
    let field = |name: &str| {
        let at = |field: &crate::event::Field| field.name == name;
        Sample::FIELDS.iter().position(at).unwrap()
    };
    let only = |text: &str| check(text).unwrap().only(field("pid")).map(<[_]>::to_vec);
    assert_eq!(only("pid == 42"), Some(vec![42]));
    assert_eq!(only("cut && pid in (1, 2)"), Some(vec![1, 2]));
    for text in [
        "pid == 1 || cut",
        "!(pid == 1)",
        "pid != 1",
        "pid > 1",
        "uid == 1",
    ] {
        assert_eq!(only(text), None, "{text}");
    }
}

#[test]
fn what_a_field_has_to_be_is_known() {
    let pid = Sample::FIELDS
        .iter()
        .position(|field| field.name == "pid")
        .unwrap();
    let fields = Sample::FIELDS;
    let asks = |text: &str| check(text).unwrap();
    for (text, least) in [
        ("pid >= 3 && cut", Some(3)),
        ("pid > 3", Some(4)),
        ("pid >= 3 && pid >= 5", Some(5)),
        ("pid in (9, 7)", Some(7)),
        ("pid < 3", None),
        ("pid >= 3 || cut", None),
        ("!(pid >= 3)", None),
    ] {
        assert_eq!(asks(text).least(pid), least, "{text}");
    }
    let nullable = fields.iter().find(|field| field.of.is_nullable());
    let name = nullable.unwrap().name;
    for (text, needs, needs_absent) in [
        (format!("{name} != null"), true, false),
        (format!("cut && {name} != null"), true, false),
        (format!("{name} == null"), false, true),
        (format!("!({name} == null)"), true, false),
        (format!("!({name} != null)"), false, true),
        (format!("{name} == null || cut"), false, false),
        ("cut".to_owned(), false, false),
    ] {
        let condition = asks(&text);
        let asks = super::Asks {
            condition: &condition,
            fields,
        };
        assert_eq!(
            (asks.needs(name), asks.needs_absent(name)),
            (needs, needs_absent),
            "{text}"
        );
        assert!(!asks.needs("nothing") && asks.least("nothing").is_none());
    }
}

/// Numbers that look like chance, the same each time.
struct Made(u64);

impl Made {
    fn below(&mut self, most: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % most
    }

    fn of<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.below(values.len())]
    }
}

const COMMS: [&str; 4] = ["sh", "sshd", "tmux: server", "a'b\\c"];

fn made_sample(made: &mut Made) -> Sample<'static> {
    Sample {
        pid: made.below(4) as u64,
        ret: made.below(5) as i32 - 2,
        comm: made.of(&COMMS).as_bytes(),
        path: made.of(&[None, Some(b"/etc/passwd"), Some(b"/tmp")]),
        args: made.of(&[None, Some(ARGS)]).map(Args),
        cut: made.below(2) == 0,
        error: made.of(&[None, Some(2), Some(13)]).map(ErrorName),
        uid: made.of(&[None, Some(0), Some(1000)]),
        fd: made.of(&[None, Some(3), Some(-1)]),
        ..Sample::default()
    }
}

/// What a reader of JSON would ask.
type Reading = Box<dyn Fn(&Value) -> bool>;

/// A condition that is made up, and the same asked of JSON by other means.
fn made_up(made: &mut Made, depth: usize) -> (String, Reading) {
    if depth > 0 && made.below(3) > 0 {
        let (one, reads_one) = made_up(made, depth - 1);
        let (other, reads_other) = made_up(made, depth - 1);
        return match made.below(3) {
            0 => (
                format!("({one} && {other})"),
                Box::new(move |json| reads_one(json) && reads_other(json)),
            ),
            1 => (
                format!("({one} || {other})"),
                Box::new(move |json| reads_one(json) || reads_other(json)),
            ),
            _ => (format!("!({one})"), Box::new(move |json| !reads_one(json))),
        };
    }
    let number = made.below(5) as i64 - 1;
    let field = made.of(&["ret", "fd"]);
    let of = move |json: &Value| json[field].as_i64();
    match made.below(10) {
        0 => (
            format!("{field} == {number}"),
            Box::new(move |json| of(json) == Some(number)),
        ),
        1 => (
            format!("{field} != {number}"),
            Box::new(move |json| of(json) != Some(number)),
        ),
        2 => (
            format!("{field} < {number}"),
            Box::new(move |json| of(json).is_some_and(|is| is < number)),
        ),
        3 => (
            format!("{field} >= {number}"),
            Box::new(move |json| of(json).is_some_and(|is| is >= number)),
        ),
        4 => (
            format!("{field} in (0, {number})"),
            Box::new(move |json| [Some(0), Some(number)].contains(&of(json))),
        ),
        5 => {
            let comm = made.of(&COMMS);
            let text = comm.replace('\\', "\\\\").replace('\'', "\\'");
            (
                format!("comm == '{text}'"),
                Box::new(move |json| json["comm"] == comm),
            )
        }
        6 => {
            let part = made.of(&["sh", "tc/", "^/t", "d$", "nope"]);
            let reads = move |json: &Value| {
                json["path"].as_str().is_some_and(|path| match part {
                    "^/t" => path.starts_with("/t"),
                    "d$" => path.ends_with('d'),
                    part => path.contains(part),
                })
            };
            (format!("path ~ '{part}'"), Box::new(reads))
        }
        7 => {
            let name = made.of(&["ENOENT", "EACCES", "EPERM"]);
            (
                format!("error == {name}"),
                Box::new(move |json| json["error"] == name),
            )
        }
        8 => {
            let field = made.of(&["uid", "error", "path", "args"]);
            (
                format!("{field} == null"),
                Box::new(move |json| json[field].is_null()),
            )
        }
        _ => {
            let reads = |json: &Value| {
                json["args"]
                    .as_array()
                    .is_some_and(|args| args.contains(&"ls".into()))
            };
            (
                "args has 'ls' && !cut".to_owned(),
                Box::new(move |json| reads(json) && json["cut"] == false),
            )
        }
    }
}

#[test]
fn two_hundred_conditions_mean_what_a_reader_of_json_would_ask() {
    let mut made = Made(1);
    let mut held = [0; 2];
    for _ in 0..200 {
        let (text, reads) = made_up(&mut made, 4);
        let condition = check(&text).unwrap_or_else(|error| panic!("{error}"));
        for _ in 0..20 {
            let event = made_sample(&mut made);
            let line = written_of(Format::Json, columns(), |writer| {
                writer.event(&event).unwrap()
            });
            let json = serde_json::from_slice(&line).unwrap();
            assert_eq!(condition.holds(&event), reads(&json), "{text}: {json}");
            held[usize::from(reads(&json))] += 1;
        }
    }
    // The conditions are no trivial ones.
    assert!(held.iter().all(|times| *times > 500), "{held:?}");
}

#[test]
fn no_text_at_all_is_more_than_wrong() {
    let words = [
        "pid", "comm", "cut", "nope", "==", "!", "!=", "<", ">=", "~", "in", "has", "(", ")", "&&",
        "||", "'a'", "'", "\"", "\\", "1", "-1", "1.5ms", "0x", "null", ",", " ", "\u{e9}",
        "ENOENT", "=",
    ];
    let mut made = Made(2);
    let mut right = 0;
    for _ in 0..20_000 {
        let count = 1 + made.below(8);
        let text: String = (0..count)
            .map(|_| format!("{} ", made.of(&words)))
            .collect();
        if let Ok(condition) = check(&text) {
            condition.holds(&sample());
            right += 1;
        }
    }
    assert!(right > 50, "{right}");
}
