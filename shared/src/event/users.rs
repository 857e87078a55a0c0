// SPDX-License-Identifier: MIT OR Apache-2.0
//! The names of users, as the passwd file has them.
//!
//! It is read once, before a trace begins: what else may know users (`nsswitch.conf` names it) is asked over sockets, which
//! a tool that is confined may not open.

use std::collections::HashMap;
use std::fs;
use std::sync::OnceLock;

/// The names by the users' ids.
type Users = HashMap<u32, Box<[u8]>>;

static USERS: OnceLock<Users> = OnceLock::new();

/// Reads the file, unless that was done.
pub(crate) fn read() {
    USERS.get_or_init(|| users_in(&fs::read("/etc/passwd").unwrap_or_default()));
}

/// The name of a user; `None` where the file has none, or no trace of this process has asked for names.
pub fn name(uid: u32) -> Option<&'static [u8]> {
    Some(USERS.get()?.get(&uid)?)
}

/// Of several with one id the first counts, as for getpwuid(3).
fn users_in(file: &[u8]) -> Users {
    let mut users = Users::new();
    for line in file.split(|byte| *byte == b'\n') {
        let mut fields = line.split(|byte| *byte == b':');
        let (name, uid) = (fields.next(), fields.nth(1));
        let uid = uid.and_then(|uid| str::from_utf8(uid).ok()?.parse().ok());
        if let Some((name, uid)) = name.zip(uid)
            && !name.is_empty()
        {
            users.entry(uid).or_insert_with(|| name.into());
        }
    }
    users
}

#[cfg(test)]
mod tests {
    use super::users_in;

    #[test]
    fn lines_name_users() {
        let users = users_in(
            b"root:x:0:0:root:/root:/bin/sh\ntoor:x:0:0::/:\n+::::::\n:x:7:\nshort\nb\xffb:x:1000:1000:,:/:/bin/sh",
        );
        assert_eq!(users.len(), 2);
        assert_eq!(&*users[&0], b"root");
        assert_eq!(&*users[&1000], b"b\xffb");
    }
}
