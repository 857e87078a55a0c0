// SPDX-License-Identifier: MIT OR Apache-2.0
//! What must hold for any bytes. The property tests and the fuzz targets both ask here; what does not hold is a panic.

pub(crate) mod asked;
pub(crate) mod escapes;
pub(crate) mod fields;
pub(crate) mod logs;
pub(crate) mod outputs;
pub(crate) mod records;
