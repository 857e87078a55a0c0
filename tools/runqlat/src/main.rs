// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of runqlat.

fn main() -> std::process::ExitCode {
    tracewell_shared::tool::main(&runqlat::TOOL)
}
