// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record's bytes: the fixed part, which BPF's struct has, and the tail behind it.

use plain::Plain;

/// What lies behind the fixed part, piece by piece.
#[derive(Debug, Clone, Copy)]
pub struct Tail<'a> {
    bytes: &'a [u8],
    /// How much was taken.
    taken: usize,
}

/// The fixed part and the tail; `None` for a record that is too short.
#[inline]
pub fn split<R: Plain + Default>(record: &[u8]) -> Option<(R, Tail<'_>)> {
    let mut raw = R::default();
    plain::copy_from_bytes(&mut raw, record).ok()?;
    let bytes = record.get(size_of::<R>()..)?;
    Some((raw, Tail { bytes, taken: 0 }))
}

impl<'a> Tail<'a> {
    /// The next bytes; `None` where there are fewer.
    #[inline]
    pub fn take(&mut self, length: impl Into<usize>) -> Option<&'a [u8]> {
        let piece = self.bytes.get(self.taken..)?.get(..length.into())?;
        self.taken += piece.len();
        Some(piece)
    }

    /// The next bytes, from a multiple of 8 on.
    #[inline]
    pub fn take_aligned(&mut self, length: impl Into<usize>) -> Option<&'a [u8]> {
        self.taken = self.taken.next_multiple_of(size_of::<u64>());
        self.take(length)
    }
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn pieces_are_taken_in_turn() {
        let bytes: Vec<u8> = (0..20).collect();
        let (number, mut tail) = split::<u32>(&bytes).unwrap();
        assert_eq!(number.to_ne_bytes(), [0, 1, 2, 3]);
        assert_eq!(tail.take(3_u16).unwrap(), [4, 5, 6]);
        assert_eq!(tail.take_aligned(2_u16).unwrap(), [12, 13]);
        assert_eq!(tail.take(7_u16), None);
        assert!(tail.take_aligned(0_u16).unwrap().is_empty());
        assert_eq!(tail.take(1_u16), None);
    }

    #[test]
    fn what_is_too_short_is_none() {
        assert!(split::<u32>(&[0, 1, 2]).is_none());
    }
}
