// SPDX-License-Identifier: MIT OR Apache-2.0
//! What stands in docs/ of the tools' fields is what their events declare.

use std::process::Command;

#[test]
fn the_docs_say_what_is_declared() {
    let docs = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs");
    let mut describe = Command::new(env!("CARGO_BIN_EXE_describe"));
    let told = describe.args(["--check", docs]).output().unwrap();
    let stale = String::from_utf8_lossy(&told.stderr);
    assert!(told.status.success(), "{stale}");
}
