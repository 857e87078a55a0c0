// SPDX-License-Identifier: MIT OR Apache-2.0
//! The cgroups of `--cgroup`, which are known by their path: where one is removed and made again, as a service is by its
//! restart, the new one takes the place of the old. Those of `--unit` and `--container` are looked for by their names, and
//! then known by their path as well; one that comes later has a place that is kept free.
//!
//! The kernel's side knows a cgroup itself, not its path. inotify tells that something was made in a directory above, and
//! a look each second finds what that cannot tell (in a directory that was made again itself). Where a cgroup was removed
//! again before it was found, only inotify knows.

mod containers;
mod hierarchy;
mod later;
mod named;
mod notices;
mod paths;
mod wanted;

use std::fs::File;
use std::io;
use std::mem::take;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use libbpf_rs::{MapCore, MapFlags, MapHandle};
use tokio::time::{Instant, sleep_until};

pub(crate) use self::hierarchy::level;
pub use self::hierarchy::{mounts, shows_root};
use self::later::Later;
use self::notices::Notices;
pub use self::paths::Paths;
pub(crate) use self::wanted::Wanted;
use crate::data::raw::owner_filter;
use crate::error::{Error, Result};
use crate::trace::filters::PLACES;
use crate::trace::session::{bpf_error, is_refusal};

/// How often the paths are looked at where nothing tells of a change.
const LOOK: Duration = Duration::from_secs(1);

/// The cgroups of a running trace.
#[derive(Debug)]
pub struct Cgroups {
    places: Places,
    followed: Vec<Followed>,
    /// Whether one of those that are asked for was made again: what ran in it before it was found was not seen.
    interrupted: Arc<AtomicBool>,
    /// Tells of what is made at the paths that the trace began with; `None` where the kernel has no room for it.
    notices: Option<Notices>,
    next_look: Instant,
    /// What is looked for by name, and where it can be put.
    later: Option<Later>,
}

/// Where the kernel's side finds them.
#[derive(Debug)]
pub(crate) struct Places {
    /// The array of them, which helpers ask of the current task.
    pub(crate) array: MapHandle,
    /// Their ids, for those that something else than the current task belongs to; where the object has such a map.
    pub(crate) ids: Option<MapHandle>,
}

#[derive(Debug)]
struct Followed {
    path: PathBuf,
    left_out: bool,
    /// Its place in the array.
    place: u32,
    /// Whether what is made at its path is told of.
    told: bool,
    /// The id of the cgroup that is in the array: the inode number of its directory, which the kernel does not use twice.
    id: u64,
    gone: bool,
    /// Whether something was made at its path, or above it, that was not found.
    made: bool,
}

/// What a look at a path found.
#[derive(Debug, PartialEq, Eq)]
enum Found {
    Gone,
    /// As that, and there may have been another meanwhile.
    Missed,
    Another,
}

/// A cgroup that a filter names by its path, of which something became.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Change {
    /// The path that the filter names.
    pub path: PathBuf,
    /// Whether the filter leaves out what runs in it, rather than asks for that.
    pub left_out: bool,
    /// What became of it.
    pub fate: Fate,
}

/// What became of a cgroup.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fate {
    /// It was removed. Nothing runs in it until it is made again.
    Gone,
    /// It is gone, and may have been made again and removed again meanwhile: nothing tells, or only that something was made
    /// there. What ran in it then was not filtered by it.
    Missed,
    /// It was made again, and the filter knows it from now on. What ran in it before this moment was not filtered by it.
    MadeAgain,
    /// It was made after the trace began, or was given the name that the filter asks for; the filter knows it from now on.
    /// What ran in it before this moment was not filtered by it.
    Found,
    /// It was made again or found, and the filter cannot know it, for this reason.
    Refused(String),
}

impl Change {
    /// Whether something may have run that was asked for and not seen.
    pub fn misses(&self) -> bool {
        !self.left_out && self.fate != Fate::Gone
    }
}

