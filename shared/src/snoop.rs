// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of a tool that prints events: from its arguments to its exit status.

use std::fmt;
use std::io::{self, Write};
use std::os::fd::BorrowedFd;
use std::process::ExitStatus;

use nix::sys::signal::Signal;
use tokio::time::{Instant, sleep_until};

use crate::cli::{self, Common};
use crate::clock::Clock;
use crate::command::{self, Held};
use crate::error::{Error, Kind, Result};
use crate::options::Options;
use crate::output::sink::Sink;
use crate::output::summary::{Gap, Summary};
use crate::output::table::Column;
use crate::output::{Format, Writer};
use crate::privilege;
use crate::shutdown::{Reason, Shutdown};
use crate::stream::{Batch, Item, Stream};
use crate::tool;
use crate::tracer::Tracer;

/// The arguments of such a tool.
pub trait Snoop: clap::FromArgMatches {
    /// What they set up.
    type Tracer: Tracer;

    /// The options that all tools share.
    fn common(&mut self) -> &mut Common;

    /// Adjusts what the shared options say by the tool's own.
    ///
    /// # Errors
    ///
    /// For options that cannot be meant together.
    fn adjust(&self, _options: &mut Options) -> Result<()> {
        Ok(())
    }

    /// The tracer.
    ///
    /// # Errors
    ///
    /// For values that cannot be met.
    fn tracer(&self) -> Result<Self::Tracer>;

    /// The columns of a table.
    fn columns(&self) -> Vec<Column<Self::Tracer>>;

    /// Whether to print an event: what only user space can decide.
    fn keep(&self, _event: &<Self::Tracer as crate::event::EventFamily>::Event<'_>) -> bool {
        true
    }
}

/// Runs the tool; gives its exit status.
///
/// # Errors
///
/// Everything that ends a run early.
pub fn run<S: Snoop>(matches: &clap::ArgMatches) -> Result<u8> {
    let mut args: S = cli::from_matches(matches)?;
    let ready = args.common().take_ready()?;
    let common = args.common().clone();
    let mut options = common.options()?;
    args.adjust(&mut options)?;
    let tracer = args.tracer()?;
    let sink = match &common.output {
        Some(path) => Sink::file(path)?,
        None => Sink::stdout(),
    };
    // Forked while the process has the caller's privileges and nothing open that the command could inherit.
    let held = match common.command.as_slice() {
        [] => None,
        argv => Some(Held::start(argv)?),
    };
    options.follow = held.as_ref().map(Held::pid);
    options.exclude = Some(std::process::id());
    tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .build()
        .map_err(|error| Error::io("cannot start the runtime", &error))?
        .block_on(async {
            let watched = sink.raw_fd();
            // SAFETY: the sink's descriptor is open now, and only looked at in this call.
            let mut shutdown = Shutdown::new(Some(unsafe { BorrowedFd::borrow_raw(watched) }))?;
            let stream = Stream::start(tracer, &options)?;
            report_plan(&common, &stream);
            let mut run = Run::new(
                &args,
                &common,
                Writer::new(common.format, sink, args.columns(), Clock::new()),
            );
            run.written(|writer| writer.header())?;
            privilege::drop_all()?;
            if let Some(mut ready) = ready {
                // Not Error::io: that nobody reads this is not the end of the output.
                ready
                    .write_all(b"ready\n")
                    .map_err(|error| Error::new(Kind::Io, format!("--ready-fd: {error}")))?;
            }
            run.trace(stream, &mut shutdown, held).await
        })
}

/// `-v`: what was chosen, and why not the better.
fn report_plan<T: Tracer>(common: &Common, stream: &Stream<T>) {
    if common.verbose {
        for passed in stream.passed() {
            say::<T>(format_args!("not {passed}"));
        }
        say::<T>(format_args!(
            "probe {}, {} buffer",
            stream.rung(),
            stream.buffer()
        ));
    }
}

/// One line on standard error.
fn say<T: Tracer>(line: impl fmt::Display) {
    tool::say(T::NAME, line);
}

/// A run under way.
struct Run<'a, S: Snoop> {
    args: &'a S,
    common: &'a Common,
    writer: Writer<S::Tracer>,
    started: Instant,
    printed: u64,
    /// Whether someone still reads the output.
    open: bool,
}

/// How the command fared.
enum Command {
    None,
    Running(command::Running),
    Ended(ExitStatus),
}

impl<'a, S: Snoop> Run<'a, S> {
    fn new(args: &'a S, common: &'a Common, writer: Writer<S::Tracer>) -> Self {
        Self {
            args,
            common,
            writer,
            started: Instant::now(),
            printed: 0,
            open: true,
        }
    }

