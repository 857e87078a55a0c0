// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of operations and flags, which are numbered differently from kernel to kernel.

use std::path::Path;
use std::sync::OnceLock;

use crate::event::{Cell, Fields, Type, Value};
use crate::kernel::Types;

/// `FLAGS_ARE_LETTERS` of `bpf/biolatency.h`.
const LETTERS: u64 = 0xff << 56;

/// The bits of the operation in `cmd_flags`: `REQ_OP_BITS`, the same since 4.10.
const OP_BITS: u32 = 8;

/// The names that the running kernel has for operations and flags.
#[derive(Debug, Clone, Default)]
pub struct Names(OnceLock<Known>);

/// What is known of them.
#[derive(Debug, Clone, Default)]
struct Known {
    /// By number: `read`.
    ops: Vec<(u64, String)>,
    /// By bit: `SYNC`.
    flags: Vec<(u64, String)>,
}

impl Known {
    /// By the kernel's types, or those of a file.
    fn read(btf: Option<&Path>) -> Self {
        let Some(types) = Types::read(btf) else {
            return Self::default();
        };
        let values = |name: &str, prefix: &str| -> Vec<(u64, String)> {
            let values = types.values(name).into_iter();
            values
                .filter_map(|(name, value)| {
                    let short = name.strip_prefix(prefix)?.to_owned();
                    Some((u64::try_from(value).ok()?, short))
                })
                .collect()
        };
        // Since 6.0 it is called req_op, before req_opf ("block: rename req_opf to req_op").
        let mut ops = values("req_op", "REQ_OP_");
        if ops.is_empty() {
            ops = values("req_opf", "REQ_OP_");
        }
        ops.retain(|(_, name)| name != "LAST");
        for (_, name) in &mut ops {
            name.make_ascii_lowercase();
        }
        let mut flags = values("req_flag_bits", "__REQ_");
        flags.retain(|(_, name)| name != "NR_BITS");
        Self { ops, flags }
    }
}

impl Names {
    /// Those of the kernel's types, which are read when the first name is asked for: that takes longer than to attach (30 ms beside 20). The
    /// file that `--btf` names is read here, since not everybody may read it later.
    pub fn of(btf: Option<&Path>) -> Self {
        Self(btf.map_or_else(OnceLock::new, |_| Known::read(btf).into()))
    }

    fn known(&self) -> &Known {
        self.0.get_or_init(|| Known::read(None))
    }

    /// The operation, in lower case: `read`, `write`, `flush`, `discard`; the number of one without a name.
    pub fn op(&self, flags: u64) -> String {
        if let Some(letters) = Letters::of(flags) {
            return letters.op.to_owned();
        }
        match self.known_op(flags) {
            Ok(name) => name.to_owned(),
            Err(number) => number.to_string(),
        }
    }

    /// The name of an operation of bits, or the number of one without a name.
    pub(crate) fn known_op(&self, flags: u64) -> Result<&str, u64> {
        let number = flags & ((1 << OP_BITS) - 1);
        let mut ops = self.known().ops.iter();
        let known = ops.find(|(value, _)| *value == number);
        known.map(|(_, name)| name.as_str()).ok_or(number)
    }

    /// The flags, as the kernel calls them: `SYNC`, `META`. Bits without a name are left out.
    pub fn flags(&self, flags: u64) -> Vec<&str> {
        if let Some(letters) = Letters::of(flags) {
            return letters.flags;
        }
        self.known_flags(flags).collect()
    }

    /// The names of those flags of bits that have one.
    pub(crate) fn known_flags(&self, flags: u64) -> impl Iterator<Item = &str> {
        let set = move |bit: u64| bit < 64 && flags >> bit & 1 == 1;
        let named = self.known().flags.iter().filter(move |(bit, _)| set(*bit));
        named.map(|(_, name)| name.as_str())
    }

    /// Both in words for people, as BCC's tools put them: `Sync-Metadata-Read`.
    pub fn words(&self, flags: u64) -> String {
        let mut words: Vec<String> = self.flags(flags).into_iter().map(word).collect();
        words.push(word(&self.op(flags)));
        words.join("-")
    }
}

/// An operation, by its name.
#[derive(Debug, Clone)]
pub struct Operation(pub String);

impl Value for Operation {
    const TYPE: Type = Type::Text("^[a-z0-9_]+$");

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        to.text(name, &self.0);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        cell.text(&self.0);
    }
}

