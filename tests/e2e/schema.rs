// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every line of JSON is as `docs/events.schema.json` says, and the schema says enough to tell a wrong line.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::ptr;

use jsonschema::{Draft, Validator};
use nix::libc::{O_CLOEXEC, O_CREAT, O_DIRECTORY, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY};
use nix::sys::signal::Signal;
use serde_json::{Map, Value, json};
use tracewell_tests::{Actor, Finished, Tool, actor, scratch};

use crate::sys::{self, AT_FDCWD, How, c};

fn schema() -> Value {
    let text = include_str!("../../docs/events.schema.json");
    serde_json::from_str(text).expect("the schema is JSON")
}

fn validator() -> Validator {
    let options = jsonschema::options().with_draft(Draft::Draft202012);
    let options = options.should_validate_formats(true);
    options.build(&schema()).expect("the schema is one")
}

/// Fails for an object that is not as the schema says.
fn check(validator: &Validator, object: &Value) {
    let errors: Vec<_> = validator
        .iter_errors(object)
        .map(|error| error.to_string())
        .collect();
    assert!(errors.is_empty(), "{object}\n{}", errors.join("\n"));
}

/// Checks all lines of a run, and gives them.
fn check_all(finished: &Finished) -> Vec<Value> {
    let validator = validator();
    let objects = finished.objects();
    objects.iter().for_each(|object| check(&validator, object));
    objects
}

/// Fails where no object has this field, not null.
fn assert_some(objects: &[Value], field: &str) {
    assert!(
        objects.iter().any(|object| !object[field].is_null()),
        "nothing has {field}: the test does not try it"
    );
}

/// The name of a file, or of a program, that is not UTF-8 and not pleasant.
const ODD: &[u8] = b"odd \xff\n\x1b[31m\\\"";

fn odd() -> &'static OsStr {
    OsStr::from_bytes(ODD)
}

// Its argument: a directory.
actor!(opens_all_kinds, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let odd = c(directory.join(odd()));
    sys::set_comm(b"\xfe\tname");
    drop(sys::openat(
        AT_FDCWD,
        &odd,
        O_WRONLY | O_CREAT | O_TRUNC,
        0o640,
    ));
    drop(sys::openat(
        AT_FDCWD,
        &c(&directory),
        O_DIRECTORY | O_CLOEXEC,
        0,
    ));
    drop(sys::openat(
        AT_FDCWD,
        &c(directory.join("absent")),
        O_RDWR,
        0,
    ));
    drop(sys::openat(AT_FDCWD, &c("x".repeat(5000)), O_RDONLY, 0));
    drop(sys::openat(AT_FDCWD, &c(""), O_RDONLY, 0));
    drop(sys::openat(-7, &c("relative"), !0, 0));
    drop(sys::openat_address(
        AT_FDCWD,
        ptr::without_provenance(8),
        O_RDONLY,
        0,
    ));
    let how = How {
        flags: u64::MAX,
        mode: u64::MAX,
        resolve: 0,
    };
    drop(sys::openat2(AT_FDCWD, &odd, how));
});

#[test]
fn opens_are_as_the_schema_says() {
    for option in [None, Some("-F")] {
        let directory = scratch();
        let actor = Actor::new("opens_all_kinds").arg(directory.path()).start();
        let pid = actor.pid().to_string();
        let tool = Tool::new("opensnoop")
            .json()
            .args(["--pid", &pid])
            .args(option)
            .start();
        actor.go();
        actor.finish();
        let objects = check_all(&tool.finish().success());
        assert!(objects.len() > 8, "{objects:#?}");
        for field in ["comm_b64", "path_b64", "mode", "fd", "error"] {
            assert_some(&objects, field);
        }
        if option.is_some() {
            assert_some(&objects, "full_path_b64");
        }
        assert!(
            objects
                .iter()
                .any(|object| object["path_truncated"] == true),
            "{objects:#?}"
        );
    }
}

// Its argument: a directory with an odd name for a program.
actor!(execs_all_kinds, |stage| {
    let directory = Path::new(stage.arg(0)).to_owned();
    let program = c(directory.join(odd()));
    let odd = c(odd());
    let absent = c(directory.join("absent"));
    let bad = ptr::without_provenance(8);
    sys::execve(&absent, &[odd.clone(), c(""), c("a b")]);
    sys::execve(&absent, &[]);
    sys::execve(&absent, &[c("a".repeat(20_000)), c("b")]);
    sys::execve(&c("x".repeat(5000)), &[c("long")]);
    sys::execve_address(bad, bad.cast());
    sys::execve_address(absent.as_ptr(), [odd.as_ptr(), bad, ptr::null()].as_ptr());
    sys::execve(&program, &[c("true"), odd]);
});

#[test]
fn execs_are_as_the_schema_says() {
    let directory = scratch();
    symlink("/bin/true", directory.path().join(odd())).expect("a link can be made");
    let actor = Actor::new("execs_all_kinds").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("execsnoop")
        .json()
        .args(["-x", "--pid", &pid])
        .start();
    actor.go();
    actor.finish();
    let objects = check_all(&tool.finish().success());
    assert_eq!(objects.len(), 8, "{objects:#?}");
    for field in ["comm_b64", "filename_b64", "args_b64", "error", "ppid"] {
        assert_some(&objects, field);
    }
    for field in ["filename_truncated", "args_truncated"] {
        assert!(
            objects.iter().any(|object| object[field] == true),
            "{field}: {objects:#?}"
        );
    }
}

