// SPDX-License-Identifier: MIT OR Apache-2.0
//! The number that a process has in the initial pid namespace.
//!
//! BPF programs know processes by that number. In a container with a pid namespace of its own a process is told another
//! one, which in the initial namespace is somebody else's.

use std::fs;
use std::io;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::os::unix::fs::MetadataExt;
use std::ptr;

use libbpf_rs::libbpf_sys;

use crate::confine::privilege;
use crate::error::{Error, Kind, Result};

/// `PROC_PID_INIT_INO` of the kernel's `linux/proc_ns.h`: the inode of the initial namespace, always the same.
const INITIAL: u64 = 0xEFFF_FFFC;

/// Whether this process is in the initial pid namespace.
pub(crate) fn in_initial_namespace() -> bool {
    fs::metadata("/proc/self/ns/pid").is_ok_and(|space| space.ino() == INITIAL)
}

/// Tells a process its number.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// What the kernel is asked by; `None` in the initial namespace, where all know their own.
    program: Option<OwnedFd>,
}

impl Numbers {
    /// # Errors
    ///
    /// In another than the initial namespace: without the capabilities to trace, and where the kernel cannot be asked.
    pub(crate) fn new() -> Result<Self> {
        if in_initial_namespace() {
            return Ok(Self { program: None });
        }
        privilege::require()?;
        let refused = |error: io::Error| {
            Error::new(
                Kind::Bpf,
                format!(
                    "cannot learn what this process is called outside of its pid namespace: {error}"
                ),
            )
            .help("run the tool in the host's pid namespace")
        };
        let numbers = Self {
            program: Some(load().map_err(refused)?),
        };
        // That it can be asked is known now, not between a fork and an exec.
        numbers.own().map_err(refused)?;
        Ok(numbers)
    }

    /// The calling process's number in the initial namespace. Makes system calls only, and so may be used after a fork.
    pub(crate) fn own(&self) -> io::Result<u32> {
        let Some(program) = &self.program else {
            return Ok(std::process::id());
        };
        let mut run = libbpf_sys::bpf_test_run_opts {
            sz: size_of::<libbpf_sys::bpf_test_run_opts>() as libbpf_sys::size_t,
            ..Default::default()
        };
        // SAFETY: the program is loaded, and the options say how long they are.
        let result =
            unsafe { libbpf_sys::bpf_prog_test_run_opts(program.as_raw_fd(), &raw mut run) };
        if result < 0 {
            return Err(io::Error::from_raw_os_error(-result));
        }
        Ok(run.retval)
    }
}

/// The calling process's number in the initial namespace.
///
/// # Errors
///
/// As [`Numbers::new`].
pub(crate) fn own() -> Result<u32> {
    let numbers = Numbers::new()?;
    numbers
        .own()
        .map_err(|error| Error::io("cannot learn the number of this process", &error))
}

/// Loads a program that returns the process that runs it, and attaches it to nothing.
fn load() -> io::Result<OwnedFd> {
    // A raw tracepoint's program can be run by whoever has it, in their own context: since 5.10 ("bpf: Enable
    // BPF_PROG_TEST_RUN for raw_tracepoint").
    let instruction = |code: u32, imm: u32| libbpf_sys::bpf_insn {
        code: code as u8,
        imm: imm.cast_signed(),
        ..Default::default()
    };
    use libbpf_sys::{
        BPF_ALU64, BPF_CALL, BPF_EXIT, BPF_FUNC_get_current_pid_tgid, BPF_JMP, BPF_K, BPF_RSH,
    };
    // On register 0, which the helper leaves its answer in and which the program returns.
    let program = [
        instruction(BPF_JMP | BPF_CALL, BPF_FUNC_get_current_pid_tgid),
        instruction(BPF_ALU64 | BPF_RSH | BPF_K, 32),
        instruction(BPF_JMP | BPF_EXIT, 0),
    ];
    // SAFETY: both names are strings, the instructions are as many as is said, and there are no options.
    let fd = unsafe {
        libbpf_sys::bpf_prog_load(
            libbpf_sys::BPF_PROG_TYPE_RAW_TRACEPOINT,
            c"own_pid".as_ptr(),
            c"Dual BSD/GPL".as_ptr(),
            program.as_ptr(),
            program.len() as libbpf_sys::size_t,
            ptr::null_mut(),
        )
    };
    if fd < 0 {
        return Err(io::Error::from_raw_os_error(-fd));
    }
    // SAFETY: the kernel has just made it, for this caller.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

#[cfg(test)]
mod tests {
    use super::{INITIAL, Numbers, load};
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    #[test]
    fn a_process_of_the_initial_namespace_knows_its_number() {
        if fs::metadata("/proc/self/ns/pid").unwrap().ino() != INITIAL {
            return;
        }
        let known = Numbers::new().unwrap();
        assert!(known.program.is_none());
        assert_eq!(known.own().unwrap(), std::process::id());
        // And the kernel says the same, where it may be asked.
        if let Ok(program) = load() {
            let asked = Numbers {
                program: Some(program),
            };
            assert_eq!(asked.own().unwrap(), std::process::id());
        }
    }
}
