// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties that hold for any input, tried on generated ones. Each run tries the same cases, so that it says the same
//! on every machine; a case that ever failed is kept beside the test. `fuzz/` goes on looking where this stops.

#![allow(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "all of this is tests, and what they call"
)]

mod judge;
mod made;
#[path = "../e2e/validate.rs"]
mod validate;
#[path = "../e2e/words.rs"]
mod words;

use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::Union;
use proptest::test_runner::{Config, RngAlgorithm, RngSeed, TestRunner};

use made::{
    bytes, connect, exec, exit, life, line, lookup, open, request, retransmit, sync, unlink,
};

/// Tries the property on so many cases, the same ones each time.
fn holds<S: Strategy>(cases: u32, strategy: S, property: impl Fn(S::Value)) {
    let config = Config {
        cases,
        rng_algorithm: RngAlgorithm::ChaCha,
        rng_seed: RngSeed::Fixed(0x7261_6365),
        failure_persistence: None,
        ..Config::default()
    };
    let tried = TestRunner::new(config).run(&strategy, |value| {
        property(value);
        Ok(())
    });
    tried.unwrap_or_else(|error| panic!("{error}"));
}

#[test]
fn every_tool_has_its_decoder_here() {
    let decoders = judge::records::DECODERS.iter().map(|(name, _)| *name);
    let tools = tracewell::TOOLS.iter().map(|tool| tool.name);
    assert!(
        decoders.eq(tools),
        "DECODERS are not those of tracewell::TOOLS"
    );
}

#[test]
fn any_record_is_an_event_or_none() {
    holds(1_000, vec(any::<u8>(), 0..400), |record| {
        judge::records::any_bytes(&record);
    });
}

/// Records as each tool that prints events has them.
fn records() -> [(&'static str, BoxedStrategy<Vec<u8>>); 11] {
    [
        (
            "bashreadline",
            line().prop_map(|line| line.record()).boxed(),
        ),
        (
            "biosnoop",
            request().prop_map(|request| request.record()).boxed(),
        ),
        ("execsnoop", exec().prop_map(|exec| exec.record()).boxed()),
        ("exitsnoop", exit().prop_map(|exit| exit.record()).boxed()),
        (
            "gethostlatency",
            lookup().prop_map(|lookup| lookup.record()).boxed(),
        ),
        ("opensnoop", open().prop_map(|open| open.record()).boxed()),
        ("syncsnoop", sync().prop_map(|sync| sync.record()).boxed()),
        (
            "tcpconnlat",
            connect().prop_map(|connect| connect.record()).boxed(),
        ),
        ("tcplife", life().prop_map(|life| life.record()).boxed()),
        (
            "tcpretrans",
            retransmit().prop_map(|sent| sent.record()).boxed(),
        ),
        (
            "unlinksnoop",
            unlink().prop_map(|unlink| unlink.record()).boxed(),
        ),
    ]
}

#[test]
fn every_tool_that_prints_events_has_its_records_here() {
    let tools = tracewell::TOOLS.iter().filter(|tool| tool.prints_events());
    let names: Vec<_> = tools.map(|tool| tool.name).collect();
    assert_eq!(records().map(|(name, _)| name), *names);
}

/// Records with heads that promise more, or less, than is there.
#[test]
fn a_record_that_is_cut_or_longer_is_an_event_or_none() {
    let of_tools = records().into_iter().map(|(_, records)| records);
    let record = Union::new(of_tools);
    let changed = (record, any::<prop::sample::Index>(), vec(any::<u8>(), 0..8));
    holds(300, changed, |(record, cut, more)| {
        let (head, tail) = record.split_at(cut.index(record.len()));
        judge::records::any_bytes(head);
        judge::records::any_bytes(&[head, &more, tail].concat());
    });
}

#[test]
fn opens_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, (open(), any::<bool>()), |(open, full)| {
        let told = judge::records::open(&open.record(), full).expect("it is one");
        validate::check(&validator, &told);
        open.compare(&told, full);
    });
}

#[test]
fn exits_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, exit(), |exit| {
        let told = judge::records::exit(&exit.record()).expect("it is one");
        validate::check(&validator, &told);
        exit.compare(&told);
    });
}

#[test]
fn connections_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, life(), |life| {
        let told = judge::records::life(&life.record()).expect("it is one");
        validate::check(&validator, &told);
        life.compare(&told);
    });
    holds(400, connect(), |connect| {
        let told = judge::records::connect(&connect.record()).expect("it is one");
        validate::check(&validator, &told);
        connect.compare(&told);
    });
    holds(400, retransmit(), |sent| {
        let told = judge::records::retransmit(&sent.record()).expect("it is one");
        validate::check(&validator, &told);
        sent.compare(&told);
    });
}

#[test]
fn execs_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, exec(), |exec| {
        let told = judge::records::exec(&exec.record(), usize::MAX).expect("it is one");
        validate::check(&validator, &told);
        exec.compare(&told);
    });
}

