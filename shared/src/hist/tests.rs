// SPDX-License-Identifier: MIT OR Apache-2.0
use super::rows::{Unit, counts, whole};
use super::{BUCKETS, Bucket, CHUNK_BUCKETS, Histogram};

/// What `histogram_bucket()` of `bpf/include/hist.bpf.h` does, by its definition.
fn bucket_of(value: u64) -> usize {
    let index = (0..BUCKETS).find(|index| value <= Bucket::at(*index, 0).high);
    index.expect("the last has no end")
}

fn histogram(values: impl IntoIterator<Item = u64>) -> Histogram {
    let mut histogram = Histogram::default();
    for value in values {
        histogram.counts[bucket_of(value)] += 1;
        histogram.sum += value;
    }
    histogram
}

#[test]
fn buckets_follow_each_other_and_are_narrow() {
    let mut next = 0;
    for index in 0..BUCKETS {
        let bucket = Bucket::at(index, 1);
        assert_eq!(bucket.low, next, "{index}");
        next = bucket.high.wrapping_add(1);
        if index < BUCKETS - 1 {
            assert!(
                (bucket.high - bucket.low) * 32 <= bucket.low.max(1),
                "{bucket:?}"
            );
        }
    }
    assert_eq!(next, 0, "the last takes all that is larger");
    assert_eq!(Bucket::at(63, 0).low, 63);
    assert_eq!((Bucket::at(64, 0).low, Bucket::at(64, 0).high), (64, 65));
    // 32 buckets for each power of two from 2^6 to 2^41.
    let top = Bucket::at(BUCKETS - 1, 0);
    assert_eq!(top.low, (1 << 42) - (1 << 36));
}

#[test]
fn chunks_are_the_histogram_in_parts() {
    let values = [0, 31, 32, 63, 64, 1_000, 1_000_000, u64::MAX >> 20];
    let whole = histogram(values);
    let mut chunks = std::collections::BTreeMap::<usize, [u64; CHUNK_BUCKETS + 1]>::new();
    for value in values {
        let bucket = bucket_of(value);
        let chunk = chunks
            .entry(bucket / CHUNK_BUCKETS)
            .or_insert([0; CHUNK_BUCKETS + 1]);
        chunk[0] += value;
        chunk[1 + bucket % CHUNK_BUCKETS] += 1;
    }
    let bytes = |chunk: &[u64]| {
        let words = chunk.iter().map(|word| word.to_ne_bytes());
        words.collect::<Vec<_>>().concat()
    };
    let mut added = Histogram::default();
    for (number, chunk) in &chunks {
        added.add_chunk(*number as u64, &bytes(chunk)).unwrap();
    }
    assert_eq!(added, whole);
    // What is none changes nothing.
    let chunk = [1; CHUNK_BUCKETS + 1];
    let last = (BUCKETS / CHUNK_BUCKETS) as u64;
    for (number, bytes) in [
        (last, bytes(&chunk)),
        (u64::MAX, bytes(&chunk)),
        (0, bytes(&chunk[1..])),
        (0, bytes(&chunk)[1..].to_vec()),
    ] {
        assert_eq!(added.add_chunk(number, &bytes), None, "{number}");
    }
    assert_eq!(added, whole);
    assert!(added.add_chunk(last - 1, &bytes(&chunk)).is_some());
}

#[test]
fn quantiles_are_within_two_percent_of_the_exact_ones() {
    // Spread over six powers of ten, and not evenly.
    let mut state = 88_172_645_463_325_252_u64;
    let mut values: Vec<u64> = (0..20_000)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            10_u64.pow((state % 6) as u32 + 2) + state % 997
        })
        .collect();
    let histogram = histogram(values.iter().copied());
    values.sort_unstable();
    for share in [0.001, 0.25, 0.5, 0.9, 0.99, 0.999, 0.9999, 1.0] {
        let rank = ((share * values.len() as f64).ceil() as usize).max(1);
        let exact = values[rank - 1];
        let told = histogram.quantile(share).unwrap();
        assert!(
            told.abs_diff(exact) * 50 <= exact,
            "{share}: {told}, exactly {exact}"
        );
    }
    assert!(histogram.min().unwrap() <= values[0]);
    assert!(histogram.max().unwrap() >= values[values.len() - 1]);
    assert_eq!(histogram.sum(), values.iter().sum::<u64>());
    assert_eq!(histogram.count(), 20_000);
}

#[test]
fn what_came_since_is_the_difference() {
    let before = histogram([10, 20, 1_000]);
    let now = histogram([10, 20, 1_000, 20, 5_000_000]);
    let since = now.since(&before);
    assert_eq!(since, histogram([20, 5_000_000]));
    assert!(now.since(&now).is_empty());
}

#[test]
fn nothing_has_no_quantiles() {
    let empty = Histogram::default();
    assert!(empty.is_empty());
    assert_eq!(
        (empty.quantile(0.5), empty.min(), empty.max()),
        (None, None, None)
    );
    assert!(counts(&empty, Unit::MICROS).is_empty());
}

#[test]
fn rows_are_powers_of_two_of_the_unit() {
    let micros = [0, 500, 1_500, 2_100, 3_900, 4_100, 130_000].map(|ns| ns);
    assert_eq!(
        counts(&histogram(micros), Unit::MICROS),
        [3, 2, 1, 0, 0, 0, 0, 1]
    );
    assert_eq!(
        counts(&histogram([1_100_000, 70_000_000]), Unit::MILLIS),
        [1, 0, 0, 0, 0, 0, 1]
    );
}

#[test]
fn means_in_milliseconds_have_decimals() {
    for (ns, micros, millis) in [
        (999, "0", "0.000"),
        (9_876, "9", "0.009"),
        (3_456_789, "3456", "3.456"),
        (12_000_001_000, "12000001", "12000.001"),
    ] {
        assert_eq!(whole(ns, Unit::MICROS), micros);
        assert_eq!(whole(ns, Unit::MILLIS), millis);
    }
}

#[test]
fn a_map_s_value_must_have_the_right_length() {
    let mut bytes = vec![0; 8 * (BUCKETS + 1)];
    bytes[0] = 7;
    bytes[8 * (1 + 5)] = 2;
    let read = Histogram::from_bytes(&bytes).unwrap();
    assert_eq!(
        (read.sum(), read.count(), read.quantile(0.5)),
        (7, 2, Some(5))
    );
    assert_eq!(Histogram::from_bytes(&bytes[8..]), None);
    assert_eq!(Histogram::from_bytes(&bytes[1..]), None);
}
