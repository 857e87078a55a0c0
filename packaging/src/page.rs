// SPDX-License-Identifier: MIT OR Apache-2.0
//! A manual page: the command line's own account of its options, and what a page of `docs/` says.

use std::fmt::Display;
use std::fs;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use roff::{Inline, Roff, bold, roman};
use time::OffsetDateTime;
use time::macros::format_description;

use crate::Result;
use crate::inline::{WHOLE, settled};
use crate::markdown::{self, lists_options};

/// A manual page, section by section.
#[derive(Debug)]
pub(crate) struct Page {
    name: String,
    section: u8,
    text: String,
}

impl Page {
    /// Begins the page `name(section)`, which is about this.
    pub(crate) fn new(name: &str, section: u8, about: &str) -> Result<Self> {
        let mut roff = Roff::new();
        let date = date()?;
        let version = concat!("Tracewell ", env!("CARGO_PKG_VERSION"));
        roff.control(
            "TH",
            [
                name.to_uppercase().as_str(),
                section.to_string().as_str(),
                date.as_str(),
                version,
                "Tracewell",
            ],
        );
        roff.control("SH", ["NAME"]);
        roff.text([roman(format!("{name} - {about}"))]);
        Ok(Self {
            name: name.to_owned(),
            section,
            text: rendered(&roff),
        })
    }

    /// How a command is called, one line for each that is given.
    pub(crate) fn synopsis(&mut self, commands: &mut [Command]) {
        let mut roff = Roff::new();
        roff.control("SH", ["SYNOPSIS"]);
        for (index, command) in commands.iter_mut().enumerate() {
            if index > 0 {
                roff.control("br", []);
            }
            let usage = command.render_usage().to_string();
            let name = command.get_bin_name().unwrap_or(command.get_name());
            for (line, form) in usage.trim_start_matches("Usage: ").lines().enumerate() {
                if line > 0 {
                    roff.control("br", []);
                }
                match form.trim().strip_prefix(name) {
                    Some(rest) => roff.text([bold(name), roman(rest)]),
                    None => roff.text([roman(form.trim())]),
                };
            }
        }
        self.push(&roff);
    }

    /// The page of `docs/`, with the command line's options in the place of the tables that list them there, or behind
    /// the description.
    pub(crate) fn body(&mut self, docs: &Path, file: &str, options: &str) -> Result<()> {
        let path = docs.join(file);
        let told = |error: &dyn Display| format!("{}: {error}", path.display());
        let markdown = fs::read_to_string(&path).map_err(|error| told(&error))?;
        let sections = markdown::sections(&markdown).map_err(|error| told(&error))?;
        let listed = sections.iter().any(|(heading, _)| lists_options(heading));
        for (heading, body) in sections {
            if lists_options(&heading) {
                // What is said there beside the table comes first: the options end within a group.
                let (title, list) = options.split_once('\n').unwrap_or((options, ""));
                self.text.push_str(&format!("{title}\n"));
                self.push(&body);
                self.text.push_str(list);
                continue;
            }
            let title = match heading.as_str() {
                "" => "DESCRIPTION".to_owned(),
                heading => heading.to_uppercase(),
            };
            let mut roff = Roff::new();
            roff.control("SH", [title.as_str()]);
            roff.extend([body]);
            self.push(&roff);
            if heading.is_empty() && !listed {
                self.text.push_str(options);
            }
        }
        Ok(())
    }

    /// The examples that stand at the end of a command's help.
    pub(crate) fn examples(&mut self, command: &Command) -> Result<()> {
        let Some(help) = command.get_after_help().map(ToString::to_string) else {
            return Ok(());
        };
        let examples = help.strip_prefix("Examples:\n");
        let examples = examples.ok_or_else(|| format!("not examples only: {help}"))?;
        let mut roff = Roff::new();
        roff.control("SH", ["EXAMPLES"]).control("EX", []);
        for line in examples.lines() {
            roff.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
        }
        roff.control("EE", []);
        self.push(&roff);
        Ok(())
    }

