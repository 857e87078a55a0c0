// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every trace can be told before it starts, by a command line or by a library user alike.

use std::path::PathBuf;
use std::time::Duration;

use crate::data::raw::ancestor;
use crate::trace::set::Set;

/// `CGROUP_BYTES` of `bpf/include/shared.h`.
const CGROUP_BYTES: usize = 4096 + 256;

/// `EXE_BYTES` of that file.
const EXE_BYTES: usize = 2 + 4096 + 256;

/// Which tasks to trace. Each filter is a set; all of them must hold, and the kernel decides, before an event is made.
///
/// ```
/// use tracewell_shared::trace::options::Filter;
/// use tracewell_shared::trace::set::Set;
///
/// let filter = Filter {
///     pid: Set::any([17, 18]),
///     uid: Set::none([0]),
///     comm: b"bash".to_vec().into(),
///     ..Filter::default()
/// };
/// ```
///
/// A literal names what it sets, and ends in `..Filter::default()`: later versions have more fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    /// The process (the kernel's tgid).
    pub pid: Set<u32>,
    /// The thread (the kernel's pid).
    pub tid: Set<u32>,
    /// The parent process.
    pub ppid: Set<u32>,
    /// The real user id, as the initial user namespace sees it. Root (0) is a user like any other.
    pub uid: Set<u32>,
    /// The exact name of the thread, at most 15 bytes.
    pub comm: Set<Vec<u8>>,
    /// Directories of a cgroup v2 file system, at most 32; their descendants are included, also those made later.
    pub cgroup: Set<PathBuf>,
    /// Units of systemd, whose cgroups are looked for; `ssh` is `ssh.service`. Of `cgroup`, `unit` and `container` one alone may
    /// say what is wanted.
    pub unit: Set<Vec<u8>>,
    /// Containers, whose cgroups are looked for: what they are called, or how their ids begin.
    pub container: Set<Vec<u8>>,
    /// Pinned BPF hash maps whose keys are cgroup ids (u64), at most 32.
    pub cgroup_map: Set<PathBuf>,
    /// Pinned BPF hash maps whose keys are mount namespaces (inode number, u64), at most 32.
    pub mntns_map: Set<PathBuf>,
    #[doc(hidden)]
    pub _later: (),
}

impl Filter {
    /// Whether cgroups are filtered, by whatever they are called.
    pub fn picks_cgroups(&self) -> bool {
        let paths = [&self.cgroup, &self.cgroup_map];
        let names = [&self.unit, &self.container];
        paths.iter().any(|set| !set.is_empty()) || names.iter().any(|set| !set.is_empty())
    }
}

/// What carries events from the kernel to the tool.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Buffer {
    /// The ring buffer: every kernel from 5.8 on has it.
    #[default]
    Auto,
    /// A ring that CPUs share.
    Ring,
    /// One perf buffer for each CPU.
    Perf,
}

/// How a trace runs; [`Options::default`] is right for most.
///
/// A literal names what it sets, and ends in `..Default::default()`: later versions have more fields.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Which tasks to trace.
    pub filter: Filter,
    /// Trace this process (its number in the initial pid namespace) and all that descend from it, from now on.
    pub follow: Option<u32>,
    /// Trace the processes that [`Filter::pid`] wants with all that descend from them, those that run and those to come.
    pub children: bool,
    /// A process that is not shown, by its number in the initial pid namespace: a command line sets its own.
    pub exclude: Option<u32>,
    /// The label of the only rung to try; `None` takes the first that works.
    pub probe: Option<String>,
    /// What carries the events.
    pub buffer: Buffer,
    /// Bytes of the buffer (of each CPU's, for perf buffers); rounded up to a power of two of pages.
    pub buffer_bytes: Option<usize>,
    /// How many rings CPUs share, rounded down to a power of two; `None` is one, and on 32 CPUs or more one for each 16.
    /// They are of `buffer_bytes` together.
    pub rings: Option<u32>,
    /// How many operations may be under way at once, on rungs that join their start and end by a map; `None` is what
    /// the tool takes for enough. More are counted as lost.
    pub inflight: Option<u32>,
    /// How long an event may wait in the buffer so that many are fetched at once.
    pub latency: Duration,
    /// How many ancestors of its task each event has, at most 32; the parent is the first.
    pub ancestors: u8,
    /// Whether each event has the id of its task's cgroup.
    pub cgroup_ids: bool,
    /// Whether each event has the names of what its task belongs to: cgroup, unit, container, user.
    pub names: bool,
    /// Whether each event has the path of the file that its process runs.
    pub exe: bool,
    /// A file with the kernel's type information (BTF), for kernels that do not offer their own.
    pub btf: Option<PathBuf>,
    #[doc(hidden)]
    pub _later: (),
}

impl Options {
    /// The default of [`latency`](Options::latency).
    pub const DEFAULT_LATENCY: Duration = Duration::from_millis(40);

    /// All that [`ancestors`](Options::ancestors) may be: `ANCESTORS_MOST` of `bpf/include/shared.h`.
    pub const ALL_ANCESTORS: u8 = 32;

    /// Whether processes are followed.
    pub fn follows(&self) -> bool {
        self.follow.is_some() || self.children
    }

    /// What the kernel's side filters by: processes that are followed are no filter of their own.
    pub(crate) fn kernel_filter(&self) -> Filter {
        let mut filter = self.filter.clone();
        if self.children {
            filter.pid = Set::default();
        }
        filter
    }

    /// How many bytes what is asked of an event's task adds to the event at most.
    pub(crate) fn behind_bytes(&self) -> usize {
        let ancestors = usize::from(self.ancestors.min(Self::ALL_ANCESTORS));
        let names = if self.names { CGROUP_BYTES } else { 0 };
        let exe = if self.exe { EXE_BYTES } else { 0 };
        ancestors * size_of::<ancestor>() + names + exe
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            filter: Filter::default(),
            follow: None,
            children: false,
            exclude: None,
            probe: None,
            buffer: Buffer::Auto,
            buffer_bytes: None,
            rings: None,
            inflight: None,
            latency: Self::DEFAULT_LATENCY,
            ancestors: 0,
            cgroup_ids: false,
            names: false,
            exe: false,
            btf: None,
            _later: (),
        }
    }
}
