// SPDX-License-Identifier: MIT OR Apache-2.0
//! What command lines mean.

use std::io::{Read, Write};
use std::os::fd::IntoRawFd;
use std::path::Path;
use std::time::Duration;

use clap::{CommandFactory, Parser};

use super::{Common, Events, cgroup_at, exit_on_usage, from_matches};
use crate::output::Format;
use crate::trace::options::{Buffer, Options};
use crate::trace::set::Set;

#[derive(Debug, Parser)]
#[command(name = "tool")]
struct Args {
    #[command(flatten)]
    common: Common,

    #[command(flatten)]
    events: Events,
}

/// The shared options of `tool` followed by `args`.
fn parse(args: &[&str]) -> Result<Common, clap::Error> {
    Args::try_parse_from(["tool"].iter().chain(args)).map(|args| args.common)
}

/// What a usage error says about `args`.
fn refused(args: &[&str]) -> String {
    let error = parse(args).expect_err("not refused");
    assert_eq!(error.exit_code(), 2);
    error.to_string()
}

#[test]
fn the_definition_is_sound() {
    Args::command().debug_assert();
}

#[test]
fn nothing_asked_is_the_default() {
    let common = parse(&[]).unwrap();
    assert_eq!(common.options().unwrap(), Options::default());
    assert_eq!(common.format, Format::Table);
    assert!(common.command.is_empty() && !common.verbose && !common.fail_on_loss);
}

#[test]
fn options_reach_the_trace() {
    let line = "--pid 7 --tid 8 --uid root --comm bash --cgroupmap /a --mntnsmap /b --probe kprobe --buffer perf \
                --buffer-size 512k --inflight 9 --latency 0 --btf /c --duration 1.5 --max-events 3 --format json -o out -v";
    let line = ["tool"].into_iter().chain(line.split_whitespace());
    let Args { common, events } = Args::try_parse_from(line).unwrap();
    let mut options = common.options().unwrap();
    events.adjust(&mut options, &[], false);
    assert_eq!(
        (
            &options.filter.pid,
            &options.filter.tid,
            &options.filter.uid
        ),
        (&7.into(), &8.into(), &0.into())
    );
    assert_eq!(options.filter.comm.wanted(), [b"bash"]);
    assert_eq!(options.filter.cgroup_map.wanted(), [Path::new("/a")]);
    assert_eq!(options.filter.mntns_map.wanted(), [Path::new("/b")]);
    assert_eq!(options.probe.as_deref(), Some("kprobe"));
    assert_eq!(
        (options.buffer, options.buffer_bytes),
        (Buffer::Perf, Some(512 << 10))
    );
    assert_eq!(options.inflight, Some(9));
    assert_eq!(
        (options.latency, options.btf.as_deref()),
        (Duration::ZERO, Some(Path::new("/c")))
    );
    assert_eq!(
        (common.duration, events.max_events),
        (Some(Duration::from_millis(1500)), Some(3))
    );
    assert_eq!(
        (common.format, common.output.as_deref()),
        (Format::Json, Some(Path::new("out")))
    );
    assert!(common.verbose);
}

#[test]
fn the_command_keeps_its_own_options() {
    let common = parse(&["-v", "--", "cmd", "-x", "--pid", "--", "-h"]).unwrap();
    assert_eq!(common.command, ["cmd", "-x", "--pid", "--", "-h"]);
    assert!(common.pid.is_empty());
    assert!(refused(&["--pid", "7", "--", "cmd"]).contains("cannot be used with"));
    assert!(refused(&["cmd"]).contains("unexpected argument"));
}

#[test]
fn the_last_of_an_option_counts() {
    let common = parse(&["--format", "json", "-v", "--format", "csv", "-v"]).unwrap();
    assert_eq!(common.format, Format::Csv);
}

#[test]
fn refusals_say_why() {
    assert!(refused(&["--comm", "sixteen-bytes-xx"]).contains("keeps only the first 15"));
    assert!(refused(&["--uid", "no-such-user"]).contains("no user of that name"));
    assert!(refused(&["--buffer-size", "1"]).contains("at least one page"));
    assert!(refused(&["--buffer", "pipe"]).contains("possible values: auto, ring, perf"));
    for bad in [
        ["--pid", "0"],
        ["--max-events", "0"],
        ["--duration", "0"],
        ["--format", "xml"],
    ] {
        refused(&bad);
    }
}

