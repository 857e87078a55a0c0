// SPDX-License-Identifier: MIT OR Apache-2.0
//! The files that C libraries are.

use tracewell_shared::symbols::Files;

/// glibc, musl and uClibc.
pub(crate) const FILES: Files = Files {
    what: "C library",
    option: "-l",
    names: &[is_one],
    system: &[&[
        // Debian's and their kin's, by architecture.
        "/lib/x86_64-linux-gnu/libc.so.6",
        "/lib/aarch64-linux-gnu/libc.so.6",
        "/lib/riscv64-linux-gnu/libc.so.6",
        "/lib/powerpc64le-linux-gnu/libc.so.6",
        "/lib/s390x-linux-gnu/libc.so.6",
        "/lib/loongarch64-linux-gnu/libc.so.6",
        // Fedora's, SUSE's and Arch's.
        "/lib64/libc.so.6",
        "/lib/libc.so.6",
        // Alpine's, and musl beside another one.
        "/lib/ld-musl-x86_64.so.1",
        "/lib/ld-musl-aarch64.so.1",
        "/lib/ld-musl-riscv64.so.1",
        "/lib/ld-musl-powerpc64le.so.1",
        "/lib/ld-musl-s390x.so.1",
        "/lib/ld-musl-loongarch64.so.1",
    ]],
};

/// By a file's name, without its folders: `libc.so.6`, up to glibc 2.33 `libc-2.31.so`; musl is its own loader.
fn is_one(name: &[u8]) -> bool {
    let starts = |begin: &str| name.starts_with(begin.as_bytes());
    starts("libc.so") || starts("libc-2.") || starts("ld-musl-") || starts("libuClibc")
}

#[cfg(test)]
mod tests {
    use super::is_one;

    #[test]
    fn c_libraries_are_known_by_name() {
        for name in [
            "libc.so.6",
            "libc-2.31.so",
            "ld-musl-x86_64.so.1",
            "libc.so",
            "libuClibc-1.0.42.so",
        ] {
            assert!(is_one(name.as_bytes()), "{name}");
        }
        for name in [
            "libcap.so.2",
            "libc++.so.1",
            "libcrypt.so.1",
            "ld-linux-x86-64.so.2",
            "",
        ] {
            assert!(!is_one(name.as_bytes()), "{name}");
        }
    }
}
