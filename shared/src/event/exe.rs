// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file a process runs, as it was called when the event happened: of processes that have gone since, too.

use crate::data::raw::event_head;
use crate::event::path::Full;
use crate::event::{Cell, Fields, Group, Truncated, Type, Value};

/// The executable of a task's process.
#[derive(Debug, Clone, Copy, Default, Group)]
pub struct Exe<'a> {
    /// The path of the file that the process runs, from the root of the mount namespace that it was started in: of a script
    /// its interpreter, of a file that was removed the path that it had.
    #[field(
        null = "without `--exe` or its name in another option, of threads of the kernel, of an exit before Linux 6.16, and \
                where the kernel's memory could not be read",
        truncated = "A part of `exe` is missing at its start, and it begins without `/`: where it has more than 4096 bytes or, \
                     with the mounts on its way, more than 127 names, and where no path leads from the root of a mount \
                     namespace to the file.",
        left("EXE", 24)
    )]
    pub exe: ExePath<'a>,
}

/// `EXE_TOLD` of `bpf/include/shared.h`.
const TOLD: u16 = 1 << 14;
/// `EXE_WHOLE` of that file.
const WHOLE: u16 = 1 << 15;

impl<'a> Exe<'a> {
    /// What a record says; `behind` is what stands behind the names of the cgroup. `None` for a record that is too short.
    pub(super) fn of(head: &event_head, behind: &'a [u8]) -> Option<Self> {
        if head.cgroup & TOLD == 0 {
            return Some(Self::default());
        }
        let (bytes, names) = behind.split_first_chunk()?;
        let bytes = u16::from_ne_bytes(*bytes);
        let names = names.get(..usize::from(bytes & !WHOLE))?;
        let path = match names {
            // What has no name: the root of what was mounted, which nothing is below any more, and of a file system.
            b"" | b"/\0" => None,
            names if bytes & WHOLE != 0 => Some(Full::below_root(names)),
            names => Some(Full::below_unknown(names)),
        };
        Some(Self { exe: ExePath(path) })
    }
}

/// The path of an executable.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExePath<'a>(Option<Full<'a>>);

impl<'a> ExePath<'a> {
    /// The path; `None` where it was not asked for, and of what runs no file.
    pub fn get(&self) -> Option<Full<'a>> {
        self.0
    }
}

impl Value for ExePath<'_> {
    const TYPE: Type = Type::Maybe(&Type::Bytes);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        Full::give(self.0, name, to);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        let Some(path) = self.0 else {
            return cell.text("-");
        };
        if path.cut() {
            cell.cut();
        }
        path.pieces(&mut |piece| cell.word(piece));
    }
}

impl Truncated for ExePath<'_> {
    fn is_truncated(&self) -> bool {
        self.0.is_some_and(|path| path.cut())
    }
}

#[cfg(test)]
mod tests {
    use super::{Exe, TOLD, Truncated, WHOLE};
    use crate::data::raw::event_head;

    /// The path that a record tells with these names, behind which something else stands; and whether a part is missing.
    fn told(names: &[u8], whole: bool) -> Option<(String, bool)> {
        let head = event_head {
            cgroup: TOLD,
            ..event_head::default()
        };
        let bytes = u16::try_from(names.len()).unwrap() | if whole { WHOLE } else { 0 };
        let behind = [&bytes.to_ne_bytes(), names, b"\0\0\0"].concat();
        let path = Exe::of(&head, &behind).unwrap().exe;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        Some((path.get()?.with_bytes(text), path.is_truncated()))
    }

    #[test]
    fn the_names_are_a_path() {
        let told = |names: &[u8], whole| told(names, whole).unwrap();
        assert_eq!(told(b"sh\0bin\0usr\0", true), ("/usr/bin/sh".into(), false));
        assert_eq!(told(b"init\0", true), ("/init".into(), false));
        assert_eq!(told(b"sh\0bin\0", false), ("bin/sh".into(), true));
        assert_eq!(told(b"memfd:x\0", false), ("memfd:x".into(), true));
    }

    #[test]
    fn what_has_no_name_has_no_path() {
        assert_eq!(told(b"", false), None);
        assert_eq!(told(b"", true), None);
        assert_eq!(told(b"/\0", false), None);
    }

    #[test]
    fn what_was_not_asked_for_is_not_looked_for() {
        let exe = Exe::of(&event_head::default(), b"").unwrap();
        assert!(exe.exe.get().is_none());
    }

    #[test]
    fn a_record_that_is_too_short_is_none() {
        let head = event_head {
            cgroup: TOLD,
            ..event_head::default()
        };
        let three = [&3_u16.to_ne_bytes()[..], b"a\0"].concat();
        for behind in [&b""[..], b"\0", &three] {
            assert!(Exe::of(&head, behind).is_none(), "{behind:?}");
        }
    }
}
