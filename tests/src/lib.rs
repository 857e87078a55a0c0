// SPDX-License-Identifier: MIT OR Apache-2.0
//! Runs a tool as a user would, and gives back what it printed.
//!
//! The same test binary runs on a developer's machine and in bare virtual machines, so all behaviour that is
//! traced comes from the tests themselves: from a test's own thread, or from an [`Actor`], a process that is this
//! very binary again. Tests run side by side; each traces only what it made itself, by `--tid`, `--pid` or
//! `-- COMMAND`.
//!
//! ```no_run
//! use tracewell_tests::{Tool, own_tid};
//!
//! let tool = Tool::new("opensnoop").json().args(["--tid", &own_tid()]).start();
//! drop(std::fs::File::open("/etc/passwd"));
//! let finished = tool.finish().success();
//! assert_eq!(finished.events("open")[0]["path"], "/etc/passwd");
//! ```
//!
//! What the environment says:
//!
//! | variable | means |
//! |---|---|
//! | `TRACEWELL_BIN_DIR` | where the tools are; `target/release` by default |
//! | `TRACEWELL_ARGS` | arguments for every run of a tool: `--probe raw_tp --buffer perf` |
//! | `TRACEWELL_DISK` | a disk that the tests may overwrite; each makes a loop device of its own without |
//! | `TRACEWELL_WATCHDOG` | a factor for the time after which a tool counts as hung |
//! | `TRACEWELL_GUEST` | set where programs such as jq may be absent: what needs them is skipped, and says so |

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a harness of tests tells what is wrong by a panic"
)]

pub mod actor;
pub mod environment;
mod finished;
mod running;
mod tool;
mod watchdog;
mod ways;

pub use actor::{Actor, Playing, Stage};
pub use environment::{
    executable, executable_copy, forced, note, optional, own_tid, rung, scratch,
    signals_as_at_a_prompt,
};
pub use finished::Finished;
pub use running::Running;
pub use tool::Tool;
pub use watchdog::{patience, until};
pub use ways::{buffers, ladder, rungs};
