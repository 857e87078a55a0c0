// SPDX-License-Identifier: MIT OR Apache-2.0
//! The operations a storm is made of. Each is an exact number of system calls, made directly, so that
//! what a tool shows can be counted against it.

use std::ffi::CStr;
use std::ffi::CString;
use std::fmt::Write;
use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::ptr;
use std::sync::Arc;

use crate::sockets;

/// One kind of operation.
#[derive(Debug, Clone)]
pub enum Operation {
    /// One `openat` of `path` for reading, and the `close` when it opened.
    Open {
        /// What is opened.
        path: CString,
        /// Whether the open is to fail with `ENOENT`, instead of to succeed.
        missing: bool,
    },
    /// One `posix_spawn` (a vfork) and so one `execve` of this program without arguments, and the wait
    /// for its end.
    Exec {
        /// What is executed.
        program: CString,
    },
    /// One `execve` that fails with `ENOENT`; nothing is forked.
    ExecFail {
        /// What does not exist.
        program: CString,
    },
    /// One `openat` that creates a file in `dir`, its `close`, and one `unlink`.
    Unlink {
        /// An existing directory.
        dir: CString,
    },
    /// One `pread` of 4 KiB past the page cache, and so one request of a disk.
    Read {
        /// The disk, opened with `O_DIRECT`.
        disk: Arc<File>,
        /// How many blocks of 4 KiB it has.
        blocks: u64,
    },
    /// One `fdatasync` of a file in memory, which has nothing to write back.
    Sync {
        /// The file.
        file: Arc<File>,
    },
    /// One `getaddrinfo` of a numeric address: a lookup that takes neither a network nor a file.
    Lookup {
        /// Whether it is to fail, as of what is no number.
        missing: bool,
    },
    /// One call of a function of the caller's own, which gives back what it is given.
    Readline {
        /// The function.
        code: Code,
    },
    /// One TCP connection to this program itself, which carries nothing and is cut off by who began it, so that no port is
    /// kept for it.
    Connect {
        /// What it goes to.
        server: Arc<TcpListener>,
    },
    /// One TCP connection to this thread itself, whose first byte is thrown away on the way, so that it is sent again.
    SendAgain {
        /// What each thread connects to: a [`lossy_server`](crate::sockets::lossy_server).
        servers: Arc<Vec<TcpListener>>,
    },
    /// One `nanosleep` of a nanosecond, which the timer's slack makes some 50 µs. When it ends, the thread waits for a CPU.
    Sleep,
    /// One `getppid`: a system call that no tool for one kind of call traces.
    Getppid,
}

impl Operation {
    /// The name of the subcommand that makes this operation.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Open { .. } => "open",
            Self::Exec { .. } => "exec",
            Self::ExecFail { .. } => "exec-fail",
            Self::Unlink { .. } => "unlink",
            Self::Read { .. } => "read",
            Self::Sync { .. } => "sync",
            Self::Lookup { .. } => "lookup",
            Self::Readline { .. } => "readline",
            Self::Connect { .. } => "connect",
            Self::SendAgain { .. } => "send-again",
            Self::Sleep => "sleep",
            Self::Getppid => "getppid",
        }
    }
}

/// The code of `tracewell_shared::tool::load::library`, in memory for as long as the process lives.
#[derive(Debug, Clone, Copy)]
pub struct Code(extern "C" fn(*const libc::c_char) -> *const libc::c_char);

impl Code {
    /// Where in the library it is.
    const AT: libc::off_t = 65536;

    /// Maps it.
    ///
    /// # Errors
    ///
    /// Where nothing may be executed from the file.
    pub fn map(library: &File) -> io::Result<Self> {
        let access = libc::PROT_READ | libc::PROT_EXEC;
        // SAFETY: it is new memory.
        let code = unsafe {
            let fd = library.as_raw_fd();
            libc::mmap(ptr::null_mut(), 1, access, libc::MAP_PRIVATE, fd, Self::AT)
        };
        if code == libc::MAP_FAILED {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: who names the library says that such a function is there.
        Ok(Self(unsafe {
            std::mem::transmute::<
                *mut libc::c_void,
                extern "C" fn(*const libc::c_char) -> *const libc::c_char,
            >(code)
        }))
    }

    fn give(self, given: &CStr) -> bool {
        (self.0)(given.as_ptr()) == given.as_ptr()
    }
}

/// Makes one thread's operations.
#[derive(Debug)]
pub struct Worker<'a> {
    operation: &'a Operation,
    thread: usize,
    // Reused for the names of `Unlink`, so that an operation allocates nothing.
    name: String,
    // Where `Read` reads to.
    page: Box<Page>,
}

