// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process used is what its parent is told by wait4(2).

use std::thread;
use std::time::Duration;

use nix::libc;
use nix::time::{ClockId, clock_gettime};
use tracewell_tests::{Actor, Tool, actor};

use super::{number, only};

/// How long each of two threads is busy.
const BUSY: Duration = Duration::from_millis(150);

/// The longest time between two ticks of a kernel (`CONFIG_HZ=100`), and as much again: what the scheduler has not
/// counted at the end.
const TICKS: Duration = Duration::from_millis(20);

const MEMORY: u64 = 48 << 20;

actor!(uses_what_there_is, |_| {
    let memory = vec![1_u8; MEMORY as usize];
    let busy = || {
        let time = || {
            let time = clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID);
            Duration::from(time.unwrap())
        };
        while time() < BUSY {}
    };
    let other = thread::spawn(busy);
    busy();
    other.join().unwrap();
    assert_eq!(memory[memory.len() / 2], 1);
});

/// Waits for a child, and gives what wait4(2) says that it used: its CPU time and the peak of its memory in bytes.
fn used(pid: u32) -> (Duration, u64) {
    // SAFETY: both are numbers to be filled in.
    let usage = unsafe {
        let (mut status, mut usage) = (0, std::mem::zeroed::<libc::rusage>());
        let pid = pid.cast_signed();
        assert_eq!(libc::wait4(pid, &raw mut status, 0, &raw mut usage), pid);
        usage
    };
    let time = |time: libc::timeval| {
        Duration::new(time.tv_sec.cast_unsigned(), 1000 * time.tv_usec as u32)
    };
    let cpu = time(usage.ru_utime) + time(usage.ru_stime);
    (cpu, 1024 * usage.ru_maxrss.cast_unsigned())
}

#[test]
fn what_a_process_used_is_what_wait_says() {
    let actor = Actor::new("uses_what_there_is").start();
    let pid = actor.pid();
    let tool = Tool::new("exitsnoop")
        .json()
        .args(["--pid", &pid.to_string()])
        .start();
    actor.go();
    let (cpu, peak) = used(pid);
    let event = only(&tool.finish().success());
    let told = number(&event, "user_ns") + number(&event, "system_ns");
    let told = Duration::from_nanos(told);
    // Nor is what its end itself takes from there on: to give the memory back, for one.
    let least = cpu - cpu / 8;
    assert!(told <= cpu && told + 2 * TICKS > least, "{cpu:?}: {event}");
    assert_eq!(number(&event, "peak_rss_bytes"), peak, "{event}");
    assert!(peak > MEMORY);
    assert!(told + 2 * TICKS > 2 * BUSY, "{event}");
}
