// SPDX-License-Identifier: MIT OR Apache-2.0
//! A word of several, from an enum.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, Result};

/// `impl Word`.
pub(crate) fn expand(input: &DeriveInput) -> Result<Tokens> {
    let Data::Enum(data) = &input.data else {
        return Err(Error::new_spanned(
            input,
            "a word is one variant of an enum",
        ));
    };
    if let Some(variant) = data
        .variants
        .iter()
        .find(|variant| !matches!(variant.fields, Fields::Unit))
    {
        return Err(Error::new_spanned(variant, "a word has no fields"));
    }
    let idents: Vec<_> = data.variants.iter().map(|variant| &variant.ident).collect();
    let words: Vec<_> = idents
        .iter()
        .map(|ident| word(&ident.to_string()))
        .collect();
    let (name, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::tracewell_shared::event::Word for #name #arguments #bounds {
            const ALL: &'static [Self] = &[#(Self::#idents),*];
            const WORDS: &'static [&'static str] = &[#(#words),*];
            #[inline]
            fn word(&self) -> &'static str {
                match self { #(Self::#idents => #words,)* }
            }
        }
    })
}

/// `StillOpen` as `still_open`.
pub(crate) fn word(variant: &str) -> String {
    let mut word = String::new();
    for letter in variant.chars() {
        if letter.is_uppercase() && !word.is_empty() {
            word.push('_');
        }
        word.extend(letter.to_lowercase());
    }
    word
}
