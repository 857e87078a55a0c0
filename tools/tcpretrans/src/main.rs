// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of tcpretrans.

fn main() -> std::process::ExitCode {
    tracewell_shared::tool::main(&tcpretrans::TOOL)
}
