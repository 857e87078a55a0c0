// SPDX-License-Identifier: MIT OR Apache-2.0
use std::io::Write;

use data_encoding::BASE64;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use hdrhistogram::serialization::{Serializer, V2DeflateSerializer, V2Serializer};

use super::super::spread::Spread;
use super::Decoder;

fn decode(raw: &[u8]) -> Result<Spread, String> {
    let mut spread = Spread::default();
    let text = BASE64.encode(raw);
    Decoder::new()
        .decode(text.as_bytes(), &mut spread)
        .map(|()| spread)
}

/// A head with this cookie, and what follows it.
fn plain(cookie: u32, promised: u32, digits: u32, ratio: u64, counts: &[u8]) -> Vec<u8> {
    let words = [cookie, promised, 1, digits];
    let mut bytes: Vec<u8> = words.iter().flat_map(|word| word.to_be_bytes()).collect();
    for long in [1, 1_u64 << 40, ratio] {
        bytes.extend(long.to_be_bytes());
    }
    bytes.extend(counts);
    bytes
}

fn compressed(plain: &[u8]) -> Vec<u8> {
    let mut inner = ZlibEncoder::new(Vec::new(), Compression::best());
    inner.write_all(plain).unwrap();
    let inner = inner.finish().unwrap();
    let length = u32::try_from(inner.len()).unwrap();
    [
        &0x1c84_9314_u32.to_be_bytes(),
        &length.to_be_bytes(),
        &*inner,
    ]
    .concat()
}

const ONE: u64 = 1.0_f64.to_bits();

#[test]
fn what_the_crate_writes_is_read() {
    for digits in 0..=3 {
        let mut theirs = hdrhistogram::Histogram::<u64>::new(digits).unwrap();
        for value in [0, 1, 1, 77, 5_000, 5_001, 123_456_789, 1 << 41] {
            theirs.record_n(value, 1 + value % 200).unwrap();
        }
        let mut raw = Vec::new();
        V2Serializer::new().serialize(&theirs, &mut raw).unwrap();
        let plain = decode(&raw).unwrap();
        raw.clear();
        V2DeflateSerializer::new()
            .serialize(&theirs, &mut raw)
            .unwrap();
        let spread = decode(&raw).unwrap();
        assert_eq!(plain, spread);
        assert_eq!((spread.len(), spread.max()), (theirs.len(), theirs.max()));
        for share in [0.1, 0.5, 0.99, 1.0] {
            assert_eq!(spread.quantile(share), theirs.value_at_quantile(share));
        }
        assert!(spread.to_logged().unwrap() == theirs, "{digits} digits");
    }
}

#[test]
fn more_than_three_digits_become_three() {
    let mut theirs = hdrhistogram::Histogram::<u64>::new(5).unwrap();
    (1..=100_000).for_each(|value| theirs.record(value * 1_000).unwrap());
    let mut raw = Vec::new();
    V2DeflateSerializer::new()
        .serialize(&theirs, &mut raw)
        .unwrap();
    let spread = decode(&raw).unwrap();
    assert_eq!(spread.len(), 100_000);
    let told = spread.quantile(0.5) as f64;
    assert!((told / 50_000_000.0 - 1.0).abs() < 0.001, "{told}");
}

/// With the cookies that histograms have, each length is looked at before it is believed.
#[test]
fn what_promises_more_than_any_has_is_refused() {
    for cookie in [0x1c84_9313, 0x1c84_9303] {
        for promised in [u32::MAX, 0xffff_fff0, 1 << 24] {
            let plain = plain(cookie, promised, 3, ONE, &[]);
            for raw in [plain.clone(), compressed(&plain)] {
                let why = decode(&raw).unwrap_err();
                assert!(why.contains("more than any of 3 digits has"), "{why}");
            }
        }
    }
    let short = plain(0x1c84_9313, 400_000, 3, ONE, &[2; 10]);
    assert_eq!(decode(&short).unwrap_err(), "it is cut off");
}

