// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool says of itself: `-V` the version, `--version` also how it was built.

use std::sync::LazyLock;

use libbpf_rs::libbpf_sys;

/// The version of all tools.
pub(super) const SHORT: &str = env!("CARGO_PKG_VERSION");

/// The version, and a line each for the revision of the sources, where the build was told it (by the variable
/// `TRACEWELL_REVISION`, as `make build` and the packages do), for the kind of build, and for the C libraries that
/// trace, of which a report of a bug needs to tell.
pub(super) fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| text(option_env!("TRACEWELL_REVISION")));
    &TEXT
}

fn text(revision: Option<&str>) -> String {
    let revision = revision
        .filter(|revision| !revision.is_empty())
        .map_or_else(String::new, |revision| format!("revision {revision}\n"));
    let arch = std::env::consts::ARCH;
    let libc = if cfg!(target_env = "musl") {
        "musl"
    } else {
        "glibc"
    };
    let linked = if cfg!(target_feature = "crt-static") {
        "linked statically"
    } else {
        "linked dynamically"
    };
    let optimized = if cfg!(debug_assertions) {
        "debug"
    } else {
        "release"
    };
    let libraries = if cfg!(feature = "static") {
        ", libelf and zlib built in"
    } else {
        " built in, libelf and zlib the system's"
    };
    format!(
        "{SHORT}\n{revision}{optimized} build for {arch}, {linked} with {libc}\nlibbpf {}{libraries}",
        libbpf()
    )
}

/// The version of libbpf that is in the program: `1.7`.
fn libbpf() -> String {
    // SAFETY: both only return a number.
    let (major, minor) = unsafe {
        (
            libbpf_sys::libbpf_major_version(),
            libbpf_sys::libbpf_minor_version(),
        )
    };
    format!("{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::{SHORT, text};

    #[test]
    fn libbpf_is_told_as_it_numbers_its_releases() {
        let told = text(None);
        let line = told.lines().last().unwrap_or_default();
        assert!(line.starts_with("libbpf 1."), "{line}");
    }

    #[test]
    fn the_revision_is_told_where_it_is_known() {
        let told = text(Some("1a2b3c4-dirty"));
        assert!(told.starts_with(&format!("{SHORT}\nrevision 1a2b3c4-dirty\n")));
        for unknown in [None, Some("")] {
            let told = text(unknown);
            assert_eq!(told.lines().count(), 3, "{told}");
            assert!(!told.contains("revision"), "{told}");
        }
    }
}
