// SPDX-License-Identifier: MIT OR Apache-2.0
//! The text of a paragraph or cell, and where its links lead.

use pulldown_cmark::{Event, Tag, TagEnd};
use roff::{Inline, bold, italic, roman};

/// Stands before a word that is not to be divided, such as an option's name, until roff's own mark takes its place.
pub(crate) const WHOLE: char = '\u{2060}';

/// Puts the marks of each word before all of it, brackets too: within a word they would say where to divide it.
pub(crate) fn settled(text: &str) -> String {
    let words = text.split_inclusive(char::is_whitespace);
    words
        .map(|word| {
            if word.contains(WHOLE) {
                format!("{WHOLE}{}", word.replace(WHOLE, ""))
            } else {
                word.to_owned()
            }
        })
        .collect()
}

/// Text that grows by the events of the parser.
#[derive(Debug, Default)]
pub(crate) struct Text {
    parts: Vec<Inline>,
    strong: bool,
    emphasis: bool,
    /// The target of the link that is open, and where its text begins.
    link: Option<(String, usize)>,
    /// How many characters it has.
    pub(crate) length: usize,
    /// How many links lead to places in the same page, and how many letters and digits are outside of links.
    anchors: usize,
    outside: usize,
}

impl Text {
    /// Takes an event, if it is one of text.
    pub(crate) fn take(&mut self, event: &Event<'_>) -> bool {
        match event {
            Event::Text(text) => self.push(text),
            Event::Code(code) => {
                self.count(code);
                self.length += code.chars().count();
                let words: Vec<_> = code
                    .split(' ')
                    .map(|word| format!("{WHOLE}{word}"))
                    .collect();
                self.parts.push(bold(words.join(" ")));
            }
            Event::SoftBreak => self.push(" "),
            Event::HardBreak => self.parts.push(Inline::LineBreak),
            Event::Start(Tag::Strong) => self.strong = true,
            Event::End(TagEnd::Strong) => self.strong = false,
            Event::Start(Tag::Emphasis) => self.emphasis = true,
            Event::End(TagEnd::Emphasis) => self.emphasis = false,
            Event::Start(Tag::Link { dest_url, .. }) => {
                self.anchors += usize::from(dest_url.starts_with('#'));
                self.link = Some((dest_url.to_string(), self.parts.len()));
            }
            Event::End(TagEnd::Link) => self.end_link(),
            _ => return false,
        }
        true
    }

    /// Whether it is a table of contents: nothing but links to places in the same page.
    pub(crate) fn is_contents(&self) -> bool {
        self.anchors > 0 && self.outside == 0
    }

    fn count(&mut self, text: &str) {
        if self.link.is_none() {
            self.outside += text
                .chars()
                .filter(|letter| letter.is_alphanumeric())
                .count();
        }
    }

    fn push(&mut self, text: &str) {
        self.count(text);
        self.length += text.chars().count();
        self.parts.push(if self.strong {
            bold(text)
        } else if self.emphasis {
            italic(text)
        } else {
            roman(text)
        });
    }

    /// Says which manual page a link leads to: `opensnoop(8)` in its place, or behind its text.
    fn end_link(&mut self) {
        let Some((target, start)) = self.link.take() else {
            return;
        };
        let Some((name, section)) = manual_page(&target) else {
            return;
        };
        let text: String = self.parts[start..].iter().map(plain).collect();
        let reference = [
            bold(format!("{WHOLE}{name}")),
            roman(format!("({section})")),
        ];
        if text.trim_end_matches("'s") == name {
            self.parts.truncate(start);
            self.parts.extend(reference);
            self.push(&text[name.len()..]);
        } else {
            self.push(", ");
            self.parts.extend(reference);
            self.push(",");
        }
    }

    /// The text, which is then empty again.
    pub(crate) fn finish(&mut self) -> Vec<Inline> {
        let parts = std::mem::take(self).parts;
        // A comma behind a reference is one too many before other punctuation.
        let mut finished: Vec<Inline> = Vec::new();
        for part in parts {
            let follows = plain(&part);
            let comma = finished.last().is_some_and(|last| plain(last) == ",");
            if comma && !follows.starts_with(' ') {
                finished.pop();
            }
            finished.push(part);
        }
        if finished.last().is_some_and(|last| plain(last) == ",") {
            finished.pop();
        }
        finished
    }
}

/// The manual page that holds what a page of `docs/` says.
fn manual_page(target: &str) -> Option<(String, u8)> {
    let name = target.split('#').next()?.strip_suffix(".md")?;
    match name {
        "README" => Some(("tracewell".into(), 7)),
        "tracewell" => Some(("tracewell".into(), 8)),
        _ if tracewell::TOOLS.iter().any(|tool| tool.name == name) => Some((name.into(), 8)),
        _ if tracewell::COMMANDS.iter().any(|tool| tool.name == name) => {
            Some((format!("{}-{name}", tracewell::NAME), 1))
        }
        _ => None,
    }
}

/// A text without its fonts.
pub(crate) fn plain(part: &Inline) -> String {
    match part {
        Inline::Roman(text) | Inline::Italic(text) | Inline::Bold(text) => text.replace(WHOLE, ""),
        Inline::LineBreak => " ".to_owned(),
    }
}
