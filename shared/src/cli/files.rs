// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command lines of tools about files have in common: the names are opensnoop's.

use std::cell::RefCell;
use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;

use memchr::memmem;

use super::sets;
use crate::error::Result;
use crate::event::path::File;
use crate::query::glob::{self, Glob};
use crate::trace::begins::Begins;
use crate::trace::set::Set;

/// Which files are shown, flattened into the options of tools whose events are about one.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Paths {
    /// Only files whose path from the root is like GLOB: * fits what has no /, ** directories; without a / at its start, at
    /// any depth
    ///
    /// As -F has it: what a relative path starts from counts, and symbolic links are not followed. `.` and `..` are resolved by
    /// name. Also ?, [a-z], [!a-z] and {a,b}.
    #[arg(long, value_name = "GLOB", help_heading = "Filters", value_parser = sets::glob_parser())]
    path: Vec<Set<Glob>>,

    /// The occurrences of --path, put together.
    #[arg(skip)]
    asked: Set<Glob>,

    /// Where a path is put together.
    #[arg(skip)]
    bytes: RefCell<Vec<u8>>,
}

impl Paths {
    /// Puts together what was given.
    ///
    /// # Errors
    ///
    /// For a pattern that is both wanted and excluded.
    pub fn adjust(&mut self) -> Result<()> {
        self.asked = sets::together("--path", &self.path)?;
        Ok(())
    }

    /// Whether all files are shown.
    pub fn is_empty(&self) -> bool {
        self.asked.is_empty()
    }

    /// How a path has to begin, for the kernel to leave out what does not.
    pub fn begins(&self) -> Begins {
        Begins::one_of(self.asked.wanted().iter().map(Glob::begin))
    }

    /// Whether a file is shown. One of which not all is known that decides it is.
    pub fn lets(&self, file: &File<'_>) -> bool {
        if self.is_empty() {
            return true;
        }
        let Some(path) = file.full_path.get().filter(|path| !path.cut()) else {
            return true;
        };
        let mut bytes = self.bytes.borrow_mut();
        path.with_bytes(|path| glob::clean(path, &mut bytes));
        self.asked.lets(|glob| glob.fits(&bytes))
    }
}

/// Gives the shared options the short names that users of opensnoop know, beside those that all tools have.
pub fn short_names(command: clap::Command) -> clap::Command {
    command.mut_arg("tid", |arg| {
        arg.short('t')
            .help("Trace this thread only; the run ends with it, and the column PID is TID")
    })
}

/// Whether a thread of this name is one that `--name` asks for: its name contains one of the wanted parts, and none of the
/// excluded ones.
pub fn is_named(comm: &[u8], parts: &Set<OsString>) -> bool {
    parts.lets(|part| memmem::find(comm, part.as_bytes()).is_some())
}
