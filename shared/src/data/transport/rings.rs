// SPDX-License-Identifier: MIT OR Apache-2.0
//! BPF ring buffers, read through libbpf.
//!
//! libbpf-rs's own type keeps the callback that it was built with, which then has to share the batch through a
//! lock taken for each record. Here the batch is handed in with each call.

use std::ffi::{c_int, c_ulong, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};

use libbpf_rs::libbpf_sys;

use super::Records;

#[derive(Debug)]
pub(crate) struct Rings {
    rings: NonNull<libbpf_sys::ring_buffer>,
    count: u32,
    /// Where the callback finds the batch of the call under way; libbpf keeps the address of the box's content.
    target: Box<*mut Records>,
}

// SAFETY: libbpf's ring buffers are tied to no thread; all use goes through `&mut self`.
unsafe impl Send for Rings {}

impl Rings {
    /// Those of these maps, of which there is at least one.
    pub(crate) fn new(maps: &[OwnedFd]) -> io::Result<Self> {
        let [first, others @ ..] = maps else {
            return Err(io::ErrorKind::InvalidInput.into());
        };
        let mut target: Box<*mut Records> = Box::new(ptr::null_mut());
        let context = (&raw mut *target).cast();
        // SAFETY: the callback's context is a live allocation that stays where it is as long as the rings do.
        let rings = unsafe {
            libbpf_sys::ring_buffer__new(first.as_raw_fd(), Some(copy_record), context, ptr::null())
        };
        let rings = NonNull::new(rings).ok_or_else(io::Error::last_os_error)?;
        let mut rings = Self {
            rings,
            count: 1,
            target,
        };
        for map in others {
            // SAFETY: as above; what there is already is freed with `rings` where this one is refused.
            let added = unsafe {
                libbpf_sys::ring_buffer__add(
                    rings.rings.as_ptr(),
                    map.as_raw_fd(),
                    Some(copy_record),
                    context,
                )
            };
            if added != 0 {
                return Err(io::Error::from_raw_os_error(-added));
            }
            rings.count += 1;
        }
        Ok(rings)
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    /// A descriptor that is readable when one of them wakes its reader.
    pub(crate) fn epoll(&self) -> io::Result<OwnedFd> {
        // SAFETY: the rings are live, and their epoll descriptor lives as long as they do.
        let epoll = unsafe {
            BorrowedFd::borrow_raw(libbpf_sys::ring_buffer__epoll_fd(self.rings.as_ptr()))
        };
        epoll.try_clone_to_owned()
    }

    /// Copies up to `at_most` records and gives how many. Of each ring so many that the others come to their turn.
    pub(crate) fn consume(&mut self, into: &mut Records, at_most: usize) -> io::Result<usize> {
        let share = at_most.div_ceil(self.count as usize) as libbpf_sys::size_t;
        *self.target = into;
        let mut all = Ok(0);
        for index in 0..self.count {
            // SAFETY: the rings are live, there are so many, and `into` outlives the call, the only time that the callback
            // runs.
            let consumed = unsafe {
                let ring = libbpf_sys::ring_buffer__ring(self.rings.as_ptr(), index);
                libbpf_sys::ring__consume_n(ring, share)
            };
            let consumed =
                usize::try_from(consumed).map_err(|_| io::Error::from_raw_os_error(-consumed));
            all = all.and_then(|sum| Ok(sum + consumed?));
        }
        *self.target = ptr::null_mut();
        all
    }
}

impl Drop for Rings {
    fn drop(&mut self) {
        // SAFETY: made by ring_buffer__new, freed once.
        unsafe { libbpf_sys::ring_buffer__free(self.rings.as_ptr()) }
    }
}

/// Copies one record; anything but 0 would stop the drain.
///
/// # Safety
///
/// `context` is the target of [`Rings`] inside [`Rings::consume`], `data` has `size` readable bytes.
unsafe extern "C" fn copy_record(context: *mut c_void, data: *mut c_void, size: c_ulong) -> c_int {
    // SAFETY: the caller's contract; `consume` has set the target to a live batch that nothing else uses.
    let (records, record) = unsafe {
        (
            (*context.cast::<*mut Records>()).as_mut(),
            std::slice::from_raw_parts(data.cast::<u8>(), size as usize),
        )
    };
    if let Some(records) = records {
        records.push(record);
    }
    0
}
