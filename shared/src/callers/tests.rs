// SPDX-License-Identifier: MIT OR Apache-2.0

use std::fs;
use std::io::{Read, Write};
use std::process::{self, Child, Command, Stdio};

use super::test_code::{KNOWN, known};
use super::{Callers, FRAMES_MAX, PROCESSES_MAX, Symbols};
use crate::kernel::clock::boot_now_ns;

/// The numbers of a process's `/proc/PID/stat` that tell its memory, as the kernel would send them.
fn space(pid: u32) -> [u64; 4] {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let field = |number: usize| fields[number - 3].parse::<u64>().unwrap();
    [field(22) * 10_000_000 + 1, field(26), field(27), field(28)]
}

fn record(space: [u64; 4], addresses: &[u64]) -> Vec<u8> {
    let words = space.iter().chain(addresses);
    words.flat_map(|word| word.to_ne_bytes()).collect()
}

/// The frames' names, with what is known beside.
fn names(record: &[u8], pid: u32, time_ns: u64, symbols: &Symbols) -> Vec<(Option<String>, bool)> {
    let callers = Callers::decode(record, pid, time_ns, symbols).unwrap();
    let mut names = Vec::new();
    let left_out = callers.frames(&mut |frame| {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        assert!(frame.symbol.is_none() || frame.offset == Some(1));
        names.push((frame.symbol.map(text), frame.module.is_some()));
    });
    assert_eq!(names.len() + left_out, callers.addresses().count());
    names
}

fn address() -> u64 {
    known as fn() as usize as u64 + 1
}

fn named() -> Vec<(Option<String>, bool)> {
    vec![(Some(KNOWN.to_owned()), true)]
}

/// A program that does nothing until it is ended.
struct Waiting(Child);

impl Waiting {
    fn start() -> Self {
        let mut command = Command::new("cat");
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        // Once it answers, its memory is its own.
        child.stdin.as_mut().unwrap().write_all(b"?").unwrap();
        let stdout = child.stdout.as_mut().unwrap();
        stdout.read_exact(&mut [0]).unwrap();
        Self(child)
    }

    fn end(mut self) {
        drop(self.0.stdin.take());
        self.0.wait().unwrap();
    }
}

#[test]
fn own_functions_have_names() {
    let pid = process::id();
    let symbols = Symbols::default();
    let record = record(space(pid), &[address()]);
    for _ in 0..2 {
        assert_eq!(names(&record, pid, boot_now_ns(), &symbols), named());
    }
    // Clones share what was found.
    assert_eq!(names(&record, pid, 0, &symbols.clone()), named());
}

#[test]
fn another_process_gets_no_names() {
    let pid = process::id();
    let symbols = Symbols::default();
    for wrong in 0..4 {
        let mut space = space(pid);
        space[wrong] += 10_000_000;
        let record = record(space, &[address()]);
        assert_eq!(
            names(&record, pid, boot_now_ns(), &symbols),
            [(None, false)],
            "{wrong}"
        );
    }
    let record = record(space(pid), &[address()]);
    assert_eq!(names(&record, pid, 0, &symbols), named());
}

#[test]
fn an_address_in_no_code_is_no_frame() {
    let pid = process::id();
    let data = Box::new(1_u64);
    let heap = &raw const *data as u64;
    let text = u64::from_ne_bytes(*b"/etc/pas");
    let addresses = [heap, u64::MAX, text, 7, address()];
    let found = names(
        &record(space(pid), &addresses),
        pid,
        boot_now_ns(),
        &Symbols::default(),
    );
    assert_eq!(found, named());
    // Of a process that is not there, only what can be no address of any is known.
    let mut gone = space(pid);
    gone[0] += 10_000_000;
    let found = names(
        &record(gone, &addresses),
        pid,
        boot_now_ns(),
        &Symbols::default(),
    );
    assert_eq!(found, [(None, false), (None, false)]);
}

#[test]
fn a_process_that_ended_gets_none_unless_it_was_seen() {
    let waiting = Waiting::start();
    let pid = waiting.0.id();
    let space = space(pid);
    let record = record(space, &[space[1] + 64]);
    let module = |symbols: &Symbols| {
        let callers = Callers::decode(&record, pid, boot_now_ns(), symbols).unwrap();
        let mut module = None;
        let _left_out = callers.frames(&mut |frame| module = frame.module.map(<[u8]>::to_vec));
        module
    };
    let before = Symbols::default();
    let path = module(&before).expect("its code is mapped");
    let exe = fs::read_link(format!("/proc/{pid}/exe")).unwrap();
    assert_eq!(path, exe.into_os_string().into_encoded_bytes());
    waiting.end();
    assert_eq!(module(&before), Some(path));
    assert_eq!(module(&Symbols::default()), None);
}

#[test]
fn frames_end_where_the_program_starts_or_there_is_no_room() {
    let symbols = Symbols::default();
    let callers = |record: &[u8]| {
        let callers = Callers::decode(record, 1, 0, &symbols)?;
        Some((callers.addresses().count(), callers.truncated()))
    };
    let space = [0; 4];
    assert_eq!(callers(&record(space, &[])), None);
    assert_eq!(callers(b""), None);
    assert_eq!(callers(&record(space, &[1, 2, 0])), Some((2, false)));
    let most = vec![7; FRAMES_MAX];
    assert_eq!(callers(&record(space, &most)), Some((FRAMES_MAX, false)));
    let more = vec![7; FRAMES_MAX + 1];
    assert_eq!(callers(&record(space, &more)), Some((FRAMES_MAX, true)));
}

#[test]
fn what_is_remembered_is_bounded() {
    let symbols = Symbols::default();
    let record = record([0; 4], &[0x1234]);
    for pid in 0..3 * u32::try_from(PROCESSES_MAX).unwrap() {
        // No process has such an id.
        assert_eq!(
            names(&record, (1 << 30) + pid, 0, &symbols),
            [(None, false)]
        );
        assert!(symbols.0.lock().unwrap().processes.len() <= PROCESSES_MAX);
    }
}
