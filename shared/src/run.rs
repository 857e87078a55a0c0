// SPDX-License-Identifier: MIT OR Apache-2.0
//! A run from a command line: the loop, its endings, signals, and `-- COMMAND`.

pub mod command;
pub mod counted;
pub(crate) mod ends;
pub mod gathered;
pub mod histograms;
pub(crate) mod launch;
mod periodic;
mod picked;
pub mod rate;
pub mod runner;
mod schedule;
pub mod shutdown;
pub mod snoop;
mod streamed;
pub mod tables;
mod timer;
