// SPDX-License-Identifier: MIT OR Apache-2.0
//! What inotify tells of the directories above cgroups.

use std::collections::HashMap;
use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::fd::{AsFd, AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, WatchDescriptor};
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Tells when a cgroup, or one above it, is removed or made again.
///
/// All directories above it are watched, up to where the file system is mounted: one that is made again has no watch, and
/// the one above that has told of it. (kernfs does not tell of a watched directory that it has gone itself.)
#[derive(Debug)]
pub(super) struct Notices {
    instance: AsyncFd<Instance>,
    /// Of each name in a directory, which of the paths lead through it.
    through: HashMap<(WatchDescriptor, OsString), Vec<usize>>,
    paths: usize,
}

#[derive(Debug)]
struct Instance(Inotify);

impl AsRawFd for Instance {
    fn as_raw_fd(&self) -> RawFd {
        self.0.as_fd().as_raw_fd()
    }
}

impl Notices {
    /// Watches from now on.
    pub(super) fn of<'a>(paths: impl Iterator<Item = &'a Path>) -> io::Result<Self> {
        let instance = Inotify::init(InitFlags::IN_CLOEXEC | InitFlags::IN_NONBLOCK)?;
        let mut through = HashMap::<_, Vec<_>>::new();
        let mut count = 0;
        for (index, path) in paths.enumerate() {
            let path = fs::canonicalize(path)?;
            let device = path.metadata()?.dev();
            let mut steps = Vec::new();
            for step in path.ancestors() {
                let Some(above) = step.parent() else { break };
                if above.metadata()?.dev() != device {
                    break;
                }
                steps.push((above, step.file_name().unwrap_or_default()));
            }
            // From the top: a directory that is made again before it is watched itself is told of by the one above.
            for (above, name) in steps.into_iter().rev() {
                let events = AddWatchFlags::IN_CREATE
                    | AddWatchFlags::IN_DELETE
                    | AddWatchFlags::IN_MOVED_TO
                    | AddWatchFlags::IN_ONLYDIR;
                let watch = instance.add_watch(above, events)?;
                let paths = through.entry((watch, name.to_owned())).or_default();
                paths.push(index);
            }
            count = index + 1;
        }
        // SAFETY: an `Inotify` is open, and stays the same, for as long as it lives.
        let instance =
            unsafe { AsyncFd::register_with_interest(Instance(instance), Interest::READABLE) }?;
        Ok(Self {
            instance,
            through,
            paths: count,
        })
    }

    /// Waits until there is something to [`take`](Self::take). Cancel safe.
    pub(super) async fn told(&self) {
        match self.instance.readable().await {
            // Readiness goes before the last read, so that nothing is missed.
            Ok(mut ready) => ready.clear_ready(),
            Err(_) => std::future::pending().await,
        }
    }

    /// Calls `made` with the index of each path on which something was made since the last call, or may have been.
    pub(super) fn take(&self, mut made: impl FnMut(usize)) {
        let instance = &self.instance.get_ref().0;
        while let Ok(events) = instance.read_events() {
            for event in events {
                if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                    // What else there was, the kernel has dropped.
                    (0..self.paths).for_each(&mut made);
                }
                let making = AddWatchFlags::IN_CREATE | AddWatchFlags::IN_MOVED_TO;
                let Some(name) = event.name.filter(|_| event.mask.intersects(making)) else {
                    continue;
                };
                let paths = self.through.get(&(event.wd, name));
                paths.into_iter().flatten().copied().for_each(&mut made);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Notices;
    use std::fs;
    use std::path::PathBuf;

    #[tokio::test]
    async fn what_is_made_on_the_way_to_a_path_is_told_of_it() {
        let root = std::env::temp_dir().join(format!("notices-{}", std::process::id()));
        let paths = ["one", "two/inner", "two/other"].map(|below| root.join(below));
        let make = |path: &PathBuf| fs::create_dir_all(path).unwrap();
        paths.iter().for_each(make);
        let notices = Notices::of(paths.iter().map(PathBuf::as_path)).unwrap();
        let taken = || {
            let mut taken = Vec::new();
            notices.take(|index| taken.push(index));
            taken
        };
        assert!(taken().is_empty());
        // Neither what is beside them nor what is in them, nor that they go.
        make(&root.join("beside"));
        make(&paths[0].join("in"));
        fs::remove_dir(&paths[1]).unwrap();
        notices.told().await;
        assert!(taken().is_empty());
        make(&paths[1]);
        fs::remove_dir(&paths[1]).unwrap();
        notices.told().await;
        assert_eq!(taken(), [1]);
        // The directory above is made again, which is watched by nobody.
        fs::remove_dir(&paths[2]).unwrap();
        fs::remove_dir(root.join("two")).unwrap();
        assert!(taken().is_empty());
        make(&paths[1]);
        let mut told = taken();
        told.sort_unstable();
        assert_eq!(told, [1, 2]);
        fs::remove_dir_all(&root).unwrap();
    }
}
