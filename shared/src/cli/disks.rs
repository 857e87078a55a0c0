// SPDX-License-Identifier: MIT OR Apache-2.0
//! The option of tools of block requests that picks disks.

use super::sets;
use crate::block::{Disk, Disks, meant};
use crate::error::{Error, Result};
use crate::trace::set::Set;

/// Which disks. Flattened beside [`Common`](super::Common).
#[derive(Debug, Clone, Default, clap::Args)]
pub struct OfDisks {
    /// Only requests of these disks: names of /sys/block or paths, with commas between; '!' before one leaves it out
    #[arg(short, long, value_name = "DISK", help_heading = "Filters", value_parser = sets::parser(meant))]
    pub disk: Vec<Set<Vec<Disk>>>,
}

impl OfDisks {
    /// The disks that it asks for.
    ///
    /// # Errors
    ///
    /// Where they come to none, or to more than can be named.
    pub fn chosen(&self) -> Result<Disks> {
        let asked = sets::together("--disk", &self.disk)?;
        let all = |disks: &[Vec<Disk>]| disks.concat();
        Disks::chosen(all(asked.wanted()), all(asked.excluded()))
            .map_err(|wrong| Error::usage(format!("--disk: {wrong}")))
    }
}
