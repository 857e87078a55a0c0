// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs at functions of programs, in user space: each is attached in every file that has its function.

use libbpf_rs::{Link, ProgramMut, UprobeMultiOpts, UprobeOpts};
use nix::sys::resource::{Resource, getrlimit, setrlimit};

use crate::error::Result;
use crate::symbols::{Files, Found, Target, Which};
use crate::trace::object::Program;

/// Descriptors of a link: its own, and that of the perf event below it.
const FDS_OF_LINK: usize = 2;

/// More descriptors than a run has for all else.
const OTHER_FDS: usize = 256;

/// Every process, whoever it is: the filters decide, and who is followed is not known yet.
const ALL_PROCESSES: i32 = -1;

/// The functions that a program is at: one, or all of a list, each of which the program knows by its number in it, from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Functions<'s> {
    names: &'s str,
    at_return: bool,
    /// Whether they are set by one link in each file.
    together: bool,
}

impl<'s> Functions<'s> {
    /// Those of the program in this section; `None` for one that is elsewhere.
    pub(super) fn of_section(section: &'s str) -> Option<Self> {
        let (kind, names) = section.split_once('/')?;
        let (at_return, together) = match kind {
            "uprobe" => (false, false),
            "uretprobe" => (true, false),
            "uprobe.multi" => (false, true),
            "uretprobe.multi" => (true, true),
            _ => return None,
        };
        Some(Self {
            names,
            at_return,
            together,
        })
    }

    /// Each with its number.
    fn names(self) -> impl Iterator<Item = (u64, &'s str)> {
        (1..).zip(self.names.split(','))
    }

    /// Where they are in a file, each with its number.
    fn places(self, target: &Target) -> impl Iterator<Item = (usize, u64)> {
        let places = move |(number, name)| target.places(name).map(move |place| (place, number));
        self.names().flat_map(places)
    }
}

/// The files that have any of the functions which these programs are at.
pub(super) fn find(files: &Files, which: &Which, programs: &[Program]) -> Result<Found> {
    let sections = programs.iter().map(|program| program.section);
    let mut functions: Vec<&'static str> = sections
        .filter_map(Functions::of_section)
        .flat_map(|functions| functions.names().map(|(_, name)| name))
        .collect();
    functions.sort_unstable();
    functions.dedup();
    let found = files.find(which, &functions)?;
    make_room(found.targets.len() * programs.len() * FDS_OF_LINK + OTHER_FDS);
    Ok(found)
}

/// Raises the limit on open files, as far as it may be: there are as many as containers with images of their own. Where it
/// is too low all the same, the kernel's refusal says so.
fn make_room(fds: usize) {
    if let Ok((soft, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let wanted = hard.min(fds as u64);
        if soft < wanted {
            _ = setrlimit(Resource::RLIMIT_NOFILE, wanted, hard);
        }
    }
}

/// Attaches a program at its functions, in each of these files.
pub(super) fn attach(
    program: &ProgramMut<'_>,
    functions: Functions<'_>,
    targets: &[Target],
) -> Result<Vec<Link>, String> {
    let mut links = Vec::new();
    for target in targets {
        let set = || -> libbpf_rs::Result<_> {
            let (offsets, cookies): (Vec<_>, Vec<_>) = functions.places(target).unzip();
            if functions.together {
                let options = UprobeMultiOpts {
                    retprobe: functions.at_return,
                    offsets,
                    cookies,
                    ..UprobeMultiOpts::default()
                };
                let path = target.path();
                let link =
                    program.attach_uprobe_multi_with_opts(ALL_PROCESSES, path, "", options)?;
                return Ok(vec![link]);
            }
            let one = |offset| {
                let options = UprobeOpts {
                    retprobe: functions.at_return,
                    ..UprobeOpts::default()
                };
                program.attach_uprobe_with_opts(ALL_PROCESSES, target.path(), offset, options)
            };
            offsets.into_iter().map(one).collect()
        };
        // It may have none of those that one program is at.
        if functions.places(target).next().is_some() {
            links.extend(set().map_err(|error| format!("{error} (in {target})"))?);
        }
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::Functions;

    #[test]
    fn sections_name_functions() {
        let of = |section| {
            let functions = Functions::of_section(section)?;
            let names: Vec<_> = functions.names().map(|(_, name)| name).collect();
            Some((names, functions.at_return, functions.together))
        };
        assert_eq!(
            of("uprobe/getaddrinfo"),
            Some((vec!["getaddrinfo"], false, false))
        );
        assert_eq!(
            of("uretprobe/readline"),
            Some((vec!["readline"], true, false))
        );
        assert_eq!(
            of("uprobe.multi/one,two"),
            Some((vec!["one", "two"], false, true))
        );
        assert_eq!(of("uretprobe.multi/one"), Some((vec!["one"], true, true)));
        assert_eq!(of("kprobe/do_exit"), None);
        assert_eq!(of("uprobe"), None);
    }
}
