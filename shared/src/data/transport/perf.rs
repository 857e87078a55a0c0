// SPDX-License-Identifier: MIT OR Apache-2.0
//! Perf buffers, one for each CPU, read through libbpf.
//!
//! Records that did not fit are counted on the BPF side, where the output call fails; the kernel's own lost
//! records say the same later, and not at all when nothing more is written, so they are not used.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::offset_of;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::ptr::{self, NonNull};

use libbpf_rs::libbpf_sys;

use super::Records;

/// What a record can carry: its size has 16 bits, and counts a head of 8 bytes, the length of 4, and padding to 8
/// (`linux/perf_event.h`). The kernel lets a larger one through and writes a size that is wrong, after which nothing in
/// the buffer is where it seems to be.
pub(crate) const PERF_MOST_BYTES: usize = 65528 - 12;

#[derive(Debug)]
pub(crate) struct PerfBuffers {
    buffers: NonNull<libbpf_sys::perf_buffer>,
    /// Where the callback finds the batch of the call under way; libbpf keeps the address of the box's content.
    target: Box<*mut Records>,
    _map: OwnedFd,
}

// SAFETY: libbpf's perf buffers are tied to no thread; all use goes through `&mut self`.
unsafe impl Send for PerfBuffers {}

/// A record of type `PERF_RECORD_SAMPLE` with `PERF_SAMPLE_RAW` alone: `linux/perf_event.h`.
#[repr(C)]
struct RawSample {
    header: libbpf_sys::perf_event_header,
    size: u32,
    data: [u8; 0],
}

impl PerfBuffers {
    /// Opens a buffer of `bytes` (a power of two of pages) on each of these CPUs. libbpf's own list leaves out those
    /// whose number is not below the number of CPUs.
    pub(crate) fn new(map: OwnedFd, bytes: usize, cpus: &[u32]) -> io::Result<Self> {
        let mut target: Box<*mut Records> = Box::new(ptr::null_mut());
        let mut attr = libbpf_sys::perf_event_attr {
            type_: libbpf_sys::PERF_TYPE_SOFTWARE,
            size: size_of::<libbpf_sys::perf_event_attr>() as u32,
            config: u64::from(libbpf_sys::PERF_COUNT_SW_BPF_OUTPUT),
            sample_type: u64::from(libbpf_sys::PERF_SAMPLE_RAW),
            ..Default::default()
        };
        attr.__bindgen_anon_1.sample_period = 1;
        attr.set_watermark(1);
        attr.__bindgen_anon_2.wakeup_watermark = u32::try_from(bytes / 2).unwrap_or(u32::MAX);
        let mut cpus: Vec<c_int> = cpus.iter().map(|cpu| cpu.cast_signed()).collect();
        let mut keys = cpus.clone();
        let opts = libbpf_sys::perf_buffer_raw_opts {
            sz: size_of::<libbpf_sys::perf_buffer_raw_opts>() as libbpf_sys::size_t,
            cpu_cnt: cpus.len() as c_int,
            cpus: cpus.as_mut_ptr(),
            map_keys: keys.as_mut_ptr(),
            ..Default::default()
        };
        let pages = (bytes / page_bytes()) as libbpf_sys::size_t;
        // SAFETY: all pointers are live, the lists have that length; the context stays where it is as long as the buffers do.
        let buffers = unsafe {
            libbpf_sys::perf_buffer__new_raw(
                map.as_raw_fd(),
                pages,
                &raw mut attr,
                Some(copy_sample),
                (&raw mut *target).cast(),
                &raw const opts,
            )
        };
        match NonNull::new(buffers) {
            Some(buffers) => Ok(Self {
                buffers,
                target,
                _map: map,
            }),
            None => Err(io::Error::last_os_error()),
        }
    }

    /// A descriptor that is readable when a buffer is half full.
    pub(crate) fn epoll(&self) -> io::Result<OwnedFd> {
        // SAFETY: the buffers are live, and their epoll descriptor lives as long as they do.
        let epoll = unsafe {
            BorrowedFd::borrow_raw(libbpf_sys::perf_buffer__epoll_fd(self.buffers.as_ptr()))
        };
        epoll.try_clone_to_owned()
    }

    pub(crate) fn consume(&mut self, into: &mut Records) -> io::Result<usize> {
        let before = into.len();
        *self.target = into;
        // SAFETY: the buffers are live, and `into` outlives the call, the only time that the callback runs.
        let result = unsafe { libbpf_sys::perf_buffer__consume(self.buffers.as_ptr()) };
        *self.target = ptr::null_mut();
        match result {
            0.. => Ok(into.len() - before),
            _ => Err(io::Error::from_raw_os_error(-result)),
        }
    }
}

impl Drop for PerfBuffers {
    fn drop(&mut self) {
        // SAFETY: made by perf_buffer__new_raw, freed once.
        unsafe { libbpf_sys::perf_buffer__free(self.buffers.as_ptr()) }
    }
}

/// The size of a page in bytes.
pub fn page_bytes() -> usize {
    match nix::unistd::sysconf(nix::unistd::SysconfVar::PAGE_SIZE) {
        Ok(Some(bytes)) => usize::try_from(bytes).unwrap_or(4096),
        _ => 4096,
    }
}

/// Copies one sample; anything but "go on" would stop the drain.
///
/// # Safety
///
/// `context` is the target of a [`PerfBuffers`] inside [`PerfBuffers::consume`], `event` a whole record.
unsafe extern "C" fn copy_sample(
    context: *mut c_void,
    _cpu: c_int,
    event: *mut libbpf_sys::perf_event_header,
) -> libbpf_sys::bpf_perf_event_ret {
    // SAFETY: the caller's contract; a sample is laid out as RawSample, and `consume` has set the target to a
    // live batch that nothing else uses.
    unsafe {
        if (*event).type_ == libbpf_sys::PERF_RECORD_SAMPLE {
            let sample = event.cast::<RawSample>();
            let data = event.cast::<u8>().add(offset_of!(RawSample, data));
            // The kernel pads the size to 8 bytes with the length field; a decoder takes lengths from the head.
            let record = std::slice::from_raw_parts(
                data,
                (&raw const (*sample).size).read_unaligned() as usize,
            );
            if let Some(records) = (*context.cast::<*mut Records>()).as_mut() {
                records.push(record);
            }
        }
    }
    libbpf_sys::LIBBPF_PERF_EVENT_CONT
}
