// SPDX-License-Identifier: MIT OR Apache-2.0
//! Block devices: the disks that requests are of, which of them are meant, and what the kernel calls what is done to them.
//! The kernel's side of it is `bpf/include/requests.bpf.h`.

mod charged;
mod disk;
mod disks;
mod names;
mod nothing;
mod request;
mod sysfs;

pub use charged::charges_requests;
pub use disk::Disk;
pub use disks::{Disks, meant};
pub use names::{Names, Operation};
pub use nothing::Seen;
pub use request::{Outcome, RequestFlags, RequestOp, letter};

/// What no rung at requests sees.
pub const UNSEEN: &[&str] = &[
    "disks without requests of their own (zram, dm, md): what they make of disks below them is seen",
];