// Its argument: how many opens at a time. It opens as often as it is let go.
actor!(opens_in_bursts, |stage| {
    let count: u32 = stage.text(0).parse().expect("a number");
    loop {
        for _ in 0..count {
            drop(sys::read("/dev/null"));
        }
        stage.say("opened");
        stage.wait();
    }
});

#[test]
fn losses_are_as_the_schema_says() {
    let mut actor = Actor::new("opens_in_bursts").arg("5000").start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop")
        .json()
        .args(["--pid", &pid, "--buffer-size", "64k"])
        .start();
    let mut burst = |during: &dyn Fn()| {
        tool.signal(Signal::SIGSTOP);
        actor.go();
        actor.hear();
        during();
        tool.signal(Signal::SIGCONT);
    };
    // The first event after a gap tells of it; the last gap has none after it.
    burst(&|| {});
    tool.object(|object| object["event"] == "open");
    for _ in 0..2 {
        burst(&|| {});
    }
    burst(&|| tool.signal(Signal::SIGINT));
    let finished = tool.wait().success();
    let objects = check_all(&finished);
    let gaps: Vec<_> = objects
        .iter()
        .filter(|object| object["event"] == "lost")
        .collect();
    assert_some(&objects, "cause");
    assert!(gaps.iter().any(|gap| gap["time"].is_null()), "{gaps:#?}");
    assert!(gaps.iter().any(|gap| gap["time"].is_string()), "{gaps:#?}");
    assert_eq!(
        objects.last().map(|last| &last["event"]),
        Some(&json!("summary"))
    );
}

#[test]
fn csv_has_the_fields_of_the_schema() {
    for (name, kind) in [("execsnoop", "exec"), ("opensnoop", "open")] {
        let tool = Tool::new(name).args(["--format", "csv", "--pid", "1", "--duration", "0.001"]);
        let finished = tool.run().success();
        let header: Vec<_> = finished.lines()[0].split(',').map(str::to_owned).collect();
        let schema = schema();
        let required = &schema["$defs"][kind]["required"];
        let required: Vec<String> = serde_json::from_value(required.clone()).expect("names");
        assert_eq!(required[0], "event");
        assert_eq!(required[1..], header);
    }
}

/// Every kind of the schema, its definition, and a line that is right.
fn kinds() -> Vec<(Map<String, Value>, Value)> {
    let time = "2026-11-22T16:28:40.302363773Z";
    let lines = [
        json!({"event": "exec", "time": time, "pid": 910, "tid": 910, "ppid": 908, "uid": 0, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "pcomm": "sh\u{fffd}", "pcomm_b64": "c2j/", "ret": -2, "errno": 2, "error": "ENOENT",
            "filename": "/\u{fffd}", "filename_b64": "L/8=", "filename_truncated": false, "args": ["p", "\u{fffd}", ""],
            "args_b64": ["cA==", "/w==", ""], "args_truncated": true, "via": ["execve", "thread"],
            "cgroup_id": u64::MAX, "cpu": 1}),
        json!({"event": "open", "time": time, "pid": 881, "tid": 882, "uid": 4294967294_u32, "comm": "sh\u{fffd}",
            "comm_b64": "c2j/", "fd": 3, "errno": null, "error": null, "dirfd": -100, "path": "\u{fffd}",
            "path_b64": "/w==", "path_truncated": false, "full_path": "/\u{fffd}", "full_path_b64": "L/8=",
            "full_path_truncated": false, "flags": ["O_WRONLY", "O_CREAT"], "mode": 384, "compat": false}),
        json!({"event": "lost", "time": time, "count": 3, "cause": "buffer_full"}),
        json!({"event": "summary", "tool": "opensnoop", "events": 0, "lost": 4,
            "lost_by": {"buffer_full": 3, "recursion": 1}, "duration_ms": 12, "rung": "tp_btf", "buffer": "ring"}),
    ];
    let mut schema = schema();
    let references = schema["oneOf"].as_array().expect("a list").iter();
    let named: Vec<_> = references.map(|to| to["$ref"].clone()).collect();
    let tried = lines
        .iter()
        .map(|line| json!(format!("#/$defs/{}", kind(line))));
    assert_eq!(
        named,
        tried.collect::<Vec<_>>(),
        "(left: the schema's kinds, right: those tried here)"
    );
    lines
        .into_iter()
        .map(|line| match schema["$defs"][kind(&line)].take() {
            Value::Object(definition) => (definition, line),
            other => panic!("no definition: {other}"),
        })
        .collect()
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

#[test]
fn a_line_that_contradicts_itself_is_told() {
    let validator = validator();
    let kinds = kinds();
    let wrong: [(&str, &str, Value); 22] = [
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
        ("open", "fd", json!(null)),
        ("open", "errno", json!(2)),
        ("open", "path", json!(null)),
        ("open", "flags", json!(["O_CREAT", "O_RDONLY"])),
        ("open", "flags", json!([])),
        ("open", "error", json!("no such file")),
        ("lost", "count", json!(0)),
        ("lost", "cause", json!("bad luck")),
        ("summary", "lost_by", json!({"bad luck": 1})),
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
