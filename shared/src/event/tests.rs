// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is derived from a declaration.

use super::{Event, Failure, Field, Group, Moment, Nanos, Type, Value, Word, position};
use crate::output::Format;
use crate::output::sample::written_of;
use crate::output::table::Column;

/// Who it was.
#[derive(Debug, Clone, Copy, Group)]
struct Who {
    /// When it was.
    #[field(left("TIME", 15))]
    time: Moment,
    /// The process.
    #[field(left("PID", 7))]
    pid: u32,
}

/// A way to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Word)]
enum Way {
    Door,
    OpenWindow,
}

/// Someone came.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "come")]
struct Come {
    #[field(group)]
    who: Who,
    #[field(group)]
    failure: Failure,
    /// What it came by.
    way: Way,
}

/// Someone went.
///
/// Not a sentence for users.
#[derive(Debug, Clone, Copy, Event)]
#[event(kind = "go", failed = Go::early)]
struct Go {
    #[field(group)]
    who: Who,
    /// How long it was there.
    #[field(right("STAY(s)", 8))]
    stay_ns: Nanos,
    /// What it left.
    #[field(null = "where it took all", none = "all", left("LEFT", 4))]
    left: Option<u8>,
    #[field(skip)]
    early: bool,
}

impl Go {
    fn early(&self) -> bool {
        self.early
    }
}

/// Whatever happens at a door.
#[derive(Debug, Clone, Copy, Event)]
#[event(of = Doors)]
enum Life {
    Come(Come),
    Go(Go),
}

struct Doors;

const WHO: Who = Who {
    time: Moment { boot_ns: 7 },
    pid: 3,
};

const COME: Life = Life::Come(Come {
    who: WHO,
    failure: Failure {
        errno: None,
        error: None,
    },
    way: Way::OpenWindow,
});

const GO: Life = Life::Go(Go {
    who: WHO,
    stay_ns: Nanos(1_234_567_890),
    left: None,
    early: true,
});

fn names(fields: &[Field]) -> Vec<&str> {
    fields.iter().map(|field| field.name).collect()
}

#[test]
fn groups_are_flattened_in_their_places() {
    assert_eq!(
        names(<Come as Event>::FIELDS),
        ["time", "pid", "errno", "error", "way"]
    );
    assert_eq!(Go::KINDS[0].meaning, "Someone went.");
    let way = <Come as Event>::FIELDS[4];
    assert_eq!(way.of, Type::Word(&["door", "open_window"]));
    assert_eq!((way.column.title, way.column.declared), ("WAY", false));
    assert_eq!(<Go as Event>::FIELDS[2].unit, Some("ns"));
    assert_eq!(<Go as Event>::FIELDS[3].of, Type::Maybe(&u8::TYPE));
}

#[test]
fn an_enum_has_the_fields_of_all_kinds_once() {
    let all = ["time", "pid", "errno", "error", "way", "stay_ns", "left"];
    assert_eq!(names(Life::FIELDS), all);
    assert_eq!(Life::KINDS.len(), 2);
    assert_eq!(Life::KINDS[1].fields, <Go as Event>::FIELDS);
    assert_eq!((COME.kind(), GO.kind()), ("come", "go"));
    assert_eq!((COME.failed(), GO.failed()), (false, true));
    assert_eq!((COME.time_ns(), GO.time_ns()), (7, 7));
}

fn columns() -> Vec<Column<Doors>> {
    crate::columns![Doors: pid, error, way as "HOW", stay_ns, left if true, time if false]
}

#[test]
fn every_format_follows() {
    let written = |format| {
        let all = written_of(format, columns(), |writer| {
            writer.header().unwrap();
            writer.event(&COME).unwrap();
            writer.event(&GO).unwrap();
        });
        String::from_utf8(all).unwrap()
    };
    let table = "\
PID     ERR     HOW       STAY(s) LEFT
3       0       open_window        - -
3       -       -        1.234567 all
";
    assert_eq!(written(Format::Table), table);
    let json = r#"{"event":"come","time":"2026-11-22T15:23:08.000000007Z","pid":3,"errno":null,"error":null,"way":"open_window"}
{"event":"go","time":"2026-11-22T15:23:08.000000007Z","pid":3,"stay_ns":1234567890,"left":null}
"#;
    assert_eq!(written(Format::Json), json);
    let csv = "\
event,time,pid,errno,error,way,stay_ns,left
come,2026-11-22T15:23:08.000000007Z,3,,,open_window,,
go,2026-11-22T15:23:08.000000007Z,3,,,,1234567890,
";
    assert_eq!(written(Format::Csv), csv);
}

#[test]
fn fields_are_found_by_their_names() {
    assert_eq!(position(<Go as Event>::FIELDS, "left"), Some(3));
    assert_eq!(position(<Go as Event>::FIELDS, "LEFT"), None);
}
