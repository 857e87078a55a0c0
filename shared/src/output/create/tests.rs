// SPDX-License-Identifier: MIT OR Apache-2.0
//! What another user may have put in the way. Ownership needs root; without it, these tests judge the caller's own.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, lchown, symlink};
use std::path::{Path, PathBuf};
use std::thread;

use nix::errno::Errno;
use nix::sys::stat::Mode;
use nix::unistd::{geteuid, mkfifo};
use tempfile::TempDir;

use super::{Refused, create};

/// Not the caller.
const ANOTHER: u32 = 65534;

fn directory(mode: u32) -> TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::set_permissions(&directory, fs::Permissions::from_mode(mode)).unwrap();
    directory
}

/// Gives what is at this path, not what it points to, to another user; says whether that was possible.
fn give_away(path: &Path) -> bool {
    lchown(path, Some(ANOTHER), None).is_ok()
}

fn written(path: &Path) -> Result<(), Refused> {
    let file = create(path)?.file;
    fs::File::from(file).write_all(b"written").unwrap();
    Ok(())
}

fn is_link(result: Result<(), Refused>, link: &Path) -> bool {
    result == Err(Refused::Link(link.canonicalize_parent()))
}

trait CanonicalParent {
    fn canonicalize_parent(&self) -> PathBuf;
}

impl CanonicalParent for Path {
    fn canonicalize_parent(&self) -> PathBuf {
        let parent = self.parent().unwrap().canonicalize().unwrap();
        parent.join(self.file_name().unwrap())
    }
}

#[test]
fn a_file_is_made_and_emptied_through_ways_of_all_kinds() {
    let directory = directory(0o755);
    let root = directory.path();
    fs::create_dir(root.join("real")).unwrap();
    symlink("real", root.join("relative")).unwrap();
    symlink(root.join("relative"), root.join("absolute")).unwrap();
    symlink("../real/../real/end", root.join("real/chain")).unwrap();
    for path in [
        "new",
        "new",
        "relative/a",
        "absolute/b",
        "./real/../real//c",
        "real/chain",
    ] {
        written(&root.join(path)).unwrap();
        assert_eq!(fs::read(root.join(path)).unwrap(), b"written", "{path}");
    }
    assert_eq!(fs::read(root.join("real/end")).unwrap(), b"written");
    assert!(root.join("real/a").exists() && root.join("real/b").exists());
}

#[test]
fn what_is_no_way_is_told() {
    let directory = directory(0o755);
    let root = directory.path();
    symlink("circle", root.join("circle")).unwrap();
    fs::write(root.join("file"), "").unwrap();
    for (path, errno) in [
        ("circle", Errno::ELOOP),
        ("file/below", Errno::ENOTDIR),
        ("absent/below", Errno::ENOENT),
        (".", Errno::EISDIR),
        ("..", Errno::EISDIR),
    ] {
        assert_eq!(written(&root.join(path)), Err(errno.into()), "{path}");
    }
    assert_eq!(written(root), Err(Errno::EISDIR.into()));
}

#[test]
fn open_files_have_names_too() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let path = format!("/dev/fd/{}", std::os::fd::AsRawFd::as_raw_fd(&writer));
    written(Path::new(&path)).unwrap();
    drop(writer);
    let mut text = String::new();
    reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "written");
    written(Path::new("/dev/null")).unwrap();
}

#[test]
fn a_link_at_the_end_is_never_followed_where_everyone_makes_them() {
    for mode in [0o777, 0o1777] {
        let directory = directory(mode);
        let (target, link) = (
            directory.path().join("target"),
            directory.path().join("link"),
        );
        fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        assert!(is_link(written(&link), &link));
        give_away(&link);
        assert!(is_link(written(&link), &link));
        assert_eq!(fs::read(&target).unwrap(), b"precious");
        // Nor one that points nowhere yet.
        fs::remove_file(&target).unwrap();
        assert!(is_link(written(&link), &link));
        assert!(!target.exists());
    }
}

#[test]
fn a_link_on_the_way_is_followed_if_it_is_ones_own() {
    let directory = directory(0o1777);
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    written(&link.join("mine")).unwrap();
    assert_eq!(fs::read(real.join("mine")).unwrap(), b"written");
    if give_away(&link) {
        assert!(is_link(written(&link.join("theirs")), &link));
        assert!(!real.join("theirs").exists());
    }
}

#[test]
fn a_directory_of_another_user_there_is_no_better() {
    let directory = directory(0o1777);
    let (trap, target) = (
        directory.path().join("trap"),
        directory.path().join("target"),
    );
    fs::create_dir(&trap).unwrap();
    fs::write(&target, "precious").unwrap();
    let link = trap.join("link");
    symlink(&target, &link).unwrap();
    if chown(&trap, Some(ANOTHER), None).is_ok() && give_away(&link) {
        assert!(is_link(written(&link), &link));
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }
}

