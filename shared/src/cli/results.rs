// SPDX-License-Identifier: MIT OR Apache-2.0
//! The options by which some results of what is traced are asked for.

/// Which results are shown, flattened into the options of tools whose events fail or succeed.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Results {
    /// Only what failed
    #[arg(short = 'x', long)]
    pub failed: bool,

    /// Only what succeeded
    #[arg(long, conflicts_with = "failed")]
    pub successes: bool,
}
