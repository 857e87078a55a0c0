// SPDX-License-Identifier: MIT OR Apache-2.0
//! Looks for the files that functions are hooked in: those that processes have mapped, in whatever container they run, and
//! those of the system.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use crate::error::{Error, Kind, Result};
use crate::kernel::pid;
use crate::symbols::maps::{Handle, Line, mapped};
use crate::symbols::target::{Target, Unfit};

/// A kind of file that has functions to hook, and where such files are.
#[derive(Debug)]
pub struct Files {
    /// What one is, in words: `C library`.
    pub what: &'static str,
    /// The option that names one.
    pub option: &'static str,
    /// Whether a file is one by its name. Where there are several, those of a later one are looked at in processes that
    /// have none of the first with the functions in it, but have one of the first.
    pub names: &'static [fn(&[u8]) -> bool],
    /// Where the system has its own: the first of these lists that has one with the functions counts, with all in it.
    pub system: &'static [&'static [&'static str]],
}

/// Which of them functions are hooked in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Which {
    /// Those that any process has mapped at the start, and the system's own.
    #[default]
    All,
    /// Those that these processes have mapped.
    Of(Vec<u32>),
    /// These files.
    Given(Vec<PathBuf>),
}

/// How many files are hooked at most of those that processes have mapped, who may be anybody: each takes descriptors.
const MOST: usize = 256;

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Found {
    pub(crate) targets: Vec<Target>,
    /// Processes that nobody may look into with the privileges that there are.
    pub(crate) hidden: usize,
    /// Of processes that were asked for and have none: what to know of that.
    pub(crate) notes: Vec<String>,
    /// Files that there was no room for.
    pub(crate) more: usize,
}

impl Files {
    /// The files, each once.
    ///
    /// # Errors
    ///
    /// Where there are none, or one that was given is not of this kind.
    pub(crate) fn find(&self, which: &Which, functions: &[&'static str]) -> Result<Found> {
        let mut search = Search::new(self, functions);
        match which {
            Which::Given(paths) => search.given(paths)?,
            // A process has another number in a namespace of the tool's own.
            Which::Of(pids) if pid::in_initial_namespace() => search.of(pids)?,
            Which::Of(_) | Which::All => search.all()?,
        }
        let Found { more, notes, .. } = &mut search.found;
        if *more > 0 {
            notes.push(format!(
                "{more} more files are not hooked: name them, with {}",
                self.option
            ));
        }
        Ok(search.found)
    }

    /// Whether the calling process has one mapped, with any of these functions.
    pub fn has_own(&self, functions: &[&'static str]) -> bool {
        let mut search = Search::new(self, functions);
        search.look(std::process::id()).unwrap_or(false)
    }
}

/// A search that is under way.
struct Search<'s> {
    files: &'s Files,
    functions: &'s [&'static str],
    /// Files by device and inode, as processes' maps have them: whether they have the functions.
    known: HashMap<[String; 2], bool>,
    found: Found,
}

