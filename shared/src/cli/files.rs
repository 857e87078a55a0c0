// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines of tools about files have in common: the names are opensnoop's.

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use memchr::memmem;

use crate::trace::set::Set;

/// Gives the shared options the short names that users of opensnoop know.
pub fn short_names(command: clap::Command) -> clap::Command {
    command
        .mut_arg("pid", |arg| arg.short('p'))
        .mut_arg("tid", |arg| {
            arg.short('t')
                .help("Trace this thread only; the run ends with it, and the column PID is TID")
        })
        .mut_arg("uid", |arg| arg.short('u'))
        .mut_arg("duration", |arg| arg.short('d'))
}

/// Whether a thread of this name is one that `--name` asks for: its name contains one of the wanted parts, and none of the
/// excluded ones.
pub fn is_named(comm: &[u8], parts: &Set<OsString>) -> bool {
    parts.lets(|part| memmem::find(comm, part.as_bytes()).is_some())
}
