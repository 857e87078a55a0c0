// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a task belongs to, by names: its cgroup, and what service managers and container runtimes call those; its user.
//!
//! The kernel's side sends the names that the cgroup's path is made of with the event, so that a cgroup has its path however
//! short it was there, and nothing is to be kept of cgroups that were.

use crate::data::raw::event_head;
use crate::event::path::Full;
use crate::event::task::as_name;
use crate::event::{Cell, Fields, Group, Type, Value, users};

/// What a task belongs to.
#[derive(Debug, Clone, Copy, Default, Group)]
pub struct Belonging<'a> {
    /// The path of its cgroup (v2) from the root of the hierarchy, which is `/`.
    #[field(
        null = "without `--names` or its name in another option, and of a cgroup more than 31 levels below the root, or with a path of more than 4096 bytes",
        left("CGROUP", 32)
    )]
    pub cgroup: CgroupPath<'a>,
    /// The systemd unit: the innermost service, scope, slice, socket, mount or swap in the path of its cgroup, as systemd
    /// writes its name.
    #[field(
        null = "as `cgroup`, and where the path has none",
        left("UNIT", 20),
        show = as_name
    )]
    pub unit: Option<&'a [u8]>,
    /// The id of its container, as Docker, containerd (CRI), CRI-O and Podman put it into the path of the cgroup: 64
    /// hexadecimal digits, of which a table shows the first 12.
    #[field(
        null = "as `cgroup`, and where the path has none",
        left("CONTAINER", 12),
        show = as_short_id
    )]
    pub container: Option<&'a [u8]>,
    /// The name of the user whose id is `uid`, as `/etc/passwd` had it when the trace began.
    #[field(
        null = "without `--names` or its name in another option, and where that file has none",
        left("USER", 8),
        show = as_name
    )]
    pub user: Option<&'a [u8]>,
}

/// `CGROUP_NAMED` of `bpf/include/shared.h`.
const NAMED: u16 = 1 << 15;

/// The bits of `event_head.cgroup` that are a number.
const BYTES: u16 = (1 << 14) - 1;

impl<'a> Belonging<'a> {
    /// What a record says, and what stands behind it; `behind` is what stands behind the ancestors. `None` for a record that
    /// is too short.
    pub(super) fn of(head: &event_head, behind: &'a [u8]) -> Option<(Self, &'a [u8])> {
        if head.cgroup & NAMED == 0 {
            return Some((Self::default(), behind));
        }
        let (names, behind) = behind.split_at_checked((head.cgroup & BYTES).into())?;
        let named = Self {
            user: users::name(head.uid),
            ..Self::of_names(names)
        };
        Some((named, behind))
    }

    /// What the names come to that the path of a cgroup is made of: its own comes first, and each ends with a NUL.
    fn of_names(names: &'a [u8]) -> Self {
        let each = || names.split(|byte| *byte == 0);
        Self {
            cgroup: CgroupPath::of(names),
            unit: each().find_map(unit),
            container: each().find_map(container),
            user: None,
        }
    }
}

/// The first digits of an id, as container runtimes show it in tables.
fn as_short_id(id: &Option<&[u8]>, cell: &mut Cell<'_>) {
    as_name(&id.map(|id| id.get(..SHORT_ID).unwrap_or(id)), cell);
}

/// How many digits of an id are shown.
pub(crate) const SHORT_ID: usize = 12;

/// The path of a cgroup.
#[derive(Debug, Clone, Copy, Default)]
pub struct CgroupPath<'a>(Option<Full<'a>>);

impl<'a> CgroupPath<'a> {
    fn of(names: &'a [u8]) -> Self {
        // The root's is empty; where it is missing, so is the outer part.
        let below = names.strip_suffix(b"\0");
        let is_whole = |below: &&[u8]| below.is_empty() || below.ends_with(b"\0");
        Self(below.filter(is_whole).map(Full::below_root))
    }

    /// The path; `None` where it was not asked for, or is not known whole.
    pub fn get(&self) -> Option<Full<'a>> {
        self.0
    }
}

impl Value for CgroupPath<'_> {
    const TYPE: Type = Type::Maybe(&Type::Bytes);

    fn give(&self, name: &'static str, to: &mut dyn Fields) {
        Full::give(self.0, name, to);
    }

    fn show(&self, cell: &mut Cell<'_>) {
        match self.0 {
            Some(path) => path.with_bytes(|bytes| cell.word(bytes)),
            None => cell.text("-"),
        }
    }
}

/// How the names of those units end that have cgroups (`unit_vtable[]` and `cgroup_context_offset` of systemd).
const UNITS: [&[u8]; 6] = [
    b".service",
    b".scope",
    b".slice",
    b".socket",
    b".mount",
    b".swap",
];

/// The unit that a cgroup of this name is, if it is one. A `_` stands before what could be taken for a file of the cgroup's
/// directory (`cg_escape()` of systemd's `src/basic/cgroup-util.c`), and is not the unit's.
pub fn unit(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_prefix(b"_").unwrap_or(name);
    is_unit(name).then_some(name)
}

