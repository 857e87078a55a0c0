// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of biosnoop.

fn main() -> std::process::ExitCode {
    tracewell_shared::tool::main(&biosnoop::TOOL)
}
