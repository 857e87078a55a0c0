// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of exitsnoop.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, comm, head, padded};
use crate::words;

/// `struct exit_event`
#[derive(Debug, Clone)]
pub(crate) struct Exit {
    head: Head,
    parent: (u32, Vec<u8>),
    times: [u64; 5],
    pages: u32,
    cgroup: u64,
    status: u16,
    detail: u32,
}

pub(crate) fn exit() -> impl Strategy<Value = Exit> {
    let parent = (any::<u32>(), comm());
    // Half of the time that there is, so that two come to no more.
    let times = any::<[u64; 5]>().prop_map(|times| times.map(|time| time / 2));
    let status = prop_oneof![
        any::<u8>().prop_map(|code| u16::from(code) << 8),
        (1..=127_u16, any::<bool>()).prop_map(|(signal, core)| signal | u16::from(core) << 7),
    ];
    let rest = (any::<u32>(), any::<u64>(), status, 0..8_u32);
    (head(), parent, times, rest).prop_map(
        |(head, parent, times, (pages, cgroup, status, detail))| Exit {
            head,
            parent,
            times,
            // A thread has none.
            pages: if detail & 1 == 0 { pages } else { 0 },
            cgroup,
            status,
            detail,
        },
    )
}

impl Exit {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        for number in self.times {
            record.extend(number.to_ne_bytes());
        }
        record.extend(u64::from(self.pages).to_ne_bytes());
        record.extend(self.cgroup.to_ne_bytes());
        for number in [self.parent.0, self.status.into(), self.detail, 0] {
            record.extend(number.to_ne_bytes());
        }
        padded(&mut record, &self.parent.1, 16);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        self.head.compare(told);
        assert_eq!(told["ppid"], self.parent.0);
        assert_eq!(words::bytes(told, "pcomm"), self.parent.1);
        assert_eq!(told["cgroup_id"], self.cgroup);
        assert_eq!(told["thread"], self.detail & 1 != 0);
        let [age, exec_age, cpu, ..] = self.times;
        assert_eq!(told["age_ns"], age);
        let known = |detail, value: u64| (self.detail & detail != 0).then_some(value);
        assert_eq!(told["exec_age_ns"], json!(known(2, exec_age)));
        let used = |name| told[name].as_u64();
        let sum = used("user_ns").and_then(|user| Some(user + used("system_ns")?));
        assert_eq!(sum, known(4, cpu));
        let signal = self.status & 0x7f;
        let code = (signal == 0).then_some(self.status >> 8);
        assert_eq!(told["exit_code"], json!(code));
        assert_eq!(told["signal"], json!((signal != 0).then_some(signal)));
        assert_eq!(told["core_dumped"], self.status & 0x80 != 0);
        let pages = (self.pages != 0).then_some(u64::from(self.pages));
        let bytes = pages.map(|pages| pages * tracewell_shared::page_bytes() as u64);
        assert_eq!(told["peak_rss_bytes"], json!(bytes));
    }
}