    /// Other pages, and the end.
    pub(crate) fn see_also(mut self, pages: &[(String, u8)]) -> Self {
        let mut roff = Roff::new();
        let mut line: Vec<Inline> = Vec::new();
        for (name, section) in pages {
            if *name == self.name && *section == self.section {
                continue;
            }
            if !line.is_empty() {
                line.push(roman(", "));
            }
            line.push(bold(name));
            line.push(roman(format!("({section})")));
        }
        roff.control("SH", ["SEE ALSO"]).text(line);
        self.push(&roff);
        self
    }

    /// Writes the page below `directory`, as `manN/NAME.N`.
    pub(crate) fn write(&self, directory: &Path) -> Result<()> {
        let below = directory.join(format!("man{}", self.section));
        fs::create_dir_all(&below)?;
        let file = below.join(format!("{}.{}", self.name, self.section));
        // The first line asks man(1) for tbl(1). The rest keeps characters that programs use from being typeset.
        let text = settled(&self.text)
            .replace(r"\\", r"\(rs")
            .replace(WHOLE, r"\%")
            .replace('~', r"\(ti")
            .replace('^', r"\(ha")
            .replace('`', r"\(ga");
        let head = "'\\\" t\n.\\\" Made from the sources: do not edit.\n";
        fs::write(file, format!("{head}{}{text}", preamble()))?;
        Ok(())
    }

    fn push(&mut self, roff: &Roff) {
        self.text.push_str(&rendered(roff));
    }
}

/// A command's options as sections of a page, the groups below the first.
pub(crate) fn options(command: &Command) -> Result<String> {
    let mut out = Vec::new();
    let mut command = command.clone();
    if command
        .get_positionals()
        .any(|arg| arg.get_id() == "command")
    {
        // What stands before it is said in the synopsis alone otherwise.
        command = command.mut_arg("command", |arg| arg.value_name("-- COMMAND ..."));
    }
    Man::new(command).render_options_section(&mut out)?;
    let mut text = String::new();
    let rendered = String::from_utf8(out)?;
    for line in rendered.trim_start_matches(&preamble()).lines() {
        match line.strip_prefix(".SH ") {
            Some("OPTIONS") => text.push_str(".SH OPTIONS"),
            Some(group) => {
                text.push_str(".SS ");
                text.push_str(group);
            }
            None => text.push_str(line),
        }
        text.push('\n');
    }
    // One break, not an empty line, between what an option is for and its values.
    let text = text.replace(".br\n\n.br\n", ".br\n");
    let text = values_in_line(&text);
    // A paragraph of an option's, indented as the one before.
    let text = text.replace("\n\n", "\n.IP\n");
    Ok(text
        .replace(r" \-\-", &format!(r" {WHOLE}\-\-"))
        .replace(r"(\-\-", &format!(r"({WHOLE}\-\-")))
}

/// Values that say nothing but their names stand in one line, not in a list.
fn values_in_line(text: &str) -> String {
    const LIST: &str = "\\fIPossible values:\\fR\n.RS 14\n";
    const END: &str = ".RE\n";
    let mut parts = text.split(LIST);
    let mut out = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let (list, rest) = part.split_once(END).unwrap_or((part, ""));
        let values: Vec<_> = list.split(".IP \\(bu 2\n").map(str::trim_end).collect();
        if values.iter().any(|value| value.contains(' ')) {
            out.push_str(&format!("{LIST}{list}{END}"));
        } else {
            let names = values[1..].join(&format!(", {WHOLE}"));
            out.push_str(&format!("\\fIPossible values:\\fR {WHOLE}{names}\n"));
        }
        out.push_str(rest);
    }
    out
}

/// The day of the sources, which builds that are to be the same give (reproducible-builds' `SOURCE_DATE_EPOCH`), or
/// else today.
fn date() -> Result<String> {
    let now = match std::env::var("SOURCE_DATE_EPOCH") {
        Ok(seconds) => OffsetDateTime::from_unix_timestamp(seconds.parse()?)?,
        Err(_) => OffsetDateTime::now_utc(),
    };
    Ok(now.format(format_description!("[year]-[month]-[day]"))?)
}

/// A document as text, without the preamble that a page has once.
fn rendered(roff: &Roff) -> String {
    roff.render()[preamble().len()..].to_owned()
}

/// What lets apostrophes be apostrophes.
fn preamble() -> String {
    Roff::new().render()
}
