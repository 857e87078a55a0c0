// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records as the BPF programs make them, laid out by hand after the headers in `bpf/`, with any names in them.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::words;

mod exit;
mod request;
mod sockets;
mod user;

pub(crate) use exit::exit;
pub(crate) use request::request;
pub(crate) use sockets::{connect, life, retransmit};
pub(crate) use user::{line, lookup};

/// Bytes up to so many pieces long, rich in what an output could take for its own.
pub(crate) fn bytes(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    let piece = prop_oneof![
        3 => any::<u8>().prop_map(|byte| vec![byte]),
        3 => any::<char>().prop_map(|character| character.to_string().into_bytes()),
        2 => "[a-z/.]{1,8}".prop_map(String::into_bytes),
        2 => prop::sample::select(&[
            "\\", "\\x41", "\"", "\n", "\r", "\t", "\0", ",", " ", "…", "(lost 5: x)", "\u{202e}", "\u{feff}", "\x1b[31m",
            "\u{2028}", "é",
        ][..]).prop_map(|text| text.as_bytes().to_vec()),
    ];
    vec(piece, 0..pieces).prop_map(|pieces| pieces.concat())
}

/// The same, as C has strings.
fn name(pieces: usize) -> impl Strategy<Value = Vec<u8>> {
    bytes(pieces).prop_map(|mut bytes| {
        bytes.retain(|byte| *byte != 0);
        bytes
    })
}

fn comm() -> impl Strategy<Value = Vec<u8>> {
    name(6).prop_map(|mut name| {
        name.truncate(15);
        name
    })
}

/// What a system call returns.
fn returned() -> impl Strategy<Value = i32> {
    prop_oneof![Just(0), -4095..0_i32, 0..100_000_i32]
}

/// The head of every event: `struct event_head`.
#[derive(Debug, Clone)]
pub(crate) struct Head {
    time_ns: u64,
    ids: [u32; 3],
    comm: Vec<u8>,
    cgroup: u64,
    /// From the parent up; that alone, where not all were asked for.
    ancestors: Vec<(u32, Vec<u8>)>,
    all: bool,
    /// The names of its cgroup and of those above it, from its own on; none where they were not asked for.
    names: Option<Vec<Vec<u8>>>,
    /// The same of its executable, and whether they lead to a root.
    exe: Option<(Vec<Vec<u8>>, bool)>,
}

fn head() -> impl Strategy<Value = Head> {
    let ids = [any::<u32>(), any::<u32>(), any::<u32>()];
    let ancestors = (vec((any::<u32>(), comm()), 0..5), any::<bool>());
    let names = prop::option::of(vec(component(), 0..5));
    let exe = prop::option::of((vec(component(), 0..5), any::<bool>()));
    let behind = (ancestors, names, exe);
    (0..10_u64.pow(18), ids, comm(), any::<u64>(), behind).prop_map(
        |(time_ns, ids, comm, cgroup, ((mut ancestors, all), names, exe))| {
            if !all {
                ancestors.truncate(1);
            }
            Head {
                time_ns,
                ids,
                comm,
                cgroup,
                ancestors,
                all,
                names,
                exe,
            }
        },
    )
}

impl Head {
    fn write(&self, to: &mut Vec<u8>) {
        to.extend(self.time_ns.to_ne_bytes());
        for id in self.ids {
            to.extend(id.to_ne_bytes());
        }
        to.extend([0; 12]); // the account of losses
        padded(to, &self.comm, 16);
        to.extend(self.cgroup.to_ne_bytes());
        to.extend([0; 8]); // what stands behind, once it is known where it is
    }

    /// The record with ancestors and names behind all else.
    fn with_rest(&self, mut record: Vec<u8>) -> Vec<u8> {
        let at = u32::try_from(record.len()).expect("a short record");
        let count = u16::try_from(self.ancestors.len()).expect("a few");
        let count = count | u16::from(self.all) << 15;
        record[56..60].copy_from_slice(&at.to_ne_bytes());
        record[60..62].copy_from_slice(&count.to_ne_bytes());
        for (pid, comm) in &self.ancestors {
            record.extend(pid.to_ne_bytes());
            padded(&mut record, comm, 16);
        }
        let mut told = 0_u16;
        if let Some(names) = &self.names {
            let mut names = ended(names);
            names.push(0); // the root's
            told |= u16::try_from(names.len()).expect("a few") | 1 << 15;
            record.extend(names);
        }
        if let Some((names, whole)) = &self.exe {
            let names = ended(names);
            told |= 1 << 14;
            let bytes = u16::try_from(names.len()).expect("a few") | u16::from(*whole) << 15;
            record.extend(bytes.to_ne_bytes());
            record.extend(names);
        }
        record[62..64].copy_from_slice(&told.to_ne_bytes());
        record
    }

