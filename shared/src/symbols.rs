// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of programs and of libraries: which of them processes have mapped, and where in them functions are.
//!
//! They belong to whoever is traced, and may be anything. They are read, never mapped: who cuts a file short that is mapped
//! elsewhere kills the reader.

pub(crate) mod elf;
pub(crate) mod maps;
mod search;
mod target;

use caps::Capability;

pub(crate) use search::Found;
pub use search::{Files, Which};
pub use target::{Target, Unfit};

/// What it takes to look at the files of any process: to look into `/proc/PID` and at its mapped files as they are mapped,
/// and to read files that only their owner may read.
pub const CAPABILITIES: &[Capability] = &[
    Capability::CAP_SYS_PTRACE,
    Capability::CAP_CHECKPOINT_RESTORE,
    Capability::CAP_DAC_READ_SEARCH,
];
