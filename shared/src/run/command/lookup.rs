// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which file a command's name stands for.
//!
//! execvp(3) finds it by trying: one exec that fails for each directory of PATH that has no such file. Whoever traces
//! execs that fail would see them, and they are the tool's own, not the command's.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, AtFlags};
use nix::unistd::{AccessFlags, faccessat};

/// Where commands are where PATH does not say: what execvp(3) takes.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// The file to execute: a name with a slash is one, others are looked up in the caller's PATH.
pub(super) fn find(name: &OsStr) -> io::Result<PathBuf> {
    if name.is_empty() {
        return Err(Errno::ENOENT.into());
    }
    if name.as_bytes().contains(&b'/') {
        return Ok(name.into());
    }
    find_in(name, &env::var_os("PATH").unwrap_or(DEFAULT_PATH.into()))
}

fn find_in(name: &OsStr, path: &OsStr) -> io::Result<PathBuf> {
    // As execvp(3): what may not be executed is passed over, and is the reason where there is no other.
    let mut reason = Errno::ENOENT;
    for directory in path.as_bytes().split(|byte| *byte == b':') {
        let directory = match directory {
            // Before, between and behind colons: the current directory.
            b"" => Path::new("."),
            directory => Path::new(OsStr::from_bytes(directory)),
        };
        let file = directory.join(name);
        match executable(&file) {
            Ok(()) => return Ok(file),
            Err(Errno::EACCES) => reason = Errno::EACCES,
            Err(_) => {}
        }
    }
    Err(reason.into())
}

/// Whether the kernel would execute this file.
fn executable(file: &Path) -> Result<(), Errno> {
    let found = file
        .metadata()
        .map_err(|error| error.raw_os_error().map_or(Errno::ENOENT, Errno::from_raw))?;
    if !found.is_file() {
        return Err(Errno::EACCES);
    }
    faccessat(AT_FDCWD, file, AccessFlags::X_OK, AtFlags::AT_EACCESS)
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::path::{Path, PathBuf};

    use super::{find, find_in};

    fn directory(name: &str) -> PathBuf {
        let path = std::env::temp_dir().join(format!("lookup-{}-{name}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        path
    }

    fn file(directory: &Path, name: &str, mode: u32) -> PathBuf {
        let path = directory.join(name);
        fs::write(&path, "").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    #[test]
    fn the_first_that_can_be_executed_is_taken() {
        let (one, two) = (directory("one"), directory("two"));
        file(&one, "text", 0o644);
        file(&one, "both", 0o644);
        fs::create_dir_all(one.join("folder")).unwrap();
        let both = file(&two, "both", 0o755);
        let path = format!("/nonexistent:{}:{}", one.display(), two.display());
        let find = |name: &str| find_in(OsStr::new(name), OsStr::new(&path));
        assert_eq!(find("both").unwrap(), both);
        let kind = |name| find(name).expect_err(name).raw_os_error();
        assert_eq!(kind("text"), Some(nix::libc::EACCES));
        assert_eq!(kind("folder"), Some(nix::libc::EACCES));
        assert_eq!(kind("absent"), Some(nix::libc::ENOENT));
        for directory in [one, two] {
            fs::remove_dir_all(directory).unwrap();
        }
    }

    #[test]
    fn a_path_is_a_file_whatever_it_is() {
        for name in ["/nonexistent", "./x", "a/b"] {
            assert_eq!(find(OsStr::new(name)).unwrap(), Path::new(name));
        }
        let error = find(OsStr::new("")).expect_err("empty");
        assert_eq!(error.kind(), std::io::ErrorKind::NotFound);
    }
}
