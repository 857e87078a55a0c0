// SPDX-License-Identifier: MIT OR Apache-2.0
//! `docs/events.schema.json` describes every field, and says enough to tell a wrong line.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tracewell_shared::data::loss::{Cause, Figure};
use tracewell_shared::event::{Field, Kind, Type};
use tracewell_shared::run::counted;

use crate::validate::{check, schema, validator};

/// A frame of a stack that is right.
fn frame() -> Value {
    json!({"address": 140_503_950_110_721_u64, "symbol": "f\u{fffd}", "symbol_b64": "Zv8=", "offset": 28,
        "module": "/\u{fffd}", "module_b64": "L/8="})
}

/// The time of every line.
const TIME: &str = "2026-11-22T16:28:40.302363773Z";

/// Right lines of those kinds whose fields depend on each other.
fn by_hand() -> Vec<Value> {
    let time = TIME;
    let mut lines = vec![
        json!({"event": "exec", "time": time, "pid": 910, "tid": 910, "ppid": 908, "uid": 0, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "pcomm": "sh\u{fffd}", "pcomm_b64": "c2j/", "ret": -2, "errno": 2, "error": "ENOENT",
            "filename": "/\u{fffd}", "filename_b64": "L/8=", "filename_truncated": false, "args": ["p", "\u{fffd}", ""],
            "args_b64": ["cA==", "/w==", ""], "args_truncated": true, "via": ["execve", "thread"],
            "cgroup_id": u64::MAX, "cpu": 1, "ancestors": ["sh", "\u{fffd}"], "ancestors_b64": ["c2g=", "/w=="],
            "ancestor_pids": [7, 1]}),
        json!({"event": "exit", "time": time, "pid": 910, "tid": 910, "ppid": 908, "uid": 0, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "pcomm": "sh\u{fffd}", "pcomm_b64": "c2j/", "label": "a\u{fffd}", "label_b64": "Yf8=", "thread": false,
            "exit_code": null, "signal": 11, "signal_name": "SIGSEGV", "core_dumped": true, "age_ns": 1_000_000,
            "exec_age_ns": 900_000, "user_ns": 100_000, "system_ns": 0, "peak_rss_bytes": 1_212_416,
            "cgroup_id": u64::MAX, "ancestors": ["sh", "\u{fffd}"], "ancestors_b64": ["c2g=", "/w=="],
            "ancestor_pids": [7, 1]}),
        json!({"event": "open", "time": time, "pid": 881, "tid": 882, "uid": 4294967294_u32, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "ppid": 7, "pcomm": "sh\u{fffd}", "pcomm_b64": "c2j/", "cgroup_id": u64::MAX,
            "ancestors": ["sh", "\u{fffd}"], "ancestors_b64": ["c2g=", "/w=="], "ancestor_pids": [7, 1], "fd": 3, "errno": null, "error": null, "dirfd": -100, "path": "\u{fffd}",
            "path_b64": "/w==", "path_truncated": false, "full_path": "/\u{fffd}", "full_path_b64": "L/8=",
            "full_path_truncated": false, "flags": ["O_WRONLY", "O_CREAT"], "mode": 384, "compat": false,
            "callers": [frame(), {"address": 1, "symbol": null, "offset": null, "module": null}],
            "callers_truncated": false}),
        json!({"event": "unlink", "time": time, "pid": 881, "tid": 882, "uid": 0, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "ppid": 7, "pcomm": "sh\u{fffd}", "pcomm_b64": "c2j/", "cgroup_id": u64::MAX,
            "ancestors": ["sh", "\u{fffd}"], "ancestors_b64": ["c2g=", "/w=="], "ancestor_pids": [7, 1], "op": "unlink", "dirfd": -100, "path": "\u{fffd}", "path_b64": "/w==",
            "path_truncated": false, "full_path": "/\u{fffd}", "full_path_b64": "L/8=", "full_path_truncated": false,
            "ret": 0, "errno": null, "error": null, "inode": u64::MAX, "size_bytes": 5, "links": 1,
            "still_open": false, "probe": "fentry"}),
        json!({"event": "lost", "time": time, "count": 3, "cause": "buffer_full"}),
        json!({"event": "summary", "tool": "biolatency", "events": 0, "lost": 3,
            "lost_by": {"buffer_full": 3}, "lost_at_most": 1, "lost_at_most_by": {"recursion": 1}, "account": "at_most",
            "duration_ms": 12, "rung": "tp_btf", "buffer": "ring",
            "issued_again": 0}),
    ];
    for line in &mut lines {
        if !line["ancestors"].is_null() {
            let names = json!({"cgroup": "/a\u{fffd}", "cgroup_b64": "L2H/", "unit": "\u{fffd}.scope",
                "unit_b64": "/y5zY29wZQ==", "container": "\u{fffd}", "container_b64": "/w==", "user": "\u{fffd}",
                "user_b64": "/w==", "exe": "/\u{fffd}", "exe_b64": "L/8=", "exe_truncated": true});
            let names = names.as_object().expect("fields").clone();
            line.as_object_mut().expect("fields").extend(names);
        }
    }
    lines
}

