// SPDX-License-Identifier: MIT OR Apache-2.0
//! The definitions of events in the schema. What stands in a definition behind `additionalProperties` is not made: rules
//! between fields, which no declaration knows.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use tracewell_shared::event::{Field, Kind, Type};

use crate::Result;

/// The end of what is made of a definition.
const END: &str = "\n      \"additionalProperties\": false";

/// The schema with the definitions of these kinds, each by its name there, and references to them in `oneOf`.
pub(crate) fn with(text: &str, kinds: &BTreeMap<String, &Kind>) -> Result<String> {
    let mut text = referred(text, kinds)?;
    for (name, kind) in kinds {
        let head = format!("    \"{name}\": {{\n");
        let made = definition(kind);
        text = match text.split_once(&head) {
            Some((before, rest)) => {
                let (_, rules) = rest
                    .split_once(END)
                    .ok_or_else(|| format!("{name} has no {END}"))?;
                format!("{before}{head}{made}{END}{rules}")
            }
            None => {
                const NEXT: &str = "    \"lost\": {\n";
                let (before, rest) = text.split_once(NEXT).ok_or("there is no \"lost\"")?;
                format!("{before}{head}{made}{END}\n    }},\n{NEXT}{rest}")
            }
        };
    }
    Ok(text)
}

/// The references to the kinds, before those to what every tool writes.
fn referred(text: &str, kinds: &BTreeMap<String, &Kind>) -> Result<String> {
    const HEAD: &str = "  \"oneOf\": [\n";
    let reference = |name: &str| format!("    {{\"$ref\": \"#/$defs/{name}\"}}");
    let (before, rest) = text.split_once(HEAD).ok_or("there is no \"oneOf\"")?;
    let (_, after) = rest.split_once("\n  ],\n").ok_or("\"oneOf\" has no end")?;
    let names = kinds.keys().map(String::as_str).chain(["lost", "summary"]);
    let list: Vec<_> = names.map(reference).collect();
    Ok(format!("{before}{HEAD}{}\n  ],\n{after}", list.join(",\n")))
}

/// What stands between a definition's name and [`END`].
fn definition(kind: &Kind) -> String {
    let mut properties = vec![property(
        "event",
        &format!("\"const\": {}", json!(kind.name)),
        "The kind of object.",
    )];
    for field in kind.fields {
        properties.push(property(field.name, &of(field), &sentence(field)));
        if let Some(exact) = exact(field) {
            let name = format!("{}_b64", field.name);
            properties.push(property(&name, exact, &exact_sentence(field)));
        }
    }
    let names = ["event"]
        .into_iter()
        .chain(kind.fields.iter().map(|field| field.name));
    let required: Vec<_> = names
        .map(|name| format!("        {}", json!(name)))
        .collect();
    format!(
        "      \"description\": {},\n      \"type\": \"object\",\n      \"properties\": {{\n{}\n      }},\n      \"required\": \
         [\n{}\n      ],",
        json!(kind.meaning),
        properties.join(",\n"),
        required.join(",\n"),
    )
}

fn property(name: &str, of: &str, sentence: &str) -> String {
    format!(
        "        {}: {{\n          {of},\n          \"description\": {}\n        }}",
        json!(name),
        json!(sentence)
    )
}

/// What a field means, and when it is null.
fn sentence(field: &Field) -> String {
    match field.null {
        Some(when) => format!("{} null {when}.", field.meaning),
        None => field.meaning.to_owned(),
    }
}

/// The members of a field's schema.
fn of(field: &Field) -> String {
    let some = some(field);
    if !field.of.is_nullable() {
        return some;
    }
    match field.of.some() {
        Type::Bytes => r#""type": ["string", "null"]"#.to_owned(),
        Type::Bool => r#""type": ["boolean", "null"]"#.to_owned(),
        _ => format!("\"anyOf\": [{{{some}}}, {{\"type\": \"null\"}}]"),
    }
}

/// The same for a value that is there.
fn some(field: &Field) -> String {
    let reference = |name: &str| format!("\"$ref\": \"#/$defs/{name}\"");
    let list =
        |items: &str, more: &str| format!("\"type\": \"array\", \"items\": {{{items}}}{more}");
    match field.of.some() {
        Type::Number(least, most) => match (field.range, *least, *most) {
            (None, 0, most) if most == i128::from(u32::MAX) => reference("id"),
            (None, 0, most) if most == i128::from(u64::MAX) => reference("count"),
            (None, least, _) if least == i128::from(i32::MIN) => reference("int32"),
            (range, least, most) => {
                let (least, most) = range.unwrap_or((least, most));
                format!("\"type\": \"integer\", \"minimum\": {least}, \"maximum\": {most}")
            }
        },
        Type::Bool => r#""type": "boolean""#.to_owned(),
        Type::Time => reference("time"),
        Type::Bytes => r#""type": "string""#.to_owned(),
        Type::List => list(r#""type": ["string", "null"]"#, ""),
        Type::Numbers => list(&reference("id"), ""),
        Type::Text(pattern) => format!("\"type\": \"string\", \"pattern\": {}", json!(pattern)),
        Type::Address => r#""type": "string", "pattern": "^[0-9a-f:.]{2,45}$""#.to_owned(),
        Type::Word(words) => format!("\"enum\": {}", json!(words)),
        Type::Words { first: [], others } => list(
            &format!("\"enum\": {}", json!(others)),
            ", \"uniqueItems\": true",
        ),
        Type::Words { first, others } => format!(
            "\"type\": \"array\", \"prefixItems\": [{{\"enum\": {}}}], \"items\": {{\"enum\": {}}}, \"minItems\": 1, \
             \"uniqueItems\": true",
            json!(first),
            json!(others)
        ),
        Type::Texts(pattern) => list(
            &format!("\"type\": \"string\", \"pattern\": {}", json!(pattern)),
            "",
        ),
        Type::Frames(most) => list(&reference("frame"), &format!(", \"maxItems\": {most}")),
        Type::Buckets => list(&reference("bucket"), ", \"minItems\": 1"),
        Type::Fields => format!(
            "\"type\": \"object\", \"minProperties\": 1, \"propertyNames\": {{\"enum\": {}}}",
            json!(names())
        ),
        // There is none in what is there.
        Type::Maybe(_) => String::new(),
    }
}

/// Every field that an event of a tool has, and those beside it.
fn names() -> BTreeSet<String> {
    let traces = tracewell::TOOLS
        .iter()
        .filter_map(|tool| tool.trace.as_ref());
    let fields = traces
        .flat_map(|trace| trace.kinds)
        .flat_map(|kind| kind.fields);
    fields
        .flat_map(|field| {
            let beside = exact(field).map(|_| format!("{}_b64", field.name));
            [field.name.to_owned()].into_iter().chain(beside)
        })
        .collect()
}

/// What is said of the exact bytes of a field beside it; `None` for one that is no text from elsewhere.
fn exact(field: &Field) -> Option<&'static str> {
    match field.of.some() {
        Type::Bytes => Some("\"$ref\": \"#/$defs/b64\""),
        Type::List => Some("\"$ref\": \"#/$defs/list_b64\""),
        _ => None,
    }
}

fn exact_sentence(field: &Field) -> String {
    let name = field.name;
    match field.of.some() {
        Type::List => format!(
            "The exact bytes of every element of `{name}` in base64, null for null; only there where one is not UTF-8."
        ),
        _ => format!(
            "The exact bytes of `{name}` in base64; only there where they are not UTF-8, and `{name}` holds U+FFFD for what \
             is not."
        ),
    }
}
