// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a storm says at its end.

use serde_derive::Deserialize;
use serde_derive::Serialize;

/// What one thread did.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ThreadReport {
    /// Operations made.
    pub made: u64,
    /// Operations whose result was not the expected one.
    pub unexpected: u64,
    /// Seconds from its first operation to the end of its last.
    pub wall_s: f64,
}

/// What a storm did and cost. `storm` prints it as one JSON object.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The operation's name.
    pub op: String,
    /// Process id.
    pub pid: u32,
    /// Operations made, by all threads.
    pub made: u64,
    /// Operations whose result was not the expected one, such as an open of a missing file that succeeded.
    pub unexpected: u64,
    /// Wall-clock seconds from the start to the end of the last thread.
    pub wall_s: f64,
    /// CPU seconds in user mode, of the process and of the children it waited for.
    pub user_s: f64,
    /// CPU seconds in the kernel, of the process and of the children it waited for.
    pub sys_s: f64,
    /// `user_s + sys_s`. The kernel keeps the sum exactly; how it is split is an estimate.
    pub cpu_s: f64,
    /// `made / wall_s`.
    pub ops_per_s: f64,
    /// Each thread's share.
    pub per_thread: Vec<ThreadReport>,
}

impl Report {
    /// CPU time per operation, in ns.
    #[must_use]
    pub fn cpu_ns_per_op(&self) -> f64 {
        self.cpu_s * 1e9 / self.made as f64
    }
}