/// A right value of a field, and the exact bytes that stand beside it.
fn made(field: &Field) -> (Value, Option<Value>) {
    let value = match *field.of.some() {
        Type::Number(least, most) => {
            let (least, most) = field.range.unwrap_or((least, most));
            json!(i64::try_from(least.max(1).min(most)).expect("a small number"))
        }
        Type::Bool => json!(true),
        Type::Time => json!(TIME),
        Type::Bytes => return (json!("sh\u{fffd}"), Some(json!("c2j/"))),
        Type::List => return (json!(["p", "\u{fffd}"]), Some(json!(["cA==", "/w=="]))),
        Type::Numbers => json!([7, 1]),
        Type::Text(pattern) => json!(a_word(pattern)),
        Type::Texts(pattern) => json!([a_word(pattern)]),
        Type::Address => json!("fe80::1"),
        Type::Word(words) => json!(words[0]),
        Type::Words { first, others } => json!(
            [first.first(), others.first()]
                .iter()
                .flatten()
                .collect::<Vec<_>>()
        ),
        Type::Frames(_) => json!([frame()]),
        Type::Buckets => json!([{"low": 992, "high": 1023, "count": 3}]),
        Type::Fields => json!({"comm": "sh", "count": 3}),
        Type::Maybe(_) => unreachable!("what is there is no such type"),
    };
    (value, None)
}

/// A word of this pattern.
fn a_word(pattern: &str) -> &'static str {
    let schema = json!({ "pattern": pattern });
    let words = ["read", "READ", "ENOENT", "SIGSEGV", "O_RDONLY"];
    let mut right = words
        .into_iter()
        .filter(|word| jsonschema::is_valid(&schema, &json!(word)));
    right.next().expect("one of these words has the pattern")
}

/// A right line of a kind, by its declaration.
fn line(kind: &Kind) -> Value {
    let mut object = Map::new();
    object.insert("event".into(), json!(kind.name));
    for field in kind.fields {
        let (value, exact) = made(field);
        object.insert(field.name.into(), value);
        if let Some(exact) = exact {
            object.insert(format!("{}_b64", field.name), exact);
        }
    }
    Value::Object(object)
}

/// Every kind of the schema, its definition, and a line that is right.
fn kinds() -> Vec<(Map<String, Value>, Value)> {
    let counts = line(&counted::KIND);
    let mut lines: BTreeMap<String, Value> = BTreeMap::from([("counted".to_owned(), counts)]);
    for tool in tracewell::TOOLS {
        for kind in tool.trace.iter().flat_map(|trace| trace.kinds) {
            lines.insert(tool.definition(kind), line(kind));
        }
    }
    lines.extend(
        by_hand()
            .into_iter()
            .map(|line| (kind(&line).to_owned(), line)),
    );
    let mut schema = schema();
    let references = schema["oneOf"].as_array().expect("a list").iter();
    let names: Vec<_> = references
        .map(|to| {
            to["$ref"]
                .as_str()
                .expect("a reference")
                .replace("#/$defs/", "")
        })
        .collect();
    let kinds = names.iter().map(|name| {
        let line = lines.remove(name);
        match (schema["$defs"][name].take(), line) {
            (Value::Object(definition), Some(line)) => (definition, line),
            (_, None) => panic!("no line of {name} is tried"),
            (other, _) => panic!("no definition: {other}"),
        }
    });
    let kinds = kinds.collect();
    assert!(lines.is_empty(), "the schema has not: {lines:?}");
    kinds
}

fn kind(line: &Value) -> &str {
    line["event"].as_str().expect("a kind")
}

#[test]
fn every_field_is_described() {
    for (definition, line) in kinds() {
        for (name, field) in definition["properties"].as_object().expect("fields") {
            let description = field["description"].as_str().unwrap_or_default();
            assert!(
                description.len() > 8,
                "{}: {name} is not described",
                kind(&line)
            );
        }
    }
}

#[test]
fn a_wrong_line_is_told() {
    let validator = validator();
    for (definition, line) in kinds() {
        check(&validator, &line);
        let wrong = |why: &str, change: &dyn Fn(&mut Map<String, Value>)| {
            let mut changed = line.clone();
            change(changed.as_object_mut().expect("an object"));
            assert!(
                !validator.is_valid(&changed),
                "{why}, and nobody notices: {changed}"
            );
        };
        wrong("a field too many", &|object| {
            object.insert("surplus".into(), json!(1));
        });
        for name in definition["properties"].as_object().expect("fields").keys() {
            assert!(line.get(name).is_some(), "{name} is not tried");
            // What no field can be: lost_by's counts are no lists, either.
            for value in [json!({"x": []}), json!(1.5)] {
                wrong(&format!("{name} is {value}"), &|object| {
                    object.insert(name.clone(), value.clone());
                });
            }
            // Only the exact bytes may be left out.
            if !name.ends_with("_b64") {
                wrong(&format!("{name} is missing"), &|object| {
                    object.remove(name);
                });
            }
        }
    }
}

