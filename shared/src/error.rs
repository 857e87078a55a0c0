// SPDX-License-Identifier: MIT OR Apache-2.0
//! The one error type: what went wrong, what to do about it, and the exit status it makes.

use std::fmt;
use std::io;

/// What kind of thing went wrong; decides the exit status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Kind {
    /// The command line asks for something that cannot be meant. Exit status 2.
    Usage,
    /// The caller lacks a capability. Exit status 1.
    Permission,
    /// This kernel cannot do it, on any rung. Exit status 77.
    Unsupported,
    /// Reading, writing or another system call failed. Exit status 1.
    Io,
    /// The reader of the output has gone. It ends a run, and is no failure.
    Closed,
    /// The command to run does not exist. Exit status 127.
    CommandNotFound,
    /// The command to run cannot be executed. Exit status 126.
    CommandNotExecutable,
    /// The kernel or libbpf refused something that should have worked. Exit status 1.
    Bpf,
}

/// An error: one sentence on what failed, and where it helps, one on what to do.
#[derive(Debug)]
pub struct Error {
    kind: Kind,
    message: String,
    help: Option<String>,
    source: Option<io::Error>,
}

impl Error {
    /// An error of `kind` that says `message`.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self {
            kind,
            message: message.into(),
            help: None,
            source: None,
        }
    }

    /// A [`Kind::Usage`] error.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }

    /// A failed system call on `what`. The message names the cause, which is also the error's
    /// [`source`](std::error::Error::source), with its number.
    pub fn io(what: impl fmt::Display, error: &io::Error) -> Self {
        Self {
            source: Some(match error.raw_os_error() {
                Some(errno) => io::Error::from_raw_os_error(errno),
                None => io::Error::new(error.kind(), error.to_string()),
            }),
            ..Self::new(Kind::Io, format!("{what}: {error}"))
        }
    }

    /// As [`io`](Self::io), of writing to the output: that nobody reads it any more is [`Kind::Closed`].
    pub fn output(what: impl fmt::Display, error: &io::Error) -> Self {
        let kind = match error.kind() {
            io::ErrorKind::BrokenPipe => Kind::Closed,
            _ => Kind::Io,
        };
        Self {
            kind,
            ..Self::io(what, error)
        }
    }

    /// The same error with a sentence on what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// What kind of error this is.
    pub fn kind(&self) -> Kind {
        self.kind
    }

    /// The exit status that a command line ends with after this error.
    pub fn exit_status(&self) -> u8 {
        match self.kind {
            Kind::Usage => 2,
            Kind::Unsupported => 77,
            Kind::Closed => 0,
            Kind::CommandNotFound => 127,
            Kind::CommandNotExecutable => 126,
            Kind::Permission | Kind::Io | Kind::Bpf => 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.help {
            Some(help) => write!(f, "\n  {help}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|error| error as _)
    }
}

/// A result with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::io;

    use super::{Error, Kind};

    #[test]
    fn the_number_of_a_failed_call_can_be_asked_for() {
        let error = Error::io("file", &io::Error::from_raw_os_error(2)).help("look");
        let source = error.source().unwrap().downcast_ref::<io::Error>().unwrap();
        assert_eq!(source.raw_os_error(), Some(2));
        assert!(Error::usage("wrong").source().is_none());
        let error = Error::io("file", &io::Error::other("told"));
        assert_eq!(error.source().unwrap().to_string(), "told");
    }

    #[test]
    fn only_the_output_may_be_closed() {
        let broken = io::Error::from(io::ErrorKind::BrokenPipe);
        assert_eq!(Error::io("command", &broken).kind(), Kind::Io);
        assert_eq!(Error::output("output", &broken).kind(), Kind::Closed);
        let full = io::Error::from_raw_os_error(28);
        assert_eq!(Error::output("output", &full).kind(), Kind::Io);
    }
}
