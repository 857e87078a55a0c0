// SPDX-License-Identifier: MIT OR Apache-2.0
//! The kinds of objects that the tool prints.

use tracewell_shared::event::Event;

use crate::event::Exec;
use crate::tree::Program;

/// What the tool prints: execs, or with `--tree` the programs that ran.
#[derive(Debug, Clone, Event)]
#[event(of = Told)]
pub enum Any<'a> {
    /// An exec.
    Exec(Exec<'a>),
    /// A program that ran.
    Program(Program<'a>),
}

/// The family of [`Any`].
#[derive(Debug, Clone, Copy)]
pub struct Told;
