// SPDX-License-Identifier: MIT OR Apache-2.0

use std::process;

use super::{MAPPINGS_MAX, PATHS_BYTES_MAX, Space, mappings, parse, parse_line};

#[test]
fn a_name_does_not_shift_the_numbers() {
    let rest = "S 1 2 3 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 4711 9 8 7 100 200 300 6 5";
    for name in ["cat", "a b", ") S 1 (", ")"] {
        let stat = format!("42 ({name}) {rest}");
        let expected = Space {
            start_ticks: 4711,
            start_code: 100,
            end_code: 200,
            start_stack: 300,
        };
        assert_eq!(Space::parse(stat.as_bytes()), Some(expected), "{name}");
    }
    assert_eq!(Space::parse(b"42 (cat) S 1 2"), None);
    assert_eq!(Space::parse(b""), None);
}

#[test]
fn lines_of_maps_are_understood() {
    let line = b"7f00-7fff r-xp 00001000 fd:01 1234                       /usr/lib/a b (deleted)";
    let mapping = parse_line(line).unwrap();
    assert_eq!(
        (mapping.start, mapping.end, mapping.offset),
        (0x7f00, 0x7fff, 0x1000)
    );
    assert_eq!(&*mapping.path, b"/usr/lib/a b (deleted)");
    let anonymous = parse_line(b"7f00-7fff rwxp 00000000 00:00 0 ").unwrap();
    assert!(anonymous.path.is_empty());
    let bytes = parse_line(b"1-2 --xs 0 0:0 7  /\xff").unwrap();
    assert_eq!(&*bytes.path, b"/\xff");
    for none in [
        &b"7f00-7fff rw-p 00000000 00:00 0 "[..],
        b"7f00 r-xp 00000000 00:00 0 ",
        b"x-y r-xp 00000000 00:00 0 ",
        b"1-2 r-xp",
        b"",
    ] {
        assert!(parse_line(none).is_none(), "{none:?}");
    }
}

#[test]
fn what_is_kept_is_bounded() {
    let many = "1-2 r-xp 0 0:0 7  /x\n".repeat(MAPPINGS_MAX + 1);
    let kept = parse(many.as_bytes()).unwrap();
    assert_eq!((kept.mappings.len(), kept.whole), (MAPPINGS_MAX, false));
    let all = parse("1-2 r-xp 0 0:0 7  /x\n2-3 rw-p 0 0:0 7  /y\n".as_bytes()).unwrap();
    assert_eq!((all.mappings.len(), all.whole), (1, true));
    let cut = parse("1-2 r-xp 0 0:0 7  /x\n2-3 r-x".as_bytes()).unwrap();
    assert_eq!((cut.mappings.len(), cut.whole), (1, false));
    let long = format!("1-2 r-xp 0 0:0 7  /{}\n", "x".repeat(4095)).repeat(100);
    assert_eq!(
        parse(long.as_bytes()).unwrap().mappings.len(),
        PATHS_BYTES_MAX / 4096
    );
}

#[test]
fn memory_is_shown_to_those_who_know_it() {
    let pid = process::id();
    let space = Space::now(pid).unwrap();
    let code = lines_of_maps_are_understood as fn() as usize as u64;
    let found = mappings(pid, &space).unwrap();
    assert!(found.whole);
    let found = found.mappings;
    assert!(found.iter().any(|it| it.start <= code && code < it.end));
    for other in [
        Space {
            start_ticks: space.start_ticks + 1,
            ..space
        },
        Space {
            start_stack: space.start_stack + 16,
            ..space
        },
    ] {
        assert!(mappings(pid, &other).is_none());
    }
}
