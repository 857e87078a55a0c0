// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an event costs user space: to decode it, and to write it in each format. `cargo bench -p tracewell-bench`.
//!
//! A thousand opens that differ, two hundred times in a round, written to /dev/null; of the rounds the best is told, in
//! nanoseconds an event. Run it pinned (`taskset -c 1`), before and after a change, on one machine.

#![allow(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "it is run by developers only"
)]

use std::fs::File;
use std::hint::black_box;
use std::time::Instant;

use time::UtcOffset;
use tracewell::opensnoop::Opens;
use tracewell_shared::kernel::clock::Clock;
use tracewell_shared::output::sink::Sink;
use tracewell_shared::output::{Format, Writer};
use tracewell_shared::trace::tracer::Tracer;

#[path = "formats/record.rs"]
mod record;

const RECORDS: u32 = 1000;
const TIMES: u32 = 200;
const ROUNDS: u32 = 25;

fn main() {
    let records: Vec<_> = (0..RECORDS).map(record::open).collect();
    let opens = Opens::default();
    let best = best(|| {
        for record in &records {
            black_box(opens.decode(black_box(record)).expect("it is one"));
        }
    });
    println!("decode {best:6.1} ns");
    for (name, format) in [
        ("table ", Format::Table),
        ("json  ", Format::Json),
        ("csv   ", Format::Csv),
    ] {
        let null = File::create("/dev/null").expect("a device");
        let clock = Clock::fixed(1_700_000_000_000_000_000, UtcOffset::UTC);
        let sink = Sink::from_fd(null.into(), "/dev/null");
        let mut writer = Writer::<Opens>::new(format, sink, record::columns(), clock);
        let best = self::best(|| {
            for record in &records {
                let open = opens.decode(black_box(record)).expect("it is one");
                writer.event(&open).expect("it takes all");
            }
        });
        println!("{name} {best:6.1} ns, with decoding");
    }
}

/// Nanoseconds that an event takes in the best of the rounds.
fn best(mut all: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..TIMES {
            all();
        }
        let events = f64::from(RECORDS * TIMES);
        best = best.min(start.elapsed().as_nanos() as f64 / events);
    }
    best
}
