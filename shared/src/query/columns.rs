// SPDX-License-Identifier: MIT OR Apache-2.0
//! `--columns`: which fields a table or CSV shows, and in which order.

use crate::error::{Error, Result};
use crate::event::{Event, EventFamily, Type, position};
use crate::output::Format;
use crate::output::table::{Column, Show};

/// The columns of these names, in their order: each the name of a field, or a header, of `shown`, the table that the tool
/// makes by itself, or of a field.
///
/// # Errors
///
/// For a name that nothing has, and for what the format has no place for.
pub fn chosen<T: EventFamily>(
    names: &[String],
    shown: &[Column<T>],
    format: Format,
) -> Result<Vec<Column<T>>> {
    let wrong = |what: String| Err(Error::usage(format!("--columns: {what}")));
    if format.has_all_fields() {
        return wrong("JSON has every field; columns are those of --format table or csv".into());
    }
    let mut columns = Vec::new();
    for name in names {
        match find(name, shown) {
            Some(column) => columns.push(column),
            None => return wrong(format!("nothing is called '{name}'; {}", all(shown))),
        }
    }
    let Some((_, inside)) = columns.split_last_mut() else {
        return wrong(format!("no name is given; {}", all(shown)));
    };
    for column in inside {
        *column = column.inside();
        let stack =
            field_of(column).is_some_and(|field| matches!(field.of.some(), Type::Frames(_)));
        if stack && format == Format::Table {
            let header = column.header.to_lowercase();
            return wrong(format!(
                "{header} takes lines of its own, and can only be the last"
            ));
        }
    }
    if format == Format::Csv
        && let Some(column) = columns.iter().find(|column| field_of(column).is_none())
    {
        let header = column.header;
        return wrong(format!(
            "CSV has fields, and {header} is none; {}",
            all(&[] as &[Column<T>])
        ));
    }
    Ok(columns)
}

/// Puts the time before all others, unless it is there.
pub fn timed<T: EventFamily>(columns: &mut Vec<Column<T>>) {
    let is_time =
        |column: &Column<T>| field_of(column).is_some_and(|field| matches!(field.of, Type::Time));
    let fields = <T::Event<'static> as Event>::FIELDS;
    let time = fields
        .iter()
        .position(|field| matches!(field.of, Type::Time));
    if let Some(time) = time.filter(|_| !columns.iter().any(is_time)) {
        columns.insert(0, Column::of(time));
    }
}

/// Puts the fields of these names before the last column, which takes what it needs.
pub fn before_last<T: EventFamily>(columns: &mut Vec<Column<T>>, names: &[&str]) {
    let fields = <T::Event<'static> as Event>::FIELDS;
    let found = names.iter().filter_map(|name| position(fields, name));
    let place = columns.len().saturating_sub(1);
    columns.splice(place..place, found.map(|index| Column::of(index).inside()));
}

/// Puts the field of this name behind all others.
pub fn with_last<T: EventFamily>(columns: &mut Vec<Column<T>>, name: &str) {
    let Some(index) = position(<T::Event<'static> as Event>::FIELDS, name) else {
        return;
    };
    if let Some(last) = columns.last_mut() {
        *last = last.inside();
    }
    columns.push(Column::of(index));
}

fn find<T: EventFamily>(name: &str, shown: &[Column<T>]) -> Option<Column<T>> {
    let fields = <T::Event<'static> as Event>::FIELDS;
    let by_header = || {
        let is = |header: &str| header.eq_ignore_ascii_case(name);
        let own = shown.iter().find(|column| is(column.header)).copied();
        own.or_else(|| super::find(fields, name).map(Column::of))
    };
    match position(fields, name) {
        Some(index) => Some(Column::of(index)),
        None => by_header(),
    }
}

/// The field that a column shows, unless it is the tool's own.
fn field_of<T: EventFamily>(column: &Column<T>) -> Option<&'static crate::event::Field> {
    match column.show {
        Show::Field(index) => <T::Event<'static> as Event>::FIELDS.get(index),
        Show::Own(_) => None,
    }
}

/// What can be asked for, in words.
fn all<T: EventFamily>(shown: &[Column<T>]) -> String {
    let fields = <T::Event<'static> as Event>::FIELDS.iter();
    let names: Vec<_> = fields.map(|field| field.name).collect();
    let own = shown.iter().filter(|column| field_of(column).is_none());
    let own: Vec<_> = own.map(|column| column.header).collect();
    let lead = if own.is_empty() {
        ""
    } else {
        ", and the column "
    };
    format!(
        "the fields are {}{lead}{}",
        names.join(", "),
        own.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::chosen;
    use crate::output::Format;
    use crate::output::sample::{Sample, Samples, columns, written_of};
    use crate::output::table::Column;

    fn ask(names: &[&str], format: Format) -> crate::error::Result<Vec<Column<Samples>>> {
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut shown = columns();
        shown.push(Column::left("TWICE", 5, |event, cell| {
            cell.u64(2 * event.pid)
        }));
        chosen(&names, &shown, format)
    }

    fn written(names: &[&str], format: Format) -> String {
        let event = Sample {
            pid: 42,
            comm: b"sh",
            path: Some(b"/tmp"),
            ..Sample::default()
        };
        let all = written_of(format, ask(names, format).unwrap(), |writer| {
            writer.choose();
            writer.header().unwrap();
            writer.event(&event).unwrap();
        });
        String::from_utf8(all).unwrap()
    }

    #[test]
    fn columns_are_asked_for_by_field_or_header() {
        let table = "\
PATH          PID TWICE CUT
/tmp           42 84    no
";
        let names = ["path", "PID", "twice", "cut"];
        assert_eq!(written(&names, Format::Table), table);
        assert_eq!(
            written(&["cut", "PATH"], Format::Csv),
            "cut,path\nfalse,/tmp\n"
        );
    }

    #[test]
    fn what_cannot_be_shown_is_told() {
        let told = |names: &[&str], format| ask(names, format).unwrap_err().to_string();
        let nothing = told(&["pid", "nope"], Format::Table);
        assert!(
            nothing.contains("'nope'; the fields are time, pid, ret"),
            "{nothing}"
        );
        assert!(nothing.ends_with("and the column TWICE"), "{nothing}");
        assert!(told(&["frames", "pid"], Format::Table).contains("only be the last"));
        assert!(ask(&["pid", "frames"], Format::Table).is_ok());
        assert!(told(&["TWICE"], Format::Csv).contains("TWICE is none"));
        assert!(told(&["pid"], Format::Json).contains("every field"));
        assert!(told(&[], Format::Table).contains("no name"));
    }
}
