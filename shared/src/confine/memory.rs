// SPDX-License-Identifier: MIT OR Apache-2.0
//! Memory that only the start of a tool needs.

use std::ffi::c_int;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::ptr;

use nix::libc;

use crate::page_bytes;

/// Gives the kernel back what was freed after the load, which glibc keeps for later though a trace needs a small part
/// of it, and the pages of code and constants, the program's own and those of its libraries: most are for the start, the
/// BPF objects among them, and a trace may go on for weeks. What is needed again is mapped again when it is touched.
pub(crate) fn give_back() {
    #[cfg(target_env = "gnu")]
    // SAFETY: it may be called at any time; what is in use stays where it is.
    unsafe {
        libc::malloc_trim(0);
    }
    let mut pages = Pages(File::open("/proc/self/pagemap").ok());
    // SAFETY: the function keeps nothing of what it is given, and takes `pages` for what it is.
    unsafe { libc::dl_iterate_phdr(Some(unmap_constant), (&raw mut pages).cast()) };
}

/// What the kernel tells of the pages that are mapped; nothing where it refuses to, without `/proc` for one. Then only the
/// program, which comes first, is unmapped: in libraries others may have set uprobes, whose breakpoints would go too.
struct Pages(Option<File>);

/// Bits of an entry (Documentation/admin-guide/mm/pagemap.rst): the page is there, and it is a file's or shared. One that
/// has been written to, as for a uprobe's breakpoint, is neither.
const PRESENT: u64 = 1 << 63;
const OF_FILE: u64 = 1 << 61;

/// How many entries are read at once.
const ENTRIES: usize = 256;

impl Pages {
    /// The first of these pages from `from` on that are all as their file has them, so that nothing is lost with them.
    fn unchanged(&self, mut from: u64, end: u64, page: u64) -> Option<Range<u64>> {
        let file = self.0.as_ref()?;
        let mut found: Option<Range<u64>> = None;
        let mut entries = [0_u8; ENTRIES * size_of::<u64>()];
        while from < end {
            let wanted = ((end - from) / page).min(ENTRIES as u64) as usize * size_of::<u64>();
            let read = file
                .read_at(
                    entries.get_mut(..wanted)?,
                    from / page * size_of::<u64>() as u64,
                )
                .ok()?;
            if read < size_of::<u64>() {
                break;
            }
            for entry in entries.get(..read)?.chunks_exact(size_of::<u64>()) {
                let entry = u64::from_ne_bytes(entry.try_into().ok()?);
                let is = entry & (PRESENT | OF_FILE) == PRESENT | OF_FILE;
                match &mut found {
                    Some(pages) if is => pages.end = from + page,
                    Some(_) => return found,
                    None if is => found = Some(from..from + page),
                    None => {}
                }
                from += page;
            }
        }
        found
    }
}

/// Unmaps the pages of an object that nothing has changed; says whether that is all.
///
/// # Safety
///
/// `object` and `size` are what `dl_iterate_phdr` gives, and `pages` is a `Pages`.
unsafe extern "C" fn unmap_constant(
    object: *mut libc::dl_phdr_info,
    _size: usize,
    pages: *mut libc::c_void,
) -> c_int {
    // SAFETY: they are the loader's and the caller's, and valid during this call; so are the headers that the first
    // points at.
    let (base, headers, pages) = unsafe {
        let object = &*object;
        let headers = std::slice::from_raw_parts(object.dlpi_phdr, object.dlpi_phnum.into());
        (object.dlpi_addr, headers, &*pages.cast::<Pages>())
    };
    let page = page_bytes() as u64;
    for header in headers {
        if header.p_type != libc::PT_LOAD || header.p_flags & libc::PF_W != 0 {
            continue;
        }
        let mut start = (base + header.p_vaddr).next_multiple_of(page);
        let end = (base + header.p_vaddr + header.p_memsz) / page * page;
        if pages.0.is_none() {
            unmap(&(start..end));
        }
        while let Some(unchanged) = pages.unchanged(start, end, page) {
            unmap(&unchanged);
            start = unchanged.end;
        }
    }
    c_int::from(pages.0.is_none())
}

/// Unmaps private pages that were never written to.
fn unmap(pages: &Range<u64>) {
    let (Ok(start), Ok(end)) = (usize::try_from(pages.start), usize::try_from(pages.end)) else {
        return;
    };
    // SAFETY: such pages read the same when they come back from their file. A refusal changes nothing.
    unsafe {
        libc::madvise(
            ptr::with_exposed_provenance_mut(start),
            end - start,
            libc::MADV_DONTNEED,
        )
    };
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use nix::libc;

    use super::{Pages, give_back, page_bytes};

    /// Resident pages of code of libraries and of the program, as the kernel counts them.
    fn pages_of_files() -> u64 {
        let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
        statm.split(' ').nth(2).unwrap().parse().unwrap()
    }

    #[test]
    fn what_nobody_changed_goes_and_comes_back() {
        let before = pages_of_files();
        give_back();
        let after = pages_of_files();
        assert!(after < before, "{after} of {before} pages are left");
        // The code of the test and its constants are there again.
        assert_eq!(format!("{:.3}", 1.5_f64.sqrt()), "1.225");
    }

    #[test]
    fn a_page_that_was_written_to_is_not_the_files() {
        let page = page_bytes();
        let file = tempfile::tempfile().unwrap();
        file.set_len(4 * page as u64).unwrap();
        // SAFETY: a fresh private mapping of a file that is large enough.
        let memory = unsafe {
            nix::sys::mman::mmap(
                None,
                (4 * page).try_into().unwrap(),
                nix::sys::mman::ProtFlags::PROT_READ | nix::sys::mman::ProtFlags::PROT_WRITE,
                nix::sys::mman::MapFlags::MAP_PRIVATE | nix::sys::mman::MapFlags::MAP_POPULATE,
                &file,
                0,
            )
        }
        .unwrap();
        let memory = memory.as_ptr().cast::<u8>();
        let touch = |place: usize| {
            // SAFETY: inside the mapping.
            unsafe { memory.add(place * page).read_volatile() }
        };
        // MAP_POPULATE copies the pages of a private mapping that can be written to.
        // SAFETY: the mapping is this test's alone.
        unsafe { libc::madvise(memory.cast(), 4 * page, libc::MADV_DONTNEED) };
        for place in 0..4 {
            assert_eq!(touch(place), 0);
        }
        // SAFETY: as above.
        unsafe { memory.add(2 * page).write_volatile(1) };
        let pages = Pages(File::open("/proc/self/pagemap").ok());
        let start = memory.expose_provenance() as u64;
        let page = page as u64;
        let unchanged = |from| pages.unchanged(start + from * page, start + 4 * page, page);
        let at = |from: u64, to: u64| Some(start + from * page..start + to * page);
        assert_eq!(unchanged(0), at(0, 2));
        assert_eq!(unchanged(2), at(3, 4));
        assert_eq!(unchanged(4), None);
        assert_eq!(Pages(None).unchanged(start, start + page, page), None);
    }
}