#[test]
fn a_way_back_up_leads_to_a_directory_that_is_judged_as_any() {
    // Another user's directory where nobody else writes, with his link in it.
    let directory = directory(0o755);
    let (theirs, target) = (
        directory.path().join("theirs"),
        directory.path().join("target"),
    );
    fs::create_dir(&theirs).unwrap();
    fs::create_dir(theirs.join("sub")).unwrap();
    fs::write(&target, "precious").unwrap();
    let link = theirs.join("link");
    symlink(&target, &link).unwrap();
    if chown(&theirs, Some(ANOTHER), None).is_ok() && give_away(&link) {
        for way in ["link", "sub/../link", "sub/.././link", "../theirs/link"] {
            assert!(is_link(written(&theirs.join(way)), &link), "{way}");
        }
        assert_eq!(fs::read(&target).unwrap(), b"precious");
    }
}

#[test]
fn what_a_group_may_write_is_shared() {
    let directory = directory(0o775);
    let root = directory.path();
    fs::write(root.join("target"), "precious").unwrap();
    symlink(root.join("target"), root.join("link")).unwrap();
    fs::write(root.join("theirs"), "theirs").unwrap();
    assert!(is_link(written(&root.join("link")), &root.join("link")));
    if chown(root.join("theirs"), Some(ANOTHER), None).is_ok() {
        let refused = written(&root.join("theirs"));
        assert!(matches!(refused, Err(Refused::Others(_))), "{refused:?}");
    }
    // What is the caller's own is written, as anywhere.
    written(&root.join("own")).unwrap();
    written(&root.join("own")).unwrap();
    assert_eq!(fs::read(root.join("target")).unwrap(), b"precious");
}

#[test]
fn a_link_of_ones_own_with_a_second_name_may_have_been_planted() {
    let directory = directory(0o1777);
    let (real, link) = (directory.path().join("real"), directory.path().join("link"));
    fs::create_dir(&real).unwrap();
    symlink(&real, &link).unwrap();
    fs::hard_link(&link, directory.path().join("second")).unwrap();
    let planted = directory.path().join("second/file");
    assert_eq!(
        written(&planted),
        Err(Refused::Link(directory.path().join("second")))
    );
}

#[test]
fn what_is_written_comes_at_the_end() {
    let directory = directory(0o755);
    let path = directory.path().join("file");
    let mut file = fs::File::from(create(&path).unwrap().file);
    file.write_all(b"before").unwrap();
    // As logrotate's copytruncate does.
    fs::write(&path, "").unwrap();
    file.write_all(b"after").unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"after");
}

#[test]
fn a_file_that_was_renamed_is_made_again_and_the_same_is_refused() {
    for mode in [0o755, 0o1777] {
        let directory = directory(mode);
        let path = directory.path().join("file");
        let spot = create(&path).unwrap().spot.unwrap();
        let again = |text: &str| -> Result<(), Refused> {
            let mut file = fs::File::from(spot.open_again()?);
            file.write_all(text.as_bytes()).unwrap();
            Ok(())
        };
        again("one").unwrap();
        fs::rename(&path, directory.path().join("file.1")).unwrap();
        again("two").unwrap();
        // What is there is added to: it may be made by who renames.
        again("three").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"twothree");
        fs::remove_file(&path).unwrap();
        symlink(directory.path().join("file.1"), &path).unwrap();
        assert!(is_link(again("four"), &path));
        fs::remove_file(&path).unwrap();
        mkfifo(&path, Mode::from_bits_truncate(0o666)).unwrap();
        assert!(matches!(again("five"), Err(Refused::Others(_))));
        assert_eq!(fs::read(directory.path().join("file.1")).unwrap(), b"one");
    }
}

#[test]
fn another_users_file_is_not_written_there() {
    let directory = directory(0o1777);
    let own = directory.path().join("own");
    fs::write(&own, "old").unwrap();
    written(&own).unwrap();
    assert_eq!(fs::read(&own).unwrap(), b"written");

    let second = directory.path().join("second");
    fs::hard_link(&own, &second).unwrap();
    assert!(matches!(written(&second), Err(Refused::Others(_))));
    fs::remove_file(&second).unwrap();

    if chown(&own, Some(ANOTHER), None).is_ok() {
        assert!(matches!(written(&own), Err(Refused::Others(_))));
        assert_eq!(fs::read(&own).unwrap(), b"written");
    }
}

#[test]
fn another_users_pipe_is_not_waited_for_there() {
    let directory = directory(0o1777);
    let pipe = directory.path().join("pipe");
    mkfifo(&pipe, Mode::from_bits_truncate(0o666)).unwrap();
    let reader = {
        let pipe = pipe.clone();
        thread::spawn(move || fs::read(pipe).unwrap())
    };
    written(&pipe).unwrap();
    assert_eq!(reader.join().unwrap(), b"written");
    if chown(&pipe, Some(ANOTHER), None).is_ok() {
        // It would hang if it did wait.
        assert!(matches!(written(&pipe), Err(Refused::Others(_))));
    }
}

#[test]
fn the_file_is_the_callers() {
    let directory = directory(0o1777);
    let path = directory.path().join("new");
    written(&path).unwrap();
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!(metadata.uid(), geteuid().as_raw());
    assert_eq!(metadata.mode() & 0o7111, 0);
}
