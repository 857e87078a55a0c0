// SPDX-License-Identifier: MIT OR Apache-2.0
//! Logs that other programs wrote, that were cut, or that mean harm.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tracewell_tests::environment;

use super::{READ, hist, lines, open_scratch, python};
use crate::doctor::answers;
use crate::kernel::{tmpfs, with_own_mounts};

/// As hdr-histogram-js 3.0.1 and HdrHistogram's Go module 1.1.2 wrote them.
const JS: &str = include_str!("data/js.hlog");
const GO: &str = include_str!("data/go.hlog");

/// Nine values of up to 31 µs.
pub(super) const ONE: &str = "HISTFAAAACN4nJNpmSzMwMDAygABzFCaEULV/7f/AGHNjWWqZQIAYiMFeA==";
pub(super) const HEAD: &str = "#[Histogram log format version 1.3]\n";

pub(super) fn file(directory: &Path, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
    let path = directory.join(name);
    fs::write(&path, bytes).unwrap();
    path
}

/// A command in a shell, with `$hist` and the directory's files.
pub(super) fn shell(directory: &Path, script: &str) -> Output {
    let output = Command::new("/bin/sh")
        .args(["-c", script])
        .env("hist", environment::program("tracewell"))
        .current_dir(directory)
        .output();
    output.unwrap()
}

pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// `show` in so little memory that none of what a file promises, or keeps, fits.
fn show_in_little_memory(file: &Path) -> Output {
    let script = format!(
        "ulimit -v 200000; exec $hist hist show --format json {}",
        file.display()
    );
    shell(Path::new("/"), &script)
}