/// Memory that a disk may read into directly.
#[derive(Debug)]
#[repr(align(4096))]
struct Page([u8; BLOCK]);

/// What one `Read` reads.
pub const BLOCK: usize = 4096;

impl<'a> Worker<'a> {
    /// The worker of thread number `thread`, which keeps its files apart from the other threads'.
    #[must_use]
    pub fn new(operation: &'a Operation, thread: usize) -> Self {
        Self {
            operation,
            thread,
            name: String::with_capacity(256),
            page: Box::new(Page([0; BLOCK])),
        }
    }

    /// Makes operation number `index`. Says whether it went as it should.
    pub fn once(&mut self, index: u64) -> bool {
        match self.operation {
            Operation::Open { path, missing } => match open(path, libc::O_RDONLY) {
                Ok(()) => !missing,
                Err(errno) => *missing && errno == Some(libc::ENOENT),
            },
            Operation::Exec { program } => exec(program),
            Operation::ExecFail { program } => exec_missing(program),
            Operation::Unlink { dir } => self.create_and_unlink(dir, index),
            Operation::Read { disk, blocks } => {
                let offset = index % blocks * BLOCK as u64;
                matches!(disk.read_at(&mut self.page.0, offset), Ok(BLOCK))
            }
            Operation::Sync { file } => {
                // SAFETY: takes a number only. Not through libc's, which may be cancelled, nor by File, which makes a call
                // again that was interrupted.
                unsafe { libc::syscall(libc::SYS_fdatasync, file.as_raw_fd()) == 0 }
            }
            Operation::Lookup { missing: false } => look_up(c"127.0.0.1") == 0,
            Operation::Lookup { missing: true } => look_up(c"no-number") == libc::EAI_NONAME,
            Operation::Readline { code } => code.give(c"echo storm"),
            Operation::Connect { server } => sockets::connect(server).is_ok(),
            Operation::SendAgain { servers } => {
                let server = servers.get(self.thread);
                server.is_some_and(|server| sockets::send_again(server).is_ok())
            }
            Operation::Sleep => sleep(),
            Operation::Getppid => {
                // SAFETY: getppid takes no arguments.
                unsafe { libc::syscall(libc::SYS_getppid) >= 0 }
            }
        }
    }

    fn create_and_unlink(&mut self, dir: &CStr, index: u64) -> bool {
        let Ok(dir) = dir.to_str() else {
            return false;
        };
        self.name.clear();
        if write!(self.name, "{dir}/storm-{}-{index}\0", self.thread).is_err() {
            return false;
        }
        let Ok(path) = CStr::from_bytes_with_nul(self.name.as_bytes()) else {
            return false;
        };
        let created = open(path, libc::O_WRONLY | libc::O_CREAT | libc::O_EXCL).is_ok();
        // SAFETY: `path` is a NUL-terminated string.
        created && unsafe { libc::unlink(path.as_ptr()) } == 0
    }
}

/// One `openat`, and a `close` if it succeeded; the errno if it did not.
fn open(path: &CStr, flags: libc::c_int) -> Result<(), Option<i32>> {
    // SAFETY: `path` is a NUL-terminated string. Not through libc's open: that this is exactly one
    // openat, with no retry and no other file, is what the count of a storm stands on.
    let fd = unsafe {
        libc::syscall(
            libc::SYS_openat,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            0o600,
        )
    };
    if fd < 0 {
        return Err(last_errno());
    }
    // SAFETY: the descriptor was opened above and is used by nobody else.
    unsafe { libc::syscall(libc::SYS_close, fd) };
    Ok(())
}

/// One `getaddrinfo` of a numeric address; what it returned.
fn look_up(host: &CStr) -> i32 {
    // SAFETY: all of it is zero in hints that ask for nothing.
    let mut hints: libc::addrinfo = unsafe { std::mem::zeroed() };
    hints.ai_flags = libc::AI_NUMERICHOST;
    let mut found = ptr::null_mut();
    // SAFETY: a string, and structures that outlive the call.
    let returned =
        unsafe { libc::getaddrinfo(host.as_ptr(), ptr::null(), &raw const hints, &raw mut found) };
    if returned == 0 {
        // SAFETY: the call made it.
        unsafe { libc::freeaddrinfo(found) };
    }
    returned
}