/// A bomb: a few hundred bytes that inflate to many, of a length that a histogram may have, and beyond.
#[test]
fn what_inflates_without_end_takes_no_memory() {
    // Five digits, whose buckets all have a count: it has as many values as it says.
    let many = vec![2; 6_000_000];
    let full = compressed(&plain(0x1c84_9313, 6_000_000, 5, ONE, &many));
    assert!(full.len() < 8_000, "{}", full.len());
    let spread = decode(&full).unwrap();
    assert_eq!(spread.len(), 6_000_000);
    assert!(spread.bucket_count() < 60_000);
    // More buckets than there are, and zeros of which there is no end.
    for filler in [2, 0] {
        let long = vec![filler; 20_000_000];
        let why = decode(&compressed(&plain(0x1c84_9313, 20_000_000, 5, ONE, &long)));
        let why = why.unwrap_err();
        assert!(why.contains("more than the 6291456 buckets"), "{why}");
        // What follows a histogram of no counts is not even inflated.
        let longer = decode(&compressed(&plain(0x1c84_9313, 0, 3, ONE, &long)));
        assert!(longer.unwrap_err().contains("goes on after the 0 bytes"));
    }
}

#[test]
fn what_other_writers_leave_in_the_head_is_no_matter() {
    // An offset of 1 is in `plain`; hdr-histogram-js has the bits of a whole 1 for the ratio.
    for ratio in [ONE, 1, 0] {
        let spread = decode(&compressed(&plain(0x1c84_9313, 2, 3, ratio, &[13, 4]))).unwrap();
        // Seven empty buckets, two values of 7.
        assert_eq!((spread.len(), spread.max()), (2, 7));
    }
    let why = decode(&plain(0x1c84_9313, 0, 3, 1e-3_f64.to_bits(), &[])).unwrap_err();
    assert!(why.contains("0.001"), "{why}");
}

#[test]
fn other_encodings_are_told_by_name() {
    for (cookie, name) in [
        (0x1c84_9308_u32, "V0"),
        (0x1c84_9389, "V0"),
        (0x1c84_9301, "V1"),
        (0x1c84_9382, "V1"),
        (0x0c72_124e, "DoubleHistogram"),
        (0x0c72_124f, "DoubleHistogram"),
        (0x1c84_93ff, "0x1c8493ff"),
    ] {
        let why = decode(&plain(cookie, 0, 3, ONE, &[])).unwrap_err();
        assert!(why.contains(name), "{cookie:#x}: {why}");
    }
    let twice = compressed(&compressed(&plain(0x1c84_9313, 0, 3, ONE, &[])));
    assert!(decode(&twice).unwrap_err().contains("twice"));
}

#[test]
fn numbers_of_any_length_are_taken_or_told() {
    let at = |counts: &[u8]| {
        let length = u32::try_from(counts.len()).unwrap();
        decode(&plain(0x1c84_9313, length, 3, ONE, counts))
    };
    // The largest count that there is, and one more value.
    let most = [0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    assert_eq!(at(&most).unwrap().len(), i64::MAX as u64);
    let three = [&most[..], &most, &[6]].concat();
    assert!(at(&three).unwrap_err().contains("than can be counted"));
    // The longest run of empty buckets that a number can say, in a loop of any length.
    let least = [0xff; 9];
    assert!(at(&least).unwrap_err().contains("buckets"));
    assert_eq!(at(&[0x80]).unwrap_err(), "it is cut off");
    // A head that says less than it needs.
    for digits in [6, 255, u32::MAX] {
        let why = decode(&plain(0x1c84_9313, 0, digits, ONE, &[])).unwrap_err();
        assert!(why.contains("as none can"), "{why}");
    }
}

/// A checksum stands at the end of what is compressed.
#[test]
fn a_byte_that_changed_is_found() {
    let counts: Vec<u8> = (0..=250).map(|at| at & 0x7e).collect();
    let raw = compressed(&plain(0x1c84_9313, 251, 3, ONE, &counts));
    let right = decode(&raw).unwrap();
    // Past the head, which says what it is.
    for at in 10..raw.len() {
        let mut changed = raw.clone();
        changed[at] ^= 1;
        match decode(&changed) {
            Err(_) => {}
            // Some bits of the format do not matter.
            Ok(spread) => assert_eq!(spread, right, "byte {at}"),
        }
        assert!(decode(&raw[..at]).is_err(), "cut at {at}");
    }
}
