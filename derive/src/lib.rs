// SPDX-License-Identifier: MIT OR Apache-2.0
//! The declaration of events: a struct says once what its fields are called, what they mean and how they are shown, and
//! JSON, CSV, the table, the schema and the tables of the documentation follow.
//!
//! The doc comment of a field is the sentence that users read: its first paragraph is what the schema and the pages
//! say. Code is generated in a straight line, as one would write it by hand, so that an event costs no more. What
//! `tracewell_shared::event` says of `Group`, `Event` and `Word` is what is derived here.

mod event;
mod group;
mod kinds;
mod says;
mod word;

#[cfg(test)]
mod tests;

use proc_macro::TokenStream;
use syn::{DeriveInput, Error, parse_macro_input};

/// Fields that stand together in any number of events.
///
/// `#[field(...)]` says of a field:
///
/// - `group`: it is a group itself, whose fields stand in its place;
/// - `skip`: it is not told;
/// - `null = "when it is absent"`, for a type that can be;
/// - `truncated = "What it means."`: behind it stands `NAME_truncated`, since a value of its type may be cut;
/// - `range(0, 4095)`: the numbers that it can be, where the type has more;
/// - `left("HEADER", 16)` or `right("HEADER", 7)`: its column, the side of it, and the width;
/// - `none = "-1"`: what a table shows for `None`, instead of `-`;
/// - `show = function`: what writes it into a cell, instead of its type.
///
/// `#[group(failed = method)]` says whether what the group tells is a failure.
#[proc_macro_derive(Group, attributes(field, group))]
pub fn derive_group(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    group::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// An event: `#[event(kind = "open", of = Opens)]` on a struct, whose fields are declared as those of a `Group`. `of` is
/// the trace that it comes from, and `failed = method` says whether it is a failure, where no group of it does.
///
/// For a trace with several kinds of events, an enum of such structs: `#[event(of = Life)]`, each variant with one
/// event, whose struct has no `of`.
#[proc_macro_derive(Event, attributes(event, field, group))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    event::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}

/// One of several words: an enum without fields, whose variants are called in lower case, with `_` between words.
#[proc_macro_derive(Word)]
pub fn derive_word(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    word::expand(&input)
        .unwrap_or_else(Error::into_compile_error)
        .into()
}
