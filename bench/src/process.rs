// SPDX-License-Identifier: MIT OR Apache-2.0
//! Another process seen from outside, through `/proc`: its CPU time, memory, and what of BPF it holds.
//!
//! Nothing here asks the process for anything, so a tool of ours and a peer are seen alike.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

use crate::bpf::RunStats;
use crate::error::Context;
use crate::error::Error;
use crate::error::Result;

/// The BPF objects whose descriptors a process holds. An object with two descriptors counts once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BpfObjects {
    /// Map id to the kernel's memory for it, in bytes.
    pub maps: BTreeMap<u64, u64>,
    /// Program id to how often and how long it ran.
    pub programs: BTreeMap<u64, RunStats>,
}

impl BpfObjects {
    /// Memory of all maps, in bytes.
    #[must_use]
    pub fn map_bytes(&self) -> u64 {
        self.maps.values().sum()
    }

    /// Run time of all programs, in ns.
    #[must_use]
    pub fn run_time_ns(&self) -> u64 {
        self.programs.values().map(|stats| stats.run_time_ns).sum()
    }
}

/// The memory of a process, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Memory {
    /// Largest resident set so far.
    pub peak_rss: u64,
    /// Present resident set.
    pub rss: u64,
    /// The part of `rss` that is kernel buffers mapped in: ring and perf buffers. A ring's data is
    /// mapped twice and counts twice, here and in `rss`.
    pub buffers_rss: u64,
    /// Size of the perf buffers, which no map's memory includes.
    pub perf_buffers: u64,
}

/// How many BPF links `pid` holds; where a kernel has no links for perf events, how many perf events.
/// The count stops changing when everything is attached.
///
/// # Errors
///
/// When the process has gone.
pub fn hooks(pid: u32) -> Result<usize> {
    let (mut links, mut perf_events) = (0, 0);
    for target in descriptors(pid)?.into_values() {
        match target.as_str() {
            "anon_inode:bpf_link" | "anon_inode:bpf-link" => links += 1,
            "anon_inode:[perf_event]" => perf_events += 1,
            _ => {}
        }
    }
    Ok(if links > 0 { links } else { perf_events })
}

/// The maps and programs that `pid` holds now.
///
/// # Errors
///
/// When the process has gone.
pub fn bpf_objects(pid: u32) -> Result<BpfObjects> {
    let mut objects = BpfObjects::default();
    for (fd, target) in descriptors(pid)? {
        if target != "anon_inode:bpf-map" && target != "anon_inode:bpf-prog" {
            continue;
        }
        let info = read(pid, &format!("fdinfo/{fd}"))?;
        if let (Some(id), Some(bytes)) = (field(&info, "map_id"), field(&info, "memlock")) {
            objects.maps.insert(id, bytes);
        }
        if let Some(id) = field(&info, "prog_id") {
            objects.programs.insert(id, RunStats::parse(&info));
        }
    }
    Ok(objects)
}

/// CPU time that the living threads of `pid` have used, in ns.
///
/// # Errors
///
/// When the process has gone, or the kernel keeps no such account (`CONFIG_SCHED_INFO`).
pub fn cpu_ns(pid: u32) -> Result<u64> {
    let tasks = format!("/proc/{pid}/task");
    let mut total = 0;
    for task in fs::read_dir(&tasks).context(|| tasks.clone())? {
        let path = task.context(|| tasks.clone())?.path().join("schedstat");
        // A thread may end between the listing and the reading.
        let Ok(text) = fs::read_to_string(&path) else {
            continue;
        };
        total += parse_schedstat(&text)
            .ok_or_else(|| Error::new(format!("{}: {text:?}", path.display())))?;
    }
    Ok(total)
}

/// The memory of `pid` now.
///
/// # Errors
///
/// When the process has gone.
pub fn memory(pid: u32) -> Result<Memory> {
    let status = read(pid, "status")?;
    let bytes = |name: &str| {
        let kb = field(&status, name);
        kb.map(|kb| kb * 1024)
            .ok_or_else(|| Error::new(format!("/proc/{pid}/status has no {name}")))
    };
    Ok(Memory {
        peak_rss: bytes("VmHWM")?,
        rss: bytes("VmRSS")?,
        ..parse_smaps(&read(pid, "smaps")?)
    })
}