/// Whether this is the whole name of a unit that has cgroups.
pub fn is_unit(name: &[u8]) -> bool {
    let mut ends = UNITS.iter();
    ends.any(|end| name.len() > end.len() && name.ends_with(end))
}

/// What container runtimes write before an id. Where nothing is there, it is Docker's or Kubernetes' without systemd. What
/// stands between, as in `libpod-conmon-`, is the process that watches a container, and not the container.
const RUNTIMES: [&[u8]; 6] = [
    b"docker-",
    b"cri-containerd-",
    b"crio-",
    b"libpod-payload-",
    b"libpod-",
    b"nerdctl-",
];

/// The digits of a container's id.
const ID_DIGITS: usize = 64;

/// The id of the container that a cgroup of this name is, if it is one: `docker-ID.scope` and its like, `ID`, and
/// `SLICE:docker:ID`, which runc makes of what is meant for systemd where that does not make the cgroup.
pub fn container(name: &[u8]) -> Option<&[u8]> {
    let name = name.strip_suffix(b".scope").unwrap_or(name);
    let name = name.rsplit(|byte| *byte == b':').next()?;
    let mut runtimes = RUNTIMES.iter();
    let id = runtimes.find_map(|runtime| name.strip_prefix(*runtime));
    let id = id.unwrap_or(name);
    let is_digit = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f');
    (id.len() == ID_DIGITS && id.iter().all(is_digit)).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::{Belonging, container, unit};

    const ID: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    /// The path, unit and container of a cgroup with this path.
    fn told(path: &str) -> [Option<String>; 3] {
        let mut names = Vec::new();
        for name in path.rsplit('/') {
            names.extend_from_slice(name.as_bytes());
            names.push(0);
        }
        let belonging = Belonging::of_names(&names);
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let path = belonging.cgroup.get();
        [
            path.map(|path| path.with_bytes(text)),
            belonging.unit.map(text),
            belonging.container.map(text),
        ]
    }

    #[test]
    fn a_path_tells_unit_and_container() {
        let cases = [
            ("/system.slice/ssh.service", Some("ssh.service"), false),
            (
                "/system.slice/ssh.service/inner",
                Some("ssh.service"),
                false,
            ),
            (
                "/user.slice/user-1000.slice/user@1000.service/app.slice/a\\x2db.scope",
                Some("a\\x2db.scope"),
                false,
            ),
            ("/system.slice/_cpu.service", Some("cpu.service"), false),
            (
                "/system.slice/docker-ID.scope",
                Some("docker-ID.scope"),
                true,
            ),
            (
                "/kubepods.slice/kubepods-pod1.slice/cri-containerd-ID.scope",
                Some("cri-containerd-ID.scope"),
                true,
            ),
            (
                "/kubepods.slice/crio-ID.scope/inner",
                Some("crio-ID.scope"),
                true,
            ),
            (
                "/machine.slice/libpod-ID.scope/container",
                Some("libpod-ID.scope"),
                true,
            ),
            (
                "/system.slice/a.service/libpod-payload-ID",
                Some("a.service"),
                true,
            ),
            (
                "/machine.slice/libpod-conmon-ID.scope",
                Some("libpod-conmon-ID.scope"),
                false,
            ),
            ("/docker/ID", None, true),
            ("/docker/ID/system.slice/a.service", Some("a.service"), true),
            ("/kubepods/burstable/pod1-2/ID", None, true),
            (
                "/system.slice/system.slice:docker:ID",
                Some("system.slice"),
                true,
            ),
            ("/libpod_parent/libpod-ID", None, true),
            ("/.service", None, false),
            ("/docker", None, false),
        ];
        for (path, unit, is_container) in cases {
            let with_id = |text: &str| text.replace("ID", ID);
            let expected = [
                Some(with_id(path)),
                unit.map(with_id),
                is_container.then(|| ID.to_owned()),
            ];
            assert_eq!(told(&with_id(path)), expected, "{path}");
        }
        assert_eq!(told("/")[0].as_deref(), Some("/"));
    }

    #[test]
    fn the_innermost_container_counts() {
        let other = ID.replace('0', "f");
        assert_eq!(
            told(&format!("/docker/{ID}/docker/{other}"))[2],
            Some(other)
        );
    }

    #[test]
    fn what_is_cut_has_no_path_and_what_is_known_all_the_same() {
        let belonging = Belonging::of_names(b"inner\0ssh.service\0");
        assert!(belonging.cgroup.get().is_none());
        assert_eq!(belonging.unit, Some(&b"ssh.service"[..]));
        assert!(Belonging::of_names(b"").cgroup.get().is_none());
    }

    #[test]
    fn what_only_looks_like_one_is_none() {
        for name in [
            &ID[1..],
            &format!("{ID}0"),
            &ID.to_uppercase(),
            &format!("x{ID}"),
            &format!("other-{ID}.scope"),
        ] {
            assert_eq!(container(name.as_bytes()), None, "{name}");
        }
        assert_eq!(unit(b"service"), None);
        assert_eq!(unit(b"a.device"), None);
    }
}
