// SPDX-License-Identifier: MIT OR Apache-2.0
//! What users ask of the fields of events, whichever they are. Everything is checked against what is declared, before
//! anything is attached.

pub mod columns;
pub mod condition;
pub mod counts;
pub mod glob;
