// SPDX-License-Identifier: MIT OR Apache-2.0
//! The object's own types in Rust: those of its variables, and those that a variable called `unused_NAME` points to.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::btf::{Btf, ENCODED_BOOL, ENCODED_SIGNED, Id, Kind, Member};

/// What a variable is called that has its type be in the object, and is nothing else.
const UNUSED: &str = "unused_";

/// The sections of data that are no variables of a program's.
const NO_VARIABLES: [&str; 4] = [".maps", ".kconfig", ".ksyms", "license"];

/// A declaration of each type, and of each section of variables. With `knobs`, Rust is told which section of constants a
/// type is that of, so that they can be set before the object is loaded.
///
/// # Errors
///
/// For a type that Rust would lay out in another way, or that has no name.
pub(crate) fn types(btf: &Btf, knobs: bool) -> Result<String, String> {
    let mut types = Types {
        btf,
        knobs,
        seen: BTreeSet::new(),
        text: String::new(),
    };
    for one in &btf.types {
        if let Kind::Section { bytes, variables } = &one.kind
            && !NO_VARIABLES.contains(&one.name.as_str())
        {
            types.section(&one.name, *bytes, variables)?;
        }
    }
    Ok(types.text)
}

struct Types<'a> {
    btf: &'a Btf,
    knobs: bool,
    seen: BTreeSet<Id>,
    text: String,
}

/// A type's name in Rust, and what is known of it.
struct Named {
    name: String,
    bytes: u32,
    align: u32,
    /// Any bytes are a value.
    any: bool,
}

