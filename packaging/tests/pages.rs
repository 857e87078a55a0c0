// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual pages and completions, as the programs that show them take them.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

use tempfile::TempDir;

/// What is made, once for all tests.
static MADE: LazyLock<TempDir> = LazyLock::new(|| {
    let directory = tempfile::tempdir().unwrap();
    let status = Command::new(env!("CARGO_BIN_EXE_pages"))
        .args([&docs(), directory.path()])
        .env("SOURCE_DATE_EPOCH", "86400")
        .status()
        .unwrap();
    assert!(status.success());
    directory
});

fn docs() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs")
}

fn made(path: &str) -> PathBuf {
    MADE.path().join(path)
}

/// Every manual page.
fn pages() -> Vec<PathBuf> {
    let mut all = Vec::new();
    for section in fs::read_dir(made("man")).unwrap() {
        let entries = fs::read_dir(section.unwrap().path()).unwrap();
        all.extend(entries.map(|entry| entry.unwrap().path()));
    }
    assert_eq!(
        all.len(),
        tracewell::TOOLS.len() + tracewell::COMMANDS.len() + 2
    );
    all
}

/// What a command prints, with nothing on standard error.
fn output(command: &mut Command) -> String {
    // groff says this of where a page of paper ends, which a terminal does not have.
    const PAPER: &str = "table text block will not fit on one page\n";
    let output = command.stdin(Stdio::null()).output();
    let output =
        output.unwrap_or_else(|error| panic!("{command:?}: {error} (make test installs it)"));
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}");
    let complaints = stderr
        .split_inclusive('\n')
        .filter(|line| !line.ends_with(PAPER));
    assert_eq!(complaints.collect::<String>(), "", "{command:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// A page as man(1) shows it on a terminal of `width` columns, of which it leaves two free; without
/// fonts.
fn shown(page: &Path, width: u32) -> String {
    let mut groff = Command::new("groff");
    groff.args(["-k", "-t", "-man", "-Tutf8", "-ww", "-P-cbou"]);
    groff.arg(format!("-rLL={}n", width - 2)).arg(page);
    // Hyphens are set as minus signs, which is what they are.
    output(&mut groff)
}

#[test]
fn groff_shows_every_page_without_a_warning() {
    for page in pages() {
        for width in [80, 100, 120] {
            let text = shown(&page, width);
            assert!(text.lines().count() > 20);
            // The hyphen at the end of a line that divides a word: no option, and not behind a bracket.
            let divided = text
                .lines()
                .filter_map(|line| line.strip_suffix('\u{2010}'));
            let wrong = divided
                .filter_map(|line| line.rsplit(' ').next())
                .find(|word| word.starts_with("--") || !word.ends_with(char::is_alphanumeric));
            assert_eq!(wrong, None, "{}, {width} columns", page.display());
        }
    }
}

#[test]
fn mandoc_finds_nothing_to_warn_of() {
    for page in pages() {
        let said = output(
            Command::new("mandoc")
                .args(["-T", "lint", "-W", "warning"])
                .arg(&page),
        );
        assert_eq!(said, "", "{}", page.display());
    }
}

/// A command's own options as they are typed: `-x`, `--failed`.
fn options(command: &clap::Command) -> Vec<String> {
    let mut all = Vec::new();
    for arg in command.get_arguments().filter(|arg| !arg.is_hide_set()) {
        all.extend(arg.get_short().map(|short| format!("-{short}")));
        all.extend(arg.get_long().map(|long| format!("--{long}")));
    }
    all
}

/// Whether a text has an option as a word of its own.
fn names(text: &str, option: &str) -> bool {
    let inside = |letter: char| letter.is_alphanumeric() || letter == '-';
    text.match_indices(option).any(|(at, _)| {
        !text[..at].ends_with(inside) && !text[at + option.len()..].starts_with(inside)
    })
}

/// Each page of `docs/` with its manual page and the options that both must name.
fn documented() -> Vec<(String, PathBuf, Vec<String>)> {
    let mut all = Vec::new();
    for tool in tracewell::TOOLS {
        let mut command = tool.parser();
        command.build();
        let page = made(&format!("man/man8/{}.8", tool.name));
        all.push((tool.name.to_owned(), page, options(&command)));
    }
    for tool in tracewell::COMMANDS {
        let mut command = tool.parser();
        command.build();
        let page = made(&format!("man/man1/{}-{}.1", tracewell::NAME, tool.name));
        let of_actions = command.get_subcommands().flat_map(options);
        let of_all = options(&command).into_iter().chain(of_actions);
        // They stand once, as those of the command itself do on every page.
        let own =
            of_all.filter(|option| !["-h", "--help", "-V", "--version"].contains(&&option[..]));
        all.push((tool.name.to_owned(), page, own.collect()));
    }
    let mut command = tracewell::parser();
    command.build();
    let page = made("man/man8/tracewell.8");
    all.push((tracewell::NAME.to_owned(), page, options(&command)));
    all
}

#[test]
fn every_option_is_in_the_manual_page_and_in_the_docs() {
    let mut missing = Vec::new();
    for (name, page, options) in documented() {
        let manual = shown(&page, 102);
        let text = fs::read_to_string(docs().join(&name).with_extension("md")).unwrap();
        for option in options {
            if !names(&manual, &option) {
                missing.push(format!("{}: {option}", page.display()));
            }
            if !names(&text, &option) {
                missing.push(format!("docs/{name}.md: {option}"));
            }
        }
    }
    assert!(missing.is_empty(), "not told of: {missing:#?}");
}

#[test]
fn pages_hold_what_the_docs_say() {
    for tool in tracewell::TOOLS {
        let manual = shown(&made(&format!("man/man8/{}.8", tool.name)), 202);
        let text = fs::read_to_string(docs().join(tool.name).with_extension("md")).unwrap();
        for section in [
            "NAME",
            "SYNOPSIS",
            "DESCRIPTION",
            "OPTIONS",
            "EXAMPLES",
            "SEE ALSO",
        ] {
            assert!(
                manual.lines().any(|line| line == section),
                "{}: {section}",
                tool.name
            );
        }
        for heading in text.lines().filter_map(|line| line.strip_prefix("## ")) {
            let heading = heading.to_uppercase();
            assert!(
                manual.lines().any(|line| line == heading),
                "{}: {heading}",
                tool.name
            );
        }
        // What is shown is shown to the letter, quotes, backslashes and all.
        let mut in_code = false;
        for line in text.lines() {
            if line.starts_with("```") {
                in_code = !in_code;
            } else if in_code {
                assert!(manual.contains(line.trim_end()), "{}: {line}", tool.name);
            }
        }
    }
}

/// The lines below a heading, up to the next one.
fn section(text: &str, heading: &str, is_heading: fn(&str) -> bool) -> Vec<String> {
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let lines = lines.take_while(|line| !is_heading(line));
    lines.map(|line| line.trim().to_owned()).collect()
}

/// The same of a manual page as it is shown, without lines that are empty.
fn shown_section(page: &Path, heading: &str) -> Vec<String> {
    let is_heading = |line: &str| line.starts_with(char::is_alphanumeric);
    let mut lines = section(&shown(page, 102), heading, is_heading);
    lines.retain(|line| !line.is_empty());
    lines
}

#[test]
fn examples_are_nothing_else() {
    let tools = tracewell::TOOLS.iter().chain(tracewell::COMMANDS);
    for (tool, (name, page, _)) in tools.zip(documented()) {
        assert_eq!(tool.name, name);
        let help = tool.parser().get_after_help().unwrap().to_string();
        let examples: Vec<_> = help.lines().skip(1).map(str::trim).collect();
        let runs = |line: &&str| line.contains(&name);
        assert!(examples.iter().any(runs), "{help}");
        assert_eq!(shown_section(&page, "EXAMPLES"), examples, "{name}");
    }
}

#[test]
fn what_stands_beside_the_list_of_options_is_kept() {
    let mut found = 0;
    for (name, page, _) in documented() {
        let manual = shown_section(&page, "OPTIONS").join(" ");
        let manual = manual.split_whitespace().collect::<Vec<_>>().join(" ");
        let text = fs::read_to_string(docs().join(&name).with_extension("md")).unwrap();
        let options = section(&text, "## Options", |line| line.starts_with("## "));
        for paragraph in options.split(String::is_empty) {
            let text = paragraph.join(" ").replace('`', "");
            if text.is_empty() || text.starts_with('|') || text.starts_with("<!--") {
                continue;
            }
            found += 1;
            // As far as its first link, which is put otherwise.
            let words = text.split('[').next().unwrap().trim();
            assert!(manual.contains(words), "{name}: {words}");
        }
    }
    assert!(found > 0, "no page says anything there");
}

#[test]
fn the_date_is_that_of_the_sources() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let title = text.lines().find(|line| line.starts_with(".TH ")).unwrap();
        assert!(title.contains(" 1970-01-02 "), "{title}");
    }
}

