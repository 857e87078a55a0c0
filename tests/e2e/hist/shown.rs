// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shown of logs: which tags, in which units, compared how, and what they lack.

use super::logs::{HEAD, ONE, file, shell, text};
use super::{hist, open_scratch};
use crate::doctor::answers;

#[test]
fn tags_are_picked_by_parts() {
    let directory = open_scratch();
    let mut log = HEAD.to_owned();
    for tag in [
        "disk=a;flags=Read",
        "disk=a;flags=Write",
        "disk=ab;flags=Read",
    ] {
        log.push_str(&format!("Tag={tag},1.0,1.0,1.0,{ONE}\n"));
    }
    let path = file(directory.path(), "log", format!("{log}1.0,1.0,1.0,{ONE}\n"));
    for (options, picked) in [
        (&["-t", "disk=a"][..], 2),
        (&["-t", "flags=Read;disk=a"], 1),
        (&["-t", "disk=a,disk=ab"], 3),
        (&["-t", "disk=ab", "-t", "flags=Write"], 2),
        (&["-t", "!flags=Read"], 2),
        (&["-t", "-"], 1),
        (&["-t", "!-"], 3),
        (&["-t", "disk=a", "-t", "!flags=Write"], 1),
    ] {
        let all = [&["show", "--format", "json"][..], options].concat();
        let shown = hist(&all, &[&path]).success();
        assert_eq!(answers(&shown).len(), picked, "{options:?}");
    }
    for wrong in ["disk", "a", ""] {
        drop(hist(&["show", "-t", wrong], &[&path]).ended_with(2));
    }
    let said = hist(&["show", "-t", "disk=b"], &[&path])
        .ended_with(2)
        .stderr;
    assert!(said.contains("there are -, disk=a;flags=Read, "), "{said}");
}

#[test]
fn tables_have_units_times_and_one_word_a_tag() {
    let directory = open_scratch();
    let log = format!("{HEAD}#[BaseTime: 1700000000.0]\nTag=a b,1.5,2.0,1.0,{ONE}\n");
    let path = file(directory.path(), "log", log);
    let shown = hist(&["show", "-i"], &[&path]).success();
    let rows: Vec<Vec<_>> = shown
        .lines()
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(
        rows[0][..6],
        ["TIME", "SECONDS", "TAG", "COUNT", "MEAN(us)", "P50(us)"]
    );
    assert_eq!(
        rows[1][..3],
        ["2023-11-14T22:13:21.500Z", "2.000", r"a\x20b"]
    );
    assert_eq!(rows[0].len(), rows[1].len());
}

#[test]
fn counts_of_different_times_are_compared_as_rates() {
    let directory = open_scratch();
    let log = |seconds: u64, tags: &[&str]| {
        let mut log = format!("{HEAD}#[BaseTime: 1700000000.0]\n");
        for second in 0..seconds {
            for tag in tags {
                log.push_str(&format!("Tag={tag},{second}.0,1.0,1.0,{ONE}\n"));
            }
        }
        log
    };
    let short = file(directory.path(), "short", log(2, &["both", "old"]));
    let long = file(directory.path(), "long", log(60, &["both"]));
    let files = [short.as_path(), &long];
    let options = [
        "diff",
        "-t",
        "both",
        "--fail-if",
        "count>+1%",
        "--fail-if",
        "count<-1%",
    ];
    let compared = hist(&options, &files).success();
    let rows: Vec<Vec<_>> = compared
        .lines()
        .iter()
        .map(|line| line.split_whitespace().collect())
        .collect();
    assert_eq!(rows[0][2..4], ["SECONDS", "RATE(/s)"]);
    assert_eq!((rows[1][2], rows[2][2]), ("2.000", "60.000"));
    assert_eq!(rows[1][3], rows[2][3]);
    assert_eq!(rows[3][..4], ["change", "–", "–", "+0.0%"]);
    // What one file has no record of has no numbers there, and that is said.
    let compared = hist(&["diff", "--fail-if", "count<-50%"], &files).ended_with(1);
    let after = compared.lines()[5].split_whitespace().collect::<Vec<_>>();
    assert_eq!(after, [&["after", "–", "60.000"][..], &["–"; 8]].concat());
    let said = &compared.stderr;
    assert!(
        said.contains("hist: old is not in the second file\n"),
        "{said}"
    );
    assert!(
        said.contains("old: count<-50%: it is not in the second file"),
        "{said}"
    );
    for (condition, says) in [
        ("count>+20", "type +20% for a change, or 20 for"),
        ("p99>+5ms", "or 5ms for a limit"),
        ("p99>20%", "type +20% for"),
        ("p99>5", "type 5us, 5ms or 5s"),
    ] {
        let said = hist(&["diff", "--fail-if", condition], &files)
            .ended_with(2)
            .stderr;
        assert!(said.contains(says), "{condition}: {said}");
    }
}

#[test]
fn what_a_log_lacks_is_warned_of() {
    let directory = open_scratch();
    let log = format!(
        "{HEAD}1.0,1.0,1.0,{ONE}\n#[Lost: 5 inflight_full]\n#[Lost at most: 2 recursion]\n#[Lost: unknown]\n"
    );
    let path = file(directory.path(), "log", log);
    let words = "log: 5 values were lost (in-flight map full 5), at most 2 more (recursion 2), how many values were lost \
                 is not known while it was recorded";
    let shown = hist(&["show"], &[&path]).success();
    assert!(shown.stderr.contains(words), "{}", shown.stderr);
    let compared = hist(&["diff"], &[&path, &path]).success();
    assert_eq!(
        compared.stderr.matches(words).count(),
        2,
        "{}",
        compared.stderr
    );
    let done = shell(
        directory.path(),
        "$hist hist merge -o - log log | $hist hist show - 2>&1",
    );
    assert!(
        text(&done.stdout).contains("10 values were lost (in-flight map full 10)"),
        "{}",
        text(&done.stdout)
    );
}