/// What one tool alone adds to its summary.
#[test]
fn another_tools_summary_is_told() {
    let validator = validator();
    let (_, mut summary) = kinds().pop().expect("the summary");
    summary["tool"] = json!("opensnoop");
    assert!(!validator.is_valid(&summary), "{summary}");
    summary
        .as_object_mut()
        .expect("an object")
        .remove("issued_again");
    check(&validator, &summary);
}

#[test]
fn a_wrong_frame_is_told() {
    let validator = validator();
    let lines = kinds();
    let (_, line) = lines
        .iter()
        .find(|(_, line)| kind(line) == "open")
        .expect("an open");
    let with = |frame: Value| {
        let mut changed = line.clone();
        changed["callers"] = json!([frame]);
        changed
    };
    check(&validator, &with(frame()));
    for (field, value) in [
        ("address", json!(null)),
        ("address", json!("0x1")),
        ("symbol", json!(null)),
        ("symbol", json!(1)),
        ("symbol_b64", json!("?")),
        ("offset", json!(null)),
        ("offset", json!(-1)),
        ("module", json!(null)),
        ("module_b64", json!("")),
        ("surplus", json!(1)),
    ] {
        let mut wrong = frame();
        wrong[field] = value;
        assert!(!validator.is_valid(&with(wrong)), "nobody notices {field}");
    }
    let mut many = line.clone();
    many["callers"] = json!(vec![frame(); 17]);
    assert!(!validator.is_valid(&many));
}

#[test]
fn a_line_that_contradicts_itself_is_told() {
    let validator = validator();
    let kinds = kinds();
    let wrong: [(&str, &str, Value); 37] = [
        ("exec", "ret", json!(0)),
        ("exec", "ret", json!(2)),
        ("exec", "errno", json!(null)),
        ("exec", "filename", json!(null)),
        ("exec", "args", json!(null)),
        ("exec", "args", json!(["a", 1])),
        ("exec", "args_b64", json!(["not base64"])),
        ("exec", "via", json!(["magic"])),
        ("exec", "time", json!("2026-11-22T16:28:40Z")),
        ("exec", "time", json!("2026-13-22T16:28:40.302363773Z")),
        ("exec", "pid", json!(-1)),
        ("exec", "cgroup_id", json!("1")),
        ("histogram", "count", json!(0)),
        ("histogram", "buckets", json!([])),
        ("histogram", "buckets", json!([{"low": 1, "high": 2}])),
        ("histogram", "op", json!("READ")),
        ("open", "fd", json!(null)),
        ("open", "errno", json!(2)),
        ("open", "path", json!(null)),
        ("open", "flags", json!(["O_CREAT", "O_RDONLY"])),
        ("open", "flags", json!([])),
        ("open", "error", json!("no such file")),
        ("unlink", "op", json!("remove")),
        ("unlink", "ret", json!(1)),
        ("unlink", "ret", json!(-2)),
        ("unlink", "errno", json!(2)),
        ("unlink", "inode", json!(null)),
        ("unlink", "links", json!(null)),
        ("unlink", "probe", json!("auto")),
        ("lost", "count", json!(0)),
        ("lost", "cause", json!("bad luck")),
        ("lost", "cause", json!("recursion")),
        ("summary", "lost_by", json!({"bad luck": 1})),
        ("summary", "lost_by", json!({"recursion": 1})),
        ("summary", "lost_at_most_by", json!({"buffer_full": 1})),
        ("summary", "account", json!("perfect")),
        ("summary", "rung", json!("ladder")),
    ];
    for (event, field, value) in wrong {
        let (_, line) = kinds
            .iter()
            .find(|(_, line)| kind(line) == event)
            .expect("a kind");
        let mut changed = line.clone();
        changed[field] = value;
        assert!(!validator.is_valid(&changed), "nobody notices: {changed}");
    }
}

/// Each cause of loss that the tools know is in the schema, as what its count is worth, and in the page about losses.
#[test]
fn causes_are_as_they_are_declared() {
    let schema = schema();
    let words = |list: &str| -> Vec<String> {
        serde_json::from_value(schema["$defs"][list]["enum"].clone()).expect("words")
    };
    let (exact, bounds) = (words("cause"), words("bound"));
    let page = include_str!("../../docs/README.md");
    for cause in Cause::ALL {
        let name = cause.name().to_owned();
        assert_eq!(
            exact.contains(&name),
            cause.figure() == Figure::Exact,
            "{name}"
        );
        assert!(exact.contains(&name) || bounds.contains(&name), "{name}");
        assert!(
            page.contains(&format!("\n| `{name}` |")),
            "{name} is not explained"
        );
    }
    assert!(exact.len() <= Cause::ALL.len(), "{exact:?}");
}
