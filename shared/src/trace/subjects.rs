// SPDX-License-Identifier: MIT OR Apache-2.0
//! The processes and threads that filters name: that they exist when a trace begins, and when they have ended.
//!
//! A trace of processes that have all ended would go on for ever, and say nothing.

use std::fmt;
use std::fs::{self, File};
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::time::Duration;

use nix::errno::Errno;
use nix::fcntl::{OFlag, openat};
use nix::libc;
use nix::sys::signal::kill;
use nix::sys::stat::Mode;
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::time::sleep;

use crate::error::{Error, Result};
use crate::kernel::pid;
use crate::trace::options::Filter;
use crate::trace::set::Set;

/// How often threads are looked at: only newer kernels (6.9) tell of their end.
const LOOK: Duration = Duration::from_secs(1);

/// What the filters of a trace name that can end: the wanted processes, threads and parents. What is excluded may be
/// anything.
#[derive(Debug)]
pub struct Subjects {
    processes: Group,
    threads: Group,
    parents: Group,
    /// Whether their ends cannot be seen from here.
    unseen: bool,
}

/// Why a trace has nothing more to show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    option: &'static str,
    what: &'static str,
    ids: Vec<u32>,
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { option, what, ids } = self;
        match ids[..] {
            [id] => write!(f, "{what} {id} ({option}) has ended"),
            _ => write!(f, "all that {option} names have ended"),
        }
    }
}

/// What one filter wants.
#[derive(Debug)]
struct Group {
    option: &'static str,
    what: &'static str,
    members: Vec<Member>,
}

#[derive(Debug)]
struct Member {
    id: u32,
    watch: Watch,
}

#[derive(Debug)]
enum Watch {
    /// A pidfd, which becomes readable when the process ends.
    Found(OwnedFd),
    Listening(AsyncFd<OwnedFd>),
    /// The task's directory of /proc, in which nothing is to be found once it has ended, whoever has the number then.
    Looking(File),
    /// It exists, and this process may not see more of it; or it never ends.
    Unseen,
}

impl Subjects {
    /// Finds what the filter wants. In another than the initial pid namespace nothing can be found, as the numbers are the
    /// initial one's: see [`are_unseen`](Self::are_unseen).
    ///
    /// # Errors
    ///
    /// [`Usage`](crate::error::Kind::Usage) for a process or thread that does not exist, and a thread where a process is
    /// asked for.
    pub fn find(filter: &Filter) -> Result<Self> {
        let unseen = !pid::in_initial_namespace();
        let group = |option, what, set: &Set<u32>, find: fn(&'static str, u32) -> Result<Watch>| {
            let members = set.wanted().iter().map(|&id| {
                let watch = if unseen || id == 0 {
                    Watch::Unseen
                } else {
                    find(option, id)?
                };
                Ok(Member { id, watch })
            });
            Ok::<_, Error>(Group {
                option,
                what,
                members: members.collect::<Result<_>>()?,
            })
        };
        let processes = group("--pid", "process", &filter.pid, process)?;
        let threads = group("--tid", "thread", &filter.tid, thread)?;
        let parents = group("--ppid", "parent", &filter.ppid, process)?;
        let named = [&processes, &threads, &parents];
        Ok(Self {
            unseen: unseen && named.iter().any(|group| !group.members.is_empty()),
            processes,
            threads,
            parents,
        })
    }

    /// Whether there are some whose end cannot be seen, since this process is in another pid namespace.
    pub fn are_unseen(&self) -> bool {
        self.unseen
    }

    /// Waits until all that one filter wants have ended; for ever where none can. Cancel safe. Needs a tokio runtime with
    /// its I/O and time drivers.
    pub async fn ended(&mut self) -> Ended {
        let Self {
            processes,
            threads,
            parents,
            ..
        } = self;
        tokio::select! {
            ended = processes.ended() => ended,
            ended = threads.ended() => ended,
            ended = parents.ended() => ended,
        }
    }
}

impl Group {
    async fn ended(&mut self) -> Ended {
        if self.members.is_empty() {
            return std::future::pending().await;
        }
        // One after the other: what has ended stays so.
        for member in &mut self.members {
            member.watch.ended().await;
        }
        Ended {
            option: self.option,
            what: self.what,
            ids: self.members.iter().map(|member| member.id).collect(),
        }
    }
}

impl Watch {
    async fn ended(&mut self) {
        if let Self::Found(fd) = self {
            let Ok(fd) = fd.try_clone() else {
                return std::future::pending().await;
            };
            // SAFETY: an `OwnedFd` is open, and stays the same, for as long as it lives.
            *self = match unsafe { AsyncFd::register_with_interest(fd, Interest::READABLE) } {
                Ok(listening) => Self::Listening(listening),
                Err(_) => Self::Unseen,
            };
        }
        match self {
            Self::Listening(listening) => match listening.readable().await {
                Ok(mut ready) => ready.retain_ready(),
                Err(_) => std::future::pending().await,
            },
            Self::Looking(directory) => {
                while is_there(directory) {
                    sleep(LOOK).await;
                }
                // An exec takes its thread's number away before it has read the new program, and is told after that.
                sleep(LOOK).await;
            }
            Self::Found(_) | Self::Unseen => std::future::pending().await,
        }
    }
}

