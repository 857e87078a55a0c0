// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a task can be preempted inside a program, the kernel refuses that program to the others of its CPU meanwhile. Here
//! all that happens has a name that carries the truth, so that an event which never was is seen, and not only one that
//! is missing.

mod bashreadline;
mod biosnoop;
mod biotop;
mod calls;
mod execs;
mod exits;
mod forks;
mod gethostlatency;
mod load;
mod opens;
mod reader;
mod removals;
mod requests;
mod syncsnoop;
mod tcpconnlat;
mod tcplife;
mod tcpretrans;
mod truth;
mod waits;