impl<'s> Search<'s> {
    fn new(files: &'s Files, functions: &'s [&'static str]) -> Self {
        Self {
            files,
            functions,
            known: HashMap::new(),
            found: Found::default(),
        }
    }

    fn given(&mut self, paths: &[PathBuf]) -> Result<()> {
        for path in paths {
            match Target::open(path, self.functions) {
                Ok(target) => self.add(target),
                Err(unfit) => return Err(self.refused(path, &unfit)),
            }
        }
        Ok(())
    }

    fn refused(&self, path: &Path, unfit: &Unfit) -> Error {
        let near = match unfit {
            Unfit::NoFunction(near) if !near.is_empty() => {
                format!("; it has others: {}", near.join(", "))
            }
            _ => String::new(),
        };
        Error::usage(format!("{} {}: {unfit}", self.files.option, path.display())).help(format!(
            "{} takes a program or library for this machine that has {}{near}",
            self.files.option,
            self.functions.join(" or ")
        ))
    }

    fn of(&mut self, pids: &[u32]) -> Result<()> {
        let Files { what, option, .. } = self.files;
        for pid in pids {
            let known = self.look(*pid);
            if matches!(&known, Err(error) if error.kind() == io::ErrorKind::PermissionDenied) {
                self.found.notes.push(format!(
                    "process {pid} may not be looked into: what it alone has mapped is not hooked"
                ));
            } else if !known.map_err(|error| Error::io(format!("/proc/{pid}/maps"), &error))? {
                self.found.notes.push(format!(
                    "process {pid} has no {what} mapped with {} in it: nothing is told of it unless it maps one; a program \
                     that is linked statically has it in itself, if the names were not stripped: {option} /proc/{pid}/exe",
                    self.functions.join(" or ")
                ));
            }
        }
        // It may execute another program.
        if self.found.notes.is_empty() {
            Ok(())
        } else {
            self.all()
        }
    }

    fn all(&mut self) -> Result<()> {
        for group in self.files.system {
            let opened = group
                .iter()
                .filter_map(|path| Target::open(Path::new(path), self.functions).ok());
            let opened: Vec<_> = opened.collect();
            if !opened.is_empty() {
                opened.into_iter().for_each(|target| self.add(target));
                break;
            }
        }
        let processes = fs::read_dir("/proc").map_err(|error| Error::io("/proc", &error))?;
        for entry in processes.flatten() {
            let name = entry.file_name();
            let Some(pid) = name.to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            // Others have ended meanwhile.
            if let Err(error) = self.look(pid)
                && error.kind() == io::ErrorKind::PermissionDenied
            {
                self.found.hidden += 1;
            }
        }
        if self.found.targets.is_empty() {
            let Files { what, option, .. } = self.files;
            return Err(Error::new(
                Kind::Io,
                format!(
                    "there is no {what} with {}, neither the system's nor in a process",
                    self.functions.join(" or ")
                ),
            )
            .help(format!("name the file that has it: {option} FILE")));
        }
        Ok(())
    }

    /// Looks at what a process has mapped; says whether it has any of the functions.
    fn look(&mut self, pid: u32) -> io::Result<bool> {
        let files = self.files;
        let mut maps = BufReader::new(File::open(format!("/proc/{pid}/maps"))?);
        let mut of_kinds: Vec<Vec<Mapped>> = files.names.iter().map(|_| Vec::new()).collect();
        let mut line = Vec::new();
        while {
            line.clear();
            maps.read_until(b'\n', &mut line)? > 0
        } {
            let parsed = line.strip_suffix(b"\n").and_then(Line::parse);
            let Some(mapping) = parsed.filter(|line| line.executable) else {
                continue;
            };
            let path = mapping
                .path
                .strip_suffix(b" (deleted)")
                .unwrap_or(mapping.path);
            let Some(slash) = path.iter().rposition(|byte| *byte == b'/') else {
                continue;
            };
            let kind = files
                .names
                .iter()
                .position(|is_one| is_one(&path[slash + 1..]));
            if let Some(of_kind) = kind.and_then(|kind| of_kinds.get_mut(kind)) {
                of_kind.push(Mapped {
                    start: mapping.start,
                    end: mapping.end,
                    file: mapping.file.map(str::to_owned),
                    path: OsStr::from_bytes(path).into(),
                });
            }
        }
        if of_kinds.first().is_none_or(Vec::is_empty) {
            return Ok(false);
        }
        for of_kind in of_kinds {
            let mut any = false;
            for mapped in of_kind {
                any |= self.take(pid, mapped);
            }
            if any {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes a file that a process has mapped, if it has the functions.
    fn take(&mut self, pid: u32, mapped: Mapped) -> bool {
        if let Some(known) = self.known.get(&mapped.file) {
            return *known;
        }
        let opened = mapped.open(pid).map_err(Unfit::Unread);
        let target = opened.and_then(|file| Target::of(file, &mapped.name(pid), self.functions));
        let fits = target.is_ok();
        self.known.insert(mapped.file, fits);
        if let Ok(target) = target {
            self.add(target);
        }
        fits
    }

    fn add(&mut self, target: Target) {
        let Found { targets, more, .. } = &mut self.found;
        if targets.iter().any(|known| known.is_same(&target)) {
            return;
        }
        if targets.len() < MOST {
            targets.push(target);
        } else {
            *more += 1;
        }
    }
}

/// A file that a process has mapped.
struct Mapped {
    start: u64,
    end: u64,
    /// Device and inode, as they stand there.
    file: [String; 2],
    /// As the process sees it.
    path: PathBuf,
}

impl Mapped {
    fn open(&self, pid: u32) -> io::Result<File> {
        // Only with a capability more than the path takes; but what was replaced since is found in no other way.
        if let Ok(handle) = mapped(pid, self.start, self.end) {
            return handle.open();
        }
        let file = Handle::of(&self.in_root(pid))?.open()?;
        let inode = file.metadata()?.ino().to_string();
        if inode != self.file[1] {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        Ok(file)
    }

    fn in_root(&self, pid: u32) -> PathBuf {
        let path = self.path.strip_prefix("/").unwrap_or(&self.path);
        Path::new(&format!("/proc/{pid}/root")).join(path)
    }

    /// The path by which the user of the tool can look at it.
    fn name(&self, pid: u32) -> PathBuf {
        let in_root = self.in_root(pid);
        let id = |path: &Path| path.metadata().ok().map(|found| (found.dev(), found.ino()));
        match id(&self.path) {
            Some(own) if id(&in_root) != Some(own) => in_root,
            None => in_root,
            _ => self.path.clone(),
        }
    }
}

#[cfg(test)]
mod tests;
