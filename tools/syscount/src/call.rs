// SPDX-License-Identifier: MIT OR Apache-2.0
//! System calls by number and name. A 32-bit program on a 64-bit machine has a table of its own.

use syscalls::Sysno;

#[cfg(target_arch = "aarch64")]
use syscalls::arm::Sysno as OtherSysno;
#[cfg(target_arch = "x86_64")]
use syscalls::x86::Sysno as OtherSysno;

/// Where 32-bit callers have no table of their own.
#[cfg(not(any(target_arch = "aarch64", target_arch = "x86_64")))]
use Sysno as OtherSysno;

/// What makes a task returns in that one too, with 0.
const MAKE_TASKS: [&str; 4] = ["clone", "clone3", "fork", "vfork"];

/// One of the kernel's system calls.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Call {
    /// Its number in the caller's table.
    pub number: u32,
    /// The caller is a 32-bit program whose table is not that of 64-bit ones.
    pub compat: bool,
}

impl Call {
    /// What it is called; `None` of one that is newer than this program.
    pub fn name(self) -> Option<&'static str> {
        let number = self.number as usize;
        if self.compat {
            OtherSysno::new(number).map(|call| call.name())
        } else {
            Sysno::new(number).map(|call| call.name())
        }
    }

    /// Whether it returns a second time, with 0, in the task that it makes.
    pub(crate) fn makes_task(self) -> bool {
        self.name().is_some_and(|name| MAKE_TASKS.contains(&name))
    }
}

/// The names of all calls, in the order of their numbers; those that only 32-bit programs have come last.
pub(crate) fn names() -> Vec<&'static str> {
    let mut names: Vec<_> = Sysno::iter().map(|call| call.name()).collect();
    let others = OtherSysno::iter().map(|call| call.name());
    let others: Vec<_> = others.filter(|name| !names.contains(name)).collect();
    names.extend(others);
    names
}

#[cfg(test)]
mod tests {
    use super::{Call, names};

    #[test]
    fn both_tables_have_names() {
        let name = |number, compat| Call { number, compat }.name();
        assert!(names().contains(&"openat") && names().contains(&"clone3"));
        assert_eq!(name(100_000, false), None);
        #[cfg(target_arch = "x86_64")]
        {
            assert_eq!(name(0, false), Some("read"));
            assert_eq!(name(3, true), Some("read"));
            assert!(
                Call {
                    number: 56,
                    compat: false
                }
                .makes_task()
            );
            assert!(
                !Call {
                    number: 56,
                    compat: true
                }
                .makes_task()
            );
            assert!(names().contains(&"waitpid"), "of 32-bit programs only");
        }
    }
}
