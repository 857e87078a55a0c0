// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records of block requests.

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{Head, head, padded};

/// `struct request_event`
#[derive(Debug, Clone)]
pub(crate) struct Request {
    head: Head,
    sector: u64,
    times: [u64; 2],
    disk: Vec<u8>,
    /// Its numbers, bytes, flags.
    numbers: [u32; 4],
    result: i32,
    bios: u32,
    again: u32,
    detail: u32,
}

pub(crate) fn request() -> impl Strategy<Value = Request> {
    let sector = prop_oneof![Just(u64::MAX), any::<u64>()];
    // Names of disks are the kernel's: a slash stands in them as an exclamation mark.
    let disk = "[a-z0-9!-]{0,31}".prop_map(String::into_bytes);
    let bios = prop_oneof![0..260_u32, any::<u32>()];
    let result = prop_oneof![Just(0), -4095..0, 0..256];
    let numbers = (result, bios, any::<u32>(), any::<u32>());
    (
        head(),
        sector,
        any::<[u64; 2]>(),
        disk,
        any::<[u32; 4]>(),
        numbers,
    )
        .prop_map(
            |(head, sector, times, disk, numbers, (result, bios, again, detail))| Request {
                head,
                sector,
                times,
                disk,
                numbers,
                result,
                bios,
                again,
                detail,
            },
        )
}

impl Request {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        for number in [self.sector, self.times[0], self.times[1]] {
            record.extend(number.to_ne_bytes());
        }
        padded(&mut record, &self.disk, 32);
        let [major, minor, bytes, flags] = self.numbers;
        for number in [major, minor, bytes, flags, self.result.cast_unsigned()] {
            record.extend(number.to_ne_bytes());
        }
        for number in [self.bios, self.again, self.detail] {
            record.extend(number.to_ne_bytes());
        }
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        self.head.compare(told);
        self.head.compare_parent(told);
        let disk = String::from_utf8(self.disk.clone()).unwrap();
        let disk = if disk.is_empty() {
            "no-disk".to_owned()
        } else {
            disk.replace('!', "/")
        };
        assert_eq!(told["disk"], disk);
        let [major, minor, bytes, _] = self.numbers;
        let shown = (major, minor) != (0, 0);
        assert_eq!(told["major"], json!(shown.then_some(major)));
        assert_eq!(told["minor"], json!(shown.then_some(minor)));
        assert_eq!(told["bytes"], bytes);
        assert_eq!(
            told["sector"],
            json!((self.sector != u64::MAX).then_some(self.sector))
        );
        assert_eq!(told["duration_ns"], self.times[0]);
        let waited = self.detail & 1 != 0;
        assert_eq!(told["queued_ns"], json!(waited.then_some(self.times[1])));
        let merged = (self.bios <= 256).then(|| self.bios.saturating_sub(1));
        assert_eq!(told["merged"], json!(merged));
        assert_eq!(told["requeued"], self.again);
        let pattern = match self.detail >> 1 & 3 {
            1 => json!("sequential"),
            2 => json!("random"),
            _ => Value::Null,
        };
        assert_eq!(told["pattern"], pattern);
        let status = (self.result > 0).then_some(self.result);
        assert_eq!(told["status"], json!(status));
        assert_eq!(told["errno"].is_null(), self.result == 0);
        if self.result < 0 {
            assert_eq!(told["errno"], -self.result);
        }
    }
}
