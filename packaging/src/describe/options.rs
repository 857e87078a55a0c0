// SPDX-License-Identifier: MIT OR Apache-2.0
//! The table of a command's options, as its help has them: between `<!-- options, made by make fmt -->` and
//! `<!-- end -->`.

use clap::{Arg, Command};

use crate::Result;

const MARK: &str = "<!-- options, made by make fmt -->\n";
const END: &str = "<!-- end -->\n";

/// The page with the table of the options of `command`, whose parser is built.
pub(crate) fn with(text: &str, command: &Command) -> Result<String> {
    let (before, rest) = text
        .split_once(MARK)
        .ok_or_else(|| format!("there is no {MARK}"))?;
    let (_, after) = rest
        .split_once(END)
        .ok_or_else(|| format!("there is no {END} behind {MARK}"))?;
    Ok(format!("{before}{MARK}\n{}\n{END}{after}", table(command)))
}

/// Those without a heading come first, then each heading where the help has it.
fn table(command: &Command) -> String {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    let mut shown: Vec<_> = shown.collect();
    // As the help has them: an option that a tool changes is at the end of the list otherwise. What stands behind `--` is the
    // last of all that is typed.
    shown.sort_by_key(|arg| (arg.is_last_set(), arg.get_display_order()));
    let mut headings = vec![None];
    for arg in &shown {
        let heading = arg.get_help_heading();
        if !headings.contains(&heading) {
            headings.push(heading);
        }
    }
    let mut table = "| option | |\n|---|---|\n".to_owned();
    for heading in headings {
        if let Some(heading) = heading {
            table.push_str(&format!("| **{heading}** | |\n"));
        }
        let of_heading = |arg: &&&Arg| arg.get_help_heading() == heading;
        table.extend(shown.iter().filter(of_heading).map(|arg| row(arg)));
    }
    table
}

fn row(arg: &Arg) -> String {
    format!(
        "| {} | {} |\n",
        names(arg),
        meaning(arg).replace('|', "\\|")
    )
}

/// What is typed.
fn names(arg: &Arg) -> String {
    let value = value(arg);
    if arg.is_positional() {
        let dashes = if arg.is_last_set() { "-- " } else { "" };
        return format!("`{dashes}{value}`");
    }
    let short = arg.get_short().map(|short| format!("`-{short}`"));
    let may_be_absent = arg
        .get_num_args()
        .is_some_and(|range| range.min_values() == 0);
    let value = match value.as_str() {
        "" => value,
        _ if may_be_absent => format!("[={value}]"),
        _ => format!(" {value}"),
    };
    let long = arg.get_long().map(|long| format!("`--{long}{value}`"));
    let names: Vec<_> = short.into_iter().chain(long).collect();
    names.join(", ")
}

/// The name of its value; nothing for one that takes none.
fn value(arg: &Arg) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let names = arg.get_value_names().unwrap_or_default();
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let many = arg.is_positional()
        && arg
            .get_num_args()
            .is_some_and(|range| range.max_values() > 1);
    format!("{}{}", names.join(" "), if many { " ..." } else { "" })
}

/// All that the long help says of it, in one line; what it can be stands behind the first paragraph.
fn meaning(arg: &Arg) -> String {
    let help = arg.get_long_help().or_else(|| arg.get_help());
    let help = help.map(ToString::to_string).unwrap_or_default();
    let mut paragraphs = help.split("\n\n").map(sentence);
    let first = paragraphs.next().unwrap_or_default();
    let more: Vec<_> = paragraphs.collect();
    let mut text = format!("{first}{}", values(arg, &first));
    if !more.is_empty() {
        text = format!("{}. {}", text.trim_end_matches('.'), more.join(" "));
    }
    text
}

/// A paragraph in one line, its options as code.
fn sentence(paragraph: &str) -> String {
    let words = paragraph.split_whitespace().map(|word| {
        let end = word.trim_end_matches([',', ';', '.', ')', ':']);
        let option = end.trim_matches('\'');
        if option.starts_with('-') && option.len() > 1 {
            format!("`{option}`{}", &word[end.len()..])
        } else {
            word.to_owned()
        }
    });
    words.collect::<Vec<_>>().join(" ")
}

/// What it can be, and is where nobody says.
fn values(arg: &Arg, help: &str) -> String {
    if !arg.get_action().takes_values() {
        return String::new();
    }
    let default = arg.get_default_values().first();
    let default = default.map(|value| value.to_string_lossy());
    let named = |name: &str| match &default {
        Some(default) if default == name => format!("`{name}` (default)"),
        _ => format!("`{name}`"),
    };
    let values = arg.get_possible_values();
    let shown = values.iter().filter(|value| !value.is_hide_set());
    let names: Vec<_> = shown.map(|value| named(value.get_name())).collect();
    match default {
        _ if !names.is_empty() => {
            let lead = if help.contains(':') { "; one of" } else { ":" };
            format!("{lead} {}", names.join(", "))
        }
        Some(default) => format!("; `{default}` by default"),
        None => String::new(),
    }
}