    /// What is told of those above it, of events that have no other word of their parent.
    fn compare_parent(&self, told: &Value) {
        let parent = self.ancestors.first();
        assert_eq!(told["ppid"], serde_json::json!(parent.map(|(pid, _)| pid)));
        match parent {
            Some((_, comm)) => assert_eq!(words::bytes(told, "pcomm"), *comm),
            None => assert!(told["pcomm"].is_null()),
        }
        let cgroup = (self.cgroup != 0).then_some(self.cgroup);
        assert_eq!(told["cgroup_id"], serde_json::json!(cgroup));
    }

    fn compare(&self, told: &Value) {
        if self.all {
            let (pids, comms): (Vec<_>, Vec<_>) = self.ancestors.iter().cloned().unzip();
            assert_eq!(told["ancestor_pids"], serde_json::json!(pids));
            let comms: Vec<_> = comms.into_iter().map(Some).collect();
            assert_eq!(words::elements(told, "ancestors"), comms);
        } else {
            assert!(told["ancestors"].is_null() && told["ancestor_pids"].is_null());
        }
        match &self.names {
            Some(names) => {
                let outer = names.iter().rev().map(|name| [b"/", &name[..]].concat());
                let path = outer.collect::<Vec<_>>().concat();
                let path = if path.is_empty() { b"/".to_vec() } else { path };
                assert_eq!(words::bytes(told, "cgroup"), path);
            }
            None => {
                for name in ["cgroup", "unit", "container", "user"] {
                    assert!(told[name].is_null(), "{told}");
                }
            }
        }
        match &self.exe {
            Some((names, whole)) if !names.is_empty() => {
                let outer: Vec<_> = names.iter().rev().map(Vec::as_slice).collect();
                let start = if *whole { "/" } else { "" };
                let path = [start.as_bytes(), &outer.join(&b'/')].concat();
                assert_eq!(words::bytes(told, "exe"), path);
                assert_eq!(told["exe_truncated"], !whole);
            }
            _ => assert_eq!(
                (&told["exe"], &told["exe_truncated"]),
                (&json!(null), &json!(false))
            ),
        }
        for (id, name) in self.ids.iter().zip(["pid", "tid", "uid"]) {
            assert_eq!(told[name], *id);
        }
        assert_eq!(words::bytes(told, "comm"), self.comm);
    }
}

/// Names, each ended by a NUL.
fn ended(names: &[Vec<u8>]) -> Vec<u8> {
    let ended = names.iter().map(|name| [name, &[0][..]].concat());
    ended.collect::<Vec<_>>().concat()
}

fn padded(to: &mut Vec<u8>, bytes: &[u8], size: usize) {
    to.extend_from_slice(bytes);
    to.resize(to.len() + size - bytes.len(), 0);
}

/// What lies behind the fixed part of an event about a file: the name, and the components of where it starts.
#[derive(Debug, Clone)]
pub(crate) struct Path {
    name: Vec<u8>,
    base: Vec<Vec<u8>>,
    unreadable: bool,
    cut: bool,
    status: u8,
}

/// A component of a path.
fn component() -> impl Strategy<Value = Vec<u8>> {
    name(4).prop_filter("a component has no slash", |name| {
        !name.is_empty() && !name.contains(&b'/')
    })
}

fn path() -> impl Strategy<Value = Path> {
    (
        name(12),
        vec(component(), 0..5),
        any::<[bool; 2]>(),
        0..3_u8,
    )
        .prop_map(|(name, base, [unreadable, cut], status)| Path {
            name: if unreadable { Vec::new() } else { name },
            base,
            unreadable,
            cut,
            status,
        })
}

impl Path {
    fn base_bytes(&self) -> Vec<u8> {
        let ended = self
            .base
            .iter()
            .map(|component| [component, &b"\0"[..]].concat());
        ended.collect::<Vec<_>>().concat()
    }

    fn lengths(&self, to: &mut Vec<u8>) {
        for length in [self.name.len(), self.base_bytes().len()] {
            to.extend(u16::try_from(length).unwrap().to_ne_bytes());
        }
    }

    fn tail(&self, to: &mut Vec<u8>) {
        to.extend_from_slice(&self.name);
        to.extend(self.base_bytes());
    }