/// Descriptor number to what it points at.
fn descriptors(pid: u32) -> Result<BTreeMap<u32, String>> {
    let dir = PathBuf::from(format!("/proc/{pid}/fd"));
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(&dir).context(|| dir.display().to_string())? {
        let entry = entry.context(|| dir.display().to_string())?;
        let number = entry
            .file_name()
            .to_str()
            .and_then(|name| name.parse().ok());
        // A descriptor may be closed between the listing and the reading.
        if let (Some(number), Ok(target)) = (number, fs::read_link(entry.path())) {
            found.insert(number, target.to_string_lossy().into_owned());
        }
    }
    Ok(found)
}

fn read(pid: u32, name: &str) -> Result<String> {
    let path = format!("/proc/{pid}/{name}");
    fs::read_to_string(&path).context(|| path)
}

/// The number after `name:` in the text of an fdinfo or status file.
#[must_use]
pub fn field(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let value = line.strip_prefix(name)?.strip_prefix(':')?;
        value.split_whitespace().next()?.parse().ok()
    })
}

fn parse_schedstat(text: &str) -> Option<u64> {
    text.split_whitespace().next()?.parse().ok()
}

/// The buffers' part of [`Memory`], from the text of an smaps file.
fn parse_smaps(text: &str) -> Memory {
    let mut memory = Memory::default();
    let (mut map, mut perf) = (false, false);
    for line in text.lines() {
        // A mapping's first line starts with its addresses; the lines about it, with a capital letter.
        if line.starts_with(|first: char| first.is_ascii_hexdigit() && !first.is_ascii_uppercase())
        {
            map = line.ends_with("anon_inode:bpf-map");
            perf = line.ends_with("anon_inode:[perf_event]");
        } else if perf && line.starts_with("Size:") {
            memory.perf_buffers += field(line, "Size").unwrap_or(0) * 1024;
        } else if (map || perf) && line.starts_with("Rss:") {
            memory.buffers_rss += field(line, "Rss").unwrap_or(0) * 1024;
        }
    }
    memory
}

#[cfg(test)]
mod tests {
    use super::Memory;
    use super::cpu_ns;
    use super::field;
    use super::hooks;
    use super::memory;
    use super::parse_schedstat;
    use super::parse_smaps;

    const SMAPS: &str = "\
56420a4e4000-56420a505000 rw-p 00000000 00:00 0                          [heap]
Size:                132 kB
Rss:                  96 kB
7f5f86b59000-7f5f86b9a000 rw-s 00000000 00:10 26                         anon_inode:[perf_event]
Size:                260 kB
KernelPageSize:        4 kB
Rss:                   8 kB
7f5f86e01000-7f5f86e02000 r--s 00000000 00:10 26                         anon_inode:bpf-map
Size:                  4 kB
Rss:                   4 kB
VmFlags: rd sh mr mw me ms sd
";

    #[test]
    fn smaps_tell_buffers_from_the_rest() {
        let expected = Memory {
            peak_rss: 0,
            rss: 0,
            buffers_rss: 12 * 1024,
            perf_buffers: 260 * 1024,
        };
        assert_eq!(parse_smaps(SMAPS), expected);
    }

    #[test]
    fn a_field_is_found_by_its_whole_name() {
        let info = "map_type:\t1\nmemlock:\t1000480\nmap_id:\t38\n";
        assert_eq!(field(info, "memlock"), Some(1_000_480));
        assert_eq!(field(info, "map_id"), Some(38));
        assert_eq!(field(info, "map"), None);
        assert_eq!(field("VmHWM:\t   13440 kB\n", "VmHWM"), Some(13_440));
    }

    #[test]
    fn schedstat_starts_with_the_run_time() {
        assert_eq!(parse_schedstat("289372 0 2\n"), Some(289_372));
        assert_eq!(parse_schedstat(""), None);
    }

    #[test]
    fn this_process_can_be_looked_at() {
        let pid = std::process::id();
        assert_eq!(hooks(pid).unwrap(), 0);
        assert!(cpu_ns(pid).unwrap() > 0);
        assert!(memory(pid).unwrap().peak_rss > 0);
        assert!(hooks(u32::MAX).is_err());
    }
}
