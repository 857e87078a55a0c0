// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool's crate includes: the object's own types, and the object with what each of its programs hooks and uses.

use std::error::Error;
use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use object::read::elf::ElfFile64;
use object::{Endianness, Object as _, ObjectSection as _};

use crate::btf::Btf;
use crate::relocations::{self, Use};
use crate::types;

/// Generated code keeps no house rules.
const HEAD: &str = r#"
#[allow(
    clippy::all,
    clippy::pedantic,
    clippy::restriction,
    dead_code,
    missing_docs,
    non_camel_case_types,
    non_upper_case_globals,
    unreachable_pub,
    unused_qualifications,
    reason = "generated"
)]
mod skel {
"#;

/// The object of this length, compressed.
pub(crate) fn packed(object: &[u8]) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::best());
    packer.write_all(object)?;
    Ok(packer.finish()?)
}

/// Of an object that is never loaded.
pub(crate) fn of_types(object: &[u8]) -> Result<String, Box<dyn Error>> {
    let types = types::types(&btf(object)?, false)?;
    Ok(format!("{HEAD}pub mod types {{\n{types}}}\n}}\n"))
}

/// Of a tool's object, which lies compressed in the file `packed` beside this text, and has so many bytes then.
pub(crate) fn of_tool(object: &[u8], packed: &str, bytes: usize) -> Result<String, Box<dyn Error>> {
    let types = types::types(&btf(object)?, true)?;
    let mut programs = String::new();
    for Use {
        program,
        section,
        types,
        maps,
    } in relocations::uses(object)?
    {
        let types: Vec<_> = types.into_iter().collect();
        let maps: Vec<_> = maps.into_iter().collect();
        let _ = writeln!(
            programs,
            "    Program {{ name: {program:?}, section: {section:?}, types: &{types:?}, maps: &{maps:?} }},"
        );
    }
    Ok(format!(
        "{HEAD}pub mod types {{\n{types}}}\n\
         use ::tracewell_shared::trace::object::{{Object, Program}};\n\
         pub static OBJECT: Object = Object {{\n    \
         packed: include_bytes!(concat!(env!(\"OUT_DIR\"), \"/{packed}\")),\n    \
         bytes: {bytes},\n    \
         programs: &[\n{programs}],\n}};\n}}\n"
    ))
}

fn btf(object: &[u8]) -> Result<Btf, Box<dyn Error>> {
    let file = ElfFile64::<Endianness>::parse(object)?;
    let section = file
        .section_by_name(".BTF")
        .ok_or("the object has no .BTF")?;
    let btf = Btf::parse(section.data()?, file.endianness());
    Ok(btf.ok_or("the section .BTF is cut, or newer than this")?)
}
