// SPDX-License-Identifier: MIT OR Apache-2.0

use crate::data::loss::{Cause, Certainty, Counts, Lost};
use crate::event::{ErrorName, Event, Moment};
use crate::output::Format;
use crate::output::sample::{Args, FRAMES, Random, Sample, Stack, written};
use crate::output::summary::Summary;
use data_encoding::BASE64;
use serde_json::{Value, json};
use std::time::Duration;

fn lines(events: &[Sample<'_>]) -> Vec<String> {
    let all = written(Format::Json, |writer| {
        for event in events {
            writer.event(event).unwrap();
        }
    });
    let all = String::from_utf8(all).expect("JSON is UTF-8");
    all.lines().map(str::to_owned).collect()
}

fn object(event: &Sample<'_>) -> Value {
    let lines = lines(std::slice::from_ref(event));
    assert_eq!(lines.len(), 1);
    serde_json::from_str(&lines[0]).expect("a line is an object")
}

/// The exact bytes of a value, from its twin if it has one.
fn exact(value: &Value, twin: &Value) -> Vec<u8> {
    match twin.as_str() {
        Some(twin) => BASE64.decode(twin.as_bytes()).unwrap(),
        None => value.as_str().unwrap().as_bytes().to_owned(),
    }
}

#[test]
fn every_kind_of_field() {
    let event = Sample {
        time: Moment {
            boot_ns: 123_456_789,
        },
        pid: 1,
        ret: -1,
        comm: b"sh",
        path: None,
        args: Some(Args(&[Some(b"a b"), Some(b""), None])),
        cut: true,
        error: Some(ErrorName(1)),
        fd: Some(-1),
        ..Sample::default()
    };
    let line = &lines(std::slice::from_ref(&event))[0];
    let expected = concat!(
        r#"{"event":"sample","time":"2026-11-22T15:23:08.123456789Z","pid":1,"ret":-1,"#,
        r#""comm":"sh","path":null,"args":["a b","",null],"cut":true,"flags":["O_RDWR","O_CREAT"],"#,
        r#""error":"EPERM","uid":null,"fd":-1,"frames":null}"#,
    );
    assert_eq!(line, expected);
    let object: Value = serde_json::from_str(line).unwrap();
    for field in Sample::FIELDS {
        assert!(object.get(field.name).is_some(), "{}", field.name);
    }
}

#[test]
fn frames_are_objects() {
    let event = Sample {
        frames: Some(Stack(FRAMES)),
        ..Sample::default()
    };
    let expected = json!([
        {"address": 0x1234, "symbol": "f(int, int)", "offset": 4, "module": "/a \u{fffd}\n", "module_b64": "L2Eg/wo="},
        {"address": u64::MAX, "symbol": null, "offset": null, "module": null},
    ]);
    assert_eq!(object(&event)["frames"], expected);
    let none = Sample {
        frames: Some(Stack(&[])),
        ..Sample::default()
    };
    assert_eq!(object(&none)["frames"], json!([]));
}

#[test]
fn a_value_that_is_not_text_comes_twice() {
    let event = Sample {
        comm: b"\xffok",
        path: Some(b"good"),
        args: Some(Args(&[Some(b"good"), None, Some(b"\xc3")])),
        ..Sample::default()
    };
    let object = object(&event);
    assert_eq!(object["comm"], "\u{fffd}ok");
    assert_eq!(object["comm_b64"], BASE64.encode(b"\xffok"));
    assert_eq!(object["path"], "good");
    assert_eq!(object.get("path_b64"), None);
    assert_eq!(object["args"], json!(["good", null, "\u{fffd}"]));
    assert_eq!(object["args_b64"], json!(["Z29vZA==", null, "ww=="]));
    // The twin comes right after.
    let text = &lines(&[event])[0];
    assert!(text.contains(r#"","comm_b64":"#) && text.contains(r#"],"args_b64":["#));
}

#[test]
fn nothing_for_a_terminal_to_act_on() {
    let path = "\0\x1b[2J\"\\\n\x7f\u{9b}\u{85}\u{2028}\u{202e}\u{e0041}é漢🙂…";
    let event = Sample {
        path: Some(path.as_bytes()),
        ..Sample::default()
    };
    let line = &lines(std::slice::from_ref(&event))[0];
    let expected = concat!(
        r#""path":"\u0000\u001b[2J\"\\\n\u007f\u009b\u0085\u2028\u202e\udb40\udc41é漢🙂…","#,
        r#""args":null"#
    );
    assert!(line.contains(expected), "{line}");
    assert_eq!(object(&event)["path"], path);
}

#[test]
fn random_bytes_come_back() {
    let mut random = Random(0x1234_5678);
    let values: Vec<Vec<u8>> = (0..20_000).map(|_| random.bytes()).collect();
    let lists: Vec<[Option<&[u8]>; 2]> = values
        .windows(2)
        .map(|pair| [Some(&pair[0][..]), Some(&pair[1][..])])
        .collect();
    let events: Vec<Sample<'_>> = lists
        .iter()
        .map(|list| Sample {
            comm: list[0].unwrap(),
            path: list[1],
            args: Some(Args(list)),
            ..Sample::default()
        })
        .collect();
    let lines = lines(&events);
    assert_eq!(lines.len(), events.len());
    for (line, event) in lines.iter().zip(&events) {
        let object: Value = serde_json::from_str(line).unwrap();
        assert_eq!(exact(&object["comm"], &object["comm_b64"]), event.comm);
        assert_eq!(
            Some(&exact(&object["path"], &object["path_b64"])[..]),
            event.path
        );
        for (index, arg) in event.args.as_ref().unwrap().0.iter().enumerate() {
            assert_eq!(
                exact(&object["args"][index], &object["args_b64"][index]),
                arg.unwrap()
            );
        }
    }
}

#[test]
fn losses_and_the_account() {
    let mut counts = Counts::default();
    let account = |counts: Counts| {
        let all = written(Format::Json, |writer| {
            writer.header().unwrap();
            for time_ns in [Some(1), None] {
                writer
                    .lost(&Lost {
                        time_ns,
                        count: 5,
                        cause: Cause::BufferFull,
                    })
                    .unwrap();
            }
            writer
                .summary(&Summary {
                    tool: "execsnoop",
                    events: 7,
                    lost: counts,
                    certainty: Certainty::AtMost,
                    cgroup_made_again: false,
                    duration: Duration::from_micros(1_234_567),
                    rung: "tp_btf",
                    buffer: Some("ring"),
                    asides: &[],
                })
                .unwrap();
        });
        String::from_utf8(all).unwrap()
    };
    let gap = r#""count":5,"cause":"buffer_full"}"#;
    let before = format!(
        "{{\"event\":\"lost\",\"time\":\"2026-11-22T15:23:08.000000001Z\",{gap}\n\
         {{\"event\":\"lost\",\"time\":null,{gap}\n"
    );
    let head = r#"{"event":"summary","tool":"execsnoop","events":7,"#;
    let tail = r#""duration_ms":1234,"rung":"tp_btf","buffer":"ring"}"#;
    let bound = r#""lost_at_most":0,"lost_at_most_by":{},"account":"at_most""#;
    let expected = format!("{before}{head}\"lost\":0,\"lost_by\":{{}},{bound},{tail}\n");
    assert_eq!(account(counts), expected);
    counts.add(Cause::BufferFull, 5);
    counts.add(Cause::Recursion, 1);
    let by = concat!(
        r#""lost":5,"lost_by":{"buffer_full":5},"#,
        r#""lost_at_most":1,"lost_at_most_by":{"recursion":1},"account":"at_most","#
    );
    assert_eq!(account(counts), format!("{before}{head}{by}{tail}\n"));
}
