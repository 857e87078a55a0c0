// SPDX-License-Identifier: MIT OR Apache-2.0
//! An event for the tests of this module, with a field of each kind.

use super::sink::Sink;
use super::table::Column;
use super::{Format, Writer};
use crate::callers::Frame;
use crate::event::{Cell, ErrorName, Event, EventFamily, Fields, Moment, Type, Value, as_returned};
use crate::kernel::clock::Clock;
use nix::sys::memfd::{MFdFlags, memfd_create};
use std::fs::File;
use std::io::{Read, Seek};
use time::UtcOffset;
use time::macros::datetime;

/// An event with all kinds of values.
#[derive(Debug, Clone, Default, Event)]
#[event(kind = "sample", of = Samples, failed = Sample::went_wrong)]
pub(crate) struct Sample<'a> {
    /// When it happened.
    pub(crate) time: Moment,
    /// The process.
    #[field(right("PID", 6))]
    pub(crate) pid: u64,
    /// What was returned.
    #[field(left("RET", 7), show = as_returned)]
    pub(crate) ret: i32,
    /// The name.
    #[field(left("COMM", 8))]
    pub(crate) comm: &'a [u8],
    /// The path.
    #[field(null = "where there is none", none = "", left("PATH", 10))]
    pub(crate) path: Option<&'a [u8]>,
    /// The arguments.
    #[field(null = "where there are none")]
    pub(crate) args: Option<Args<'a>>,
    /// Whether it was cut.
    pub(crate) cut: bool,
    /// The flags.
    pub(crate) flags: Flags,
    /// The error.
    #[field(null = "where there was none")]
    pub(crate) error: Option<ErrorName>,
    /// The user.
    #[field(null = "where nobody knows")]
    pub(crate) uid: Option<u64>,
    /// The descriptor.
    #[field(null = "where there is none")]
    pub(crate) fd: Option<i64>,
    /// The callers.
    #[field(null = "where nobody asked")]
    pub(crate) frames: Option<Stack<'a>>,
}

#[derive(Debug)]
pub(crate) struct Samples;

impl Sample<'_> {
    fn went_wrong(&self) -> bool {
        self.ret < 0
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Args<'a>(pub(crate) &'a [Option<&'a [u8]>]);

impl Value for Args<'_> {
    const TYPE: Type = Type::List;

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.list(name, Some(&|give| self.0.iter().for_each(|arg| give(*arg))));
    }

    fn show(&self, cell: &mut Cell<'_>) {
        self.0.iter().flatten().for_each(|arg| cell.argument(arg));
    }
}

#[derive(Debug, Clone, Default)]
pub(crate) struct Flags;

impl Value for Flags {
    const TYPE: Type = Type::Texts("^O_");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut ["O_RDWR", "O_CREAT"].into_iter());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text("O_RDWR|O_CREAT");
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Stack<'a>(pub(crate) &'a [Frame<'a>]);

impl Value for Stack<'_> {
    const TYPE: Type = Type::Frames(16);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.frames(name, Some(&|give| self.0.iter().for_each(&mut *give)));
    }

    fn show(&self, cell: &mut Cell<'_>) {
        for frame in self.0 {
            cell.below();
            cell.frame(frame);
        }
    }
}

pub(crate) fn columns() -> Vec<Column<Samples>> {
    crate::columns![Samples: comm, pid, ret, path]
}

/// Two frames: one with a name, one of an odd file.
pub(crate) const FRAMES: &[Frame<'_>] = &[
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
pub(crate) fn clock() -> Clock {
    let moment = datetime!(2026-11-22 15:23:08 UTC).unix_timestamp_nanos();
    let local = UtcOffset::from_hms(1, 0, 0).unwrap();
    Clock::fixed(moment.try_into().unwrap(), local)
}

/// What a writer wrote to a file.
pub(crate) fn written(format: Format, write: impl FnOnce(&mut Writer<Samples>)) -> Vec<u8> {
    written_of(format, columns(), write)
}

/// The same of any events.
pub(crate) fn written_of<T: EventFamily>(
    format: Format,
    columns: Vec<Column<T>>,
    write: impl FnOnce(&mut Writer<T>),
) -> Vec<u8> {
    let file = memfd_create(c"output", MFdFlags::MFD_CLOEXEC).unwrap();
    let mut file = File::from(file);
    let sink = Sink::from_fd(file.try_clone().unwrap().into(), "a file");
    let mut writer = Writer::new(format, sink, columns, clock());
    write(&mut writer);
    writer.flush().unwrap();
    file.rewind().unwrap();
    let mut all = Vec::new();
    file.read_to_end(&mut all).unwrap();
    all
}

/// Bytes for property tests: the same each time, rich in what needs care.
#[derive(Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }

    pub(crate) fn bytes(&mut self) -> Vec<u8> {
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
