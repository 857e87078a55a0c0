// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program says to whoever runs it, besides its output.

use std::fmt;
use std::io::{self, Write};

use crate::error::{Error, Result};

/// Writes `name: message` on standard error. That nobody may read it is no reason to stop.
pub fn say(name: &str, message: impl fmt::Display) {
    drop(writeln!(io::stderr().lock(), "{name}: {message}"));
}

/// Writes all of an answer on standard output.
///
/// # Errors
///
/// When that fails.
pub fn print(text: &str) -> Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .map_err(|error| Error::output("standard output", &error))
}
