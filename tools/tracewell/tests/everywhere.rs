// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool that is in the list is wherever tools are named that no code can take the list for: pages, lists of the
//! kernel matrix, tables of the docs. What a tool has good reason not to be in is named here, with the reason.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tracewell::{COMMANDS, TOOLS};
use tracewell_shared::tool::Tool;

/// (file, tool, why the tool is not in it)
const NOT_IN: &[(&str, &str, &str)] = &[
    (
        "bench/src/subject.rs",
        "bashreadline",
        "what it traces happens as fast as people type",
    ),
    (
        "bench/src/subject.rs",
        "gethostlatency",
        "what it traces takes milliseconds, and both tools hook it in the same way",
    ),
    (
        "bench/src/subject.rs",
        "biosnoop",
        "its programs at requests are biolatency's, which is measured there, and its way out is every tool's of events",
    ),
    (
        "bench/src/subject.rs",
        "biotop",
        "its programs are biolatency's, which is measured there",
    ),
    (
        "bench/src/subject.rs",
        "syncsnoop",
        "the libbpf-tools that ours are measured beside (0.26) have none yet",
    ),
    (
        "bench/src/subject.rs",
        "tcpconnlat",
        "a connection costs tens of microseconds, and the programs run three times in it",
    ),
    (
        "bench/src/subject.rs",
        "tcplife",
        "the same: the programs run five times at each end of a connection",
    ),
    (
        "bench/src/subject.rs",
        "tcpretrans",
        "libbpf-tools have no tool of its kind to be measured beside",
    ),
    (
        "bench/src/subject.rs",
        "unlinksnoop",
        "libbpf-tools have no tool of its kind to be measured beside",
    ),
];

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .join(path)
}

fn text(path: &str) -> String {
    fs::read_to_string(root(path)).unwrap()
}

/// The names of the folders beside this crate's.
fn folders() -> BTreeSet<String> {
    let entries = fs::read_dir(root("tools")).unwrap().map(Result::unwrap);
    let folders = entries.filter(|entry| entry.file_type().unwrap().is_dir());
    let names = folders.map(|entry| entry.file_name().into_string().unwrap());
    names.filter(|name| name != tracewell::NAME).collect()
}

/// The first words of the lines that are no comments.
fn first_words(text: &str) -> BTreeSet<&str> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_whitespace().next())
        .collect()
}

/// The first cells of a table's rows, in order, each once.
fn first_cells(text: &str) -> BTreeSet<&str> {
    let rows = text.lines().filter_map(|line| line.strip_prefix("| "));
    rows.filter_map(|row| row.split(" |").next()).collect()
}

#[test]
fn every_folder_is_a_tool_of_the_list() {
    let listed = TOOLS.iter().map(|tool| tool.name.to_owned()).collect();
    assert_eq!(
        folders(),
        listed,
        "(left: folders of tools/, right: TOOLS, in tools/tracewell/src/lib.rs)"
    );
}

#[test]
fn every_tool_and_command_has_a_page() {
    for tool in TOOLS.iter().chain(COMMANDS) {
        let page = root("docs").join(tool.page());
        assert!(page.is_file(), "{} is missing", page.display());
    }
}

/// A tool that the lists do not name has its tests in modules of its name.
#[test]
fn every_tool_has_tests_for_the_kernel_matrix() {
    for (file, tests) in [
        ("tests.list", "tests/e2e"),
        ("preemption.list", "tests/e2e/preemption"),
    ] {
        let list = text(&format!("tests/vm/{file}"));
        let listed = first_words(&list);
        for tool in TOOLS {
            let named = format!("{tests}/{}.rs", tool.name);
            assert!(
                listed.contains(tool.name) || root(&named).is_file(),
                "{named} is missing; or tests/vm/{file} says which tests are those of {}",
                tool.name
            );
        }
    }
}