    /// Writes, unless the reader has gone. That it goes is an ending like others, not a failure.
    fn written(&mut self, write: impl FnOnce(&mut Writer<S::Tracer>) -> Result<()>) -> Result<()> {
        if !self.open {
            return Ok(());
        }
        match write(&mut self.writer) {
            Err(error) if error.kind() == Kind::Closed => {
                self.open = false;
                Ok(())
            }
            result => result,
        }
    }

    fn full(&self) -> bool {
        self.common
            .max_events
            .is_some_and(|most| self.printed >= most)
    }

    async fn trace(
        mut self,
        mut stream: Stream<S::Tracer>,
        shutdown: &mut Shutdown,
        held: Option<Held>,
    ) -> Result<u8> {
        self.started = Instant::now();
        let deadline = self
            .common
            .duration
            .and_then(|duration| self.started.checked_add(duration));
        let mut command = match held {
            Some(held) => Command::Running(held.release()?),
            None => Command::None,
        };
        // Output that fails ends the trace, and the account is given all the same.
        let mut failed = None;
        loop {
            let end = tokio::select! {
                batch = stream.next() => match batch? {
                    None => break,
                    Some(batch) => {
                        if let Err(error) = self.print(&batch) {
                            failed.get_or_insert(error);
                            self.open = false;
                        }
                        self.full() || !self.open
                    }
                },
                reason = shutdown.recv() => {
                    pass_on::<S::Tracer>(reason, &command);
                    true
                }
                () = sleep_until(deadline.unwrap_or(self.started)), if deadline.is_some() => true,
                status = wait(&mut command) => {
                    command = Command::Ended(status?);
                    true
                }
            };
            if end {
                stream.stop();
            }
        }
        let lost = self.finish(&stream, failed.is_some())?;
        if let Some(error) = failed {
            return Err(error);
        }
        let status = match command {
            Command::None => 0,
            Command::Ended(status) => command::exit_code(status),
            // The trace has ended, the command has not: it is the user's, and ends by itself.
            Command::Running(running) => outlast(running, shutdown).await?,
        };
        Ok(if lost && self.common.fail_on_loss {
            3
        } else {
            status
        })
    }

    fn print(&mut self, batch: &Batch<'_, S::Tracer>) -> Result<()> {
        for item in batch.items() {
            if self.full() || !self.open {
                return Ok(());
            }
            match item {
                Item::Event(event) if self.args.keep(&event) => {
                    self.printed += 1;
                    self.written(|writer| writer.event(&event))?;
                }
                Item::Event(_) => {}
                Item::Lost(lost) => {
                    if self.common.format == Format::Csv {
                        say::<S::Tracer>(Gap(&lost));
                    }
                    self.written(|writer| writer.lost(&lost))?;
                }
            }
        }
        self.written(Writer::flush)
    }

    /// Prints the account; says whether anything was lost.
    fn finish(&mut self, stream: &Stream<S::Tracer>, failed: bool) -> Result<bool> {
        let account = stream.account();
        let summary = Summary {
            tool: S::Tracer::NAME,
            events: self.printed,
            lost: account.lost,
            duration: self.started.elapsed(),
            rung: stream.rung(),
            buffer: stream.buffer(),
        };
        self.written(|writer| {
            writer.summary(&summary)?;
            writer.flush()
        })?;
        if failed || self.common.format != Format::Json {
            // It names the tool itself. That nobody may read it is no reason to fail.
            drop(writeln!(io::stderr().lock(), "{summary}"));
        }
        Ok(account.lost.total() > 0)
    }
}

/// The end of the command; never where there is none to wait for.
async fn wait(command: &mut Command) -> Result<ExitStatus> {
    match command {
        Command::Running(running) => running.wait().await,
        Command::None | Command::Ended(_) => std::future::pending().await,
    }
}

fn signal_of(reason: Reason) -> Option<Signal> {
    match reason {
        Reason::Interrupt => Some(Signal::SIGINT),
        Reason::Terminate => Some(Signal::SIGTERM),
        Reason::Hangup => Some(Signal::SIGHUP),
        Reason::ReaderGone => None,
    }
}

/// Waits for the command, the trace having ended; a second signal ends that too.
async fn outlast(mut command: command::Running, shutdown: &mut Shutdown) -> Result<u8> {
    loop {
        tokio::select! {
            status = command.wait() => return Ok(command::exit_code(status?)),
            reason = shutdown.recv() => if let Some(signal) = signal_of(reason) {
                return Ok(128 + signal as u8);
            },
        }
    }
}

/// Hands a signal on to the command. Not the terminal's interrupt, which reached it already.
fn pass_on<T: Tracer>(reason: Reason, command: &Command) {
    if let (Command::Running(running), Some(signal @ (Signal::SIGTERM | Signal::SIGHUP))) =
        (command, signal_of(reason))
        && let Err(error) = running.signal(signal)
    {
        // It may have become another user's. That is no reason to lose what was traced.
        say::<T>(format_args!(
            "cannot hand {signal} on to the command: {error}"
        ));
    }
}
