// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rows of counts: how many events are alike in some of their fields, the key.
//!
//! A key is put together once an event, as the format shows these fields; who counts knows it by its bytes. So what looks
//! the same is the same, and a row needs the event no more.

use super::{Body, Writer, json, table};
use crate::error::Result;
use crate::event::{EventFamily, Group};

/// Of a writer whose columns are the key's, and were [chosen](Writer::choose).
impl<T: EventFamily> Writer<T> {
    /// Puts an event's key together: the fields of these numbers, which are those of the columns.
    #[inline]
    pub(crate) fn key(&mut self, event: &T::Event<'_>, fields: &[usize], key: &mut Vec<u8>) {
        key.clear();
        match &mut self.body {
            Body::Table(table, _) => table.key(key, &mut self.stamp, event),
            Body::Json(_) => json::key(key, &mut self.stamp, event, fields),
            Body::Csv(csv) => csv.key(key, &mut self.stamp, event),
            Body::Document(_) => {}
        }
    }

    /// What is written from now on are counts. Writes the line that a file of CSV begins with: all fields of `L`, the key's,
    /// and all of `M`.
    pub(crate) fn begin_counts<L: Group, M: Group>(&mut self) -> Result<()> {
        let mut line = Vec::new();
        if let Body::Csv(csv) = &mut self.body
            && !self.no_header
        {
            line = csv.header_of_counts::<L, M>();
            csv.sink().buffer().extend_from_slice(&line);
            csv.sink().end_record()?;
        }
        self.of_counts = Some(line);
        Ok(())
    }

    /// Writes the header of a table: the fields of `M` that are shown, and the key's.
    pub(crate) fn header_of_counts<M: Group>(&mut self, shown: &[usize]) -> Result<()> {
        match &mut self.body {
            Body::Table(table, sink) if !self.no_header => {
                table.header_behind::<M>(sink.buffer(), &mut self.stamp, shown);
                sink.end_record()
            }
            _ => Ok(()),
        }
    }

    /// Adds a row: what was measured of the events of a key, `None` for those of several. In a table it has the fields that
    /// are shown, as the header.
    pub(crate) fn count<M: Group>(
        &mut self,
        lead: &impl Group,
        key: Option<&[u8]>,
        measure: &M,
        shown: &[usize],
    ) -> Result<()> {
        match &mut self.body {
            Body::Table(_, sink) => {
                let out = sink.buffer();
                for index in shown {
                    let width = M::FIELDS[*index].column.width;
                    table::number(out, &mut self.stamp, width, |cell| {
                        measure.show_one(*index, cell);
                    });
                }
                out.extend_from_slice(key.unwrap_or_default());
                out.push(b'\n');
                sink.end_record()
            }
            Body::Json(sink) => {
                json::count(sink.buffer(), &mut self.stamp, lead, key, measure);
                sink.end_record()
            }
            Body::Csv(csv) => csv.count(&mut self.stamp, lead, key, measure),
            Body::Document(_) => Ok(()),
        }
    }
}
