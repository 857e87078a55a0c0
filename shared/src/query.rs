// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users ask of the fields of events, whichever they are. Everything is checked against what is declared, before
//! anything is attached.

pub mod columns;
pub mod condition;
pub mod counts;
pub mod glob;

use crate::event::{Field, position};

/// Where the field of this name is, or of this header.
fn find(fields: &[Field], name: &str) -> Option<usize> {
    let is = |field: &Field| field.column.title.eq_ignore_ascii_case(name);
    position(fields, name).or_else(|| fields.iter().position(is))
}

/// That there is none, in words.
fn no_field(fields: &[Field], name: &str) -> String {
    let names: Vec<_> = fields.iter().map(|field| field.name).collect();
    format!(
        "no field is called '{name}'; the fields are {}",
        names.join(", ")
    )
}
