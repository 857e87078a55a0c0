// SPDX-License-Identifier: MIT OR Apache-2.0
//! A BPF ring buffer, read through libbpf.
//!
//! libbpf-rs's own type keeps the callback that it was built with, which then has to share the batch through a
//! lock taken for each record. Here the batch is handed in with each call.

use std::ffi::{c_int, c_ulong, c_void};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

use libbpf_rs::libbpf_sys;

use super::Records;

#[derive(Debug)]
pub(crate) struct Ring {
    ring: NonNull<libbpf_sys::ring_buffer>,
    /// Where the callback finds the batch of the call under way; libbpf keeps the address of the box's content.
    target: Box<*mut Records>,
}

// SAFETY: libbpf's ring buffer is tied to no thread; all use goes through `&mut self`.
unsafe impl Send for Ring {}

impl Ring {
    pub(crate) fn new(map: BorrowedFd<'_>) -> io::Result<Self> {
        let mut target: Box<*mut Records> = Box::new(ptr::null_mut());
        // SAFETY: the callback's context is a live allocation that stays where it is as long as the ring does.
        let ring = unsafe {
            libbpf_sys::ring_buffer__new(
                map.as_raw_fd(),
                Some(copy_record),
                (&raw mut *target).cast(),
                ptr::null(),
            )
        };
        match NonNull::new(ring) {
            Some(ring) => Ok(Self { ring, target }),
            None => Err(io::Error::last_os_error()),
        }
    }

    pub(crate) fn consume(&mut self, into: &mut Records, at_most: usize) -> io::Result<usize> {
        *self.target = into;
        // SAFETY: the ring is live, and `into` outlives the call, the only time that the callback runs.
        let consumed = unsafe {
            libbpf_sys::ring_buffer__consume_n(self.ring.as_ptr(), at_most as libbpf_sys::size_t)
        };
        *self.target = ptr::null_mut();
        usize::try_from(consumed).map_err(|_| io::Error::from_raw_os_error(-consumed))
    }
}

impl Drop for Ring {
    fn drop(&mut self) {
        // SAFETY: made by ring_buffer__new, freed once.
        unsafe { libbpf_sys::ring_buffer__free(self.ring.as_ptr()) }
    }
}

/// Copies one record; anything but 0 would stop the drain.
///
/// # Safety
///
/// `context` is the target of a [`Ring`] inside [`Ring::consume`], `data` has `size` readable bytes.
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