/// What bash offers for the last word of a command line.
fn offered(program: &str, words: &[&str]) -> Vec<String> {
    let script = format!(
        "set -u\nsource {}\nCOMP_WORDS=({})\nCOMP_CWORD={}\n\"$(complete -p {program} | sed 's/.*-F \\([^ ]*\\).*/\\1/')\" \
         {program} '{}' '{}'\nprintf '%s\\n' \"${{COMPREPLY[@]}}\"",
        made(&format!("bash/{program}.bash")).display(),
        words.join(" "),
        words.len() - 1,
        words[words.len() - 1],
        words[words.len() - 2],
    );
    output(Command::new("bash").args(["-c", &script]))
        .lines()
        .map(str::to_owned)
        .collect()
}

#[test]
fn bash_completes_options_values_and_tools() {
    for tool in tracewell::TOOLS {
        let name = tool.name;
        assert_eq!(offered(name, &[name, "--fail-on"]), ["--fail-on-loss"]);
        assert_eq!(offered(name, &[name, "--format", "js"]), ["json"]);
        let labels = tool.trace.as_ref().unwrap().ladder.labels();
        let of_functions = labels.contains(&"uprobe");
        let typed = if of_functions { "up" } else { "tp" };
        let begin = |label: &&&str| label.starts_with(typed);
        let wanted: Vec<_> = labels.iter().filter(begin).copied().collect();
        assert!(!wanted.is_empty(), "{name}");
        assert_eq!(offered(name, &[name, "--probe", typed]), wanted);
    }
    assert!(offered("tracewell", &["tracewell", "exec"]).contains(&"execsnoop".to_owned()));
    assert_eq!(
        offered("tracewell", &["tracewell", "opensnoop", "--full"]),
        ["--full-path"]
    );
}

#[test]
fn fish_completes_options_and_values() {
    for tool in tracewell::TOOLS {
        let name = tool.name;
        let file = made(&format!("fish/{name}.fish"));
        for (words, expected) in [("--fail-on", "--fail-on-loss"), ("--format js", "json")] {
            let script = format!("source {}; complete -C '{name} {words}'", file.display());
            let said = output(Command::new("fish").args(["--no-config", "-c", &script]));
            // A tab and what it means follow.
            let offered: Vec<_> = said
                .lines()
                .filter_map(|line| line.split('\t').next())
                .collect();
            assert_eq!(offered, [expected], "{name} {words}");
        }
    }
}

#[test]
fn the_other_shells_can_read_their_completions() {
    for (shell, check) in [("zsh", "-n"), ("fish", "--no-execute")] {
        let files = fs::read_dir(made(shell)).unwrap();
        let mut count = 0;
        for file in files {
            output(Command::new(shell).arg(check).arg(file.unwrap().path()));
            count += 1;
        }
        assert_eq!(count, tracewell::TOOLS.len() + 1);
    }
}
