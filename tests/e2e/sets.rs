// SPDX-License-Identifier: MIT OR Apache-2.0
//! Filters that are given several values, and values to leave out.

use std::path::Path;

use nix::unistd::getpid;
use tracewell_tests::{Playing, scratch};

use crate::filters::{ready, seen, unique};
use crate::storms::{guest, turn};

/// Both have the same code for a filter in the kernel, so that in a guest, where each run takes a second, one stands for both.
fn tools() -> &'static [&'static str] {
    if guest() {
        &["execsnoop"]
    } else {
        &["opensnoop", "execsnoop"]
    }
}

/// Runs the tool over actors of these names; gives the sorted names that were seen, each once.
fn told_of(tool: &str, args: &[&str], directory: &Path, actors: Vec<Playing>) -> Vec<String> {
    // What leaves some out shows all others, and is no place for a storm.
    let _turn = turn();
    let more: &[&str] = if tool == "execsnoop" { &["-x"] } else { &[] };
    let mut names = seen(tool, &[args, more].concat(), directory, actors);
    names.sort();
    names.dedup();
    names
}

#[test]
fn processes_are_a_set() {
    let scratch = scratch();
    for tool in tools() {
        let run = |args: &dyn Fn(&[String]) -> Vec<String>| {
            let actors = ["one", "two", "three"].map(|name| ready(scratch.path(), name, 0));
            let pids: Vec<_> = actors.iter().map(|actor| actor.pid().to_string()).collect();
            let args = args(&pids);
            let args: Vec<_> = args.iter().map(String::as_str).collect();
            told_of(tool, &args, scratch.path(), actors.into())
        };
        let list = |pids: &[String]| vec!["--pid".into(), format!("{},{}", pids[0], pids[2])];
        assert_eq!(run(&list), ["one", "three"], "{tool}");
        let twice = |pids: &[String]| {
            vec![
                "--pid".into(),
                pids[0].clone(),
                "--pid".into(),
                pids[1].clone(),
            ]
        };
        assert_eq!(run(&twice), ["one", "two"], "{tool}");
        let but_one = |pids: &[String]| vec!["--pid".into(), format!("!{}", pids[1])];
        assert_eq!(run(&but_one), ["one", "three"], "{tool}");
        let but_two = |pids: &[String]| vec!["--pid".into(), format!("!{},!{}", pids[1], pids[0])];
        assert_eq!(run(&but_two), ["three"], "{tool}");
        let all = |pids: &[String]| vec!["--pid".into(), pids.join(",")];
        assert_eq!(run(&all), ["one", "three", "two"], "{tool}");
    }
}

#[test]
fn users_and_names_are_sets() {
    let scratch = scratch();
    let (root, nobody, daemon) = (unique("r"), unique("n"), unique("d"));
    let only_root = [&*root];
    let cases: [(&[&str], &[&str]); 9] = [
        (&["--uid", "0,65534"], &[&root, &nobody]),
        (&["-u", "root", "-u", "nobody"], &[&root, &nobody]),
        (&["-u", "!root"], &[&nobody, &daemon]),
        (&["-u", "!root,!1"], &[&nobody]),
        (&["-u", "!nobody", "-u", "!1"], &only_root),
        (&["--comm", &format!("{root},{daemon}")], &[&root, &daemon]),
        (&["--comm", &format!("!{root}"), "-u", "0"], &[]),
        // Two names of filters: both must hold.
        (
            &["--comm", &format!("{root},{nobody}"), "-u", "!0"],
            &[&nobody],
        ),
        (
            &["--comm", &format!("!{root},!{nobody}"), "-u", "0,1"],
            &[&daemon],
        ),
    ];
    for tool in tools() {
        for (args, expected) in cases {
            let actors = vec![
                ready(scratch.path(), &root, 0),
                ready(scratch.path(), &nobody, 65534),
                ready(scratch.path(), &daemon, 1),
            ];
            // Of the others on this machine nothing is judged.
            let names = told_of(tool, args, scratch.path(), actors);
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(names, expected, "{tool} {args:?}");
        }
    }
}

#[test]
fn every_name_can_be_asked_for() {
    let scratch = scratch();
    for (name, said) in [
        ("a,b", r"a\,b"),
        ("!a", r"\!a"),
        (r"a\b", r"a\b"),
        (",", r"\,"),
    ] {
        for said in [said.to_owned(), format!("{said},absent")] {
            let actors = vec![
                ready(scratch.path(), name, 0),
                ready(scratch.path(), "a", 0),
            ];
            let names = told_of("opensnoop", &["--comm", &said], scratch.path(), actors);
            assert_eq!(names, [name], "{said}");
        }
    }
}

#[test]
fn parts_of_names_are_a_set() {
    let scratch = scratch();
    let (one, two, three) = (unique("one"), unique("two"), unique("three"));
    let cases: [(&[&str], &[&str]); 4] = [
        (
            &["-n", &format!("{},{}", &one[2..], &two[2..])],
            &[&one, &two],
        ),
        (&["-n", &one[2..], "-n", &two[2..]], &[&one, &two]),
        (
            &["-n", &format!("{},!{}", &one[..4], &one[4..])],
            &[&two, &three],
        ),
        (
            &["-u", "0", "-n", &format!("!{}", &two[2..])],
            &[&one, &three],
        ),
    ];
    for tool in tools() {
        for (args, expected) in cases {
            let actors = [&one, &two, &three].map(|name| ready(scratch.path(), name, 0));
            let names = told_of(tool, args, scratch.path(), actors.into());
            let mut expected = expected.to_vec();
            expected.sort_unstable();
            assert_eq!(names, expected, "{tool} {args:?}");
        }
    }
}

#[test]
fn parents_and_lines_are_sets() {
    let scratch = scratch();
    let name = unique("");
    let own = getpid().to_string();
    let cases: [(&[&str], bool); 8] = [
        (&["-P", &format!("1,{own}")], true),
        (&["-P", "1", "-P", &own], true),
        (&["-P", &format!("!{own}")], false),
        (&["-P", "!1"], true),
        (&["-P", &format!("!1,!{own}")], false),
        (&["-l", "absent,some line"], true),
        (&["-l", "!some line"], false),
        (&["-l", r"some\,line"], false),
    ];
    for (args, expected) in cases {
        let actor = ready(scratch.path(), &name, 0);
        let args = [&["-x"], args].concat();
        let names = seen("execsnoop", &args, scratch.path(), vec![actor]);
        assert_eq!(names.contains(&name), expected, "{args:?}");
    }
}
