// SPDX-License-Identifier: MIT OR Apache-2.0
//! Tracewell beside libbpf-tools: a generator of exact load, and the comparison under it.
//!
//! Two programs stand on this library. `storm` makes an exact number of operations of one kind and
//! says what they cost it. `compare` runs a tool of ours, the same tool of libbpf-tools and nothing at
//! all under the same storm, in turn, and sets the figures side by side. The README says how each
//! figure is taken.
//!
//! [`workload`], [`pace`], [`storm`] and [`report`] are the generator; [`tool`], [`peer`], [`running`] and
//! [`account`] start, find, stop and read the tools; [`process`] and [`bpf`] look at them from outside;
//! [`subject`] names the loads, [`measure`] is one run, [`rounds`] the order of many; [`sample`],
//! [`figure`], [`budget`] and [`table`] turn them into figures. [`sandbox`] keeps it all to itself.

pub mod account;
pub mod bpf;
pub mod budget;
pub mod disk;
pub mod error;
pub mod figure;
pub mod measure;
pub mod pace;
pub mod peer;
pub mod process;
pub mod report;
pub mod rounds;
pub mod running;
pub mod sample;
pub mod sandbox;
pub mod sockets;
pub mod storm;
pub mod subject;
pub mod table;
pub mod tool;
pub mod workload;
