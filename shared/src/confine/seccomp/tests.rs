// SPDX-License-Identifier: MIT OR Apache-2.0
//! The list for each architecture, and on a thread, with refusals as errors: what it lets pass and what not.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::process::Command;
use std::thread;

use nix::errno::Errno;
use nix::libc;
use seccompiler::{SeccompAction, TargetArch};

use super::{Also, Seccomp, enter, install, program};
use crate::confine::privilege;

/// Runs this on a thread on which a call that is not on the list is an error.
fn confined(test: impl FnOnce() + Send + 'static) {
    let confined = thread::spawn(move || {
        privilege::drop_all().unwrap();
        let refuse = SeccompAction::Errno(Errno::EUCLEAN as u32);
        let architecture = TargetArch::try_from(std::env::consts::ARCH).unwrap();
        assert!(install(&program(refuse, architecture, Also::default()).unwrap()).unwrap());
        test();
    });
    confined.join().unwrap();
}

fn is_refused<T>(result: io::Result<T>) -> bool {
    result.is_err_and(|error| error.raw_os_error() == Some(Errno::EUCLEAN as i32))
}

#[test]
fn there_is_a_list_for_each_architecture() {
    for architecture in [TargetArch::x86_64, TargetArch::aarch64, TargetArch::riscv64] {
        let program = program(
            SeccompAction::KillProcess,
            architecture,
            Also {
                command: Some(7),
                updates_maps: true,
            },
        )
        .unwrap();
        assert!(
            program.len() > 100 && program.len() < 1000,
            "{}",
            program.len()
        );
    }
}

#[test]
fn files_can_be_read_and_not_written_or_made() {
    confined(|| {
        assert!(!fs::read_to_string("/proc/self/status").unwrap().is_empty());
        assert!(fs::read_dir("/").unwrap().count() > 0);
        assert!(fs::metadata("/").is_ok() && fs::read_link("/proc/self/exe").is_ok());
        for mut options in [OpenOptions::new(), OpenOptions::new().read(true).clone()] {
            assert!(is_refused(options.write(true).open("/dev/null")));
            assert!(is_refused(options.append(true).open("/dev/null")));
        }
        assert!(is_refused(File::create("/nonexistent/made")));
        assert!(is_refused(fs::remove_file("/nonexistent")));
        assert!(is_refused(fs::rename("/nonexistent", "/none")));
        assert!(is_refused(fs::create_dir("/nonexistent/made")));
        assert!(is_refused(fs::hard_link("/nonexistent", "/none")));
    });
}

#[test]
fn nothing_can_be_started_or_reached() {
    confined(|| {
        assert!(is_refused(Command::new("/bin/true").spawn()));
        assert!(is_refused(thread::Builder::new().spawn(|| ())));
        assert!(is_refused(std::net::TcpListener::bind("127.0.0.1:0")));
        assert!(is_refused(std::net::UdpSocket::bind("127.0.0.1:0")));
        let result = |number: libc::c_long| Errno::result(number).map_err(io::Error::from);
        // SAFETY: each is refused before the kernel looks at what it is given.
        unsafe {
            assert!(is_refused(result(libc::syscall(
                libc::SYS_ptrace,
                0,
                0,
                0,
                0
            ))));
            assert!(is_refused(result(libc::syscall(
                libc::SYS_mount,
                0,
                0,
                0,
                0,
                0
            ))));
            assert!(is_refused(result(libc::syscall(libc::SYS_bpf, 5, 0, 0))));
            assert!(is_refused(result(libc::syscall(libc::SYS_kill, 1, 0))));
            assert!(is_refused(result(libc::syscall(
                libc::SYS_io_uring_setup,
                1,
                0
            ))));
            let executable = libc::PROT_READ | libc::PROT_EXEC;
            assert!(is_refused(result(libc::syscall(
                libc::SYS_mprotect,
                0,
                4096,
                executable
            ))));
        }
    });
}

#[test]
fn memory_time_and_threads_go_on() {
    confined(|| {
        // Large enough to be mapped, grown and given back.
        let mut bytes = vec![1_u8; 1 << 20];
        bytes.resize(1 << 24, 2);
        drop(bytes);
        thread::sleep(std::time::Duration::from_millis(1));
        assert!(std::time::SystemTime::now().elapsed().is_ok());
        let (to, from) = std::sync::mpsc::channel();
        to.send(1).unwrap();
        assert_eq!(from.recv(), Ok(1));
    });
}

#[test]
fn off_is_off() {
    let free = thread::spawn(|| {
        privilege::drop_all().unwrap();
        assert!(enter(Seccomp::Off, Also::default()).unwrap());
        assert!(OpenOptions::new().write(true).open("/dev/null").is_ok());
        let status = fs::read_to_string("/proc/thread-self/status").unwrap();
        assert!(status.contains("Seccomp:\t0\n"));
    });
    free.join().unwrap();
}
