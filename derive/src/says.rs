// SPDX-License-Identifier: MIT OR Apache-2.0
//! What attributes and doc comments say.

use syn::meta::ParseNestedMeta;
use syn::{Attribute, Expr, ExprLit, Field, Lit, LitInt, LitStr, Meta, Path, Result, Token, Type};

/// A column: its header, how wide it is, and whether values stand at the right.
pub(crate) struct Column {
    pub(crate) header: LitStr,
    pub(crate) width: LitInt,
    pub(crate) right: bool,
}

/// What `#[field(...)]` says.
#[derive(Default)]
pub(crate) struct FieldSays {
    pub(crate) group: bool,
    pub(crate) skip: bool,
    pub(crate) null: Option<LitStr>,
    pub(crate) truncated: Option<LitStr>,
    pub(crate) range: Option<(Expr, Expr)>,
    pub(crate) column: Option<Column>,
    pub(crate) none: Option<LitStr>,
    pub(crate) show: Option<Path>,
}

impl FieldSays {
    pub(crate) fn of(field: &Field) -> Result<Self> {
        let mut says = Self::default();
        each(&field.attrs, "field", |name, meta| {
            match name {
                "group" => says.group = true,
                "skip" => says.skip = true,
                "null" => says.null = Some(meta.value()?.parse()?),
                "truncated" => says.truncated = Some(meta.value()?.parse()?),
                "range" => says.range = Some(pair(meta)?),
                "left" | "right" => {
                    let (header, width) = pair(meta)?;
                    let right = name == "right";
                    says.column = Some(Column {
                        header,
                        width,
                        right,
                    });
                }
                "none" => says.none = Some(meta.value()?.parse()?),
                "show" => says.show = Some(meta.value()?.parse()?),
                _ => {
                    return Err(meta.error(
                        "not group, skip, null, truncated, range, left, right, none or show",
                    ));
                }
            }
            Ok(())
        })?;
        Ok(says)
    }
}

/// What `#[event(...)]` says.
#[derive(Default)]
pub(crate) struct EventSays {
    pub(crate) kind: Option<LitStr>,
    pub(crate) of: Option<Type>,
    pub(crate) failed: Option<Path>,
}

impl EventSays {
    pub(crate) fn of(attributes: &[Attribute]) -> Result<Self> {
        let mut says = Self::default();
        each(attributes, "event", |name, meta| {
            match name {
                "kind" => says.kind = Some(meta.value()?.parse()?),
                "of" => says.of = Some(meta.value()?.parse()?),
                "failed" => says.failed = Some(meta.value()?.parse()?),
                _ => return Err(meta.error("not kind, of or failed")),
            }
            Ok(())
        })?;
        Ok(says)
    }
}

/// The method that `#[group(failed = ...)]` names.
pub(crate) fn group_failed(attributes: &[Attribute]) -> Result<Option<Path>> {
    let mut failed = None;
    each(attributes, "group", |name, meta| match name {
        "failed" => {
            failed = Some(meta.value()?.parse()?);
            Ok(())
        }
        _ => Err(meta.error("not failed")),
    })?;
    Ok(failed)
}

/// The first paragraph of the doc comment, as one line.
pub(crate) fn sentence(attributes: &[Attribute]) -> String {
    let lines = attributes
        .iter()
        .filter_map(|attribute| match &attribute.meta {
            Meta::NameValue(pair) if pair.path.is_ident("doc") => match &pair.value {
                Expr::Lit(ExprLit {
                    lit: Lit::Str(text),
                    ..
                }) => Some(text.value().trim().to_owned()),
                _ => None,
            },
            _ => None,
        });
    let paragraph: Vec<_> = lines.take_while(|line| !line.is_empty()).collect();
    paragraph.join(" ")
}

/// Goes through what the attributes of this name say.
fn each(
    attributes: &[Attribute],
    name: &str,
    mut take: impl FnMut(&str, &ParseNestedMeta<'_>) -> Result<()>,
) -> Result<()> {
    for attribute in attributes
        .iter()
        .filter(|attribute| attribute.path().is_ident(name))
    {
        attribute.parse_nested_meta(|meta| {
            let said = meta.path.require_ident()?.to_string();
            take(&said, &meta)
        })?;
    }
    Ok(())
}

/// Two values in parentheses.
fn pair<A: syn::parse::Parse, B: syn::parse::Parse>(meta: &ParseNestedMeta<'_>) -> Result<(A, B)> {
    let inside;
    syn::parenthesized!(inside in meta.input);
    let first = inside.parse()?;
    inside.parse::<Token![,]>()?;
    Ok((first, inside.parse()?))
}
