// SPDX-License-Identifier: MIT OR Apache-2.0
//! placeholder
/// A tool
#[derive(Debug)]
pub struct Tool { /// n
 pub name: &'static str, /// a
 pub about: &'static str, /// c
 pub command: fn() -> clap::Command, /// r
 pub run: fn(&clap::ArgMatches) -> crate::error::Result<u8> }
/// main
pub fn main(tool: &Tool) -> std::process::ExitCode {
  let m = match (tool.command)().try_get_matches() { Ok(m)=>m, Err(e)=> return std::process::ExitCode::from(crate::cli::exit_on_usage(&e)) };
  match (tool.run)(&m) { Ok(s)=>s.into(), Err(e)=>{ use std::io::Write; drop(writeln!(std::io::stderr(), "{}: {e}", tool.name)); e.exit_status().into() } }
}
