// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every Tracewell tool stands on, in rooms whose arrows run one way: from the kernel's side at the bottom to the
//! command line at the top.
//!
//! | room | holds |
//! |---|---|
//! | [`kernel`] | what this kernel can do, and the ladder of probes that is chosen by it |
//! | [`data`] | the way from a kernel buffer to a record's bytes, and the account of what was lost |
//! | [`event`] | what an event is: its fields, who did it, which file, the names of errors |
//! | [`symbols`] | files of programs and libraries: where in them functions are, and which of them processes have mapped |
//! | [`callers`] | the functions of a program that made a call |
//! | [`query`] | what users ask of the fields: conditions, columns, counts, and of paths: patterns |
//! | [`text`] | escapes and times, as text |
//! | [`output`] | table, JSON, CSV, and files that are safe to create |
//! | [`trace`] | an object in the kernel: opened, configured, loaded, attached, filtered and read |
//! | [`block`] | disks: which are meant, and what the kernel calls what is done to them |
//! | [`hist`] | histograms, and files of them |
//! | [`confine`] | what a tool gives up once it is attached: capabilities and system calls |
//! | [`run`] | a run from a command line: endings, signals, `-- COMMAND`, the loop |
//! | [`console`] | what a program says on standard error, and answers on standard output |
//! | [`cli`], [`tool`] | options that tools share, and what is known of a tool without running it |
//!
//! A tool implements [`trace::tracer::Tracer`] and [`event::Event`]; [`trace::stream::Stream`] runs it for any tokio
//! program, and [`run::snoop`] for a command line.

pub mod block;
pub mod callers;
pub mod cli;
pub mod confine;
pub mod console;
pub mod data;
pub mod error;
pub mod event;
pub mod hist;
pub mod kernel;
pub mod output;
pub mod query;
pub mod run;
pub mod symbols;
pub mod text;
pub mod tool;
pub mod trace;

pub use data::transport::page_bytes;

// What is derived names this crate, here too.
extern crate self as tracewell_shared;
