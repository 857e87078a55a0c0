// SPDX-License-Identifier: MIT OR Apache-2.0
//! A symbolic link for each tool, to the program that is all of them.

use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use super::Tool;
use crate::error::{Error, Kind, Result};

/// Makes the links to this program in `directory`. Those that are there already may stay; nothing is replaced.
pub(super) fn install(directory: &Path, tools: &[&Tool]) -> Result<()> {
    let program =
        std::env::current_exe().map_err(|error| Error::io("cannot find this program", &error))?;
    let program = target(&program, directory)?;
    let mut in_the_way = Vec::new();
    for tool in tools {
        let link = directory.join(tool.name);
        match symlink(&program, &link) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                if link.read_link().ok().as_ref() != Some(&program) {
                    in_the_way.push(link.display().to_string());
                }
            }
            Err(error) => return Err(Error::io(link.display(), &error)),
        }
    }
    if in_the_way.is_empty() {
        return Ok(());
    }
    let message = format!("in the way, and not replaced: {}", in_the_way.join(", "));
    Err(Error::new(Kind::Io, message).help("remove what is not needed, and run this again"))
}

/// What a link in `directory` says: just the program's name where that is its own directory, so that the two can
/// be moved together, as packaging does.
pub(super) fn target(program: &Path, directory: &Path) -> Result<PathBuf> {
    let directory = directory
        .canonicalize()
        .map_err(|error| Error::io(directory.display(), &error))?;
    match program.strip_prefix(&directory) {
        Ok(name) if name.components().count() == 1 => Ok(name.to_owned()),
        _ => Ok(program.to_owned()),
    }
}
