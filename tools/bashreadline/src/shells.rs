// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that bash and its readline are.

use tracewell_shared::symbols::Files;

/// bash has readline in itself, or takes it from a library.
pub(crate) const FILES: Files = Files {
    what: "bash",
    option: "-s",
    names: &[is_bash, is_readline],
    system: &[
        &["/bin/bash", "/usr/bin/bash", "/usr/local/bin/bash"],
        &[
            "/lib64/libreadline.so.8",
            "/lib/libreadline.so.8",
            "/usr/lib64/libreadline.so.8",
            "/usr/lib/libreadline.so.8",
            "/lib/x86_64-linux-gnu/libreadline.so.8",
            "/lib/aarch64-linux-gnu/libreadline.so.8",
            "/lib/riscv64-linux-gnu/libreadline.so.8",
        ],
    ],
};

/// By a file's name, without its folders.
fn is_bash(name: &[u8]) -> bool {
    name == b"bash" || name == b"rbash"
}

fn is_readline(name: &[u8]) -> bool {
    name.starts_with(b"libreadline.so")
}
