// SPDX-License-Identifier: MIT OR Apache-2.0
//! An event, from a struct or from an enum of events.

use proc_macro2::TokenStream as Tokens;
use quote::quote;
use syn::{Data, DeriveInput, Error, GenericParam, Generics, Ident, Result, Type};

use crate::says::{EventSays, sentence};
use crate::{group, kinds};

/// `impl Event`, and what stands with it.
pub(crate) fn expand(input: &DeriveInput) -> Result<Tokens> {
    group::no_types(input)?;
    let says = EventSays::of(&input.attrs)?;
    if let Data::Enum(data) = &input.data {
        return kinds::expand(input, data, &says);
    }
    let grouped = group::expand(input)?;
    let kind = says.kind.ok_or_else(|| {
        Error::new_spanned(
            &input.ident,
            "#[event(kind = \"...\", of = TRACE)] says what it is",
        )
    })?;
    let about = sentence(&input.attrs);
    if about.is_empty() {
        return Err(Error::new_spanned(
            &input.ident,
            "an event says what it is, in a doc comment",
        ));
    }
    let family = says.of.map(|of| family(&input.ident, &input.generics, &of));
    let failed = match says.failed {
        Some(failed) => quote!(#failed(self)),
        None => quote!(::tracewell_shared::event::Group::failed(self)),
    };
    let (name, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    Ok(quote! {
        #grouped
        #[automatically_derived]
        impl #generics ::tracewell_shared::event::Event for #name #arguments #bounds {
            const FIELDS: &'static [::tracewell_shared::event::Field] =
                <Self as ::tracewell_shared::event::Group>::FIELDS;
            const KINDS: &'static [::tracewell_shared::event::Kind] = &[::tracewell_shared::event::Kind {
                name: #kind, meaning: #about, fields: <Self as ::tracewell_shared::event::Group>::FIELDS,
            }];
            #[inline]
            fn kind(&self) -> &'static str { #kind }
            #[inline]
            fn time_ns(&self) -> u64 {
                ::tracewell_shared::event::Group::time_ns(self).unwrap_or_default()
            }
            #[inline]
            fn failed(&self) -> bool { #failed }
            #[inline]
            fn fields(&self, to: &mut dyn ::tracewell_shared::event::Fields) {
                ::tracewell_shared::event::Group::give(self, to);
            }
            #[inline]
            fn field(&self, index: usize, to: &mut dyn ::tracewell_shared::event::Fields) {
                ::tracewell_shared::event::Group::give_one(self, index, to);
            }
            #[inline]
            fn show(&self, index: usize, cell: &mut ::tracewell_shared::event::Cell<'_>) {
                ::tracewell_shared::event::Group::show_one(self, index, cell);
            }
        }
        #family
    })
}

/// Says of the trace which events it has.
pub(crate) fn family(name: &Ident, generics: &Generics, of: &Type) -> Tokens {
    let arguments = generics.params.iter().map(|param| match param {
        GenericParam::Lifetime(_) => quote!('e),
        other => quote!(#other),
    });
    quote! {
        #[automatically_derived]
        impl ::tracewell_shared::event::EventFamily for #of {
            type Event<'e> = #name<#(#arguments),*>;
        }
    }
}
