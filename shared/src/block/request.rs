// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a request is and how it failed, by the kernel's numbers; and their names, as values of an event: nothing is
//! allocated for them.

use crate::block::Names;
use crate::event::{Cell, Fields, Type, Value};

/// The operation of a request.
#[derive(Debug, Clone, Copy)]
pub struct RequestOp<'a> {
    /// The running kernel's names.
    pub names: &'a Names,
    /// `cmd_flags` of the request.
    pub flags: u32,
}

impl RequestOp<'_> {
    fn with_name<R>(&self, then: impl FnOnce(&str) -> R) -> R {
        match self.names.known_op(self.flags.into()) {
            Ok(name) => then(name),
            Err(number) => then(itoa::Buffer::new().format(number)),
        }
    }

    /// The letter that blktrace(8) has for it.
    pub fn letter(&self) -> &'static str {
        self.with_name(letter)
    }
}

impl Value for RequestOp<'_> {
    const TYPE: Type = Type::Text("^[a-z0-9_]+$");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        self.with_name(|op| to.text(name, op));
    }

    fn show(&self, cell: &mut Cell<'_>) {
        self.with_name(|op| cell.text(op));
    }
}

/// The letter that blktrace(8) has for the operation of this name.
pub fn letter(op: &str) -> &'static str {
    match op {
        "read" => "R",
        "write" => "W",
        "discard" | "secure_erase" => "D",
        "flush" => "F",
        op if op.starts_with("zone_") || op == "write_zeroes" => "Z",
        _ => "N",
    }
}

/// The flags of a request. Bits without a name are left out.
#[derive(Debug, Clone, Copy)]
pub struct RequestFlags<'a> {
    /// The running kernel's names.
    pub names: &'a Names,
    /// `cmd_flags` of the request.
    pub flags: u32,
}

/// The flags that the kernel has a letter for behind that of the operation, in its order (`blk_fill_rwbs()`).
const LETTERS: [(&str, &str); 5] = [
    ("FUA", "F"),
    ("RAHEAD", "A"),
    ("SYNC", "S"),
    ("META", "M"),
    ("ATOMIC", "U"),
];

impl RequestFlags<'_> {
    fn all(&self) -> impl Iterator<Item = &str> {
        self.names.known_flags(self.flags.into())
    }

    fn has(&self, flag: &str) -> bool {
        self.all().any(|name| name == flag)
    }

    /// Writes operation and flags as blktrace(8) does: `WS`, `RA`, `FWFSM`.
    pub fn show_letters(&self, cell: &mut Cell<'_>) {
        if self.has("PREFLUSH") {
            cell.text("F");
        }
        let Self { names, flags } = *self;
        cell.text(RequestOp { names, flags }.letter());
        for (flag, letter) in LETTERS {
            if self.has(flag) {
                cell.text(letter);
            }
        }
    }
}

impl Value for RequestFlags<'_> {
    const TYPE: Type = Type::Texts("^[A-Z0-9_]+$");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.names(name, &mut self.all());
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.words(self.all());
    }
}

/// How a request ended, as its completion is told: 0; since 5.16 the block layer's own number of the failure
/// (`BLK_STS_*`); before, a negative number of an error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outcome(pub i32);

/// What a number of the block layer without an error of its own is told as (`blk_status_to_errno()`).
const EIO: i32 = 5;

impl Outcome {
    /// The block layer's number, where it is what is told.
    pub fn status(self) -> Option<u8> {
        u8::try_from(self.0).ok().filter(|status| *status != 0)
    }

    /// 0, or a negative number of the error that whoever waits for the request is given. The numbers from 14 to 18 have had
    /// several meanings ("block: Remove `BLK_STS_ZONE_RESOURCE`", 6.10), and are `EIO` here.
    pub fn returned(self) -> i32 {
        let errno = match self.0 {
            ..=0 => return self.0,
            1 => 95,  // EOPNOTSUPP
            2 => 110, // ETIMEDOUT
            3 => 28,  // ENOSPC
            4 => 67,  // ENOLINK
            5 => 121, // EREMOTEIO
            6 => 52,  // EBADE
            7 => 61,  // ENODATA
            8 => 84,  // EILSEQ
            9 => 12,  // ENOMEM
            11 => 78, // EREMCHG
            12 => 11, // EAGAIN
            13 => 16, // EBUSY
            19 => 22, // EINVAL
            _ => EIO,
        };
        -errno
    }
}

#[cfg(test)]
mod tests {
    use super::{Outcome, letter};
    use crate::event::Failure;

    #[test]
    fn a_failure_is_told_by_either_number() {
        let name = |told| {
            let failure = Failure::of(Outcome(told).returned());
            failure.errno.and_then(crate::event::names::errno)
        };
        assert_eq!((name(0), Outcome(0).status()), (None, None));
        assert_eq!((name(-5), Outcome(-5).status()), (Some("EIO"), None));
        for (status, error) in [
            (10, "EIO"),
            (1, "EOPNOTSUPP"),
            (2, "ETIMEDOUT"),
            (7, "ENODATA"),
            (16, "EIO"),
            (19, "EINVAL"),
            (200, "EIO"),
        ] {
            assert_eq!(name(status), Some(error));
            assert_eq!(Outcome(status).status().map(i32::from), Some(status));
        }
    }

    #[test]
    fn an_operation_has_a_letter() {
        for (op, expected) in [
            ("read", "R"),
            ("secure_erase", "D"),
            ("flush", "F"),
            ("zone_append", "Z"),
            ("write_zeroes", "Z"),
            ("drv_in", "N"),
            ("77", "N"),
        ] {
            assert_eq!(letter(op), expected, "{op}");
        }
    }
}
