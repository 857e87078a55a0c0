// SPDX-License-Identifier: MIT OR Apache-2.0
//! A library of a few bytes with one function, which gives back what it is given: a load for tools at functions of programs,
//! whatever programs there are on a machine.

use std::ffi::{CStr, c_char, c_void};
use std::fs::File;
use std::io;
use std::num::NonZero;
use std::ptr::NonNull;

use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};

/// `char *function(char *given) { return given; }`, and what the machine's number is in an ELF file.
const CODE: Option<(u16, &[u8])> = if cfg!(target_arch = "x86_64") {
    // mov %rdi, %rax; ret
    Some((62, &[0x48, 0x89, 0xf8, 0xc3]))
} else if cfg!(target_arch = "aarch64") {
    // nop; ret
    Some((183, &[0x1f, 0x20, 0x03, 0xd5, 0xc0, 0x03, 0x5f, 0xd6]))
} else if cfg!(target_arch = "riscv64") {
    // nop; ret
    Some((243, &[0x13, 0x00, 0x00, 0x00, 0x67, 0x80, 0x00, 0x00]))
} else {
    None
};

/// Where in the file the code is: on a page of its own, however large pages are.
pub const CODE_AT: usize = 65536;

/// The function, in memory.
#[derive(Debug)]
pub struct Function {
    code: NonNull<c_void>,
    bytes: NonZero<usize>,
}

// SAFETY: it is memory that nobody writes to, and that is there until this is dropped.
unsafe impl Send for Function {}

impl Function {
    /// Maps the code of such a library.
    ///
    /// # Errors
    ///
    /// Where the file lies on a file system that nothing may be executed from.
    pub fn map(library: &File) -> io::Result<Self> {
        let code = CODE.and_then(|(_, code)| NonZero::new(code.len()));
        let bytes = code.ok_or(io::ErrorKind::Unsupported)?;
        let access = ProtFlags::PROT_READ | ProtFlags::PROT_EXEC;
        // SAFETY: it is new memory.
        let code = unsafe {
            mmap(
                None,
                bytes,
                access,
                MapFlags::MAP_PRIVATE,
                library,
                CODE_AT as i64,
            )
        }?;
        Ok(Self { code, bytes })
    }

    /// What it gives back for this.
    pub fn call(&self, given: *const c_char) -> *const c_char {
        // SAFETY: the code is that of such a function, which does not look at what it is given: the library is the caller's
        // own.
        let function: extern "C" fn(*const c_char) -> *const c_char =
            unsafe { std::mem::transmute(self.code.as_ptr()) };
        function(given)
    }

    /// Has it give back this.
    ///
    /// # Errors
    ///
    /// When it gives back something else.
    pub fn give(&self, given: &CStr) -> io::Result<()> {
        if self.call(given.as_ptr()) == given.as_ptr() {
            Ok(())
        } else {
            Err(io::Error::other("it gave back something else"))
        }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // SAFETY: it was mapped so, and nobody uses it any more.
        _ = unsafe { munmap(self.code, self.bytes.get()) };
    }
}

/// The library, with a function of this name (elf(5)); `None` for a machine that there is no code for.
pub fn bytes(function: &str) -> Option<Vec<u8>> {
    const HEADER: usize = 64;
    const SEGMENT: usize = 56;
    const SECTIONS: usize = 4;
    let (machine, code) = CODE?;
    let names = [b"\0", function.as_bytes(), b"\0"].concat();
    let symbols_at = HEADER + SEGMENT;
    let names_at = symbols_at + 2 * 24;
    let sections_at = (names_at + names.len()).next_multiple_of(8);

    let mut file = b"\x7fELF\x02".to_vec();
    file.push(if cfg!(target_endian = "little") { 1 } else { 2 });
    file.extend([1, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    // A library, for this machine, of version 1.
    half(&mut file, &[3, machine]);
    word(&mut file, &[1]);
    wide(&mut file, &[0, HEADER, sections_at]);
    word(&mut file, &[0]);
    // One segment; sections, of which that of names is the second.
    half(
        &mut file,
        &[HEADER as u16, SEGMENT as u16, 1, 64, SECTIONS as u16, 2],
    );
    // The code, which is loaded to be executed.
    word(&mut file, &[1, 5]);
    wide(
        &mut file,
        &[CODE_AT, CODE_AT, CODE_AT, code.len(), code.len(), CODE_AT],
    );
    // No symbol, and a global function in the third section.
    file.resize(symbols_at + 24, 0);
    word(&mut file, &[1]);
    file.extend([0x12, 0]);
    half(&mut file, &[3]);
    wide(&mut file, &[CODE_AT, code.len()]);
    file.extend(&names);
    file.resize(sections_at + 64, 0);
    // The table of symbols, its names, and the code.
    section(&mut file, [2, 0], [0, symbols_at, 2 * 24], [2, 1], [8, 24]);
    section(
        &mut file,
        [3, 0],
        [0, names_at, names.len()],
        [0, 0],
        [1, 0],
    );
    section(
        &mut file,
        [1, 6],
        [CODE_AT, CODE_AT, code.len()],
        [0, 0],
        [4, 0],
    );
    file.resize(CODE_AT, 0);
    file.extend(code);
    Some(file)
}

/// A section: its type and flags; address, place and length; links to others; alignment, and the length of an entry.
fn section(to: &mut Vec<u8>, kind: [usize; 2], place: [usize; 3], links: [u32; 2], of: [usize; 2]) {
    let [kind, flags] = kind;
    word(to, &[0, kind as u32]);
    wide(to, &[flags]);
    wide(to, &place);
    word(to, &links);
    wide(to, &of);
}

fn half(to: &mut Vec<u8>, values: &[u16]) {
    to.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
}

fn word(to: &mut Vec<u8>, values: &[u32]) {
    to.extend(values.iter().flat_map(|value| value.to_ne_bytes()));
}

fn wide(to: &mut Vec<u8>, values: &[usize]) {
    to.extend(
        values
            .iter()
            .flat_map(|value| (*value as u64).to_ne_bytes()),
    );
}

#[cfg(test)]
mod tests {
    use std::fs::{self, File};

    use super::{CODE_AT, Function, bytes};
    use crate::symbols::Target;

    #[test]
    fn its_function_is_found_and_gives_back_what_it_is_given() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("library");
        fs::write(&path, bytes("readline").unwrap()).unwrap();
        let target = Target::open(&path, &["readline", "other"]).unwrap();
        assert_eq!(target.places("readline").collect::<Vec<_>>(), [CODE_AT]);
        assert_eq!(target.places("other").count(), 0);
        let function = Function::map(&File::open(&path).unwrap()).unwrap();
        function.give(c"a line").unwrap();
    }
}
