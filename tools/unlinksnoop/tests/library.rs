// SPDX-License-Identifier: MIT OR Apache-2.0
//! The library on its own, against the running kernel.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

use std::fs;
use std::thread;

use tokio::runtime::Builder;
use unlinksnoop::{Filter, Item, Op, Options, Unlinks};

/// How many files are made and removed.
const MADE: usize = 2_000;

#[test]
fn every_removal_of_a_thread_is_an_event() {
    let directory = tempfile::tempdir().unwrap();
    let runtime = Builder::new_multi_thread().enable_all().build().unwrap();
    let (seen, rung) = runtime.block_on(async {
        let options = Options {
            filter: Filter {
                pid: std::process::id().into(),
                ..Filter::default()
            },
            ..Options::default()
        };
        let mut unlinks = Unlinks::default().start(&options).unwrap();
        let path = directory.path().to_owned();
        thread::spawn(move || {
            for number in 0..MADE {
                let path = path.join(number.to_string());
                fs::write(&path, vec![0; number]).unwrap();
                fs::remove_file(&path).unwrap();
            }
            fs::create_dir(path.join("last")).unwrap();
            fs::remove_dir(path.join("last")).unwrap();
        });
        let mut seen = Vec::new();
        let mut lost = 0;
        while let Some(batch) = unlinks.next().await.unwrap() {
            let mut last = false;
            for item in batch.items() {
                match item {
                    Item::Event(unlink) => {
                        assert_eq!((unlink.ret, unlink.failure.errno), (0, None));
                        last |= unlink.op == Op::Rmdir;
                        let path = unlink.file.path.bytes.unwrap();
                        let name = path.rsplit(|byte| *byte == b'/').next().unwrap();
                        let size = unlink.object.size_bytes.map(|size| size.0);
                        seen.push((str::from_utf8(name).unwrap().to_owned(), size));
                    }
                    Item::Lost(gap) => lost += gap.count,
                }
            }
            if last {
                unlinks.stop();
            }
        }
        assert_eq!(unlinks.account().seen, seen.len() as u64);
        assert_eq!(unlinks.account().lost.total(), lost);
        assert_eq!(seen.len() + lost as usize, MADE + 1);
        (seen, unlinks.rung())
    });
    for (name, size) in &seen {
        // Only the kernel's own functions see the file.
        if ["fentry", "kprobe"].contains(&rung) && name != "last" {
            assert_eq!(*size, Some(name.parse().unwrap()));
        }
    }
}
