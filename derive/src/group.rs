// SPDX-License-Identifier: MIT OR Apache-2.0
//! A group of fields, from a struct.

use proc_macro2::TokenStream as Tokens;
use quote::{format_ident, quote};
use syn::{
    Data, DeriveInput, Error, Field, GenericArgument, GenericParam, PathArguments, Result, Type,
};

use crate::says::{Column, FieldSays, group_failed, sentence};

/// What is generated for each field, or group of fields, of a struct.
#[derive(Default)]
struct Parts {
    /// What is known of them: each a list.
    described: Vec<Tokens>,
    /// Gives them all.
    given: Vec<Tokens>,
    /// Gives the one of them whose number `index` has come down to.
    given_one: Vec<Tokens>,
    /// Shows that one.
    shown_one: Vec<Tokens>,
    /// The groups.
    groups: Vec<Tokens>,
    /// Whether there is a field `time`: when it happened, in every event that has it.
    time: bool,
}

/// `impl Group`.
pub(crate) fn expand(input: &DeriveInput) -> Result<Tokens> {
    no_types(input)?;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(input, "a group is a struct"));
    };
    let mut parts = Parts::default();
    for field in &data.fields {
        parts.add(field)?;
    }
    let Parts {
        described,
        given,
        given_one,
        shown_one,
        groups,
        time,
    } = parts;
    let time = if time {
        quote!(::core::option::Option::Some(self.time.boot_ns))
    } else {
        quote!(::core::option::Option::None #(.or_else(|| ::tracewell_shared::event::Group::time_ns(#groups)))*)
    };
    let failed = match group_failed(&input.attrs)? {
        Some(failed) => quote!(#failed(self)),
        None => quote!(false #(|| ::tracewell_shared::event::Group::failed(#groups))*),
    };
    let (name, (generics, arguments, bounds)) = (&input.ident, input.generics.split_for_impl());
    Ok(quote! {
        #[automatically_derived]
        impl #generics ::tracewell_shared::event::Group for #name #arguments #bounds {
            const FIELDS: &'static [::tracewell_shared::event::Field] = {
                const PARTS: &[&[::tracewell_shared::event::Field]] = &[#(#described),*];
                &::tracewell_shared::event::joined::<{ ::tracewell_shared::event::count(PARTS) }>(PARTS)
            };
            #[inline]
            fn give(&self, to: &mut dyn ::tracewell_shared::event::Fields) {
                #(#given)*
            }
            fn give_one(&self, mut index: usize, to: &mut dyn ::tracewell_shared::event::Fields) {
                #(#given_one)*
                _ = (index, to);
            }
            #[inline]
            fn show_one(&self, mut index: usize, cell: &mut ::tracewell_shared::event::Cell<'_>) {
                #(#shown_one)*
                _ = (index, cell);
            }
            #[inline]
            fn time_ns(&self) -> ::core::option::Option<u64> {
                #time
            }
            #[inline]
            fn failed(&self) -> bool { #failed }
        }
    })
}

impl Parts {
    fn add(&mut self, field: &Field) -> Result<()> {
        let says = FieldSays::of(field)?;
        if says.skip {
            return Ok(());
        }
        let ident = field
            .ident
            .as_ref()
            .ok_or_else(|| Error::new_spanned(field, "a field has a name"))?;
        let of = fixed(&field.ty);
        if says.group {
            self.add_group(&quote!(&self.#ident), &of);
            return Ok(());
        }
        let text = sentence(&field.attrs);
        if text.is_empty() {
            return Err(Error::new_spanned(
                field,
                "a field says what it is, in a doc comment",
            ));
        }
        let name = ident.to_string();
        self.time |= name == "time";
        let null = option(says.null.as_ref().map(|null| quote!(#null)));
        let range = option(
            says.range
                .as_ref()
                .map(|(least, most)| quote!((#least, #most))),
        );
        let column = option(says.column.as_ref().map(header));
        let title = name.to_uppercase();
        let described = quote!(::tracewell_shared::event::Field {
            null: #null, range: #range,
            ..::tracewell_shared::event::Field::of::<#of>(#name, #text)
        }.with_column(#title, #column).checked());
        let show = match (&says.show, &says.none) {
            (Some(_), Some(none)) => {
                return Err(Error::new_spanned(none, "`show` shows what is absent, too"));
            }
            (Some(show), None) => quote!(#show(&self.#ident, cell)),
            (None, Some(none)) => quote!(match &self.#ident {
                ::core::option::Option::Some(value) => ::tracewell_shared::event::Value::show(value, cell),
                ::core::option::Option::None => cell.text(#none),
            }),
            (None, None) => quote!(::tracewell_shared::event::Value::show(&self.#ident, cell)),
        };
        let give = quote!(::tracewell_shared::event::Value::give(&self.#ident, #name, to));
        match &says.truncated {
            None => {
                self.described.push(quote!(&[#described]));
                self.given.push(quote!(#give;));
                self.given_one
                    .push(quote!(if index == 0 { return #give; } index -= 1;));
                self.shown_one
                    .push(quote!(if index == 0 { return #show; } index -= 1;));
            }
            Some(meaning) => {
                let cut = format!("{name}_truncated");
                let cut_title = cut.to_uppercase();
                let truncated =
                    quote!(::tracewell_shared::event::Truncated::is_truncated(&self.#ident));
                self.described.push(quote!(&[#described,
                    ::tracewell_shared::event::Field::of::<bool>(#cut, #meaning)
                        .with_column(#cut_title, ::core::option::Option::None).checked()]));
                self.given.push(quote!(
                    ::tracewell_shared::event::Truncated::give_both(&self.#ident, [#name, #cut], to);));
                self.given_one.push(quote! {
                    if index == 0 { return #give; }
                    if index == 1 { return to.bool(#cut, #truncated); }
                    index -= 2;
                });
                self.shown_one.push(quote! {
                    if index == 0 { return #show; }
                    if index == 1 {
                        return ::tracewell_shared::event::Value::show(&#truncated, cell);
                    }
                    index -= 2;
                });
            }
        }
        Ok(())
    }

    fn add_group(&mut self, group: &Tokens, of: &Type) {
        let count = quote!(<#of as ::tracewell_shared::event::Group>::FIELDS.len());
        self.described
            .push(quote!(<#of as ::tracewell_shared::event::Group>::FIELDS));
        self.given
            .push(quote!(::tracewell_shared::event::Group::give(#group, to);));
        self.given_one.push(quote! {
            if index < #count { return ::tracewell_shared::event::Group::give_one(#group, index, to); }
            index -= #count;
        });
        self.shown_one.push(quote! {
            if index < #count { return ::tracewell_shared::event::Group::show_one(#group, index, cell); }
            index -= #count;
        });
        self.groups.push(group.clone());
    }
}

fn header(column: &Column) -> Tokens {
    let Column {
        header,
        width,
        right,
    } = column;
    quote!((#header, #width, #right))
}

/// `Some` of what is there, or `None`.
fn option(tokens: Option<Tokens>) -> Tokens {
    match tokens {
        Some(tokens) => quote!(::core::option::Option::Some(#tokens)),
        None => quote!(::core::option::Option::None),
    }
}

/// What is generated names the struct with no other arguments than lifetimes.
pub(crate) fn no_types(input: &DeriveInput) -> Result<()> {
    let mut params = input.generics.params.iter();
    match params.find(|param| !matches!(param, GenericParam::Lifetime(_))) {
        Some(param) => Err(Error::new_spanned(
            param,
            "only lifetimes can be parameters",
        )),
        None => Ok(()),
    }
}

/// The type with every lifetime `'static`: constants know no other.
pub(crate) fn fixed(of: &Type) -> Type {
    let mut fixed_type = of.clone();
    match &mut fixed_type {
        Type::Path(path) => {
            for segment in &mut path.path.segments {
                if let PathArguments::AngleBracketed(list) = &mut segment.arguments {
                    for argument in &mut list.args {
                        match argument {
                            GenericArgument::Lifetime(lifetime) => {
                                lifetime.ident = format_ident!("static");
                            }
                            GenericArgument::Type(inner) => *inner = fixed(inner),
                            _ => {}
                        }
                    }
                }
            }
        }
        Type::Reference(reference) => {
            if let Some(lifetime) = &mut reference.lifetime {
                lifetime.ident = format_ident!("static");
            }
            *reference.elem = fixed(&reference.elem);
        }
        _ => {}
    }
    fixed_type
}