#[test]
fn lines_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, line(), |line| {
        let told = judge::records::line(&line.record()).expect("it is one");
        validate::check(&validator, &told);
        line.compare(&told);
    });
}

#[test]
fn lookups_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, lookup(), |lookup| {
        let told = judge::records::lookup(&lookup.record()).expect("it is one");
        validate::check(&validator, &told);
        lookup.compare(&told);
    });
}

#[test]
fn requests_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, request(), |request| {
        let told = judge::records::request(&request.record()).expect("it is one");
        validate::check(&validator, &told);
        request.compare(&told);
    });
}

#[test]
fn syncs_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, sync(), |sync| {
        let told = judge::records::sync(&sync.record()).expect("it is one");
        validate::check(&validator, &told);
        sync.compare(&told);
    });
}

#[test]
fn unlinks_come_back_from_every_format() {
    let validator = validate::validator();
    holds(400, (unlink(), any::<bool>()), |(unlink, full)| {
        let told = judge::records::unlink(&unlink.record(), full).expect("it is one");
        validate::check(&validator, &told);
        unlink.compare(&told, full);
    });
}

#[test]
fn escapes_come_back() {
    holds(3_000, bytes(40), |bytes| judge::escapes::escapes(&bytes));
}

#[test]
fn any_file_is_a_log_or_none() {
    let line = "(#|Tag=)?[-0-9.,eE]{0,30}(HISTFAAA)?[A-Za-z0-9+/=]{0,40}";
    let lines = vec(
        prop_oneof![line.boxed().prop_map(String::into_bytes), bytes(60)],
        0..5,
    );
    holds(500, lines, |lines| {
        judge::logs::any_bytes(&lines.join(&b'\n'))
    });
}

/// The head of a histogram: the length of what follows, an offset, digits, the smallest and the largest value, a ratio.
#[test]
fn any_histogram_in_a_log_is_one_or_none() {
    let length = prop_oneof![0..40_u32, any::<u32>()];
    let bound = || prop_oneof![0..3_u64, 0..1_000_000_u64, any::<u64>()];
    let head = (
        length,
        any::<u32>(),
        0..7_u32,
        bound(),
        bound(),
        any::<u64>(),
    );
    holds(500, (head, vec(any::<u8>(), 0..40)), |(head, counts)| {
        let (length, offset, digits, low, high, ratio) = head;
        let mut bytes = Vec::new();
        for word in [length, offset, digits] {
            bytes.extend(word.to_be_bytes());
        }
        for word in [low, high, ratio] {
            bytes.extend(word.to_be_bytes());
        }
        bytes.extend(counts);
        judge::logs::any_histogram(&bytes);
    });
}

#[test]
fn logs_come_back() {
    let values = vec(prop_oneof![0..1000_u64, 0..(1_u64 << 42)], 0..30);
    let any = (bytes(12), values, 0..4_000_000_000_u64, 0..10_000_000_u64);
    holds(200, any, |(tag, values, start_s, length_ms)| {
        let start = Duration::from_secs(start_s);
        let length = Duration::from_millis(length_ms);
        judge::logs::comes_back(&tag, &values, start, length);
    });
}

/// Pieces of conditions and of patterns, in any order.
fn pieces(of: &'static [&'static str]) -> impl Strategy<Value = String> {
    vec(prop::sample::select(of), 0..12).prop_map(|pieces| pieces.concat())
}

#[test]
fn any_condition_is_one_or_an_error() {
    const PIECES: &[&str] = &[
        "pid",
        "comm",
        "error",
        "time",
        "args",
        "age_ns",
        " == ",
        " != ",
        " ~ ",
        " has ",
        " in ",
        "(",
        ")",
        "&&",
        "||",
        "!",
        "'a'",
        "'[a'",
        "\"\\x41\"",
        "3",
        "10ms",
        "4k",
        "-1",
        "null",
        "ENOENT",
        "true",
        ",",
        " ",
        "\0",
        "é",
    ];
    holds(5_000, pieces(PIECES), |text| judge::asked::condition(&text));
    holds(2_000, any::<String>(), |text| {
        judge::asked::condition(&text)
    });
}

#[test]
fn what_a_pattern_fits_begins_as_it_says() {
    const PIECES: &[&str] = &[
        "/", "a", "b", "*", "**", "?", "[ab]", "[!a]", "{a,b}", "{", "}", "[", "]", ",", "\\",
        "\\*", "..", ".", "!",
    ];
    const PATHS: &[&str] = &["/", "a", "b", "ab", ".", "..", "*", "{"];
    holds(
        20_000,
        (pieces(PIECES), pieces(PATHS)),
        |(pattern, path)| {
            judge::asked::pattern(pattern.as_bytes(), path.as_bytes());
        },
    );
}
