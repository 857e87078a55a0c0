// SPDX-License-Identifier: MIT OR Apache-2.0
//! The log that is written beside what is shown: never over what somebody has, and never into what is shown.

use std::fs::{Metadata, metadata};
use std::io;
use std::os::fd::AsFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::error::{Error, Result};
use crate::hist::log::Recorder;
use crate::output::sink::Sink;

/// Refuses a recording into the file of the output, before either is opened: that would empty it.
pub(super) fn refuse_one_file(record: Option<&Path>, output: Option<&Path>) -> Result<()> {
    let Some(record) = record else {
        return Ok(());
    };
    let stdout = |path: &Path| path == Path::new("-");
    let one = match output.filter(|output| !stdout(output)) {
        Some(output) => !stdout(record) && is_one(record, output),
        None => stdout(record),
    };
    if one { Err(one_file(record)) } else { Ok(()) }
}

/// Starts the log; `output` is where the rest goes, whatever it is called.
pub(super) fn create(path: &Path, base: Duration, output: &Sink) -> Result<Recorder> {
    let file = |fd: std::os::fd::BorrowedFd<'_>| -> io::Result<Metadata> {
        std::fs::File::from(fd.try_clone_to_owned()?).metadata()
    };
    let sink = Recorder::open(path)?;
    if let (Ok(ours), Ok(theirs)) = (file(sink.as_fd()), file(output.as_fd()))
        && is_same(&ours, &theirs)
    {
        return Err(one_file(path));
    }
    Recorder::new(sink, base)
}

fn one_file(record: &Path) -> Error {
    let name = record.display();
    Error::usage(format!("--record {name} is where the output goes, too"))
        .help("name another file for one of them: -o FILE")
}

/// Whether two names are of one file, or would be once it is made.
fn is_one(one: &Path, other: &Path) -> bool {
    match (metadata(one), metadata(other)) {
        (Ok(one), Ok(other)) => is_same(&one, &other),
        (Err(_), Err(_)) => match (resolved(one), resolved(other)) {
            (Some(one), Some(other)) => one == other,
            _ => one == other,
        },
        _ => false,
    }
}

/// A terminal and /dev/null take both.
fn is_same(one: &Metadata, other: &Metadata) -> bool {
    (one.dev(), one.ino()) == (other.dev(), other.ino()) && !one.file_type().is_char_device()
}

/// The name in its directory, by the directory's own path.
fn resolved(path: &Path) -> Option<PathBuf> {
    let parent = path.parent()?;
    let parent = if parent.as_os_str().is_empty() {
        Path::new(".")
    } else {
        parent
    };
    Some(parent.canonicalize().ok()?.join(path.file_name()?))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::time::Duration;

    use super::{create, refuse_one_file};
    use crate::output::sink::Sink;

    #[test]
    fn one_file_by_two_names_is_refused() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        let refused =
            |record: &Path, output: &Path| refuse_one_file(Some(record), Some(output)).is_err();
        // Not there yet.
        assert!(refused(&at("new"), &at("new")));
        assert!(refused(
            &at("new"),
            &at("./../").join(directory.path()).join("new")
        ));
        assert!(!refused(&at("new"), &at("other")));
        fs::write(at("file"), "precious").unwrap();
        fs::hard_link(at("file"), at("hard")).unwrap();
        std::os::unix::fs::symlink("file", at("link")).unwrap();
        for name in ["file", "hard", "link"] {
            assert!(refused(&at("file"), &at(name)), "{name}");
        }
        assert!(!refused(&at("file"), &at("new")));
        assert!(!refused(Path::new("/dev/null"), Path::new("/dev/null")));
        // Standard output.
        let stdout = Path::new("-");
        assert!(refused(stdout, stdout) && refuse_one_file(Some(stdout), None).is_err());
        assert!(!refused(stdout, &at("new")) && !refused(&at("new"), stdout));
        assert!(refuse_one_file(None, None).is_ok());
        assert_eq!(fs::read_to_string(at("file")).unwrap(), "precious");
    }

    #[test]
    fn what_is_there_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let (path, other) = (directory.path().join("log"), directory.path().join("out"));
        let output = Sink::file(&other).unwrap();
        fs::write(&path, "precious").unwrap();
        let said = create(&path, Duration::ZERO, &output)
            .unwrap_err()
            .to_string();
        assert!(said.contains("is there already"), "{said}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        // An empty one is, as mktemp makes; but not the one that the output has become meanwhile.
        fs::write(&path, "").unwrap();
        assert!(create(&path, Duration::ZERO, &output).is_ok());
        let said = create(&other, Duration::ZERO, &output)
            .unwrap_err()
            .to_string();
        assert!(said.contains("where the output goes"), "{said}");
    }
}
