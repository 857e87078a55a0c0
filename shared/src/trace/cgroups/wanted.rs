// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which cgroups the filters of a trace ask for, and their places in the array that the kernel's side asks.

use std::path::{Path, PathBuf};

use super::named::Named;
use crate::data::raw::filter_places;
use crate::error::{Error, Result};
use crate::trace::filters::{PLACES, places};
use crate::trace::options::Filter;
use crate::trace::set::Set;

/// How many places are kept free for what comes later by a name that a filter asks for; so many of what is wanted, and of
/// what is left out. Each that is free costs an event that is none of the others' a call of some nanoseconds.
const FREE: u8 = 4;

/// The cgroups that the filters of a trace ask for.
#[derive(Debug, Clone, Default)]
pub(crate) struct Wanted {
    /// Their directories.
    paths: Set<PathBuf>,
    /// What is looked for by name.
    pub(super) named: Option<Named>,
    places: filter_places,
}

impl Wanted {
    /// Finds what a filter asks for.
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::error::Kind::Usage) for a name that no cgroup has, for more cgroups than there are places, and where
    /// what is wanted is said in two ways.
    pub(crate) fn of(filter: &Filter) -> Result<Self> {
        let ways = [
            ("--cgroup", filter.cgroup.wanted().is_empty()),
            ("--unit", filter.unit.wanted().is_empty()),
            ("--container", filter.container.wanted().is_empty()),
        ];
        let ways: Vec<_> = ways.iter().filter(|(_, none)| !none).collect();
        if let [(one, _), (other, _), ..] = ways[..] {
            return Err(Error::usage(format!(
                "{one} and {other}: only one of them can say which cgroups are wanted"
            ))
            .help(format!(
                "the others can leave some out, as {other} '!NAME' does; --where asks both of each event"
            )));
        }
        let mut paths = filter.cgroup.clone();
        let mut named = Named::of(filter)?;
        let mut free = [0; 2];
        if let Some(named) = &mut named {
            paths = Set::together(&[paths, named.first()?]);
            free = named.sides().map(|side| if side { FREE } else { 0 });
        }
        let mut places = places("--cgroup, --unit and --container", &paths)?;
        let mut left = PLACES as u8 - places.wanted - places.excluded;
        for (places, free) in [&mut places.wanted, &mut places.excluded]
            .into_iter()
            .zip(free)
        {
            let free = free.min(left);
            *places += free;
            left -= free;
        }
        Ok(Self {
            paths,
            named,
            places,
        })
    }

    /// How many places there are.
    pub(crate) fn places(&self) -> filter_places {
        self.places
    }

    /// How many there are together.
    pub(crate) fn count(&self) -> usize {
        usize::from(self.places.wanted) + usize::from(self.places.excluded)
    }

    /// The directories, and whether others may come.
    pub(crate) fn paths(&self) -> (&Set<PathBuf>, bool) {
        (&self.paths, self.named.is_some())
    }

    /// Each with its place, and whether it is left out.
    pub(super) fn all(&self) -> impl Iterator<Item = (u32, &Path, bool)> {
        let wanted = self
            .paths
            .wanted()
            .iter()
            .map(|path| (path.as_path(), false));
        let excluded = self
            .paths
            .excluded()
            .iter()
            .map(|path| (path.as_path(), true));
        let wanted = (0..).zip(wanted);
        let excluded = (u32::from(self.places.wanted)..).zip(excluded);
        let all = wanted.chain(excluded);
        all.map(|(place, (path, left_out))| (place, path, left_out))
    }

    /// The places that none of them has: of what is wanted, and of what is left out.
    pub(super) fn free(&self) -> [Vec<u32>; 2] {
        let (wanted, excluded) = (
            u32::from(self.places.wanted),
            u32::from(self.places.excluded),
        );
        let taken = |paths: &[PathBuf]| u32::try_from(paths.len()).unwrap_or(u32::MAX);
        [
            (taken(self.paths.wanted())..wanted).collect(),
            (wanted + taken(self.paths.excluded())..wanted + excluded).collect(),
        ]
    }
}
