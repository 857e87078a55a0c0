// SPDX-License-Identifier: MIT OR Apache-2.0
//! An event for the tests of this module, with a field of each kind.

use super::fields::Fields;
use super::sink::Sink;
use super::table::Column;
use super::{Format, Writer};
use crate::callers::Frame;
use crate::event::{Event, EventFamily};
use crate::kernel::clock::Clock;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{Read, Seek};
use time::UtcOffset;
use time::macros::datetime;

#[derive(Debug, Clone, Default)]
pub(super) struct Sample<'a> {
    pub(super) time_ns: u64,
    pub(super) pid: u64,
    pub(super) returned: i64,
    pub(super) comm: &'a [u8],
    pub(super) path: Option<&'a [u8]>,
    pub(super) args: Option<&'a [Option<&'a [u8]>]>,
    pub(super) frames: Option<&'a [Frame<'a>]>,
}

#[derive(Debug)]
pub(super) struct Samples;

impl EventFamily for Samples {
    type Event<'a> = Sample<'a>;
}

impl Event for Sample<'_> {
    const KIND: &'static str = "sample";

    const FIELDS: &'static [&'static str] = &[
        "time", "pid", "ret", "comm", "path", "args", "cut", "flags", "error", "uid", "fd",
        "frames",
    ];

    fn time_ns(&self) -> u64 {
        self.time_ns
    }

    fn failed(&self) -> bool {
        self.returned < 0
    }

    fn fields(&self, to: &mut dyn Fields) {
        to.time("time", self.time_ns);
        to.u64("pid", self.pid);
        to.i64("ret", self.returned);
        to.bytes("comm", self.comm);
        to.opt_bytes("path", self.path);
        match self.args {
            Some(args) => to.list("args", Some(&|give| args.iter().for_each(|arg| give(*arg)))),
            None => to.list("args", None),
        }
        to.bool("cut", self.pid == 1);
        to.names("flags", &mut ["O_RDWR", "O_CREAT"].into_iter());
        to.opt_text("error", self.failed().then_some("EPERM"));
        to.opt_u64("uid", None);
        to.opt_i64("fd", Some(-1));
        match self.frames {
            Some(frames) => to.frames("frames", Some(&|give| frames.iter().for_each(&mut *give))),
            None => to.frames("frames", None),
        }
    }
}

pub(super) fn columns() -> Vec<Column<Samples>> {
    vec![
        Column {
            header: "COMM",
            width: 8,
            right: false,
            show: |event, cell| cell.bytes(event.comm),
        },
        Column {
            header: "PID",
            width: 6,
            right: true,
            show: |event, cell| cell.u64(event.pid),
        },
        Column {
            header: "RET",
            width: 7,
            right: false,
            show: |event, cell| cell.signed_errno(event.returned),
        },
        Column {
            header: "PATH",
            width: 10,
            right: false,
            show: |event, cell| cell.bytes(event.path.unwrap_or_default()),
        },
    ]
}

/// Two frames: one with a name, one of an odd file.
pub(super) const FRAMES: &[Frame<'_>] = &[
    Frame {
        address: 0x1234,
        symbol: Some(b"f(int, int)"),
        offset: Some(4),
        module: Some(b"/a \xff\n"),
    },
    Frame {
        address: u64::MAX,
        symbol: None,
        offset: None,
        module: None,
    },
];

/// Boot time 0 is 2026-11-22 15:23:08 UTC, 16:23:08 in local time.
pub(super) fn clock() -> Clock {
    let moment = datetime!(2026-11-22 15:23:08 UTC).unix_timestamp_nanos();
    let local = UtcOffset::from_hms(1, 0, 0).unwrap();
    Clock::fixed(moment.try_into().unwrap(), local)
}

/// What a writer wrote to a file.
pub(super) fn written(format: Format, write: impl FnOnce(&mut Writer<Samples>)) -> Vec<u8> {
    let file = memfd_create(c"output", MFdFlags::MFD_CLOEXEC).unwrap();
    let mut file = File::from(file);
    let sink = Sink::from_fd(file.try_clone().unwrap().into(), "a file");
    let mut writer = Writer::new(format, sink, columns(), clock());
    write(&mut writer);
    writer.flush().unwrap();
    file.rewind().unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    all
}

/// Bytes for property tests: the same each time, rich in what needs care.
#[derive(Debug)]
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub(super) fn bytes(&mut self) -> Vec<u8> {
        const PIECES: &[&str] = &[
            "a", "/usr/lib", " ", "\\", "\\x41", "\"", "\n", "\t", "…", "é", "漢", "\u{202e}",
            "\u{9b}", "🙂", ",", "\u{feff}", "\u{2003}",
        ];
        let mut bytes = Vec::new();
        for _ in 0..self.below(12) {
            match self.below(4) {
                0 => bytes.push(self.below(256) as u8),
                1 => bytes.push(self.below(128) as u8),
                2 => {
                    let piece = PIECES[self.below(PIECES.len() as u64) as usize].as_bytes();
                    bytes.extend_from_slice(&piece[..piece.len() - self.below(2) as usize]);
                }
                _ => {
                    let piece = PIECES[self.below(PIECES.len() as u64) as usize];
                    bytes.extend_from_slice(piece.as_bytes());
                }
            }
        }
        bytes
    }
}