impl Types<'_> {
    fn section(
        &mut self,
        name: &str,
        bytes: u32,
        variables: &[(Id, u32, u32)],
    ) -> Result<(), String> {
        let mut members = Vec::new();
        for (variable, at, _) in variables {
            let found = self.btf.get(*variable);
            let Some((Kind::Variable { of, .. }, found)) = found.map(|found| (&found.kind, found))
            else {
                return Err(format!("a variable of {name} is none"));
            };
            match self.btf.get(*of).map(|found| &found.kind) {
                Some(Kind::Pointer(to)) if found.name.starts_with(UNUSED) => {
                    self.named(*to)?;
                }
                _ => members.push(Member {
                    name: found.name.clone(),
                    of: *of,
                    place: at * 8,
                }),
            }
        }
        if members.is_empty() {
            return Ok(());
        }
        let rust = name.trim_start_matches('.').replace('.', "_");
        self.structure(&rust, bytes, &members)?;
        if self.knobs && name.starts_with(".rodata") {
            let _ = write!(
                self.text,
                "// SAFETY: the section's layout, which is asserted; its bytes are values, as the compiler put them there.\n\
                 unsafe impl ::tracewell_shared::trace::object::Knobs for {rust} {{\n    \
                 const SECTION: &'static str = {name:?};\n}}\n"
            );
        }
        Ok(())
    }

    /// Declares a type, unless that was done.
    fn named(&mut self, id: Id) -> Result<Named, String> {
        let id = self.btf.plain(id);
        let found = self.btf.get(id).ok_or(format!("there is no type {id}"))?;
        let named = |name: &str, bytes, align, any| {
            Ok(Named {
                name: name.to_owned(),
                bytes,
                align,
                any,
            })
        };
        match &found.kind {
            Kind::Integer(bytes, encoding) if encoding & ENCODED_BOOL != 0 => {
                named("bool", *bytes, *bytes, false)
            }
            Kind::Integer(bytes, encoding) => {
                let sign = if encoding & ENCODED_SIGNED != 0 {
                    'i'
                } else {
                    'u'
                };
                named(&format!("{sign}{}", bytes * 8), *bytes, *bytes, true)
            }
            Kind::Pointer(_) => named("*mut ::std::ffi::c_void", 8, 8, false),
            Kind::Array { element, count, .. } => {
                let of = self.named(*element)?;
                let name = format!("[{}; {count}]", of.name);
                named(&name, of.bytes * count, of.align, of.any)
            }
            _ if found.name.is_empty() => Err("a type of the object's own has no name".into()),
            Kind::Enumeration { bytes, values, .. } => {
                if self.seen.insert(id) {
                    self.enumeration(&found.name, *bytes, values);
                }
                named(&found.name, *bytes, *bytes, true)
            }
            Kind::Composite {
                union: false,
                bytes,
                members,
            } => {
                let (align, any) = if self.seen.insert(id) {
                    self.structure(&found.name, *bytes, members)?
                } else {
                    self.known(members)?
                };
                named(&found.name, *bytes, align, any)
            }
            _ => Err(format!("{}: no structure, integer or array", found.name)),
        }
    }

    /// Alignment and whether any bytes are a value, of what is declared.
    fn known(&mut self, members: &[Member]) -> Result<(u32, bool), String> {
        let (mut align, mut any) = (1, true);
        for member in members {
            let of = self.named(member.of)?;
            align = align.max(of.align);
            any &= of.any;
        }
        Ok((align, any))
    }

    fn enumeration(&mut self, name: &str, bytes: u32, values: &[(String, u64)]) {
        let bits = bytes * 8;
        let mut text = format!(
            "#[derive(Debug, Clone, Copy, PartialEq, Eq)]\n#[repr(transparent)]\npub struct {name}(pub u{bits});\n\
             impl {name} {{\n"
        );
        for (value, number) in values {
            let number = number & (u64::MAX >> (64 - bits));
            let _ = writeln!(text, "    pub const {value}: Self = Self({number});");
        }
        text.push_str("}\n");
        self.text.push_str(&text);
        self.plain(name);
    }

    /// Declares a structure; its alignment, and whether any bytes are a value.
    fn structure(
        &mut self,
        name: &str,
        bytes: u32,
        members: &[Member],
    ) -> Result<(u32, bool), String> {
        let mut text = format!("#[derive(Debug, Clone, Copy)]\n#[repr(C)]\npub struct {name} {{\n");
        let mut asserts = String::new();
        let (mut end, mut gaps, mut align, mut any) = (0, 0, 1, true);
        let mut pad = |text: &mut String, from: u32, to: u32| {
            if to > from {
                gaps += 1;
                let _ = writeln!(text, "    pub __pad_{gaps}: [u8; {}],", to - from);
            }
        };
        for member in members {
            let of = self.named(member.of)?;
            if member.name.is_empty() || member.place % 8 != 0 {
                return Err(format!("{name} has a member without a name, or of bits"));
            }
            let at = member.place / 8;
            pad(&mut text, end, at);
            let field = field(&member.name);
            let _ = writeln!(text, "    pub {field}: {},", of.name);
            let _ = writeln!(
                asserts,
                "const _: () = assert!(::std::mem::offset_of!({name}, {field}) == {at});"
            );
            end = at + of.bytes;
            align = align.max(of.align);
            any &= of.any;
        }
        // A section ends with its last variable.
        let bytes = bytes.next_multiple_of(align);
        pad(&mut text, end, bytes);
        let _ = writeln!(
            asserts,
            "const _: () = assert!(size_of::<{name}>() == {bytes});"
        );
        text.push_str("}\n");
        self.text.push_str(&text);
        self.text.push_str(&asserts);
        if any {
            self.plain(name);
        }
        Ok((align, any))
    }

    /// Says that any bytes are a value of the type.
    fn plain(&mut self, name: &str) {
        let plain = if self.knobs {
            "::tracewell_shared::trace::object::Plain"
        } else {
            "::plain::Plain"
        };
        let _ = write!(
            self.text,
            "// SAFETY: integers and arrays of them, without gaps: its layout is asserted.\n\
             unsafe impl {plain} for {name} {{}}\n\
             impl Default for {name} {{\n    fn default() -> Self {{\n        \
             // SAFETY: as above.\n        unsafe {{ ::std::mem::zeroed() }}\n    }}\n}}\n"
        );
    }
}

/// A member's name, where Rust has another use for it.
fn field(name: &str) -> String {
    const TAKEN: [&str; 6] = ["type", "in", "ref", "mod", "move", "match"];
    if TAKEN.contains(&name) {
        format!("r#{name}")
    } else {
        name.to_owned()
    }
}