#[test]
fn usage_errors_end_with_2() {
    let error = parse(&["--nope"]).expect_err("not refused");
    assert_eq!(exit_on_usage(&error), 2);
}

#[test]
fn help_is_no_failure() {
    let error = parse(&["-h"]).expect_err("help ends parsing");
    assert_eq!(exit_on_usage(&error), 0);
    let help = error.to_string();
    for text in [
        "Filters:",
        "Output:",
        "Tracing:",
        "--mntnsmap <PATH>",
        "[-- <COMMAND>...]",
        "[default: 40ms]",
    ] {
        assert!(help.contains(text), "{text} is not in\n{help}");
    }
}

#[test]
fn tools_give_short_names() {
    let command = Args::command()
        .mut_arg("pid", |arg| arg.short('p'))
        .mut_arg("duration", |arg| arg.short('d'));
    let matches = command
        .try_get_matches_from(["tool", "-p7", "-d", "2"])
        .unwrap();
    let args: Args = from_matches(&matches).unwrap();
    assert_eq!(
        (args.common.pid, args.common.duration),
        (vec![7.into()], Some(Duration::from_secs(2)))
    );
}

#[test]
fn a_cgroup_is_a_directory_of_cgroup2() {
    for (path, why) in [
        ("/nowhere", "No such file"),
        ("/proc/version", "not a directory"),
        ("/proc", "not on a cgroup v2"),
    ] {
        let error = cgroup_at(Path::new(path)).expect_err(path);
        assert_eq!(error.exit_status(), 2);
        let text = error.to_string();
        assert!(
            text.contains(why) && text.contains("cgroup v2 is"),
            "{text}"
        );
    }
    let mounts = std::fs::read_to_string("/proc/self/mounts").unwrap();
    for line in mounts.lines().filter(|line| line.contains(" cgroup2 ")) {
        cgroup_at(Path::new(line.split(' ').nth(1).unwrap())).unwrap();
    }
}

#[test]
fn the_ready_descriptor_is_taken_over() {
    let (mut reader, writer) = std::io::pipe().unwrap();
    let fd = writer.into_raw_fd();
    let mut common = parse(&["--ready-fd", &fd.to_string()]).unwrap();
    let mut ready = common.take_ready().unwrap().unwrap();
    assert!(common.take_ready().unwrap().is_none());
    ready.write_all(b"ready\n").unwrap();
    drop(ready);
    let mut read = String::new();
    reader.read_to_string(&mut read).unwrap();
    assert_eq!(read, "ready\n");
}

#[test]
fn filters_are_sets() {
    let filter = |line: &str| {
        let common = parse(&line.split_whitespace().collect::<Vec<_>>()).unwrap();
        common.options().map(|options| options.filter)
    };
    let found = filter("--pid 1,2 --pid 3 --uid !root --comm a,!b --comm c").unwrap();
    assert_eq!(found.pid, Set::any([1, 2, 3]));
    assert_eq!(found.uid, Set::none([0]));
    assert_eq!(found.comm.wanted(), [b"a", b"c"]);
    assert_eq!(found.comm.excluded(), [b"b"]);
    for contradiction in ["--pid 1,!1", "--uid root --uid !0", "--comm a --comm b,!a"] {
        let error = filter(contradiction).expect_err(contradiction);
        assert_eq!(error.exit_status(), 2, "{error}");
    }
    assert!(refused(&["--comm", ""]).contains("empty"));
    assert!(refused(&["--pid", "1,0"]).contains("'0': numbers"));
    assert!(refused(&["--comm", "ok,sixteen-bytes-xx"]).contains("'sixteen-bytes-xx': 16 bytes"));
}

#[test]
fn there_is_nobody_to_wait_for_without_a_command() {
    let error = parse(&["--wait-all"])
        .unwrap()
        .options()
        .expect_err("nobody");
    assert!(error.exit_status() == 2 && error.to_string().contains("-- COMMAND"));
    assert!(
        parse(&["--wait-all", "--", "true"])
            .unwrap()
            .options()
            .is_ok()
    );
}
