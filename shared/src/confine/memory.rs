// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that only the start of a tool needs.

use std::ffi::c_int;
use std::ptr;

use nix::libc;

use crate::page_bytes;

/// Gives the kernel back what was freed after the load, which glibc keeps for later though a trace needs a small part
/// of it, and the pages of the program's own code and constants: most are for the start, the BPF objects among them,
/// and a trace may go on for weeks. What is needed again is mapped again when it is touched.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time; what is in use stays where it is.
    unsafe {
        libc::malloc_trim(0);
    }
    // SAFETY: the function keeps nothing of what it is given.
    unsafe { libc::dl_iterate_phdr(Some(unmap_constant), ptr::null_mut()) };
}

/// Unmaps the pages of the program that nothing can have changed. Not those of libraries, in which others may have set
/// uprobes, whose breakpoints would go with the pages.
///
/// # Safety
///
/// `object` is what `dl_iterate_phdr` gives.
unsafe extern "C" fn unmap_constant(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    _data: *mut libc::c_void,
) -> c_int {
    // SAFETY: it is the loader's, and valid during this call; so are the headers that it points at.
    let (base, headers) = unsafe {
        let object = &*object;
        let headers = std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into());
        (object.dlpi_addr, headers)
    };
    let page = page_bytes() as u64;
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let start = (base + header.p_vaddr).next_multiple_of(page);
        let end = (base + header.p_vaddr + header.p_memsz) / page * page;
        if let Ok(length) = usize::try_from(end.saturating_sub(start)) {
            // SAFETY: a private mapping that was never writable reads the same when its pages come back from the
            // file. A refusal changes nothing.
            unsafe {
                libc::madvise(
                    ptr::with_exposed_provenance_mut(start as usize),
                    length,
                    libc::MADV_DONTNEED,
                )
            };
        }
    }
    // The program comes first, and is all.
    1
}
