// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines of tools about files have in common: the names are opensnoop's.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use memchr::memmem;

/// Gives the shared options the short names that users of opensnoop know.
pub fn short_names(command: clap::Command) -> clap::Command {
    command
        .mut_arg("pid", |arg| arg.short('p'))
        .mut_arg("tid", |arg| {
            arg.short('t')
                .help("Trace this thread only; the column PID is then TID")
        })
        .mut_arg("uid", |arg| arg.short('u'))
        .mut_arg("duration", |arg| arg.short('d'))
}

/// Whether a task of this name is one that `--name PART` asks for: its name contains the part. All are without it.
pub fn is_named(comm: &[u8], part: Option<&OsStr>) -> bool {
    part.is_none_or(|part| memmem::find(comm, part.as_bytes()).is_some())
}
