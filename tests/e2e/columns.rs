// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--columns`: which fields are shown, and in which order.

use tracewell_tests::{Actor, Tool, actor, scratch};

use crate::sys::{self, AT_FDCWD, c};

// Its argument: a directory.
actor!(opens_nothing, |stage| {
    let absent = std::path::Path::new(stage.arg(0)).join("absent");
    drop(sys::openat(AT_FDCWD, &c(absent), 0, 0));
});

/// What opensnoop prints of one failed open, and the path.
fn shown(args: &[&str]) -> (Vec<String>, String) {
    let directory = scratch();
    let path = directory.path().join("absent").display().to_string();
    let actor = Actor::new("opens_nothing").arg(directory.path()).start();
    let pid = actor.pid().to_string();
    let tool = Tool::new("opensnoop")
        .args(["--pid", &pid])
        .args(args)
        .start();
    actor.go();
    actor.finish();
    let finished = tool.finish().success();
    let lines = finished.lines().into_iter().map(str::to_owned);
    (lines.filter(|line| !line.starts_with('(')).collect(), path)
}

#[test]
fn fields_are_shown_in_the_order_that_is_asked_for() {
    let (table, path) = shown(&["--columns", "error,dirfd,PATH"]);
    assert_eq!(
        table,
        [
            "ERR     DIRFD   PATH".to_owned(),
            format!("ENOENT  -100    {path}")
        ]
    );
    let (csv, path) = shown(&["--columns", "dirfd,full_path,error", "--format", "csv"]);
    assert_eq!(
        csv,
        [
            "dirfd,full_path,error".to_owned(),
            format!("-100,{path},ENOENT")
        ]
    );
}

#[test]
fn what_nothing_is_called_is_told_before_anything_is_attached() {
    for tool in tracewell::TOOLS.iter().filter(|tool| tool.prints_events()) {
        let finished = Tool::new(tool.name)
            .args(["--columns", "pid,nope"])
            .run()
            .ended_with(2);
        let said = &finished.stderr;
        assert!(
            said.contains("--columns: nothing is called 'nope'"),
            "{said}"
        );
        let fields = tool.trace.as_ref().expect("it traces").kinds[0].fields;
        assert!(
            fields.iter().all(|field| said.contains(field.name)),
            "{said}"
        );
    }
}
