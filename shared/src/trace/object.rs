// SPDX-License-Identifier: MIT OR Apache-2.0
//! A tool's BPF object, as its build script made it: compressed, with what each of its programs hooks and uses.

use std::ffi::CStr;
use std::io::Read as _;
use std::os::unix::ffi::OsStrExt;

use flate2::read::DeflateDecoder;
use libbpf_rs::{ObjectBuilder, OpenMapMut, OpenObject};
/// What the build says of types whose values are any bytes.
pub use plain::Plain;

use crate::error::{Error, Kind, Result};
use crate::kernel::minimal_btf::Named;
use crate::trace::session::bpf_error;

/// The object. `tracewell_bpf::build` writes it.
#[derive(Debug)]
pub struct Object {
    /// The ELF file, deflated.
    pub packed: &'static [u8],
    /// How many bytes that file has.
    pub bytes: usize,
    /// All programs, in the order of their names.
    pub programs: &'static [Program],
}

/// A program of an object.
#[derive(Debug, Clone, Copy)]
pub struct Program {
    /// What it is called.
    pub name: &'static str,
    /// Its ELF section, which says what it hooks.
    pub section: &'static str,
    /// The kernel's types that it names, in functions that it calls too.
    pub types: &'static Named,
    /// The maps that it names, in functions that it calls too.
    pub maps: &'static [&'static str],
}

impl Object {
    /// The program of this name.
    pub fn program(&self, name: &str) -> Option<&'static Program> {
        self.programs.iter().find(|program| program.name == name)
    }

    /// The ELF section of the program of this name.
    pub fn section(&self, program: &str) -> Option<&'static str> {
        self.program(program).map(|program| program.section)
    }

    /// Opens it under this name. `btf` is the file with the kernel's types; libbpf finds it itself where none is named.
    ///
    /// # Errors
    ///
    /// When libbpf refuses it, or there is no memory for it.
    pub fn open(&self, name: &str, btf: Option<&CStr>) -> Result<OpenObject> {
        let refused = |error| bpf_error("cannot open the BPF object", &error);
        let mut object = Vec::with_capacity(self.bytes);
        DeflateDecoder::new(self.packed)
            .read_to_end(&mut object)
            .map_err(|error| Error::new(Kind::Bpf, format!("the BPF object is cut: {error}")))?;
        let mut builder = ObjectBuilder::default();
        builder.name(name).map_err(refused)?;
        if let Some(path) = btf.and_then(|path| path.to_str().ok()) {
            builder.btf_custom_path(path).map_err(refused)?;
        }
        builder.open_memory(&object).map_err(refused)
    }
}

/// A section of an object's constants. Build scripts implement it.
///
/// # Safety
///
/// The type has the layout of that section, and what the compiler put there is a value of it.
pub unsafe trait Knobs {
    /// What the section is called.
    const SECTION: &'static str;
}

/// An object that is opened and not yet loaded: what a tool sets in it.
#[derive(Debug)]
pub struct Opened<'o>(&'o mut OpenObject);

impl<'o> Opened<'o> {
    /// Of this object.
    pub fn new(object: &'o mut OpenObject) -> Self {
        Self(object)
    }

    /// The tool's own knobs: the constants of a section, with the values that the source gives them.
    ///
    /// # Errors
    ///
    /// For a section that this object has not.
    pub fn knobs<K: Knobs>(&mut self) -> Result<&mut K> {
        // libbpf puts the object's name before that of the section, in some cases.
        let named = |map: &OpenMapMut<'_>| map.name().as_bytes().ends_with(K::SECTION.as_bytes());
        let missing = || Error::new(Kind::Bpf, format!("the BPF object has no {}", K::SECTION));
        let mut map = self.0.maps_mut().find(named).ok_or_else(missing)?;
        let bytes: *mut [u8] = map.initial_value_mut().unwrap_or_default();
        // A section ends with its last variable, wherever that is.
        let room = bytes.len().next_multiple_of(align_of::<K>());
        let fits = room >= size_of::<K>() && bytes.cast::<K>().is_aligned();
        if !fits {
            return Err(Error::new(
                Kind::Bpf,
                format!("{} is not what the build made", K::SECTION),
            ));
        }
        // SAFETY: so many bytes are there, as libbpf maps whole pages for them, aligned, and a value of the type, as the
        // trait promises. They stay for as long as the object, which is borrowed for as long as what is returned.
        Ok(unsafe { &mut *bytes.cast::<K>() })
    }

    /// Whether the program of this name is to be loaded.
    pub fn loads(&self, program: &str) -> bool {
        let mut programs = self.0.progs();
        programs.any(|found| found.name() == program && found.autoload())
    }

    /// The map of this name.
    ///
    /// # Errors
    ///
    /// For a name that this object has not.
    pub fn map(&mut self, name: &str) -> Result<OpenMapMut<'_>> {
        let missing = || Error::new(Kind::Bpf, format!("the BPF object has no map {name}"));
        let mut maps = self.0.maps_mut();
        maps.find(|map| map.name() == name).ok_or_else(missing)
    }

    /// Sets how many entries a map has at most.
    ///
    /// # Errors
    ///
    /// For a name that this object has not, and when libbpf refuses it.
    pub fn set_max_entries(&mut self, map: &str, entries: u32) -> Result<()> {
        let set = self.map(map)?.set_max_entries(entries);
        set.map_err(|error| bpf_error(&format!("cannot set the size of {map}"), &error))
    }

    /// Has a map not be made. Of those that no loaded program names that is done already.
    ///
    /// # Errors
    ///
    /// As [`set_max_entries`](Self::set_max_entries).
    pub fn leave_out(&mut self, map: &str) -> Result<()> {
        let set = self.map(map)?.set_autocreate(false);
        set.map_err(|error| bpf_error(&format!("cannot leave out {map}"), &error))
    }
}
