// SPDX-License-Identifier: MIT OR Apache-2.0

use super::{MARK, Sink};
use crate::error::Kind;
use crate::output::sample::{Sample, clock, columns};
use crate::output::{Format, Writer};
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use std::fs;
use std::io::{PipeReader, Read, Write, pipe};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::thread;

/// A directory that vanishes.
struct Directory(PathBuf);

impl Directory {
    fn new(name: &str, mode: u32) -> Self {
        let path = std::env::temp_dir().join(format!("sink-{name}-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).unwrap();
    }
}

fn piped() -> (PipeReader, Sink) {
    let (reader, writer) = pipe().unwrap();
    (reader, Sink::from_fd(writer.into(), "a pipe"))
}

fn put(sink: &mut Sink, line: &[u8]) {
    sink.buffer().extend_from_slice(line);
    sink.end_record().unwrap();
}

#[test]
fn a_file_is_emptied_and_written() {
    let directory = Directory::new("file", 0o700);
    let path = directory.0.join("out");
    fs::write(&path, "something longer from before").unwrap();
    let mut sink = Sink::file(&path).unwrap();
    assert!(!sink.is_terminal());
    assert_eq!(sink.name(), path.to_str().unwrap());
    put(&mut sink, b"line\n");
    assert_eq!(fs::read(&path).unwrap(), b"", "not before the flush");
    sink.flush().unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"line\n");
    let flags = fcntl(&sink, FcntlArg::F_GETFD).unwrap();
    assert_eq!(flags, 1, "close on exec");
}

#[test]
fn a_new_file_obeys_the_umask() {
    let directory = Directory::new("umask", 0o700);
    let path = directory.0.join("out");
    drop(Sink::file(&path).unwrap());
    let other = directory.0.join("other");
    fs::write(&other, "").unwrap();
    let mode = |path| fs::metadata(path).unwrap().permissions().mode();
    assert_eq!(mode(&path), mode(&other));
}

#[test]
fn links_are_followed_only_where_nobody_else_can_put_one() {
    for (name, mode, followed) in [
        ("own", 0o755, true),
        ("all", 0o777, false),
        ("tmp", 0o1777, false),
    ] {
        let directory = Directory::new(name, mode);
        let target = directory.0.join("target");
        let link = directory.0.join("link");
        fs::write(&target, "precious").unwrap();
        symlink(&target, &link).unwrap();
        let result = Sink::file(&link);
        assert_eq!(result.is_ok(), followed, "{name}");
        if let Err(error) = result {
            assert_eq!(error.kind(), Kind::Io);
            assert!(error.to_string().contains("name its target"), "{error}");
            assert_eq!(fs::read(&target).unwrap(), b"precious");
        }
        assert!(Sink::file(&directory.0.join("new")).is_ok());
    }
}

#[test]
fn a_file_that_cannot_be_made_is_told_by_name() {
    for path in ["/nonexistent/out", "/", "/dev/full/out"] {
        let error = Sink::file(Path::new(path)).unwrap_err();
        assert_eq!(error.kind(), Kind::Io);
        assert!(
            error
                .to_string()
                .starts_with(&format!("cannot create {path}: "))
        );
    }
}

#[test]
fn a_full_disk_is_a_failure_in_every_format() {
    for format in [Format::Table, Format::Json, Format::Csv] {
        let sink = Sink::file(Path::new("/dev/full")).unwrap();
        let mut writer = Writer::new(format, sink, columns(), clock());
        writer.event(&Sample::default()).unwrap();
        let error = writer.flush().unwrap_err();
        assert_eq!(error.kind(), Kind::Io);
        let text = error.to_string();
        assert!(
            text.starts_with("cannot write to /dev/full: No space left"),
            "{text}"
        );
        // And without a flush, once the buffer is full.
        let sink = Sink::file(Path::new("/dev/full")).unwrap();
        let mut writer = Writer::new(format, sink, columns(), clock());
        let error = (0..MARK).find_map(|_| writer.event(&Sample::default()).err());
        assert_eq!(error.unwrap().kind(), Kind::Io);
    }
}

#[test]
fn a_reader_that_has_gone_ends_the_run() {
    for format in [Format::Table, Format::Json, Format::Csv] {
        let (reader, sink) = piped();
        drop(reader);
        let mut writer = Writer::new(format, sink, columns(), clock());
        writer.event(&Sample::default()).unwrap();
        assert_eq!(writer.flush().unwrap_err().kind(), Kind::Closed);
    }
}

#[test]
fn only_whole_lines_are_handed_over() {
    let (mut reader, mut sink) = piped();
    sink.buffer().extend_from_slice(b"one\ntwo\nthr");
    sink.flush().unwrap();
    let mut seen = [0; 100];
    let count = reader.read(&mut seen).unwrap();
    assert_eq!(seen[..count], *b"one\ntwo\n");
    put(&mut sink, b"ee\n");
    sink.flush().unwrap();
    let count = reader.read(&mut seen).unwrap();
    assert_eq!(seen[..count], *b"three\n");
}

#[test]
fn a_record_larger_than_the_buffer_goes_out() {
    let (mut reader, mut sink) = piped();
    let line = [vec![b'x'; 3 * MARK], b"\n".to_vec()].concat();
    let expected = line.clone();
    let writer = thread::spawn(move || {
        sink.write_all(&line).unwrap();
        Write::flush(&mut sink).unwrap();
    });
    let mut all = Vec::new();
    reader.read_to_end(&mut all).unwrap();
    writer.join().unwrap();
    assert_eq!(all, expected);
}

#[test]
fn a_pipe_that_does_not_block_is_waited_for() {
    let (mut reader, mut sink) = piped();
    fcntl(&sink, FcntlArg::F_SETFL(OFlag::O_NONBLOCK)).unwrap();
    let writer = thread::spawn(move || {
        for number in 0..200_000_u32 {
            put(&mut sink, format!("{number}\n").as_bytes());
        }
        sink.flush().unwrap();
    });
    let mut all = String::new();
    reader.read_to_string(&mut all).unwrap();
    writer.join().unwrap();
    let numbers: Vec<u32> = all.lines().map(|line| line.parse().unwrap()).collect();
    assert!(numbers.into_iter().eq(0..200_000));
}