impl std::fmt::Display for Change {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (done, until_now) = if self.left_out {
            ("left out", "not left out")
        } else {
            ("traced", "not seen")
        };
        write!(f, "the cgroup {} ", self.path.display())?;
        match &self.fate {
            Fate::Gone => write!(f, "is gone; it is {done} again once it is made again"),
            Fate::Missed => write!(
                f,
                "is gone, and may have been there again for a moment; what ran in it then was {until_now}; it is {done} \
                 again once it is made again"
            ),
            Fate::MadeAgain => write!(
                f,
                "was made again, and is {done} from here on; what ran in it until now was {until_now}"
            ),
            Fate::Found => write!(
                f,
                "was made, and is {done} from here on; what ran in it until now was {until_now}"
            ),
            Fate::Refused(why) => write!(f, "was made, and cannot be {done}: {why}"),
        }
    }
}

impl Cgroups {
    /// Puts the cgroups into the array, those that are wanted before those that are left out. Needs a tokio runtime with
    /// its I/O and time drivers.
    pub(crate) fn new(places: Places, wanted: Wanted) -> Result<Self> {
        // Before they are looked at for the array, so that nothing comes between.
        let notices = Notices::of(wanted.all().map(|(_, path, _)| path)).ok();
        let mut followed = Vec::new();
        for (place, path, left_out) in wanted.all() {
            let id = places.put(place, path, left_out)?;
            followed.push(Followed {
                path: path.to_owned(),
                left_out,
                place,
                told: notices.is_some(),
                id,
                gone: false,
                made: false,
            });
        }
        Ok(Self {
            places,
            followed,
            interrupted: Arc::default(),
            notices,
            next_look: Instant::now() + LOOK,
            later: Later::of(wanted),
        })
    }

    /// Waits for the next change, having put a cgroup that was made again into the place of the old one. Cancel safe.
    ///
    /// Before Linux 5.19 this takes `CAP_BPF`.
    pub async fn changed(&mut self) -> Change {
        loop {
            if let Some(change) = self.look() {
                return change;
            }
            tokio::select! {
                () = told(self.notices.as_ref()) => {}
                () = sleep_until(self.next_look) => self.begin_look(),
            }
        }
    }

    /// Looks once more, without waiting, when the trace has ended: what was not found until then is in no event, and the
    /// account that is asked for after this says so.
    pub fn last_look(&mut self) {
        self.begin_look();
        // Each gives one change at most, however often it is made again meanwhile; and no more are found than have a place.
        for _ in 0..self.followed.len() + PLACES {
            if self.look().is_none() {
                break;
            }
        }
    }

    /// It is time to look at what nothing tells of.
    fn begin_look(&mut self) {
        self.next_look = Instant::now() + LOOK;
        if let Some(later) = &mut self.later {
            later.begin_look();
        }
    }

    fn look(&mut self) -> Option<Change> {
        if let Some(notices) = &self.notices {
            notices.take(|index| {
                if let Some(followed) = self.followed.get_mut(index) {
                    followed.made = true;
                }
            });
        }
        let places = &self.places;
        let change = self.followed.iter_mut().find_map(|one| one.look(places));
        let change = change.or_else(|| {
            let later = self.later.as_mut()?;
            later.look(&mut self.followed, &self.places)
        })?;
        if change.misses() {
            self.interrupted.store(true, Ordering::Relaxed);
        }
        Some(change)
    }

    /// Whether the account does not know any more what ran in a cgroup that was asked for.
    pub(crate) fn is_interrupted(&self) -> bool {
        self.interrupted.load(Ordering::Relaxed)
    }

    /// Becomes true when [`is_interrupted`](Self::is_interrupted) does.
    pub(crate) fn interrupted(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.interrupted)
    }

    /// Whether the kernel lets this thread change the array, as it is.
    pub(crate) fn is_changeable(&self) -> bool {
        // Whether it may is asked first; so what it may not is told from what cannot be, and nothing is changed.
        let nothing: RawFd = -1;
        let put = self.places.set(0, nothing);
        !put.is_err_and(|error| is_refusal(&error))
    }
}

impl Followed {
    /// Looks at its path, and puts what is there now into its place.
    fn look(&mut self, places: &Places) -> Option<Change> {
        let fate = match self.find(self.told)? {
            Found::Gone => Fate::Gone,
            Found::Missed => Fate::Missed,
            Found::Another => {
                let put = places.put(self.place, &self.path, self.left_out);
                places.forget(self.id);
                match put {
                    Ok(id) => {
                        self.id = id;
                        Fate::MadeAgain
                    }
                    Err(error) => {
                        // Told once of each.
                        self.id = self.path.metadata().map_or(0, |found| found.ino());
                        Fate::Refused(error.to_string())
                    }
                }
            }
        };
        Some(Change {
            path: self.path.clone(),
            left_out: self.left_out,
            fate,
        })
    }