    fn compare(&self, told: &Value, full: bool) {
        assert_eq!(told["path_truncated"], self.cut);
        if self.unreadable {
            assert_eq!(
                (&told["path"], &told["full_path"]),
                (&json!(null), &json!(null))
            );
            return;
        }
        assert_eq!(words::bytes(told, "path"), self.name);
        if !full || self.status == 2 {
            assert_eq!(told["full_path"], json!(null));
            return;
        }
        assert_eq!(told["full_path_truncated"], self.cut || self.status == 1);
        let shown = words::bytes(told, "full_path");
        let mut outer = self.base.clone();
        outer.reverse();
        let outer = outer.join(&b'/');
        let cut = self.status == 1;
        // What does not start at the root does not look like it.
        let slashes = self.name.iter().take_while(|byte| **byte == b'/').count();
        let name = self
            .name
            .split_at(if cut && outer.is_empty() { slashes } else { 0 })
            .1;
        assert!(shown.ends_with(name), "{told}");
        assert_eq!(!cut, shown.starts_with(b"/"), "{told}");
        let from = usize::from(!cut);
        assert!(
            outer.is_empty() || shown[from..].starts_with(&outer),
            "{told}"
        );
    }
}

/// `struct open_event`
#[derive(Debug, Clone)]
pub(crate) struct Open {
    head: Head,
    path: Path,
    flags: u64,
    ret: i32,
    dirfd: i32,
    compat: bool,
}

pub(crate) fn open() -> impl Strategy<Value = Open> {
    let numbers = (any::<u64>(), returned(), any::<i32>(), any::<bool>());
    (head(), path(), numbers).prop_map(|(head, path, (flags, ret, dirfd, compat))| Open {
        head,
        path,
        flags,
        ret,
        dirfd,
        compat,
    })
}

impl Open {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        record.extend(self.flags.to_ne_bytes());
        record.extend(self.ret.to_ne_bytes());
        record.extend(self.dirfd.to_ne_bytes());
        record.extend(0o4755_u32.to_ne_bytes());
        self.path.lengths(&mut record);
        record.push(self.path.status);
        let [unreadable, cut, compat] =
            [self.path.unreadable, self.path.cut, self.compat].map(u8::from);
        record.push(unreadable | cut << 1 | compat << 3);
        record.resize(96, 0); // no callers
        self.path.tail(&mut record);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value, full: bool) {
        self.head.compare(told);
        self.head.compare_parent(told);
        self.path.compare(told, full);
        let fd = (self.ret >= 0).then_some(self.ret);
        let errno = (self.ret < 0).then_some(-self.ret);
        assert_eq!((&told["fd"], &told["errno"]), (&json!(fd), &json!(errno)));
        assert_eq!(
            (&told["dirfd"], &told["compat"]),
            (&json!(self.dirfd), &json!(self.compat))
        );
    }
}

/// `struct unlink_event`
#[derive(Debug, Clone)]
pub(crate) struct Unlink {
    head: Head,
    path: Path,
    inode: u64,
    size: u64,
    ret: i32,
    links: u32,
    kinds: [u8; 2],
    seen: bool,
}

pub(crate) fn unlink() -> impl Strategy<Value = Unlink> {
    let numbers = (any::<u64>(), any::<u64>(), -4095..1_i32, any::<u32>());
    let kinds = [0..3_u8, 0..6_u8];
    (head(), path(), numbers, kinds, any::<bool>()).prop_map(
        |(head, path, (inode, size, ret, links), kinds, seen)| {
            // Of renames those are told that succeeded, and replaced a file that was seen; of failures there is none.
            let rename = kinds[0] == 2;
            let ret = if rename { 0 } else { ret };
            Unlink {
                head,
                path,
                inode,
                size,
                ret,
                links,
                kinds,
                seen: rename || (seen && ret == 0),
            }
        },
    )
}

impl Unlink {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        record.extend(self.inode.to_ne_bytes());
        record.extend(self.size.to_ne_bytes());
        record.extend(self.ret.to_ne_bytes());
        record.extend((-100_i32).to_ne_bytes());
        record.extend(self.links.to_ne_bytes());
        self.path.lengths(&mut record);
        record.push(self.path.status);
        record.extend(self.kinds);
        let [unreadable, cut, seen] =
            [self.path.unreadable, self.path.cut, self.seen].map(u8::from);
        record.push(unreadable | cut << 1 | seen << 2 | seen << 3 | seen << 4);
        record.resize(104, 0);
        self.path.tail(&mut record);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value, full: bool) {
        self.head.compare(told);
        self.head.compare_parent(told);
        self.path.compare(told, full);
        assert_eq!(told["ret"], self.ret);
        assert_eq!(
            told["op"],
            ["unlink", "rmdir", "rename"][usize::from(self.kinds[0])]
        );
        let object = |value: Value| if self.seen { value } else { Value::Null };
        assert_eq!(told["inode"], object(json!(self.inode)));
        assert_eq!(told["size_bytes"], object(json!(self.size)));
        assert_eq!(told["links"], object(json!(self.links)));
        assert_eq!(told["still_open"], object(json!(true)));
    }
}

/// `struct sync_event`
#[derive(Debug, Clone)]
pub(crate) struct Sync {
    head: Head,
    part: [u64; 2],
    took_ns: i64,
    flags: u32,
    ret: i32,
    fd: i32,
    call: u8,
    compat: bool,
}

