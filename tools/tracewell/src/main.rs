// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of all tools in one.

fn main() -> std::process::ExitCode {
    tracewell::main()
}