fn process(option: &'static str, id: u32) -> Result<Watch> {
    let pid = pid_of(id);
    // SAFETY: plain system call.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid.as_raw(), 0) };
    let fd = Errno::result(fd).map(|fd| i32::try_from(fd).unwrap_or(-1));
    if let Ok(fd @ 0..) = fd {
        // SAFETY: just made, and nobody else's.
        return Ok(Watch::Found(unsafe { OwnedFd::from_raw_fd(fd) }));
    }
    if !exists(pid) {
        return Err(
            Error::usage(format!("{option} {id}: there is no such process"))
                .help("give the number of a process that runs, as ps -e shows it"),
        );
    }
    match process_of(id) {
        Some(process) if process != id => Err(Error::usage(format!(
            "{option} {id}: this is a thread of process {process}"
        ))
        .help(match option {
            "--ppid" => format!("a parent is a process: {option} {process}"),
            _ => format!("use --tid {id} for the thread alone, {option} {process} for the process"),
        })),
        _ => Ok(look_at(id)),
    }
}

fn thread(option: &'static str, id: u32) -> Result<Watch> {
    if exists(pid_of(id)) {
        return Ok(look_at(id));
    }
    Err(
        Error::usage(format!("{option} {id}: there is no such thread"))
            .help("give the number of a thread that runs, as ps -eL shows it in the column LWP"),
    )
}

/// Every thread has an entry in /proc by its number, though a listing leaves it out.
fn look_at(id: u32) -> Watch {
    match File::open(format!("/proc/{id}")) {
        Ok(directory) => Watch::Looking(directory),
        // hidepid, for one.
        Err(_) => Watch::Unseen,
    }
}

/// The process that a thread is of.
fn process_of(thread: u32) -> Option<u32> {
    let status = fs::read_to_string(format!("/proc/{thread}/status")).ok()?;
    status
        .lines()
        .find_map(|line| line.strip_prefix("Tgid:")?.trim().parse().ok())
}

fn pid_of(id: u32) -> Pid {
    // No number is that large; the kernel says so, too.
    Pid::from_raw(i32::try_from(id).unwrap_or(i32::MAX))
}

/// Whether there is a process or thread of this number, whosever it is.
fn exists(pid: Pid) -> bool {
    kill(pid, None) != Err(Errno::ESRCH)
}

/// Whether the task that this directory of /proc is of still runs.
fn is_there(directory: &File) -> bool {
    let Ok(stat) = openat(
        directory,
        "stat",
        OFlag::O_RDONLY | OFlag::O_CLOEXEC,
        Mode::empty(),
    ) else {
        return false;
    };
    let Ok(stat) = io::read_to_string(File::from(stat)) else {
        return false;
    };
    // The name stands in brackets, and may have some of its own.
    let state = stat
        .rsplit_once(')')
        .and_then(|(_, rest)| rest.trim_start().chars().next());
    !matches!(state, Some('Z' | 'X'))
}

#[cfg(test)]
mod tests {
    use std::process::{Command, id};
    use std::time::Duration;

    use super::Subjects;
    use crate::error::Result;
    use crate::trace::options::Filter;
    use crate::trace::set::Set;

    fn find(filter: Filter) -> Result<Subjects> {
        Subjects::find(&filter)
    }

    fn by_pid(pid: Set<u32>) -> Result<Subjects> {
        find(Filter {
            pid,
            ..Filter::default()
        })
    }

    fn run<T>(future: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(future)
    }

    #[test]
    fn what_does_not_exist_is_refused() {
        let nobody = 4_194_305; // more than the kernel's PID_MAX_LIMIT
        for filter in [
            Filter {
                pid: Set::any([id(), nobody]),
                ..Filter::default()
            },
            Filter {
                tid: nobody.into(),
                ..Filter::default()
            },
            Filter {
                ppid: u32::MAX.into(),
                ..Filter::default()
            },
        ] {
            let error = find(filter).expect_err("nobody");
            assert_eq!(error.exit_status(), 2, "{error}");
            assert!(error.to_string().contains("there is no such"), "{error}");
        }
        // To leave out what does not exist does what it says.
        assert!(by_pid(Set::none([nobody])).is_ok());
    }

    #[test]
    fn a_thread_is_no_process() {
        let thread = std::thread::spawn(|| {
            let tid = nix::unistd::gettid().as_raw().cast_unsigned();
            let error = by_pid(tid.into()).expect_err("a thread").to_string();
            assert!(
                error.contains(&format!("a thread of process {}", id())),
                "{error}"
            );
            assert!(error.contains(&format!("--tid {tid}")), "{error}");
            find(Filter {
                tid: tid.into(),
                ..Filter::default()
            })
            .unwrap()
        });
        let mut subjects = thread.join().unwrap();
        // The thread has ended.
        let ended = run(subjects.ended());
        assert!(ended.to_string().starts_with("thread "), "{ended}");
    }

    #[test]
    fn the_last_of_several_is_waited_for() {
        let mut first = Command::new("sleep").arg("60").spawn().unwrap();
        let mut second = Command::new("sleep").arg("60").spawn().unwrap();
        let mut subjects = by_pid(Set::any([first.id(), second.id()])).unwrap();
        run(async {
            first.kill().unwrap();
            first.wait().unwrap();
            let early = tokio::time::timeout(Duration::from_millis(50), subjects.ended()).await;
            assert!(early.is_err(), "{early:?}");
            second.kill().unwrap();
            // A process that is not waited for has ended, too.
            let ended = subjects.ended().await;
            assert_eq!(ended.to_string(), "all that --pid names have ended");
        });
        second.wait().unwrap();
    }

    #[test]
    fn exclusions_do_not_end() {
        let mut subjects = by_pid(Set::none([id()])).unwrap();
        run(async {
            let early = tokio::time::timeout(Duration::from_millis(20), subjects.ended()).await;
            assert!(early.is_err(), "{early:?}");
        });
    }
}
