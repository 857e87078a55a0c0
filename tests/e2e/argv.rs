// SPDX-License-Identifier: MIT OR Apache-2.0
//! The arguments of an exec are exact, or say that they are not.

use serde_json::json;

use crate::execs::{TRUE, only, run};

#[test]
fn arguments_are_exact() {
    let lists: [&[&str]; 4] = [
        &["true"],
        &[
            "true",
            "",
            "two words",
            " ",
            "",
            "ends in space ",
            "--",
            "-x=\"y\"",
        ],
        &["", ""],
        &["true", ""],
    ];
    for list in lists {
        let event = only(&run(&["--format", "json"], TRUE, list));
        assert_eq!(event["args"], json!(list));
        assert_eq!(event["args_truncated"], false);
    }
}

#[test]
fn many_arguments_are_all_there() {
    let list: Vec<_> = (0..500).map(|n| format!("a{n}")).collect();
    let event = only(&run(&["--format", "json"], TRUE, &list));
    assert_eq!(event["args"], json!(list));
    assert_eq!(event["args_truncated"], false);
}

#[test]
fn arguments_beyond_the_limit_are_cut_and_say_so() {
    let long = "l".repeat(100_000);
    let list = ["true", &long, "last"];
    let event = only(&run(&["--format", "json"], TRUE, &list));
    assert_eq!(event["args"], json!(["true", "l".repeat(8192 - 5)]));
    assert_eq!(event["args_truncated"], true);

    let table = run(&[], TRUE, &list);
    assert!(table.lines()[1].ends_with("lll…"), "no mark of the cut");

    let whole = only(&run(
        &["--format", "json", "--max-args-bytes", "128k"],
        TRUE,
        &list,
    ));
    assert_eq!(whole["args"], json!(list));
    assert_eq!(whole["args_truncated"], false);
}

#[test]
fn the_limit_itself_is_no_cut() {
    // With the NUL of each.
    for (bytes, cut) in [(8192, false), (8193, true)] {
        let list = ["true".to_owned(), "l".repeat(bytes - 5 - 1)];
        let event = only(&run(&["--format", "json"], TRUE, &list));
        assert_eq!(event["args_truncated"], cut, "{bytes} bytes");
        if !cut {
            assert_eq!(event["args"], json!(list));
        }
    }
}

#[test]
fn max_args_says_what_it_leaves_out() {
    let max = &["--format", "json", "--max-args", "2"];
    let event = only(&run(max, TRUE, &["true", "one", "two"]));
    assert_eq!(
        (&event["args"], &event["args_truncated"]),
        (&json!(["true", "one"]), &json!(true))
    );
    let event = only(&run(max, TRUE, &["true", "one"]));
    assert_eq!(
        (&event["args"], &event["args_truncated"]),
        (&json!(["true", "one"]), &json!(false))
    );
    let table = run(&["--max-args", "2"], TRUE, &["true", "one", "two"]);
    assert!(table.lines()[1].ends_with(" one…"), "{:?}", table.lines());
}

#[test]
fn no_arguments_at_all_is_no_error() {
    let finished = run(&["--format", "json"], TRUE, &[] as &[&str]);
    let event = only(&finished);
    // Since 5.18 the kernel gives such a program one empty argument.
    assert!(
        event["args"] == json!([]) || event["args"] == json!([""]),
        "{event}"
    );
    assert_eq!(event["args_truncated"], false);
    assert_eq!(event["comm"], "true");
}
