// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is refused, and with which words. That what is generated is right is tried where it is used.

#![allow(clippy::unwrap_used, reason = "all of this is tests")]

use quote::ToTokens;
use syn::{DeriveInput, parse_quote};

use crate::{event, group, says, word};

#[track_caller]
fn refused(input: &DeriveInput, words: &str) {
    let error = event::expand(input).err().unwrap().to_string();
    assert!(error.contains(words), "{error}");
}

#[test]
fn a_field_says_what_it_is() {
    let input = parse_quote!(
        /// An open.
        #[event(kind = "open")]
        struct Open {
            fd: i32,
        }
    );
    refused(&input, "a doc comment");
}

#[test]
fn an_event_says_what_it_is() {
    refused(
        &parse_quote!(
            struct Open {}
        ),
        "kind",
    );
    refused(
        &parse_quote!(
            #[event(kind = "open")]
            struct Open {}
        ),
        "a doc comment",
    );
}

#[test]
fn what_is_not_known_is_refused() {
    let input = parse_quote!(
        /// An open.
        #[event(kind = "open")]
        struct Open {
            /// The descriptor.
            #[field(nul = "after a failure")]
            fd: i32,
        }
    );
    refused(&input, "not group, skip, null");
    refused(
        &parse_quote!(
            #[event(kinds = "open")]
            struct Open {}
        ),
        "not kind, of or failed",
    );
    refused(
        &parse_quote!(
            struct Open<T>(T);
        ),
        "only lifetimes",
    );
}

#[test]
fn a_kind_is_one_event() {
    let input = parse_quote!(
        #[event(of = Life)]
        enum Event {
            Exec(Exec, u32),
        }
    );
    refused(&input, "a kind is one event");
    refused(
        &parse_quote!(
            enum Event {
                Exec(Exec),
            }
        ),
        "of = TRACE",
    );
}

#[test]
fn only_the_first_paragraph_is_said_to_users() {
    let input: DeriveInput = parse_quote!(
        /// The first
        /// sentence.
        ///
        /// What only readers of the code want to know.
        struct Any;
    );
    assert_eq!(says::sentence(&input.attrs), "The first sentence.");
}

#[test]
fn lifetimes_are_fixed_wherever_they_stand() {
    let of = parse_quote!(Option<&'a Callers<'a>>);
    let expected: syn::Type = parse_quote!(Option<&'static Callers<'static>>);
    let text = |of: &syn::Type| of.to_token_stream().to_string();
    assert_eq!(text(&group::fixed(&of)), text(&expected));
}

#[test]
fn words_are_in_lower_case() {
    assert_eq!(word::word("StillOpen"), "still_open");
    assert!(
        word::expand(&parse_quote!(
            enum Op {
                Unlink(u8),
            }
        ))
        .is_err()
    );
}