/// A file that no module names is compiled by nobody.
#[test]
fn every_file_of_the_end_to_end_tests_is_a_module() {
    for (modules, folder) in [
        ("tests/e2e/main.rs", "tests/e2e"),
        ("tests/e2e/preemption.rs", "tests/e2e/preemption"),
    ] {
        let modules_text = text(modules);
        for entry in fs::read_dir(root(folder)).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let Some(name) = name.strip_suffix(".rs").filter(|name| *name != "main") else {
                continue;
            };
            let line = format!("mod {name};");
            let named = modules_text.lines().any(|found| found.ends_with(&line));
            assert!(named, "{modules} has no {line}");
        }
    }
}

#[test]
fn every_rung_of_the_kernel_matrix_is_a_tools() {
    let has = |tool: &Tool, label: &str| {
        tool.trace
            .as_ref()
            .unwrap()
            .ladder
            .labels()
            .contains(&label)
    };
    let list = text("tests/vm/rungs.list");
    for line in list.lines().filter(|line| !line.starts_with('#')) {
        let words: Vec<_> = line.split_whitespace().collect();
        let [what, name, _, _, labels @ ..] = &words[..] else {
            panic!("rungs.list: {line}");
        };
        assert!(
            ["first", "last", "refused"].contains(what),
            "rungs.list: {line}"
        );
        let named = |tool: &&&Tool| *name == "*" || *name == tool.name;
        let tools: Vec<_> = TOOLS.iter().filter(named).collect();
        assert!(!tools.is_empty(), "rungs.list: {name} is no tool");
        for label in labels {
            let known = tools.iter().any(|tool| has(tool, label));
            assert!(known, "rungs.list: {name} has no {label}");
        }
    }
    let list = text("tests/vm/stands.list");
    // The tests of no one tool.
    for label in first_words(&list)
        .into_iter()
        .filter(|what| *what != "others")
    {
        let known = TOOLS.iter().any(|tool| has(tool, label));
        assert!(known, "stands.list: no tool has {label}");
    }
}

#[test]
fn every_tool_is_in_the_tables_of_kernels_and_loads() {
    for file in ["docs/kernels.md", "docs/selftest.md", "README.md"] {
        let page = text(file);
        let cells = first_cells(&page);
        for tool in TOOLS {
            let name = tool.name;
            assert!(cells.contains(name), "{file} has no row of {name}");
        }
    }
}

/// The first page that anyone reads has a question for each tool, and a link to its page.
#[test]
fn the_readme_says_what_every_tool_is_for() {
    let page = text("README.md");
    for tool in TOOLS {
        let link = format!("| [{}](docs/{})", tool.name, tool.page());
        assert!(
            page.contains(&link),
            "README.md has no question with {link}"
        );
    }
}

#[test]
fn every_tool_is_named_where_a_person_has_to_say_something_of_it() {
    for file in ["CHANGELOG.md", "bench/src/subject.rs"] {
        let page = text(file);
        for tool in TOOLS {
            let excused = NOT_IN
                .iter()
                .any(|(not_in, name, _)| (*not_in, *name) == (file, tool.name));
            let named = page.contains(tool.name);
            assert!(named || excused, "{file} says nothing of {}", tool.name);
            assert!(!(named && excused), "{file} names {} after all", tool.name);
        }
    }
}

#[test]
fn the_schema_has_the_fields_of_every_tool_in_their_order() {
    let schema: serde_json::Value = serde_json::from_str(&text("docs/events.schema.json")).unwrap();
    let one_of = schema["oneOf"].as_array().unwrap();
    for tool in TOOLS {
        let trace = tool.trace.as_ref().unwrap();
        for kind in trace.kinds {
            let name = tool.definition(kind);
            let reference = format!("#/$defs/{name}");
            let listed = one_of.iter().any(|one| one["$ref"] == reference.as_str());
            assert!(listed, "{}: {name} is not in oneOf", tool.name);
            let required = schema["$defs"][&name]["required"].as_array().unwrap();
            let required: Vec<_> = required.iter().filter_map(|name| name.as_str()).collect();
            assert_eq!(required[0], "event", "{name}");
            let fields: Vec<_> = kind.fields.iter().map(|field| field.name).collect();
            assert_eq!(required[1..], fields, "{name}");
        }
    }
}
