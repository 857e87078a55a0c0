// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine that has more to do than it has CPUs.

use std::process::{Child, Command};

/// Processes that are busy for as long as this lives.
pub(crate) struct Busy(Vec<Child>);

impl Busy {
    /// So many, each of which does this word of the shell over and over.
    pub(crate) fn with(processes: usize, word: &str) -> Self {
        let script = format!("while :; do {word}; done");
        let start = |_| Command::new("sh").args(["-c", &script]).spawn();
        Self((0..processes).map(start).collect::<Result<_, _>>().unwrap())
    }

    /// Their numbers, with commas between.
    pub(crate) fn pids(&self) -> String {
        let pids: Vec<_> = self.0.iter().map(|child| child.id().to_string()).collect();
        pids.join(",")
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // Both fail where it has ended by itself.
            drop(child.kill());
            drop(child.wait());
        }
    }
}
