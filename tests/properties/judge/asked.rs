// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users may ask of fields and paths.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use tracewell_shared::query::condition::Expression;
use tracewell_shared::query::glob::{self, Glob};

/// Any text is a condition that some tool's events can meet, or an error that says where.
pub(crate) fn condition(text: &str) {
    let Ok(expression) = text.parse::<Expression>() else {
        return;
    };
    for tool in tracewell::TOOLS {
        for kind in tool.trace.iter().flat_map(|trace| trace.kinds) {
            if let Err(error) = expression.check(kind.fields) {
                assert!(!error.to_string().is_empty(), "{text:?}");
            }
        }
    }
}

/// A path that a pattern fits begins as the pattern says that all do: the kernel leaves out the others.
pub(crate) fn pattern(pattern: &[u8], path: &[u8]) {
    let mut clean = Vec::new();
    glob::clean(path, &mut clean);
    assert!(clean.starts_with(b"/"), "{clean:?}");
    let mut again = Vec::new();
    glob::clean(&clean, &mut again);
    assert_eq!(clean, again);
    let Ok(glob) = Glob::new(OsStr::from_bytes(pattern)) else {
        return;
    };
    if glob.fits(&clean) {
        let begin = glob.begin();
        assert!(clean.starts_with(begin), "{glob:?} fits {clean:?}");
    }
}
