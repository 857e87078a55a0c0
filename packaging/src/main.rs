// SPDX-License-Identifier: MIT OR Apache-2.0
//! Makes the manual pages and the completions: `pages DOCS DIR` reads the pages of `docs/` and writes `man/`, `bash/`,
//! `zsh/` and `fish/` below DIR. It takes no privilege and no network.

mod completions;
mod inline;
mod markdown;
mod page;
mod pages;

use std::error::Error;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let [docs, directory] = &args[..] else {
        complain("usage: pages DOCS DIR");
        return ExitCode::from(2);
    };
    let made = pages::write(docs, directory).and_then(|()| completions::write(directory));
    match made {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&format!("pages: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// What can go wrong here is told as it comes: only builders read it.
type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn complain(text: &str) {
    drop(writeln!(io::stderr().lock(), "{text}"));
}
