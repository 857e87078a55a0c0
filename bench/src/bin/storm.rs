// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes an exact number of operations and prints what they cost as one JSON object.

use std::ffi::CString;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::io::Seek;
use std::io::SeekFrom;
use std::io::Write;
use std::net::Ipv4Addr;
use std::net::TcpListener;
use std::os::fd::FromRawFd;
use std::os::fd::RawFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use clap::Parser;
use clap::Subcommand;

use tracewell_bench::error::Context;
use tracewell_bench::error::Error;
use tracewell_bench::error::Result;
use tracewell_bench::sockets::lossy_server;
use tracewell_bench::storm::Plan;
use tracewell_bench::storm::run;
use tracewell_bench::workload::BLOCK;
use tracewell_bench::workload::Code;
use tracewell_bench::workload::Operation;

/// Make an exact number of operations, and say what they cost.
///
/// Prints one JSON object at the end: operations made, per thread, wall and CPU seconds, operations a second.
#[derive(Debug, Parser)]
#[command(name = "storm", version)]
struct Cli {
    #[command(subcommand)]
    operation: OperationArgs,
    #[command(flatten)]
    common: CommonArgs,
}

#[derive(Debug, Args)]
struct CommonArgs {
    /// Operations per thread
    #[arg(long, global = true, value_name = "N", default_value_t = 1_000)]
    ops: u64,
    /// Threads
    #[arg(long, global = true, value_name = "T", default_value_t = 1)]
    threads: u16,
    /// Operations a second of all threads together; without it, flat out
    #[arg(long, global = true, value_name = "R")]
    rate: Option<f64>,
    /// Become this user before the storm
    #[arg(long, global = true)]
    uid: Option<u32>,
    /// Wait for a byte (or the end) of this descriptor before the storm
    #[arg(long, global = true, value_name = "N")]
    start_fd: Option<RawFd>,
}

#[derive(Debug, Subcommand)]
enum OperationArgs {
    /// One openat of a file, and its close
    Open {
        /// What to open
        #[arg(
            long,
            default_value = "/dev/null",
            default_value_if("missing", "true", "/nonexistent/storm")
        )]
        path: String,
        /// The file does not exist: each open fails with ENOENT
        #[arg(long)]
        missing: bool,
    },
    /// One vfork and execve of a program, and the wait for its end
    Exec {
        /// What to execute; it gets no arguments, and must succeed
        #[arg(long, default_value = "/bin/true")]
        path: String,
    },
    /// One execve of a program that does not exist, without a fork
    ExecFail {
        /// What does not exist
        #[arg(long, default_value = "/nonexistent/storm")]
        path: String,
    },
    /// Create a file, close it, unlink it
    Unlink {
        /// A directory to do it in
        #[arg(long, default_value = "/tmp")]
        path: String,
    },
    /// One read of 4 KiB past the page cache: one request of a disk
    Read {
        /// The disk, or a file on it
        #[arg(long)]
        path: PathBuf,
    },
    /// One fdatasync of a file in memory
    Sync,
    /// One getaddrinfo of a numeric address
    Lookup {
        /// It is no number: each lookup fails with `EAI_NONAME`
        #[arg(long)]
        missing: bool,
    },
    /// One call of a function that gives back what it is given
    Readline {
        /// A library with that function's code at 64 KiB
        #[arg(long)]
        path: PathBuf,
    },
    /// One TCP connection to this program itself
    Connect {
        /// The port of 127.0.0.1 that it goes to; 0 for any
        #[arg(long, default_value_t = 0)]
        port: u16,
    },
    /// One TCP connection whose first byte is lost on the way, and so sent again
    SendAgain,
    /// One nanosleep, and so one wait for a CPU when it ends
    Sleep,
    /// One getppid: a system call that nobody traces, but who counts all of them
    Getppid,
}

impl OperationArgs {
    /// The operation of so many threads, with what is to be had before another user is become.
    fn operation(self, threads: u16) -> Result<Operation> {
        Ok(match self {
            Self::Open { path, missing } => Operation::Open {
                path: c_string(path)?,
                missing,
            },
            Self::Exec { path } => Operation::Exec {
                program: c_string(path)?,
            },
            Self::ExecFail { path } => {
                // Otherwise the first operation would turn this process into that program.
                if Path::new(&path).exists() {
                    return Err(Error::new(format!("exec-fail: {path} exists")));
                }
                Operation::ExecFail {
                    program: c_string(path)?,
                }
            }
            Self::Unlink { path } => Operation::Unlink {
                dir: c_string(path)?,
            },
            Self::Read { path } => {
                let failed = || path.display().to_string();
                // Now, before another user is become.
                let mut options = OpenOptions::new();
                options.read(true).custom_flags(libc::O_DIRECT);
                let mut disk = options.open(&path).context(failed)?;
                let bytes = disk.seek(SeekFrom::End(0)).context(failed)?;
                Operation::Read {
                    disk: Arc::new(disk),
                    blocks: (bytes / BLOCK as u64).max(1),
                }
            }
            Self::Sync => Operation::Sync {
                file: Arc::new(in_memory()?),
            },
            Self::Lookup { missing } => Operation::Lookup { missing },
            Self::Readline { path } => {
                let failed = || path.display().to_string();
                let library = File::open(&path).context(failed)?;
                Operation::Readline {
                    code: Code::map(&library).context(failed)?,
                }
            }
            Self::Connect { port } => {
                let server = TcpListener::bind((Ipv4Addr::LOCALHOST, port));
                Operation::Connect {
                    server: Arc::new(server.context(|| format!("port {port}"))?),
                }
            }
            Self::SendAgain => {
                let servers: io::Result<_> = (0..threads).map(|_| lossy_server()).collect();
                let servers = servers.context(|| "a filter".to_owned())?;
                Operation::SendAgain {
                    servers: Arc::new(servers),
                }
            }
            Self::Sleep => Operation::Sleep,
            Self::Getppid => Operation::Getppid,
        })
    }
}

fn in_memory() -> Result<File> {
    // SAFETY: the name is a string.
    let fd = unsafe { libc::memfd_create(c"storm".as_ptr(), libc::MFD_CLOEXEC) };
    if fd < 0 {
        return Err(Error::last_os("memfd_create"));
    }
    // SAFETY: the kernel has just made it, for this caller.
    Ok(unsafe { File::from_raw_fd(fd) })
}

fn c_string(path: String) -> Result<CString> {
    CString::new(path).context(|| "a path".to_owned())
}

fn try_main() -> Result<()> {
    let Cli { operation, common } = Cli::parse();
    if common.threads == 0 || common.ops == 0 {
        return Err(Error::new("--threads and --ops must be at least 1"));
    }
    if common
        .rate
        .is_some_and(|rate| !rate.is_finite() || rate <= 0.0)
    {
        return Err(Error::new("--rate must be more than 0"));
    }
    let report = run(&Plan {
        operation: operation.operation(common.threads)?,
        ops: common.ops,
        threads: common.threads.into(),
        rate: common.rate,
        uid: common.uid,
        start_fd: common.start_fd,
    })?;
    let text = serde_json::to_string(&report).context(|| "cannot write the report".to_owned())?;
    writeln!(io::stdout().lock(), "{text}").context(|| "stdout".to_owned())
}

fn main() -> ExitCode {
    match try_main() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Nothing is left to do when stderr is gone too.
            drop(writeln!(io::stderr().lock(), "storm: {error}"));
            ExitCode::FAILURE
        }
    }
}
