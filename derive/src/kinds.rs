// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several kinds of events, from an enum.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{DataEnum, DeriveInput, Error, Fields, Ident, Result, Type, Variant};

use crate::event::family;
use crate::group::fixed;
use crate::says::EventSays;

/// `impl Event` for an enum whose variants have an event each. Its fields are those of all, each once.
pub(crate) fn expand(input: &DeriveInput, data: &DataEnum, says: &EventSays) -> Result<Tokens> {
    if let Some(kind) = &says.kind {
        return Err(Error::new_spanned(
            kind,
            "each of the events says its own kind",
        ));
    }
    let of = says.of.as_ref().ok_or_else(|| {
        Error::new_spanned(&input.ident, "#[event(of = TRACE)] says what it comes from")
    })?;
    let mut variants = Vec::new();
    for variant in &data.variants {
        variants.push(one(variant)?);
    }
    let (idents, types): (Vec<&Ident>, Vec<Type>) = variants.into_iter().unzip();
    let fields: Vec<_> = types
        .iter()
        .map(|of| quote!(<#of as ::tracewell_shared::event::Event>::FIELDS))
        .collect();
    let kinds = types
        .iter()
        .map(|of| quote!(<#of as ::tracewell_shared::event::Event>::KINDS));
    let statics = input.generics.params.iter().map(|_| quote!('static));
    let (name, whole) = (&input.ident, quote!(<#(#statics),*>));
    // Where each field of all is in those of one event.
    let places: Vec<_> = fields
        .iter()
        .map(|fields| {
            quote! {
                const ALL: &[::tracewell_shared::event::Field] =
                    <#name #whole as ::tracewell_shared::event::Event>::FIELDS;
                const PLACES: [::core::option::Option<usize>; ALL.len()] =
                    ::tracewell_shared::event::places(ALL, #fields);
            }
        })
        .collect();
    let family = family(&input.ident, &input.generics, of);
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::tracewell_shared::event::Event for #name #arguments #bounds {
            const FIELDS: &'static [::tracewell_shared::event::Field] = {
                const PARTS: &[&[::tracewell_shared::event::Field]] = &[#(#fields),*];
                &::tracewell_shared::event::united::<{ ::tracewell_shared::event::count_united(PARTS) }>(PARTS)
            };
            const KINDS: &'static [::tracewell_shared::event::Kind] = {
                const PARTS: &[&[::tracewell_shared::event::Kind]] = &[#(#kinds),*];
                &::tracewell_shared::event::firsts::<{ PARTS.len() }>(PARTS)
            };
            fn kind(&self) -> &'static str {
                match self { #(Self::#idents(event) => ::tracewell_shared::event::Event::kind(event),)* }
            }
            fn time_ns(&self) -> u64 {
                match self { #(Self::#idents(event) => ::tracewell_shared::event::Event::time_ns(event),)* }
            }
            fn failed(&self) -> bool {
                match self { #(Self::#idents(event) => ::tracewell_shared::event::Event::failed(event),)* }
            }
            fn fields(&self, to: &mut dyn ::tracewell_shared::event::Fields) {
                match self { #(Self::#idents(event) => ::tracewell_shared::event::Event::fields(event, to),)* }
            }
            fn field(&self, index: usize, to: &mut dyn ::tracewell_shared::event::Fields) {
                match self { #(Self::#idents(event) => {
                    #places
                    match PLACES[index] {
                        ::core::option::Option::Some(place) =>
                            ::tracewell_shared::event::Event::field(event, place, to),
                        ::core::option::Option::None => to.absent(ALL[index].name),
                    }
                })* }
            }
            fn show(&self, index: usize, cell: &mut ::tracewell_shared::event::Cell<'_>) {
                match self { #(Self::#idents(event) => {
                    #places
                    match PLACES[index] {
                        ::core::option::Option::Some(place) =>
                            ::tracewell_shared::event::Event::show(event, place, cell),
                        ::core::option::Option::None => cell.text("-"),
                    }
                })* }
            }
        }
        #family
    })
}

/// The name of a variant, and the type of the event that it has.
fn one(variant: &Variant) -> Result<(&Ident, Type)> {
    match &variant.fields {
        Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
            Ok((&variant.ident, fixed(&fields.unnamed[0].ty)))
        }
        _ => Err(Error::new_spanned(
            variant,
            "a kind is one event: `Exec(Exec<'a>)`",
        )),
    }
}
