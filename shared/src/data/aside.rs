// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is counted beside events and losses.

/// What a tool's programs count beside the histograms, for the summary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Aside {
    /// The map that has the count: an array of one `u64`.
    pub map: &'static str,
    /// What JSON calls it.
    pub name: &'static str,
    /// What people are told behind the number.
    pub words: &'static str,
}