#[test]
fn what_a_file_promises_takes_no_memory() {
    let directory = open_scratch();
    let bombs = r##"
import base64, struct, sys, zlib
def head(promised, digits): return struct.pack(">IIIIQQd", 0x1c849313, promised, 0, digits, 1, 1 << 40, 1.0)
def pressed(z): return struct.pack(">II", 0x1c849314, len(z)) + z
packer = zlib.compressobj(9)
deflated = packer.compress(head(9 * 6291456, 5))
for _ in range(300): deflated += packer.compress(bytes(1 << 20))
deflated += packer.flush()
for name, raw in [("plain", head(0xfffffff0, 3)), ("pressed", pressed(zlib.compress(head(0xffffffff, 3)))),
                  ("deflated", pressed(deflated))]:
    with open(sys.argv[1] + "/" + name, "w") as file:
        file.write("#[Histogram log format version 1.3]\n0.0,1.0,1.0," + base64.b64encode(raw).decode() + "\n")
"##;
    python(bombs, directory.path());
    for (name, says) in [
        ("plain", "4294967280 bytes of counts are more than any"),
        ("pressed", "4294967295 bytes of counts are more than any"),
        ("deflated", "more than the 6291456 buckets"),
    ] {
        let shown = show_in_little_memory(&directory.path().join(name));
        let said = text(&shown.stderr);
        assert_eq!(shown.status.code(), Some(2), "{name}: {said}");
        assert!(
            said.contains(says) && said.contains(":2: "),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_log_of_any_length_takes_the_memory_of_its_tags() {
    let directory = open_scratch();
    let mut log = HEAD.to_owned();
    for second in 0..20_000 {
        log.push_str(&format!(
            "Tag=disk=d{},{second}.0,1.0,1.0,{ONE}\n",
            second % 3
        ));
    }
    // Five digits take 14 MB each where all their buckets are kept.
    let wide = "HISTFAAAAC542pNpmSzMwMDAzwABrFCaEUQY189gsP8AlehgXsMiw8XAwszCy8TNBACVogVi";
    for second in 0..1_000 {
        log.push_str(&format!("Tag=wide,{second}.0,10.0,1.0,{wide}\n"));
    }
    let path = file(directory.path(), "day", log);
    let shown = show_in_little_memory(&path);
    assert!(shown.status.success(), "{}", text(&shown.stderr));
    let counts: Vec<_> = lines(&text(&shown.stdout))
        .iter()
        .map(|tag| tag["count"].as_u64().unwrap())
        .collect();
    let each = counts[0] / 6_667;
    assert_eq!(counts[..3], [6_667 * each, 6_667 * each, 6_666 * each]);
    assert_eq!(counts[3], 1_000 * 499);
}

#[test]
fn logs_of_other_programs_are_read() {
    let directory = open_scratch();
    let js = file(directory.path(), "js.hlog", JS);
    let go = file(directory.path(), "go.hlog", GO);
    let shown = hist(&["show", "--format", "json"], &[&js]).success();
    let told = &answers(&shown)[0];
    // The numbers that hdr-histogram-js says itself.
    for (name, value) in [
        ("count", 20_000),
        ("mean", 2_494_962),
        ("p50", 2_480_127),
        ("max", 5_001_215),
    ] {
        assert_eq!(told[name], value, "{told}");
    }
    assert!(shown.stderr.is_empty(), "{}", shown.stderr);
    let shown = hist(&["show", "-i", "--format", "json"], &[&js, &go]).success();
    let starts: Vec<_> = answers(&shown)
        .iter()
        .map(|one| one["start"].clone())
        .collect();
    assert_eq!(starts, [1_700_000_000.123, 1_700_000_005.0]);
    // What is merged of them, the other implementation reads.
    let merged = directory.path().join("merged");
    let done = shell(
        directory.path(),
        "$hist hist merge -o merged js.hlog go.hlog",
    );
    assert!(done.status.success(), "{}", text(&done.stderr));
    let ours = answers(&hist(&["show", "--format", "json"], &[&merged]).success());
    let theirs = lines(&python(READ, &merged));
    assert_eq!((ours.len(), theirs.len()), (2, 2));
    for their in theirs {
        let our = ours.iter().find(|our| our["tag"] == their["tag"]).unwrap();
        for (name, value) in their.as_object().unwrap() {
            assert_eq!(&our[name], value, "{name} of {their}");
        }
    }
}

/// Without a `BaseTime`, times of long before the `StartTime` count from it.
#[test]
fn times_count_from_where_their_writer_counted() {
    let directory = open_scratch();
    let start = "#[StartTime: 1700000000 (seconds since epoch)]\n";
    for (head, time, moment) in [
        (start, "0.127", 1_700_000_000.127),
        (start, "1699999990.5", 1_699_999_990.5),
        (
            "#[BaseTime: 1700000000 (seconds since epoch)]\n",
            "5",
            1_700_000_005.0,
        ),
        ("#[BaseTime: 1700000000.25]\n", "5", 1_700_000_005.25),
    ] {
        let log = format!("{HEAD}{head}{time},1.0,1.0,{ONE}\n");
        let path = file(directory.path(), "log", log);
        let shown = hist(&["show", "-i", "--format", "json"], &[&path]).success();
        assert_eq!(answers(&shown)[0]["start"], moment, "{head}{time}");
        let done = shell(
            directory.path(),
            "$hist hist merge -o - log | $hist hist show -i --format json -",
        );
        assert_eq!(
            lines(&text(&done.stdout))[0]["start"],
            moment,
            "{head}{time}"
        );
    }
    for (head, says) in [
        (
            "#[BaseTime: 9999999999999999999.0 (seconds)]\n",
            ":2: the BaseTime is wrong",
        ),
        (
            "#[StartTime: 1700000000123 (seconds)]\n",
            ":2: the StartTime is wrong",
        ),
        ("#[BaseTime: -5.0]\n", ":3: its time is before"),
    ] {
        let path = file(
            directory.path(),
            "log",
            format!("{HEAD}{head}0.0,1.0,1.0,{ONE}\n"),
        );
        let output = directory.path().join("out");
        let output = output.to_str().unwrap();
        let said = hist(&["merge", "-o", output], &[&path])
            .ended_with(2)
            .stderr;
        assert!(said.contains(says), "{said}");
    }
}

#[test]
fn what_editors_transfers_and_crashes_leave_is_read() {
    let directory = open_scratch();
    let two = format!("{HEAD}1.5,1.0,1.0,{ONE}\n2.5,1.0,1.0,{ONE}\n");
    let cut = format!("{two}3.5,1.0,1.0,{}", &ONE[..40]);
    for (name, bytes, says) in [
        ("crlf", two.replace('\n', "\r\n"), ""),
        ("blank", two.replace('\n', "\n\n \t\n"), ""),
        ("bom", format!("\u{feff}{two}"), ""),
        ("no end", two.trim_end().to_owned(), ""),
        ("cut", cut, "cut:4: the last line is cut off"),
        (
            "cut in a number",
            format!("{two}3.5,1"),
            ":4: the last line is cut off",
        ),
        (
            "nul bytes",
            format!("{two}\0\0\0\0"),
            ":4: the last line is cut off",
        ),
    ] {
        let path = file(directory.path(), name, bytes);
        let shown = hist(&["show", "-i", "--format", "json"], &[&path]).success();
        assert_eq!(answers(&shown).len(), 2, "{name}");
        assert!(shown.stderr.contains(says), "{name}: {}", shown.stderr);
        assert_eq!(
            shown.stderr.is_empty(),
            says.is_empty(),
            "{name}: {}",
            shown.stderr
        );
    }
    for (name, bytes, says) in [
        (
            "cut earlier",
            format!("{HEAD}3.5,1.0,1.0,{}\n{two}", &ONE[..40]).into_bytes(),
            ":2: not a histogram",
        ),
        ("utf-16", b"\xff\xfe#\0[\0".to_vec(), "iconv"),
        ("gzip", b"\x1f\x8b\x08\0\0\0".to_vec(), "zcat"),
    ] {
        let path = file(directory.path(), name, bytes);
        let said = hist(&["show"], &[&path]).ended_with(2).stderr;
        assert!(said.contains(says), "{name}: {said}");
    }
}

#[test]
fn older_encodings_are_told_by_name() {
    let directory = open_scratch();
    // A head of V0, of V1, and of a DoubleHistogram, as the cookie tells.
    for (base64, name) in [
        ("HISTCAAAAAMAAAAAAAAAAQ==", "V0"),
        ("HISTCQAAACJ42pNpmQ==", "V0"),
        ("HISTAQAAAAAAAAAAAAAAAw==", "V1"),
        ("HISTAgAAAAAAAAAAAAAAAw==", "V1"),
        ("DHISTgAAAAAAAAAAAAAAAw==", "DoubleHistogram"),
    ] {
        let path = file(
            directory.path(),
            "old",
            format!("{HEAD}1.0,1.0,1.0,{base64}\n"),
        );
        let said = hist(&["show"], &[&path]).ended_with(2).stderr;
        assert!(
            said.contains("old:2:") && said.contains(name),
            "{name}: {said}"
        );
    }
}

#[test]
fn a_merge_into_one_of_its_files_loses_nothing() {
    let directory = open_scratch();
    // A space is in no tag that can be written.
    let log = format!("{HEAD}Tag=a b,1.0,1.0,1.0,{ONE}\n1.0,1.0,1.0,{ONE}\n");
    let path = file(directory.path(), "log", &log);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink("log", directory.path().join("link")).unwrap();
    let done = shell(directory.path(), "$hist hist merge -o link log log");
    let said = text(&done.stderr);
    assert!(
        done.status.success() && said.contains("written as a%20b"),
        "{said}"
    );
    let shown = shell(directory.path(), "$hist hist show --format json log");
    let told = lines(&text(&shown.stdout));
    assert_eq!(
        (&told[0]["tag"], &told[1]["tag"]),
        (&Value::Null, &"a%20b".into())
    );
    assert_eq!(told[0]["count"], told[1]["count"]);
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o7777, 0o640);
    let names = fs::read_dir(directory.path()).unwrap().count();
    assert_eq!(names, 2, "nothing else is left");
    // What cannot be read costs nothing either.
    let before = fs::read(&path).unwrap();
    file(directory.path(), "bad", "no log\n");
    let done = shell(directory.path(), "$hist hist merge -o log log bad");
    assert_eq!(done.status.code(), Some(2));
    assert_eq!(fs::read(&path).unwrap(), before);
}

#[test]
fn a_merge_for_which_there_is_no_room_loses_nothing() {
    with_own_mounts(|| {
        let directory = open_scratch();
        let _small = tmpfs(directory.path(), c"size=8k");
        let mut log = HEAD.to_owned();
        for tag in 0..40 {
            log.push_str(&format!("Tag={tag},1.0,1.0,1.0,{ONE}\n"));
        }
        // One page is left, and so much is not enough.
        assert!((3_000..4_096).contains(&log.len()));
        let path = file(directory.path(), "log", &log);
        let done = shell(
            directory.path(),
            "{ cat log; sed s/Tag=/Tag=x/ log; } | $hist hist merge -o log -",
        );
        let said = text(&done.stderr);
        assert!(
            done.status.code() == Some(1) && said.contains("No space left"),
            "{said}"
        );
        assert_eq!(fs::read_to_string(&path).unwrap(), log);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1);
    });
}

#[test]
fn a_dash_is_standard_input_and_output() {
    let directory = open_scratch();
    file(
        directory.path(),
        "log",
        format!("{HEAD}Tag=a,1.0,1.0,1.0,{ONE}\n"),
    );
    for script in [
        "$hist hist show - <log",
        "cat log | $hist hist show -i -",
        "$hist hist merge -o - - <log | $hist hist show -",
        "$hist hist diff - log <log",
        "$hist hist diff log - <log",
    ] {
        let done = shell(directory.path(), script);
        let said = text(&done.stderr);
        assert!(done.status.success() && said.is_empty(), "{script}: {said}");
        assert!(text(&done.stdout).contains("31.0"), "{script}");
    }
    for script in ["$hist hist show - - <log", "$hist hist diff - - <log"] {
        let done = shell(directory.path(), script);
        assert_eq!(done.status.code(), Some(2), "{script}");
        assert!(text(&done.stderr).contains("named twice"), "{script}");
    }
    // A reader that has gone is no failure.
    let mut long = HEAD.to_owned();
    (0..20_000).for_each(|second| long.push_str(&format!("{second}.0,1.0,1.0,{ONE}\n")));
    file(directory.path(), "long", long);
    let done = shell(
        directory.path(),
        "{ $hist hist show -i long; echo \"status $?\" >&2; } | head -n 1",
    );
    assert!(
        text(&done.stderr).contains("status 0"),
        "{}",
        text(&done.stderr)
    );
}
