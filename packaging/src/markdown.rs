// SPDX-License-Identifier: MIT OR Apache-2.0
//! A page of `docs/` as the body of a manual page. It knows what those pages use, and refuses anything else.

use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};
use roff::{Inline, Roff, bold, roman};

use crate::Result;
use crate::inline::{Text, plain};

/// Whether the section with this heading lists options. Its tables are left out, as the command line lists them itself.
pub(crate) fn lists_options(heading: &str) -> bool {
    heading == "Options" || heading == "Commands"
}

/// A page, as far as it has been read.
#[derive(Default)]
struct Page {
    /// Each section's heading and body; the first one, without a heading, is what comes before all others.
    sections: Vec<(String, Roff)>,
    text: Text,
    /// Whether a heading is the last thing there, which needs no space below it.
    fresh: bool,
    /// How deep in lists.
    depth: usize,
    /// The number of the next item, in a list that counts.
    number: Option<u64>,
    rows: Vec<Vec<(Vec<Inline>, usize)>>,
    /// The mark of an item whose text has not come yet.
    mark: Option<(String, &'static str)>,
    in_code: bool,
}

/// The sections of a page: their headings as written, and their bodies. The title is left out; what stands before the
/// first section has the heading "".
pub(crate) fn sections(markdown: &str) -> Result<Vec<(String, Roff)>> {
    let mut page = Page::default();
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => {}
            Event::End(TagEnd::Heading(level)) => page.heading(level),
            event if page.take(&event) => {}
            event => return Err(format!("cannot be put into a manual page: {event:?}").into()),
        }
    }
    Ok(page.sections)
}

impl Page {
    fn roff(&mut self) -> &mut Roff {
        self.fresh = false;
        if self.sections.is_empty() {
            self.sections.push((String::new(), Roff::new()));
        }
        let last = self.sections.len() - 1;
        &mut self.sections[last].1
    }

    fn heading(&mut self, level: HeadingLevel) {
        let text = self.text.finish();
        match level {
            HeadingLevel::H1 => {}
            HeadingLevel::H2 => self.sections.push((words(&text), Roff::new())),
            _ => {
                self.roff().control("SS", [words(&text).as_str()]);
            }
        }
        self.fresh = true;
    }

    /// Takes an event, if it is of a kind that is known.
    fn take(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Text(text) if self.in_code => self.code(text),
            Event::Start(Tag::CodeBlock(_)) => {
                self.in_code = true;
                self.space();
                self.roff().control("RS", ["2"]).control("EX", []);
            }
            Event::End(TagEnd::CodeBlock) => {
                self.in_code = false;
                self.roff().control("EE", []).control("RE", []);
            }
            Event::Start(Tag::Paragraph) => {
                if self.depth == 0 {
                    self.space();
                }
            }
            Event::End(TagEnd::Paragraph) => self.line(),
            Event::Start(Tag::List(first)) => {
                self.line();
                self.depth += 1;
                self.number = *first;
            }
            Event::End(TagEnd::List(_)) => self.depth -= 1,
            Event::Start(Tag::Item) => self.item(),
            Event::End(TagEnd::Item) => self.line(),
            Event::Start(Tag::Table(_)) => {}
            Event::End(TagEnd::Table) => self.table(),
            Event::Start(Tag::TableHead | Tag::TableRow) => self.rows.push(Vec::new()),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) | Event::Start(Tag::TableCell) => {}
            Event::End(TagEnd::TableCell) => {
                let length = self.text.length;
                let cell = self.text.finish();
                if let Some(row) = self.rows.last_mut() {
                    row.push((cell, length));
                }
            }
            // Remarks for who edits the page, such as where a made table begins.
            Event::Start(Tag::HtmlBlock) | Event::End(TagEnd::HtmlBlock) => {}
            Event::Html(text) if text.starts_with("<!--") => {}
            event => return self.text.take(event),
        }
        true
    }

    /// Begins a paragraph.
    fn space(&mut self) {
        if !self.fresh {
            self.roff().control("PP", []);
        }
    }

    fn code(&mut self, text: &str) {
        for line in text.lines() {
            self.roff().text([roman(line)]);
        }
    }

    fn item(&mut self) {
        let number = self.number;
        self.number = number.map(|number| number + 1);
        self.mark = Some(match number {
            Some(number) => (format!("{number}."), "4"),
            None => ("\\(bu".to_owned(), "2"),
        });
    }

    /// Ends a paragraph or an item's text. An item that only leads to places in the page leads nowhere on paper.
    fn line(&mut self) {
        let contents = self.depth > 0 && self.text.is_contents();
        let line = self.text.finish();
        if line.is_empty() {
            return;
        }
        let mark = self.mark.take();
        if contents {
            return;
        }
        if let Some((mark, indent)) = mark {
            self.roff().control("IP", [mark.as_str(), indent]);
        }
        self.roff().text(line);
    }

    /// A table of two columns whose second has no heading is a list of terms; any other is a table.
    fn table(&mut self) {
        let rows = std::mem::take(&mut self.rows);
        let section = self.sections.last();
        if section.is_some_and(|(heading, _)| lists_options(heading)) {
            return;
        }
        let terms = rows.iter().all(|row| row.len() == 2) && rows[0][1].0.is_empty();
        if terms {
            let terms = rows.into_iter().skip(1);
            for row in terms {
                self.term(row);
            }
        } else {
            self.grid(rows);
        }
    }

    fn term(&mut self, row: Vec<(Vec<Inline>, usize)>) {
        let mut cells = row.into_iter().map(|(cell, _)| cell);
        let (name, meaning) = (
            cells.next().unwrap_or_default(),
            cells.next().unwrap_or_default(),
        );
        if meaning.is_empty() {
            self.roff().control("SS", [words(&name).as_str()]);
        } else {
            self.roff().control("TP", []).text(name).text(meaning);
        }
    }

    /// For tbl(1). Columns of long cells, which are filled, share the width that short ones leave.
    fn grid(&mut self, rows: Vec<Vec<(Vec<Inline>, usize)>>) {
        const SHORT: usize = 18;
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let longest = |column| {
            rows.iter()
                .filter_map(|row| row.get(column).map(|(_, length)| *length))
                .max()
                .unwrap_or_default()
        };
        let wide: Vec<bool> = (0..columns).map(|column| longest(column) > SHORT).collect();
        let formats: Vec<_> = wide
            .iter()
            .map(|wide| if *wide { "lx" } else { "l" })
            .collect();
        self.space();
        let roff = self.roff();
        // Narrow cells cannot be adjusted to both sides.
        roff.control("na", []).control("TS", []);
        roff.text([roman(format!("{}.", formats.join(" ")))]);
        for (index, row) in rows.into_iter().enumerate() {
            let cells = row.into_iter().map(|(cell, _)| match index {
                0 => vec![bold(words(&cell))],
                _ => cell,
            });
            let mut line = Vec::new();
            for (column, cell) in cells.enumerate() {
                if column > 0 {
                    line.push(roman("\t"));
                }
                if !wide[column] {
                    line.extend(cell);
                    continue;
                }
                line.push(roman("T{"));
                roff.text(std::mem::take(&mut line));
                // An empty line would end the row's paragraph.
                if !cell.is_empty() {
                    roff.text(cell);
                }
                line.push(roman("T}"));
            }
            roff.text(line);
        }
        roff.control("TE", []).control("ad", []);
    }
}

fn words(text: &[Inline]) -> String {
    text.iter().map(plain).collect()
}
