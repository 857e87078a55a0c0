// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options of tools that print events: how many, and how they come from the kernel. A tool that counts in the kernel
//! has none of them.

use std::time::Duration;

use super::{Asked, Counting, values};
use crate::event::belonging::Belonging;
use crate::event::{Field, Group};
use crate::trace::options::{Buffer, Options};

/// The options of tools that print events; flattened beside [`Common`](super::Common). Each name is also the id for
/// [`clap::Command::mut_arg`].
#[derive(Debug, Clone, clap::Args)]
pub struct Events {
    /// Which events.
    #[command(flatten)]
    pub asked: Asked,

    /// The columns of the table, or of CSV, in this order: fields of JSON by their names, or headers
    #[arg(
        long,
        value_name = "LIST",
        help_heading = "Output",
        value_delimiter = ','
    )]
    pub columns: Vec<String>,

    /// How they are counted instead.
    #[command(flatten)]
    pub counting: Counting,

    /// Show whose child each task is, up to init: names and processes
    #[arg(long, help_heading = "Output", conflicts_with_all = ["columns", "count_by"])]
    pub ancestors: bool,

    /// Show what each task belongs to: user, systemd unit, container, and in JSON and CSV its cgroup's path
    #[arg(long, help_heading = "Output", conflicts_with_all = ["columns", "count_by"])]
    pub names: bool,

    /// Show which executable each process runs: its path
    #[arg(long, help_heading = "Output", conflicts_with_all = ["columns", "count_by"])]
    pub exe: bool,

    /// End after this many events
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = clap::value_parser!(u64).range(1..))]
    pub max_events: Option<u64>,

    /// What carries events from the kernel
    #[arg(long, value_name = "KIND", help_heading = "Tracing", default_value = "auto", value_parser = values::buffer())]
    pub buffer: Buffer,

    /// The buffer's size (of each CPU's, for perf buffers): bytes, or with a unit such as 512k or 8m
    #[arg(long, value_name = "SIZE", help_heading = "Tracing", value_parser = values::buffer_size)]
    pub buffer_size: Option<usize>,

    /// Split the ring, which --buffer-size is of, into this many, each for its share of the CPUs; by default 1, and where 32
    /// CPUs or more are online one for each 16
    #[arg(long, value_name = "N", help_heading = "Tracing", value_parser = rings)]
    pub buffer_rings: Option<u32>,

    /// How long an event may wait in the buffer, so that many are fetched at once
    #[arg(long, value_name = "TIME", help_heading = "Tracing", default_value = values::DEFAULT_LATENCY, value_parser = values::time)]
    pub latency: Duration,
}

impl Events {
    /// Whether `--columns`, `--count-by` or `--stat` asks for the field of this name, or for the column with this header, or
    /// `--where` for the field.
    pub fn shows(&self, field: &str) -> bool {
        let shown = self
            .columns
            .iter()
            .map(|name| name.strip_suffix("_truncated").unwrap_or(name))
            .any(|name| name.eq_ignore_ascii_case(field));
        shown || self.counting.names(field) || self.asked.names(field)
    }

    /// Tells the trace what these options ask for, of events with these fields. `all` where all fields are shown.
    pub fn adjust(&self, options: &mut Options, fields: &[Field], all: bool) {
        // Where it is never null, the tool reads it itself.
        let asked = |name: &str| {
            let field = fields.iter().find(|field| field.name == name);
            field.is_some_and(|field| field.of.is_nullable()) && (all || self.shows(name))
        };
        let ancestors = self.ancestors || self.shows("ancestors") || self.shows("ancestor_pids");
        options.ancestors = match ancestors {
            true => Options::ALL_ANCESTORS,
            false => (asked("ppid") || asked("pcomm")).into(),
        };
        options.cgroup_ids = asked("cgroup_id");
        options.names = self.names || Belonging::FIELDS.iter().any(|field| self.shows(field.name));
        options.exe = self.exe || self.shows("exe");
        options.buffer = self.buffer;
        options.buffer_bytes = self.buffer_size;
        options.rings = self.buffer_rings;
        options.latency = self.latency;
    }
}

fn rings(text: &str) -> Result<u32, String> {
    match text.parse() {
        Ok(count @ 1..=128) if u32::is_power_of_two(count) => Ok(count),
        _ => Err("must be 1, 2, 4, 8, 16, 32, 64 or 128".to_owned()),
    }
}

/// The bytes of a buffer of this many pages, for opensnoop's `--buffer-pages`.
pub fn buffer_pages(text: &str) -> Result<usize, String> {
    let pages: u64 = text
        .parse()
        .map_err(|_| "not a number of pages".to_owned())?;
    let bytes = pages.saturating_mul(crate::page_bytes() as u64);
    values::buffer_size(&bytes.to_string())
}
