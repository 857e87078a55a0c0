// SPDX-License-Identifier: MIT OR Apache-2.0
//! A part of a histogram.

/// Values that are not told apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bucket {
    /// The smallest value that belongs here.
    pub low: u64,
    /// The largest.
    pub high: u64,
    /// How many there were.
    pub count: u64,
}

impl Bucket {
    /// The value that stands for all in it.
    pub fn middle(&self) -> u64 {
        if self.high == u64::MAX {
            return self.low;
        }
        self.low + (self.high - self.low) / 2
    }
}
