// SPDX-License-Identifier: MIT OR Apache-2.0
//! Compiles the BPF half.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    tracewell_bpf::build("tcplife")
}
