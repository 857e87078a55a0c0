// SPDX-License-Identifier: MIT OR Apache-2.0
//! A histogram in a line of a log: "V2" of HdrHistogram's encodings, compressed or not.
//!
//! A head says how values are told apart, and how many bytes follow; these are counts, bucket by bucket, as numbers of
//! varying length; a negative one stands for so many empty buckets. Nothing is believed before it is there: the counts
//! are taken from the compressed bytes as they come, in a few kilobytes of memory, however many bytes a line promises or
//! holds. Not the crate's reader: it makes room for what is promised, and takes neither an offset nor a ratio, which
//! other writers fill with anything.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use data_encoding::BASE64;
use flate2::bufread::ZlibDecoder;

use super::layout::Layout;
use super::spread::Spread;

/// The cookies, less the bits that say how long counts are: in V2 that varies.
mod cookie {
    pub(super) const LENGTH_BITS: u32 = 0xf0;
    pub(super) const V2: u32 = 0x1c84_9303;
    pub(super) const V2_COMPRESSED: u32 = 0x1c84_9304;
    pub(super) const V1: u32 = 0x1c84_9301;
    pub(super) const V1_COMPRESSED: u32 = 0x1c84_9302;
    pub(super) const V0: u32 = 0x1c84_9308;
    pub(super) const V0_COMPRESSED: u32 = 0x1c84_9309;
    /// Of histograms of numbers with a fraction; these two have no bits to leave out.
    pub(super) const DOUBLE: u32 = 0x0c72_124e;
    pub(super) const DOUBLE_COMPRESSED: u32 = 0x0c72_124f;
}

/// As many bytes as a count has at most.
const COUNT_BYTES: u64 = 9;

/// Takes histograms out of lines, one after the other, in the same memory.
pub(super) struct Decoder {
    inflater: ZlibDecoder<Cursor<Vec<u8>>>,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").finish_non_exhaustive()
    }
}

/// What is wrong with one, in words.
type Wrong = String;

impl Decoder {
    pub(super) fn new() -> Self {
        Self {
            inflater: ZlibDecoder::new(Cursor::default()),
        }
    }

    /// Decodes the text of a histogram to `spread`, which is of nothing else then.
    pub(super) fn decode(&mut self, text: &[u8], spread: &mut Spread) -> Result<(), Wrong> {
        let mut raw = self.inflater.reset(Cursor::default()).into_inner();
        let room = BASE64.decode_len(text.len());
        raw.resize(room.map_err(|error| error.to_string())?, 0);
        let length = BASE64
            .decode_mut(text, &mut raw)
            .map_err(|partial| partial.error.to_string())?;
        raw.truncate(length);
        let mut plain = raw.as_slice();
        match sort(word(&mut plain)?)? {
            Sort::Plain => {
                let decoded = counts(&mut plain, spread);
                // Its memory is used again.
                drop(self.inflater.reset(Cursor::new(raw)));
                decoded
            }
            Sort::Compressed => {
                let mut raw = Cursor::new(raw);
                raw.set_position(8);
                drop(self.inflater.reset(raw));
                match sort(word(&mut self.inflater)?)? {
                    Sort::Plain => counts(&mut self.inflater, spread),
                    Sort::Compressed => Err("it is compressed twice".to_owned()),
                }
            }
        }
    }
}

enum Sort {
    Plain,
    Compressed,
}

fn sort(cookie: u32) -> Result<Sort, Wrong> {
    let old = |version| {
        format!(
            "its encoding is {version} of HdrHistogram's, and V2 is what is read: have it logged by a version of the library \
             that writes V2, or converted by one that reads both"
        )
    };
    match cookie {
        cookie::DOUBLE | cookie::DOUBLE_COMPRESSED => {
            return Err("it is a DoubleHistogram; what is read has whole numbers: have it logged as nanoseconds".to_owned());
        }
        _ => {}
    }
    match cookie & !cookie::LENGTH_BITS {
        cookie::V2 => Ok(Sort::Plain),
        cookie::V2_COMPRESSED => Ok(Sort::Compressed),
        cookie::V1 | cookie::V1_COMPRESSED => Err(old("V1")),
        cookie::V0 | cookie::V0_COMPRESSED => Err(old("V0")),
        _ => Err(format!("it begins with {cookie:#010x}, as none does")),
    }
}

