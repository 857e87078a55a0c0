// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line of tcplife.

fn main() -> std::process::ExitCode {
    tracewell_shared::tool::main(&tcplife::TOOL)
}
