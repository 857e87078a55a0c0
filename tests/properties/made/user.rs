// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of functions of programs, in user space.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, head, name};
use crate::words;

/// A string that was read: its bytes, or none; and whether there are more.
type Text = (Option<Vec<u8>>, bool);

fn text() -> impl Strategy<Value = Text> {
    (prop::option::of(name(12)), any::<bool>())
}

fn length(text: &Text) -> [u8; 2] {
    let bytes = text.0.as_ref().map_or(0, Vec::len);
    u16::try_from(bytes).expect("a short text").to_ne_bytes()
}

fn compare(told: &Value, field: &str, text: &Text) {
    match &text.0 {
        Some(bytes) => assert_eq!(words::bytes(told, field), *bytes),
        None => assert!(told[field].is_null(), "{told}"),
    }
    assert_eq!(told[format!("{field}_truncated")], text.1);
}

/// `struct line_event`
#[derive(Debug, Clone)]
pub(crate) struct Line {
    head: Head,
    line: Text,
}

pub(crate) fn line() -> impl Strategy<Value = Line> {
    (head(), text()).prop_map(|(head, line)| Line { head, line })
}

impl Line {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        record.extend(length(&self.line));
        let unreadable = self.line.0.is_none();
        record.push(u8::from(unreadable) | u8::from(self.line.1) << 1);
        record.resize(72, 0);
        record.extend(self.line.0.iter().flatten());
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        self.head.compare(told);
        self.head.compare_parent(told);
        compare(told, "line", &self.line);
    }
}

/// `struct lookup_event`
#[derive(Debug, Clone)]
pub(crate) struct Lookup {
    head: Head,
    took_ns: u64,
    numbers: [i32; 2],
    host: Text,
    function: u8,
    failed: bool,
    known: bool,
}

pub(crate) fn lookup() -> impl Strategy<Value = Lookup> {
    let number = || prop_oneof![-110..5_i32, any::<i32>()];
    let numbers = [number(), number()];
    let flags = any::<[bool; 2]>();
    (head(), any::<u64>(), numbers, text(), 0..5_u8, flags).prop_map(
        |(head, took_ns, numbers, host, function, [failed, known])| Lookup {
            head,
            took_ns,
            numbers,
            host,
            function,
            failed,
            known,
        },
    )
}

impl Lookup {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        record.extend(self.took_ns.to_ne_bytes());
        for number in self.numbers {
            record.extend(number.to_ne_bytes());
        }
        record.extend(length(&self.host));
        record.push(self.function + 1);
        let bits = [self.host.0.is_none(), self.host.1, self.failed, self.known];
        let detail = bits
            .iter()
            .rev()
            .fold(0, |all, bit| all << 1 | u8::from(*bit));
        record.push(detail);
        record.resize(88, 0);
        record.extend(self.host.0.iter().flatten());
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        let functions = [
            "getaddrinfo",
            "gethostbyname",
            "gethostbyname2",
            "gethostbyname_r",
            "gethostbyname2_r",
        ];
        self.head.compare(told);
        self.head.compare_parent(told);
        compare(told, "host", &self.host);
        let function = functions[usize::from(self.function)];
        assert_eq!(told["function"], function);
        assert_eq!(told["duration_ns"], self.took_ns);
        assert_eq!(told["failed"], self.failed);
        let [ret, error] = self.numbers;
        let pointer = ["gethostbyname", "gethostbyname2"].contains(&function);
        assert_eq!(told["ret"], json!((!pointer).then_some(ret)));
        if !self.failed || !self.known {
            assert!(told["error"].is_null(), "{told}");
        } else if function == "getaddrinfo" && error == -2 {
            assert_eq!(told["error"], "EAI_NONAME");
        } else if function != "getaddrinfo" && error == 1 {
            assert_eq!(told["error"], "HOST_NOT_FOUND");
        }
    }
}
