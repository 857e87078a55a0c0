// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tables of fields in a page: between `<!-- fields of KIND -->` and `<!-- end -->`.

use tracewell_shared::event::{Field, Kind, Type};

use crate::Result;

const END: &str = "<!-- end -->\n";

/// The page with the tables of these kinds.
pub(crate) fn with(text: &str, kinds: &[&'static Kind]) -> Result<String> {
    let mut text = text.to_owned();
    for kind in kinds {
        let mark = format!("<!-- fields of {}, made by make fmt -->\n", kind.name);
        let (before, rest) = text
            .split_once(&mark)
            .ok_or_else(|| format!("there is no {mark}"))?;
        let (_, after) = rest
            .split_once(END)
            .ok_or_else(|| format!("there is no {END} behind {mark}"))?;
        text = format!("{before}{mark}\n{}\n{END}{after}", table(kind));
    }
    Ok(text)
}

fn table(kind: &Kind) -> String {
    let rows = kind.fields.iter().map(row);
    format!(
        "| field | type | null |\n|---|---|---|\n{}",
        rows.collect::<String>()
    )
}

fn row(field: &Field) -> String {
    let unit = field
        .unit
        .map_or(String::new(), |unit| format!(" ({unit})"));
    let null = field.null.unwrap_or_default();
    let cell = |text: &str| text.replace('|', "\\|");
    format!(
        "| `{}` | {}{unit}: {} | {} |\n",
        field.name,
        word(&field.of),
        cell(&phrase(field.meaning)),
        cell(null),
    )
}

/// A sentence as a part of another: several stay as they are.
fn phrase(sentence: &str) -> String {
    let rest = sentence.strip_suffix('.').unwrap_or(sentence);
    let text = if rest.contains(". ") { sentence } else { rest };
    let mut letters = text.chars();
    let first = letters.next();
    let second = letters.clone().next();
    match first {
        // Not of a name.
        Some(first) if second.is_none_or(|second| !second.is_uppercase()) => {
            first.to_lowercase().chain(letters).collect()
        }
        _ => text.to_owned(),
    }
}

/// What JSON has for it.
fn word(of: &Type) -> &'static str {
    match of.some() {
        Type::Number(..) => "number",
        Type::Bool => "boolean",
        Type::Time => "string, RFC 3339 in UTC with nanoseconds",
        Type::Bytes | Type::Text(_) | Type::Word(_) => "string",
        Type::Address => "string, an address of IPv4 or IPv6",
        Type::List => "list of strings",
        Type::Numbers => "list of numbers",
        Type::Words { .. } | Type::Texts(_) => "list of names",
        Type::Frames(_) => "list of objects: `address`, `symbol`, `offset`, `module`",
        Type::Buckets => "list of objects: `low`, `high`, `count`",
        Type::Fields => "object of fields",
        Type::Maybe(_) => "",
    }
}
