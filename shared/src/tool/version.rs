// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a tool says of itself: `-V` the version, `--version` also how it was built.

use std::sync::LazyLock;

/// The version of all tools.
pub(super) const SHORT: &str = env!("CARGO_PKG_VERSION");

/// The version, and a line each for the revision of the sources, where the build was told it (by the variable
/// `TRACEWELL_REVISION`, as the packages' builds are), and for the kind of build.
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
    format!("{SHORT}\n{revision}{optimized} build for {arch}, {linked} with {libc}")
}

#[cfg(test)]
mod tests {
    use super::{SHORT, text};

    #[test]
    fn the_revision_is_told_where_it_is_known() {
        let told = text(Some("1a2b3c4-dirty"));
        assert!(told.starts_with(&format!("{SHORT}\nrevision 1a2b3c4-dirty\n")));
        for unknown in [None, Some("")] {
            let told = text(unknown);
            assert_eq!(told.lines().count(), 2, "{told}");
            assert!(!told.contains("revision"), "{told}");
        }
    }
}