    fn find(&mut self, told: bool) -> Option<Found> {
        match self.path.metadata() {
            // What was told of came before this one.
            Ok(found) if found.ino() == self.id => None,
            Ok(_) => {
                self.gone = false;
                self.made = false;
                Some(Found::Another)
            }
            Err(error) if self.made || error.kind() == io::ErrorKind::NotFound && !self.gone => {
                self.gone = true;
                let missed = take(&mut self.made) || !told;
                Some(if missed { Found::Missed } else { Found::Gone })
            }
            // Told already; or it may not be looked at any more, and is no other for that.
            Err(_) => None,
        }
    }
}

/// Waits until something was made or removed; for ever where nothing tells.
async fn told(notices: Option<&Notices>) {
    match notices {
        Some(notices) => notices.told().await,
        None => std::future::pending().await,
    }
}

impl Places {
    /// Puts the cgroup at this path into a place; gives its id.
    fn put(&self, place: u32, path: &Path, left_out: bool) -> Result<u64> {
        let failed = |error: io::Error| Error::io(path.display(), &error);
        let refused = |error: libbpf_rs::Error| {
            bpf_error(&format!("cannot filter by {}", path.display()), &error)
        };
        let directory = File::open(path).map_err(failed)?;
        let id = directory.metadata().map_err(failed)?.ino();
        self.set(place, directory.as_raw_fd()).map_err(refused)?;
        if let Some(ids) = &self.ids {
            // Excluded ones come last, so that of one that is both it stays.
            let filter = if left_out {
                owner_filter::OWNER_EXCLUDED
            } else {
                owner_filter::OWNER_WANTED
            };
            ids.update(&id.to_ne_bytes(), &[filter.0 as u8], MapFlags::ANY)
                .map_err(refused)?;
        }
        Ok(id)
    }

    fn set(&self, place: u32, directory: RawFd) -> libbpf_rs::Result<()> {
        self.array.update(
            &place.to_ne_bytes(),
            &directory.to_ne_bytes(),
            MapFlags::ANY,
        )
    }

    /// Makes room for the id of the one that comes in its place. No other cgroup will have it.
    fn forget(&self, id: u64) {
        if let Some(ids) = &self.ids {
            drop(ids.delete(&id.to_ne_bytes()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Change, Fate, Followed, Found};
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn what_was_there_between_two_looks_is_missed() {
        let path = std::env::temp_dir().join(format!("followed-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        let mut followed = Followed {
            path: path.clone(),
            left_out: false,
            place: 0,
            told: true,
            id: path.metadata().unwrap().ino(),
            gone: false,
            made: false,
        };
        assert_eq!(followed.find(true), None);
        fs::remove_dir(&path).unwrap();
        assert_eq!(followed.find(true), Some(Found::Gone));
        assert_eq!(followed.find(true), None);
        // It was there, and is gone again.
        followed.made = true;
        assert_eq!(followed.find(true), Some(Found::Missed));
        assert_eq!(followed.find(true), None);
        // Where nothing tells of that, it is so from when it is gone.
        followed.gone = false;
        assert_eq!(followed.find(false), Some(Found::Missed));
        assert_eq!(followed.find(false), None);
        fs::create_dir(&path).unwrap();
        followed.id = path.metadata().unwrap().ino() + 1;
        followed.made = true;
        assert_eq!(followed.find(true), Some(Found::Another));
        assert!(!followed.gone && !followed.made);
        fs::remove_dir(&path).unwrap();
    }

    #[test]
    fn only_what_is_asked_for_is_missing() {
        let missing = |left_out, fate| {
            let path = "/sys/fs/cgroup/a".into();
            let change = Change {
                path,
                left_out,
                fate,
            };
            change.misses()
        };
        assert!(missing(false, Fate::MadeAgain) && missing(false, Fate::Missed));
        assert!(!missing(false, Fate::Gone));
        assert!(!missing(true, Fate::MadeAgain) && !missing(true, Fate::Missed));
    }
}
