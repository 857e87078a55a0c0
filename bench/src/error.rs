// SPDX-License-Identifier: MIT OR Apache-2.0
//! One kind of failure: a sentence for whoever runs the benchmark.

use std::fmt;
use std::io;

/// Why a measurement could not be made.
#[derive(Debug)]
pub struct Error(String);

/// What every fallible function here returns.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// An error that says `message`.
    pub fn new(message: impl Into<String>) -> Self {
        Self(message.into())
    }

    /// The error of the system call that just failed, led by what was attempted.
    pub fn last_os(attempted: &str) -> Self {
        Self(format!("{attempted}: {}", io::Error::last_os_error()))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Error {}

/// Leads an error with what was attempted.
pub trait Context<T> {
    /// `attempted` is only called on failure.
    ///
    /// # Errors
    ///
    /// The error of `self`, with the sentence in front.
    fn context(self, attempted: impl FnOnce() -> String) -> Result<T>;
}

impl<T, E: fmt::Display> Context<T> for std::result::Result<T, E> {
    fn context(self, attempted: impl FnOnce() -> String) -> Result<T> {
        self.map_err(|error| Error(format!("{}: {error}", attempted())))
    }
}
