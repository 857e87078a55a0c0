// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--path`: which files are shown, by patterns over their paths.

use std::env;
use std::fs;
use std::os::unix::fs::chroot;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tracewell_tests::{Actor, Tool, actor, scratch};

use crate::asked::beside_others;
use crate::sys::{self, AT_FDCWD, c};

/// The ways in which the file `of/it` below a directory is called, from that directory or the one above.
const SPELLINGS: [&str; 8] = [
    "DIR/of/it",
    "DIR//of/it",
    "DIR/of/./it",
    "DIR/of/../of/it",
    "/proc/../DIR/of/it",
    "of/it",
    "./of/it",
    "of/../of/it",
];

/// What else is opened there.
const OTHERS: [&str; 5] = [
    "DIR/of/itself",
    "DIR/of/.it",
    "DIR/it",
    "/etc/of/it",
    "absent",
];

// Its argument: a directory. Opens all of these.
actor!(opens_by_all_names, |stage| {
    let directory = stage.arg(0).to_str().unwrap().to_owned();
    env::set_current_dir(&directory).unwrap();
    for path in SPELLINGS.iter().chain(&OTHERS) {
        let path = path.replace("DIR", &directory);
        drop(sys::openat(AT_FDCWD, &c(path), 0, 0));
    }
});

/// A directory whose own path has no links.
fn place() -> (tempfile::TempDir, PathBuf) {
    let scratch = scratch();
    let path = scratch.path().canonicalize().unwrap();
    fs::create_dir_all(path.join("of")).unwrap();
    fs::write(path.join("of/it"), "").unwrap();
    (scratch, path)
}

/// The paths as they were given that a tool shows of what an actor opens, with these options; `DIR` is the directory.
fn shown(actor: &str, directory: &Path, args: &[&str]) -> Vec<String> {
    let name = directory.to_str().unwrap();
    let args = args.iter().map(|arg| arg.replace("DIR", name));
    let actor = Actor::new(actor).arg(directory).start();
    let tool = Tool::new("opensnoop").json();
    let tool = tool.args(["--pid", &actor.pid().to_string()]).args(args);
    let tool = tool.start();
    actor.go();
    actor.finish();
    let opens = tool.finish().success().events("open");
    let given = |open: &Value| open["path"].as_str().unwrap().replace(name, "DIR");
    opens.iter().map(given).collect()
}

#[test]
fn a_file_is_shown_whatever_it_was_called() {
    let (_scratch, directory) = place();
    let of_it = SPELLINGS.map(str::to_owned);
    for globs in [
        &["--path", "DIR/of/it"][..],
        &["--path", "DIR/*/it"],
        &["--path", "DIR/o[e-g]/i?"],
        &["--path", "/nowhere/**", "--path", "DIR/{of,no}/it"],
        &["--path", "DIR/**,!**/itself,!DIR/it,!.it,!absent"],
    ] {
        assert_eq!(
            shown("opens_by_all_names", &directory, globs),
            of_it,
            "{globs:?}"
        );
    }
    let named = shown("opens_by_all_names", &directory, &["--path", "it"]);
    let expected = SPELLINGS.iter().chain(&OTHERS[2..4]);
    assert_eq!(named, expected.copied().collect::<Vec<_>>());
    let all = SPELLINGS.len() + OTHERS.len();
    assert_eq!(
        shown("opens_by_all_names", &directory, &["--path", "/**"]).len(),
        all
    );
    assert_eq!(
        shown("opens_by_all_names", &directory, &["--path", "/d/**"]),
        [""; 0]
    );
}

actor!(opens_behind_another_root, |stage| {
    chroot(stage.arg(0)).unwrap();
    env::set_current_dir("/of").unwrap();
    for path in ["/of/it", "it", "/nowhere/it"] {
        drop(sys::openat(AT_FDCWD, &c(path), 0, 0));
    }
});

#[test]
fn a_file_behind_another_root_is_shown_by_its_whole_path() {
    let (_scratch, directory) = place();
    let name = "opens_behind_another_root";
    assert_eq!(
        shown(name, &directory, &["--path", "DIR/of/*"]),
        ["/of/it", "it"]
    );
    // That is the path of none of them.
    assert_eq!(shown(name, &directory, &["--path", "/of/it"]), [""; 0]);
}

#[test]
fn what_begins_otherwise_does_not_come_to_the_tool() {
    let (_scratch, directory) = place();
    let actor = Actor::new("opens_by_all_names").arg(&directory).start();
    let glob = format!("{}/of/*", directory.display());
    let finished = beside_others(actor, &["--path", &glob]);
    // Those of the file, and the two beside it.
    assert_eq!(finished.events("open").len(), SPELLINGS.len() + 2);
    assert_eq!(finished.summary()["lost"], 0);
}

#[test]
fn a_table_shows_what_was_asked_of() {
    let (_scratch, directory) = place();
    let glob = format!("{}/of/it", directory.display());
    let script = format!("cd {}; cat of/it", directory.display());
    let tool = Tool::new("opensnoop").args(["--path", &glob, "--", "sh", "-c", &script]);
    let finished = tool.run().success();
    let lines = finished.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[1].ends_with(&glob), "{lines:?}");
}

#[test]
fn removals_are_asked_for_in_the_same_way() {
    let (_scratch, directory) = place();
    let name = directory.display();
    let script = format!(
        "cd {name}; touch a b of/a; rm a; rm {name}//of/a; rm b; rmdir {name}/absent 2>{name}/said; rm {name}/of/../said"
    );
    let glob = format!("{name}/**/{{a,absent,said}}");
    let tool = Tool::new("unlinksnoop").json();
    let tool = tool.args(["--path", &glob, "--", "sh", "-c", &script]);
    let removed = tool.run().success().events("unlink");
    let paths: Vec<_> = removed.iter().map(|unlink| &unlink["path"]).collect();
    let below = |path: &str| json!(format!("{name}/{path}"));
    let [other, absent, said] = ["/of/a", "absent", "of/../said"].map(below);
    assert_eq!(paths, [&json!("a"), &other, &absent, &said]);
}

#[test]
fn a_pattern_that_means_nothing_is_told() {
    for name in ["opensnoop", "unlinksnoop"] {
        for (glob, told) in [
            ("/etc/{a,b", "'{' without '}'"),
            ("/etc/[a", "'[' without ']'"),
            ("/etc/*,", "a value is empty"),
        ] {
            let finished = Tool::new(name).args(["--path", glob]).run().ended_with(2);
            let said = &finished.stderr;
            assert!(said.contains("--path") && said.contains(told), "{said}");
        }
        let both = Tool::new(name).args(["--path", "/a", "--path", "!/a"]);
        let said = both.run().ended_with(2).stderr;
        assert!(said.contains("asked for and excluded"), "{said}");
    }
}
