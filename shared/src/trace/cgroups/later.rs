// SPDX-License-Identifier: MIT OR Apache-2.0
//! Cgroups that come after a trace began, by a name that its filters ask for.

use std::mem::take;
use std::path::{Path, PathBuf};

use super::named::Named;
use super::{Change, Fate, Followed, Places, Wanted};
use crate::error::{Error, Result};

/// Cgroups that are looked for by their names.
#[derive(Debug)]
pub(super) struct Later {
    named: Named,
    /// The places that none has: for what is wanted, and for what is left out.
    free: [Vec<u32>; 2],
    /// What a look has found that is not followed yet, and whether it is left out.
    found: Vec<(PathBuf, bool)>,
    /// What was found and had no place.
    refused: Vec<PathBuf>,
    /// Whether it is time to look.
    due: bool,
}

impl Later {
    /// What is asked for by name; `None` where nothing is.
    pub(super) fn of(wanted: Wanted) -> Option<Self> {
        let free = wanted.free();
        let named = wanted.named?;
        Some(Self {
            named,
            free,
            found: Vec::new(),
            refused: Vec::new(),
            due: false,
        })
    }

    /// It is time to look at all cgroups again.
    pub(super) fn begin_look(&mut self) {
        self.due = true;
    }

    /// Puts the next one that is found by its name into a place.
    pub(super) fn look(&mut self, followed: &mut Vec<Followed>, places: &Places) -> Option<Change> {
        if take(&mut self.due) {
            self.found = self.named.again().collect();
            let is_there = |path: &PathBuf| self.found.iter().any(|(found, _)| found == path);
            self.refused.retain(is_there);
        }
        while let Some((path, left_out)) = self.found.pop() {
            // Also one that was made again: it is known by its path.
            let is_known = |one: &Followed| one.path == path && one.left_out == left_out;
            if followed.iter().any(is_known) || self.refused.contains(&path) {
                continue;
            }
            let fate = match self.follow(&path, left_out, followed, places) {
                Ok(()) => Fate::Found,
                Err(error) => {
                    self.refused.push(path.clone());
                    Fate::Refused(error.to_string())
                }
            };
            return Some(Change {
                path,
                left_out,
                fate,
            });
        }
        None
    }

    /// Follows it in a place that is free, or in that of one that is gone.
    fn follow(
        &mut self,
        path: &Path,
        left_out: bool,
        followed: &mut Vec<Followed>,
        places: &Places,
    ) -> Result<()> {
        let gone = |one: &Followed| one.gone && !one.told && one.left_out == left_out;
        let free = &mut self.free[usize::from(left_out)];
        let (place, old) = match (free.pop(), followed.iter().position(gone)) {
            (Some(place), _) => (place, None),
            (None, Some(old)) => (followed[old].place, Some(old)),
            (None, None) => {
                return Err(Error::usage(
                    "no more are kept room for; a run that begins now has room for it",
                ));
            }
        };
        let id = places.put(place, path, left_out)?;
        let new = Followed {
            path: path.to_owned(),
            left_out,
            place,
            told: false,
            id,
            gone: false,
            made: false,
        };
        match old {
            Some(old) => {
                places.forget(followed[old].id);
                followed[old] = new;
            }
            None => followed.push(new),
        }
        Ok(())
    }
}