/// `WRITE_ZEROES` is `WriteZeroes`; what BCC's tools call otherwise is called so.
fn word(name: &str) -> String {
    match name {
        "META" => return "Metadata".to_owned(),
        "PRIO" => return "Priority".to_owned(),
        "RAHEAD" => return "ReadAhead".to_owned(),
        "NOMERGE" => return "NoMerge".to_owned(),
        "NOWAIT" => return "NoWait".to_owned(),
        "FUA" => return "ForcedUnitAccess".to_owned(),
        _ => {}
    }
    let mut word = String::new();
    for part in name.split('_') {
        let (first, rest) = part.split_at(part.len().min(1));
        word.push_str(&first.to_ascii_uppercase());
        word.push_str(&rest.to_ascii_lowercase());
    }
    word
}

/// What the letters of a tracepoint's `rwbs` say (`blk_fill_rwbs()`).
struct Letters {
    op: &'static str,
    flags: Vec<&'static str>,
}

impl Letters {
    fn of(flags: u64) -> Option<Self> {
        if flags & LETTERS != LETTERS {
            return None;
        }
        let bytes = (flags & !LETTERS).to_le_bytes();
        let letters: Vec<u8> = bytes.into_iter().filter(|byte| *byte != 0).collect();
        Some(Self::parse(&letters))
    }

    fn parse(letters: &[u8]) -> Self {
        let (preflush, rest) = match letters {
            [b'F', rest @ ..]
                if matches!(rest.first(), Some(b'W' | b'R' | b'D' | b'F' | b'N' | b'Z')) =>
            {
                (true, rest)
            }
            all => (false, all),
        };
        let (op, rest) = match rest {
            [b'R', rest @ ..] => ("read", rest),
            [b'W', rest @ ..] => ("write", rest),
            [b'D', b'E', rest @ ..] => ("secure_erase", rest),
            [b'D', rest @ ..] => ("discard", rest),
            [b'F', rest @ ..] => ("flush", rest),
            [b'Z', b'A', rest @ ..] => ("zone_append", rest),
            [b'Z', _, rest @ ..] => ("zone", rest),
            [b'N', rest @ ..] => ("other", rest),
            rest => ("other", rest),
        };
        let mut flags = Vec::new();
        if preflush {
            flags.push("PREFLUSH");
        }
        flags.extend(rest.iter().filter_map(|letter| match letter {
            b'F' => Some("FUA"),
            b'A' => Some("RAHEAD"),
            b'S' => Some("SYNC"),
            b'M' => Some("META"),
            b'U' => Some("ATOMIC"),
            _ => None,
        }));
        Self { op, flags }
    }
}

#[cfg(test)]
mod tests {
    use super::{Known, LETTERS, Letters, Names};

    fn names() -> Names {
        let owned = |list: &[(u64, &str)]| {
            list.iter()
                .map(|(number, name)| (*number, (*name).to_owned()))
                .collect()
        };
        let known = Known {
            ops: owned(&[(0, "read"), (1, "write"), (9, "write_zeroes")]),
            flags: owned(&[(11, "SYNC"), (12, "META"), (19, "RAHEAD")]),
        };
        Names(known.into())
    }

    #[test]
    fn numbers_have_the_names_that_the_kernel_gives_them() {
        let names = names();
        assert_eq!(names.op(1 | 1 << 11), "write");
        assert_eq!(
            names.flags(1 | 1 << 11 | 1 << 12 | 1 << 30),
            ["SYNC", "META"]
        );
        assert_eq!(names.words(1 << 11), "Sync-Read");
        assert_eq!(names.words(9 | 1 << 19), "ReadAhead-WriteZeroes");
        assert_eq!(names.op(77), "77");
        assert_eq!(Names(Known::default().into()).words(1 | 1 << 11), "1");
    }

    #[test]
    fn letters_say_the_same() {
        let of = |text: &str| {
            let mut bytes = [0; 8];
            bytes[..text.len()].copy_from_slice(text.as_bytes());
            u64::from_le_bytes(bytes) | LETTERS
        };
        let names = names();
        for (text, words) in [
            ("R", "Read"),
            ("RA", "ReadAhead-Read"),
            ("WS", "Sync-Write"),
            ("FWFSM", "Preflush-ForcedUnitAccess-Sync-Metadata-Write"),
            ("FF", "Preflush-Flush"),
            ("F", "Flush"),
            ("DE", "SecureErase"),
            ("N", "Other"),
        ] {
            assert_eq!(names.words(of(text)), words, "{text}");
        }
        assert!(Letters::of(1 | 1 << 11).is_none());
    }

    #[test]
    fn the_running_kernel_has_names() {
        let names = Names::of(None);
        // A kernel without BTF has none.
        if !names.known().ops.is_empty() {
            assert_eq!(names.op(0), "read");
            assert_eq!(names.op(1), "write");
            assert!(names.known().flags.iter().any(|(_, name)| name == "SYNC"));
        }
    }
}
