// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs::{self, File};
use std::io::{Seek, SeekFrom, Write};

use super::super::test_code;
use super::{FileId, find};
use crate::symbols::elf::BYTES_MAX;

/// A file of these bytes.
fn file(bytes: &[u8]) -> File {
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(bytes).unwrap();
    file
}

fn own() -> Vec<u8> {
    fs::read("/proc/self/exe").unwrap()
}

#[test]
fn functions_are_found() {
    let at = test_code::in_file(test_code::known as fn() as usize as u64);
    let place = find(&File::open("/proc/self/exe").unwrap(), at + 1).unwrap();
    let symbol = String::from_utf8(place.symbol.unwrap().into()).unwrap();
    assert_eq!(symbol, test_code::KNOWN);
    assert_eq!(place.offset, 1);
}

#[test]
fn without_symbols_the_address_is_told() {
    let at = test_code::in_file(test_code::known as fn() as usize as u64);
    let mut bytes = own();
    // e_shoff, and e_shnum with e_shstrndx: there are no sections, as if all had been cut off.
    bytes[0x28..0x30].fill(0);
    bytes[0x3c..0x40].fill(0);
    let place = find(&file(&bytes), at).unwrap();
    assert_eq!(place.symbol, None);
    assert!(place.offset > 0);
}

#[test]
fn what_is_no_program_has_no_places() {
    let at = test_code::in_file(test_code::known as fn() as usize as u64);
    let bytes = own();
    for bad in [&b""[..], b"\x7fELF", b"#!/bin/sh\n", &bytes[..0x40]] {
        assert_eq!(find(&file(bad), at), None);
    }
    // Not in any segment.
    assert_eq!(find(&file(&bytes), u64::MAX), None);
    assert_eq!(find(&File::open("/").unwrap(), 0), None);
}

#[test]
fn a_huge_table_is_not_read() {
    let mut bytes = own();
    let sections = u64::from_le_bytes(bytes[0x28..0x30].try_into().unwrap());
    let count = u16::from_le_bytes(bytes[0x3c..0x3e].try_into().unwrap());
    let at = test_code::in_file(test_code::known as fn() as usize as u64);
    for section in 0..usize::from(count) {
        let start = usize::try_from(sections).unwrap() + section * 64;
        // sh_type: SHT_SYMTAB.
        if bytes[start + 4..start + 8] == 2_u32.to_le_bytes() {
            bytes[start + 0x20..start + 0x28].copy_from_slice(&(BYTES_MAX + 24).to_le_bytes());
        }
    }
    let mut sparse = file(&bytes);
    // Room for what the table says, without taking any.
    sparse.set_len(2 * BYTES_MAX + bytes.len() as u64).unwrap();
    sparse.seek(SeekFrom::Start(0)).unwrap();
    assert_eq!(find(&sparse, at), None);
}

#[test]
fn a_file_that_changed_is_another() {
    let mut changing = file(b"one");
    let before = FileId::of(&changing).unwrap();
    assert_eq!(FileId::of(&changing), Some(before));
    changing.write_all(b"more").unwrap();
    assert_ne!(FileId::of(&changing), Some(before));
    assert_ne!(FileId::of(&file(b"one")), Some(before));
}
