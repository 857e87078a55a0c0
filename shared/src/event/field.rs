// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is known of a field without a value: what the schema, the pages and the headers of tables are made of.

use super::value::Value;

/// A field, as its declaration says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field {
    /// The name in JSON and CSV, and on the command line.
    pub name: &'static str,
    /// What its values are.
    pub of: Type,
    /// What it means: a sentence.
    pub meaning: &'static str,
    /// When it is absent; `None` for a field that never is.
    pub null: Option<&'static str>,
    /// The least and the largest number that it can be, where its type has more.
    pub range: Option<(i128, i128)>,
    /// What a number counts, such as `ns`.
    pub unit: Option<&'static str>,
    /// Its column in a table.
    pub column: Header,
}

/// A field's column. Every field can be asked for as one; the declaration of those that a tool shows by itself says how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    /// What stands above it.
    pub title: &'static str,
    /// How many columns of the terminal it takes, at least.
    pub width: usize,
    /// Whether values stand at the right, as numbers may.
    pub right: bool,
    /// Whether the declaration says so; else this is what the name and the type come to.
    pub declared: bool,
}

/// What a field's values are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A whole number, from the first to the second.
    Number(i128, i128),
    /// Yes or no.
    Bool,
    /// A moment.
    Time,
    /// Bytes that came from elsewhere, such as a file name.
    Bytes,
    /// A list of such bytes, whose elements may be absent.
    List,
    /// A list of numbers of 32 bits.
    Numbers,
    /// A word of the tool's own or of the kernel's, of this pattern (a regular expression).
    Text(&'static str),
    /// One of these words.
    Word(&'static [&'static str]),
    /// An address of IP.
    Address,
    /// A set of words: one of the first, if there are any, and any of the others.
    Words {
        /// One of them comes first.
        first: &'static [&'static str],
        /// Those that may follow.
        others: &'static [&'static str],
    },
    /// A set of words of this pattern.
    Texts(&'static str),
    /// The functions of a stack, so many at most.
    Frames(usize),
    /// The parts of a histogram that are not empty.
    Buckets,
    /// Other fields, by their names.
    Fields,
    /// Such a value, or none.
    Maybe(&'static Self),
}

impl Type {
    /// Whether a value may be absent.
    pub const fn is_nullable(&self) -> bool {
        matches!(self, Self::Maybe(_))
    }

    /// The type of what is there.
    pub const fn some(&self) -> &Self {
        match self {
            Self::Maybe(inner) => inner.some(),
            some => some,
        }
    }

    /// How wide a column is made for it where nobody says.
    const fn width(&self) -> usize {
        match self {
            Self::Maybe(some) => some.width(),
            Self::Number(..) => 7,
            Self::Bool => 5,
            Self::Time | Self::Address => 15,
            Self::Word(_) | Self::Text(_) => 8,
            Self::Bytes | Self::List | Self::Numbers => 16,
            Self::Words { .. }
            | Self::Texts(_)
            | Self::Frames(_)
            | Self::Buckets
            | Self::Fields => 20,
        }
    }
}

impl Field {
    /// A field of values of the type `V`, without more.
    pub const fn of<V: Value>(name: &'static str, meaning: &'static str) -> Self {
        Self {
            name,
            of: V::TYPE,
            meaning,
            null: None,
            range: None,
            unit: V::UNIT,
            column: Header {
                title: name,
                width: 0,
                right: false,
                declared: false,
            },
        }
    }

    /// The same with a column: its title, its width, and whether values stand at the right; or, where nobody says, one of
    /// this title.
    #[must_use]
    pub const fn with_column(
        mut self,
        title: &'static str,
        declared: Option<(&'static str, usize, bool)>,
    ) -> Self {
        self.column = match declared {
            Some((title, width, right)) => Header {
                title,
                width,
                right,
                declared: true,
            },
            None => {
                let width = self.of.width();
                Header {
                    title,
                    width: if title.len() > width {
                        title.len()
                    } else {
                        width
                    },
                    right: false,
                    declared: false,
                }
            }
        };
        self
    }

    /// The same, once it says all that it must. What does not is an error of the compiler's, since fields are constants.
    ///
    /// # Panics
    ///
    /// Where a value may be absent and nobody says when, or the other way round, and where the meaning is no sentence.
    #[must_use]
    pub const fn checked(self) -> Self {
        assert!(
            self.of.is_nullable() == self.null.is_some(),
            "a field whose value may be absent says when, by `null`, and no other does"
        );
        assert!(
            matches!(self.meaning.as_bytes().last(), Some(b'.')),
            "what a field means is a sentence"
        );
        self
    }
}

/// How many fields these are together.
pub const fn count(parts: &[&[Field]]) -> usize {
    let (mut sum, mut part) = (0, 0);
    while part < parts.len() {
        sum += parts[part].len();
        part += 1;
    }
    sum
}

/// Something in a place that is filled at once.
const NONE: Field = Field {
    name: "",
    of: Type::Bool,
    meaning: "",
    null: None,
    range: None,
    unit: None,
    column: Header {
        title: "",
        width: 0,
        right: false,
        declared: false,
    },
};

/// All fields in one list, of [`count`].
pub const fn joined<const N: usize>(parts: &[&[Field]]) -> [Field; N] {
    let mut all = [NONE; N];
    let (mut filled, mut part) = (0, 0);
    while part < parts.len() {
        let mut field = 0;
        while field < parts[part].len() {
            all[filled] = parts[part][field];
            filled += 1;
            field += 1;
        }
        part += 1;
    }
    all
}

/// Where the field of this name is.
pub const fn position(fields: &[Field], name: &str) -> Option<usize> {
    let mut index = 0;
    while index < fields.len() {
        if same(fields[index].name, name) {
            return Some(index);
        }
        index += 1;
    }
    None
}

/// Whether both are the same text: `==` is not to be had in constants.
const fn same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    if one.len() != other.len() {
        return false;
    }
    let mut at = 0;
    while at < one.len() {
        if one[at] != other[at] {
            return false;
        }
        at += 1;
    }
    true
}