pub(crate) fn sync() -> impl Strategy<Value = Sync> {
    let numbers = (any::<[u64; 2]>(), any::<u32>(), -4095..1_i32, any::<i32>());
    (head(), numbers, any::<i64>(), 0..6_u8, any::<bool>()).prop_map(
        |(head, (part, flags, ret, fd), took_ns, call, compat)| Sync {
            head,
            part,
            took_ns,
            flags,
            ret,
            fd,
            call,
            compat,
        },
    )
}

impl Sync {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        for number in self.part {
            record.extend(number.to_ne_bytes());
        }
        record.extend(self.took_ns.to_ne_bytes());
        record.extend(self.flags.to_ne_bytes());
        record.extend(self.ret.to_ne_bytes());
        record.extend(self.fd.to_ne_bytes());
        record.extend([self.call + 1, self.compat.into(), 0, 0]);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        let calls = [
            "sync",
            "syncfs",
            "fsync",
            "fdatasync",
            "msync",
            "sync_file_range",
        ];
        self.head.compare(told);
        self.head.compare_parent(told);
        let call = calls[usize::from(self.call)];
        assert_eq!(told["call"], call);
        assert_eq!(
            (&told["ret"], &told["compat"]),
            (&json!(self.ret), &json!(self.compat))
        );
        assert_eq!(told["duration_ns"], json!(u64::try_from(self.took_ns).ok()));
        let of = |wanted: &[&str], value: Value| {
            if wanted.contains(&call) {
                value
            } else {
                Value::Null
            }
        };
        let [start, bytes] = self.part;
        assert_eq!(
            told["fd"],
            of(
                &["syncfs", "fsync", "fdatasync", "sync_file_range"],
                json!(self.fd)
            )
        );
        assert_eq!(told["address"], of(&["msync"], json!(start)));
        assert_eq!(
            told["offset"],
            of(&["sync_file_range"], json!(start.cast_signed()))
        );
        assert_eq!(
            told["bytes"],
            of(&["msync", "sync_file_range"], json!(bytes))
        );
        let names = told["flags"].as_array().map(Vec::len);
        let known = (self.flags & 7).count_ones() as usize;
        assert_eq!(
            names,
            ["msync", "sync_file_range"]
                .contains(&call)
                .then_some(known)
        );
    }
}

/// `struct exec_event`
#[derive(Debug, Clone)]
pub(crate) struct Exec {
    head: Head,
    parent: (u32, Vec<u8>),
    cgroup: u64,
    ret: i32,
    filename: Vec<u8>,
    args: Vec<Vec<u8>>,
    cut: bool,
}

pub(crate) fn exec() -> impl Strategy<Value = Exec> {
    let parent = (any::<u32>(), comm());
    let numbers = (any::<u64>(), -4095..1_i32, any::<bool>());
    (head(), parent, numbers, name(12), vec(name(8), 0..6)).prop_map(
        |(head, parent, (cgroup, ret, cut), filename, args)| Exec {
            head,
            parent,
            cgroup,
            ret,
            filename,
            args,
            cut,
        },
    )
}

impl Exec {
    pub(crate) fn record(&self) -> Vec<u8> {
        let mut record = Vec::new();
        self.head.write(&mut record);
        record.extend(self.cgroup.to_ne_bytes());
        // When the process was made, which only a tree tells.
        record.extend(5_u64.to_ne_bytes());
        record.extend(self.parent.0.to_ne_bytes());
        record.extend(self.ret.to_ne_bytes());
        let args: Vec<u8> = self
            .args
            .iter()
            .flat_map(|arg| [arg, &b"\0"[..]].concat())
            .collect();
        for length in [self.filename.len(), args.len()] {
            record.extend(u32::try_from(length).unwrap().to_ne_bytes());
        }
        record.extend((u32::from(self.cut) << 3).to_ne_bytes());
        record.extend(7_u32.to_ne_bytes());
        padded(&mut record, &self.parent.1, 16);
        record.extend_from_slice(&self.filename);
        record.extend(args);
        self.head.with_rest(record)
    }

    pub(crate) fn compare(&self, told: &Value) {
        self.head.compare(told);
        assert_eq!(
            (&told["ppid"], &told["cpu"]),
            (&json!(self.parent.0), &json!(7))
        );
        assert_eq!(words::bytes(told, "pcomm"), self.parent.1);
        assert_eq!(told["cgroup_id"], self.cgroup);
        assert_eq!(told["ret"], self.ret);
        assert_eq!(words::bytes(told, "filename"), self.filename);
        assert_eq!(words::list(told, "args"), self.args);
        assert_eq!(told["args_truncated"], self.cut);
    }
}
