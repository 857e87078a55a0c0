// SPDX-License-Identifier: MIT OR Apache-2.0
//! Programs at functions of programs, in user space: each is attached in every file that has its function.

use libbpf_rs::{Link, ProgramMut, UprobeOpts};
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

/// The function that the program in this section is at, and whether at its return.
pub(super) fn function(section: &str) -> Option<(&str, bool)> {
    match section.split_once('/')? {
        ("uprobe", function) => Some((function, false)),
        ("uretprobe", function) => Some((function, true)),
        _ => None,
    }
}

/// The files that have any of the functions which these programs are at.
pub(super) fn find(files: &Files, which: &Which, programs: &[Program]) -> Result<Found> {
    let mut functions: Vec<&'static str> = programs
        .iter()
        .filter_map(|program| Some(function(program.section)?.0))
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

/// Attaches a program at a function, in each of these files.
pub(super) fn attach(
    program: &ProgramMut<'_>,
    (function, at_return): (&str, bool),
    targets: &[Target],
) -> Result<Vec<Link>, String> {
    let mut links = Vec::new();
    for target in targets {
        for place in target.places(function) {
            let options = UprobeOpts {
                retprobe: at_return,
                ..UprobeOpts::default()
            };
            let place = usize::try_from(place).map_err(|error| error.to_string())?;
            let link = program
                .attach_uprobe_with_opts(ALL_PROCESSES, target.path(), place, options)
                .map_err(|error| format!("{error} (in {target})"))?;
            links.push(link);
        }
    }
    Ok(links)
}

#[cfg(test)]
mod tests {
    use super::function;

    #[test]
    fn sections_name_functions() {
        assert_eq!(function("uprobe/getaddrinfo"), Some(("getaddrinfo", false)));
        assert_eq!(function("uretprobe/readline"), Some(("readline", true)));
        assert_eq!(function("kprobe/do_exit"), None);
        assert_eq!(function("uprobe"), None);
    }
}
