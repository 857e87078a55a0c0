// SPDX-License-Identifier: MIT OR Apache-2.0
//! A row of the tree: one program that a process ran.

use tracewell_shared::event::ending::{Cpu, Ending};
use tracewell_shared::event::path::Path;
use tracewell_shared::event::{Bytes, Cell, Event, Moment, Nanos, Truncated, Word, as_word};

use crate::event::Args;

/// What a process ran, from one exec to the next. What it ran before its first exec, a copy of its parent, counts as the
/// beginning of that; a process that made none has this one row.
#[derive(Debug, Clone, Event)]
#[event(kind = "program", of = Programs, failed = Self::went_wrong)]
#[non_exhaustive]
pub struct Program<'a> {
    /// When it began, as `began` says how.
    #[field(left("TIME", 15))]
    pub time: Moment,
    /// The process, in the initial pid namespace.
    #[field(left("PID", 7))]
    pub pid: u32,
    /// Its parent when it was first told of: of an orphan, whoever took it in.
    #[field(left("PPID", 7))]
    pub ppid: u32,
    /// The real user id, as the initial user namespace sees it.
    #[field(left("UID", 7))]
    pub uid: u32,
    /// The process's name.
    #[field(left("COMM", 16), show = as_word)]
    pub comm: &'a [u8],
    /// How many of those above it are in the tree.
    pub depth: u32,
    /// How it began. fork: with its process. exec: by an exec, its process having run another program before. before: its
    /// process was there before the trace began; `time` is when that was made. unseen: what told of its beginning was lost;
    /// `time` is when its process was made.
    pub began: Began,
    /// How it ended. exit: with its process. exec: its process ran another program then. running: it had not ended when
    /// the trace did. unknown: no end was told, and as something was lost, it may have ended all the same.
    pub ended: End,
    /// How long it ran; of one that is running, to the end of the trace.
    #[field(null = "where `ended` is unknown", left("TIME(s)", 10))]
    pub duration_ns: Option<Nanos>,
    /// How long after its beginning its process made the exec: the time in the copy of the parent.
    #[field(null = "where it made none, or began by it")]
    pub exec_after_ns: Option<Nanos>,
    /// How it ended.
    #[field(group)]
    pub ending: Ending,
    /// What its process used of the CPU, all programs that it ran together.
    #[field(group)]
    pub cpu: Cpu,
    /// The most memory that was resident at once, of the process without its children.
    #[field(null = "where its end was not told, or it had no memory of its own")]
    pub peak_rss_bytes: Option<Bytes>,
    /// The file that runs, as of an exec.
    #[field(
        null = "where the process made no exec that was told, and where it could not be read",
        truncated = "The name had PATH_MAX bytes or more, and the rest is missing."
    )]
    pub filename: Path<'a>,
    /// The arguments, as of an exec.
    #[field(
        null = "as `filename`",
        truncated = "Arguments, or the end of the last one, are missing, as of an exec."
    )]
    pub args: Args<'a>,
    /// What stands before it in a table: the lines that lead to it.
    #[field(skip)]
    pub(super) lead: String,
}

/// How a program began.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum Began {
    /// With its process.
    Fork,
    /// By an exec.
    Exec,
    /// Before the trace.
    Before,
    /// That is not known.
    Unseen,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
pub enum End {
    /// With its process.
    Exit,
    /// By an exec.
    Exec,
    /// It has not.
    Running,
    /// That is not known.
    Unknown,
}

/// The family of [`Program`].
#[derive(Debug, Clone, Copy)]
pub struct Programs;

impl Program<'_> {
    /// Whether it ended by anything but an exit with code 0.
    fn went_wrong(&self) -> bool {
        self.ended == End::Exit && self.ending.went_wrong()
    }

    /// `0`, `code 1`, `signal 9 (SIGKILL)`; else how it ended, in a word.
    pub(crate) fn show_end(&self, cell: &mut Cell<'_>) {
        match self.ended {
            End::Exit => self.ending.show(cell),
            End::Exec => cell.text("exec"),
            End::Running => cell.text("running"),
            End::Unknown => cell.text("?"),
        }
    }

    /// How long it ran, in seconds.
    pub(crate) fn show_duration(&self, cell: &mut Cell<'_>) {
        match self.duration_ns {
            Some(Nanos(ns)) => cell.seconds(ns),
            None => cell.text("?"),
        }
    }

    /// What its process used of the CPU, in the program and in the kernel together, in seconds.
    pub(crate) fn show_cpu(&self, cell: &mut Cell<'_>) {
        match (self.cpu.user_ns, self.cpu.system_ns) {
            (Some(Nanos(user)), Some(Nanos(system))) => cell.seconds(user + system),
            _ => cell.text("-"),
        }
    }

    /// Its command line, or in parentheses the name of a process that made no exec, behind the lines that lead to it.
    pub(crate) fn show_program(&self, cell: &mut Cell<'_>) {
        cell.text(&self.lead);
        match self.began {
            Began::Fork | Began::Exec => {}
            Began::Before => cell.text("(running before) "),
            Began::Unseen => cell.text("(beginning lost) "),
        }
        match self.args.get() {
            Some(args) => cell.arguments(args),
            None => {
                cell.text("(");
                cell.word(self.comm);
                cell.text(")");
            }
        }
        if self.args.is_truncated() {
            cell.cut();
        }
    }
}