/// What is after the cookie.
fn counts(from: &mut dyn Read, spread: &mut Spread) -> Result<(), Wrong> {
    let promised = word(from)?;
    // Where counts begin in the writer's own memory: they are written in the order of their values all the same.
    let _offset = word(from)?;
    let digits = word(from)?;
    let smallest = long(from)?;
    let _largest = long(from)?;
    let ratio = f64::from_bits(long(from)?);
    // Writers that know of no ratio leave it 0, or write the bits of a 1 there, which are no number that one could mean.
    if ratio.is_normal() && ratio != 1.0 {
        return Err(format!(
            "its values are in units of {ratio}; what is read has a ratio of 1"
        ));
    }
    let layout = u8::try_from(digits)
        .ok()
        .and_then(|digits| Layout::new(smallest, digits));
    let layout =
        layout.ok_or_else(|| format!("it has {digits} digits from {smallest} on, as none can"))?;
    let buckets = layout.buckets();
    if u64::from(promised) > u64::from(buckets) * COUNT_BYTES {
        return Err(format!(
            "{promised} bytes of counts are more than any of {digits} digits has"
        ));
    }
    spread.begin(layout);
    let mut left = BufReader::with_capacity(4096, from.take(promised.into()));
    let mut bucket = 0_u32;
    let mut read = 0_u64;
    while read < promised.into() {
        let (number, length) = varying(&mut left).map_err(|error| cut(&error))?;
        read += length;
        let past = || format!("it has more than the {buckets} buckets of {digits} digits");
        match u64::try_from(number) {
            Ok(count) => {
                if bucket >= buckets {
                    return Err(past());
                }
                if count > 0 {
                    spread
                        .push(layout, bucket, count)
                        .map_err(|_| "it has more values than can be counted".to_owned())?;
                }
                bucket += 1;
            }
            Err(_) => {
                let empty = u32::try_from(number.unsigned_abs()).ok();
                let after = empty.and_then(|empty| bucket.checked_add(empty));
                // A run of empty ones at the end may go past what is needed.
                bucket = after.ok_or_else(past)?;
            }
        }
    }
    drop(left);
    // Of what is compressed, the checksum is looked at only at its end.
    match from.read(&mut [0]) {
        Ok(0) => Ok(()),
        Ok(_) => Err(format!(
            "it goes on after the {promised} bytes that it says to have"
        )),
        Err(error) => Err(cut(&error)),
    }
}

fn word(from: &mut dyn Read) -> Result<u32, Wrong> {
    let mut bytes = [0; 4];
    from.read_exact(&mut bytes).map_err(|error| cut(&error))?;
    Ok(u32::from_be_bytes(bytes))
}

fn long(from: &mut dyn Read) -> Result<u64, Wrong> {
    let mut bytes = [0; 8];
    from.read_exact(&mut bytes).map_err(|error| cut(&error))?;
    Ok(u64::from_be_bytes(bytes))
}

fn cut(error: &io::Error) -> Wrong {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => "it is cut off".to_owned(),
        _ => error.to_string(),
    }
}

/// A number in 7 bits a byte, the lowest first, of which the ninth byte has 8; and how many bytes it had.
fn varying(from: &mut impl BufRead) -> io::Result<(i64, u64)> {
    let mut number = 0;
    let mut length = 0;
    loop {
        let byte = *from
            .fill_buf()?
            .first()
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        from.consume(1);
        let last = length == COUNT_BYTES - 1;
        let bits = if last { byte } else { byte & 0x7f };
        number |= u64::from(bits) << (7 * length);
        length += 1;
        if last || byte & 0x80 == 0 {
            // The lowest bit is the sign.
            return Ok(((number >> 1) as i64 ^ -((number & 1) as i64), length));
        }
    }
}

#[cfg(test)]
mod tests;