fn sleep() -> bool {
    let length = libc::timespec {
        tv_sec: 0,
        tv_nsec: 1,
    };
    // SAFETY: `length` outlives the call, and nobody asks for what is left of it.
    unsafe { libc::nanosleep(&raw const length, ptr::null_mut()) == 0 }
}

fn exec(program: &CStr) -> bool {
    let argv = [program.as_ptr().cast_mut(), ptr::null_mut()];
    let envp = [ptr::null_mut()];
    let mut pid = 0;
    // SAFETY: all strings and both vectors are NUL-terminated and outlive the call.
    let spawned = unsafe {
        libc::posix_spawn(
            &raw mut pid,
            program.as_ptr(),
            ptr::null(),
            ptr::null(),
            argv.as_ptr(),
            envp.as_ptr(),
        )
    };
    if spawned != 0 {
        return false;
    }
    let mut status = 0;
    loop {
        // SAFETY: `pid` is a child of this process that nobody else waits for.
        let waited = unsafe { libc::waitpid(pid, &raw mut status, 0) };
        if waited == pid {
            return libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0;
        }
        if last_errno() != Some(libc::EINTR) {
            return false;
        }
    }
}

fn exec_missing(program: &CStr) -> bool {
    let argv = [program.as_ptr(), ptr::null()];
    let envp = [ptr::null()];
    // SAFETY: the string and both vectors are NUL-terminated. The caller named a program that does not
    // exist, so the call returns.
    unsafe { libc::execve(program.as_ptr(), argv.as_ptr(), envp.as_ptr()) };
    last_errno() == Some(libc::ENOENT)
}

fn last_errno() -> Option<i32> {
    io::Error::last_os_error().raw_os_error()
}

#[cfg(test)]
mod tests {
    use super::Operation;
    use super::Worker;

    fn goes_as_it_should(operation: &Operation) -> bool {
        Worker::new(operation, 0).once(0)
    }

    #[test]
    fn an_open_expects_what_it_was_told() {
        for (path, missing, expected) in [
            (c"/dev/null", false, true),
            (c"/dev/null", true, false),
            (c"/nonexistent/storm", true, true),
            (c"/nonexistent/storm", false, false),
            (c"/dev/null/storm", true, false),
        ] {
            let operation = Operation::Open {
                path: path.into(),
                missing,
            };
            assert_eq!(goes_as_it_should(&operation), expected, "{operation:?}");
        }
    }

    #[test]
    fn an_exec_expects_the_program_to_run_and_succeed() {
        for (program, expected) in [
            (c"/bin/true", true),
            (c"/bin/false", false),
            (c"/nonexistent", false),
        ] {
            let operation = Operation::Exec {
                program: program.into(),
            };
            assert_eq!(goes_as_it_should(&operation), expected, "{operation:?}");
        }
    }

    #[test]
    fn a_failing_exec_returns() {
        let program = c"/nonexistent/storm".into();
        assert!(goes_as_it_should(&Operation::ExecFail { program }));
    }

    #[test]
    fn what_cannot_be_written_back_is_no_success() {
        for (path, expected) in [("Cargo.toml", true), ("/dev/null", false)] {
            let file = std::fs::File::open(path).unwrap().into();
            assert_eq!(goes_as_it_should(&Operation::Sync { file }), expected);
        }
    }

    #[test]
    fn a_numeric_address_is_found() {
        for missing in [false, true] {
            assert!(goes_as_it_should(&Operation::Lookup { missing }));
        }
    }

    #[test]
    fn a_sleep_ends() {
        assert!(goes_as_it_should(&Operation::Sleep));
    }

    #[test]
    fn unlink_leaves_nothing_behind() {
        let dir = std::env::temp_dir().join(format!("storm-unlink-{}", std::process::id()));
        std::fs::create_dir(&dir).unwrap();
        let operation = Operation::Unlink {
            dir: std::ffi::CString::new(dir.to_str().unwrap()).unwrap(),
        };
        assert!(goes_as_it_should(&operation));
        // Fails if the directory is not empty.
        std::fs::remove_dir(&dir).unwrap();
        assert!(!goes_as_it_should(&operation));
    }
}
