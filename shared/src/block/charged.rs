// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether the kernel charges requests to cgroups.

use std::fs;

use crate::trace::cgroups;

/// Whether requests are charged to cgroups, so that what the kernel writes back belongs to who wrote it: the hierarchy of
/// cgroup v2 has the controller `io`. It has not where the kernel was built without (`CONFIG_BLK_CGROUP`), and where v1 has
/// it. Each request is taken for its submitter's cgroup there.
///
/// `None` where that cannot be seen: a container is shown a part of the hierarchy only, to which the controller may not be
/// given, or nothing of it. The kernel charges by the whole.
pub fn charges_requests() -> Option<bool> {
    cgroups::mounts().iter().find_map(|mount| {
        let controllers = fs::read(mount.join("cgroup.controllers")).ok()?;
        charged(&controllers, cgroups::shows_root(mount))
    })
}

/// What the controllers of a directory say of that.
fn charged(controllers: &[u8], of_root: bool) -> Option<bool> {
    let mut words = controllers.split(u8::is_ascii_whitespace);
    let given = words.any(|word| word == b"io");
    (given || of_root).then_some(given)
}

#[cfg(test)]
mod tests {
    use super::charged;

    #[test]
    fn only_the_root_can_say_that_requests_are_not_charged() {
        assert_eq!(charged(b"cpu io memory\n", true), Some(true));
        assert_eq!(charged(b"io\n", false), Some(true));
        assert_eq!(charged(b"cpu memory\n", true), Some(false));
        assert_eq!(charged(b"cpu iox\n", false), None);
        assert_eq!(charged(b"", false), None);
    }
}
