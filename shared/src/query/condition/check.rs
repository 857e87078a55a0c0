// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a condition as it was written to one of a kind of event: every field is there, and can be what it is compared with.

use regex::bytes::{Regex, RegexBuilder};

use super::expression::{Expression, Literal, Operator, Part, Question, Span, wrong};
use super::test::Test;
use super::{Condition, Node, number};
use crate::error::{Error, Result};
use crate::event::address::Network;
use crate::event::{Field, Type, position};
use crate::query::no_field;
use crate::text::escape;

/// What is wrong, and where.
type Fault = (String, Span);

/// How much memory a compiled pattern may take.
const PATTERN_BYTES: usize = 1 << 20;

impl Expression {
    /// The condition, of events with these fields.
    ///
    /// # Errors
    ///
    /// For a field that they do not have, and for one that cannot be what it is compared with.
    pub fn check(&self, fields: &[Field]) -> Result<Condition> {
        let checked = node(&self.part, fields);
        checked.map(Condition).map_err(|(what, at)| {
            Error::usage(format!("--where: {}", wrong(&what, &self.text, &at)))
        })
    }
}

fn node(part: &Part, fields: &[Field]) -> Result<Node, Fault> {
    let all = |parts: &[Part]| {
        parts
            .iter()
            .map(|part| node(part, fields))
            .collect::<Result<_, _>>()
    };
    Ok(match part {
        Part::All(parts) => Node::All(all(parts)?),
        Part::Any(parts) => Node::Any(all(parts)?),
        Part::Not(part) => negated(node(part, fields)?),
        Part::Field { name, at, question } => {
            let index = position(fields, name);
            let found = index.and_then(|index| Some((index, fields.get(index)?)));
            let Some((index, field)) = found else {
                return Err((no_field(fields, name), at.clone()));
            };
            match question {
                Some(question) => asked(index, field, question)?,
                None if *field.of.some() == Type::Bool => Node::Field(index, Test::Is(true)),
                None => {
                    let such = match field.of.some() {
                        Type::Number(..) => format!(", such as {name} > 3"),
                        Type::Bytes => format!(", such as {name} ~ 'part'"),
                        Type::Address => format!(", such as {name} == 10.0.0.0/8"),
                        Type::List => format!(", such as {name} has 'text'"),
                        Type::Numbers => format!(", such as {name} has 1"),
                        _ if field.of.is_nullable() => format!(", such as {name} != null"),
                        _ => String::new(),
                    };
                    return Err((format!("say what {name} is to be{such}"), at.clone()));
                }
            }
        }
    })
}

fn negated(node: Node) -> Node {
    match node {
        Node::Not(inner) => *inner,
        node => Node::Not(Box::new(node)),
    }
}

fn asked(index: usize, field: &Field, question: &Question) -> Result<Node, Fault> {
    use Operator::{AtLeast, AtMost, Equal, Has, In, Less, Matches, MatchesNot, More, NotEqual};

    let (operator, values) = (question.operator, &question.values);
    let tests = |test: Test| Node::Field(index, test);
    let cannot = |what: &str| {
        let what = format!("{} is {}: {what}", field.name, in_words(field.of.some()));
        (what, question.at.clone())
    };
    let many = matches!(
        field.of.some(),
        Type::List | Type::Numbers | Type::Words { .. } | Type::Texts(_)
    );
    let is_null = |literal: &Literal| *literal == Literal::Name("null".to_owned());
    if let [(literal, _)] = values.as_slice()
        && is_null(literal)
        && matches!(operator, Equal | NotEqual)
    {
        let absent = tests(Test::Absent);
        return Ok(if operator == Equal {
            absent
        } else {
            negated(absent)
        });
    }
    match operator {
        Equal | NotEqual | In if matches!(field.of.some(), Type::Numbers) => {
            Err(cannot("ask by has"))
        }
        Equal | NotEqual | In if many => Err(cannot("ask by has, or by ~")),
        Has if !many => Err(cannot("only a list or set has something; ask by ==")),
        Equal | In | Has => Ok(tests(one_of(field, values)?)),
        NotEqual => Ok(negated(tests(one_of(field, values)?))),
        Matches | MatchesNot => {
            let is_number = matches!(field.of.some(), Type::Numbers);
            let is_text = many
                || matches!(
                    field.of.some(),
                    Type::Bytes | Type::Text(_) | Type::Word(_) | Type::Address
                );
            if !is_text || is_number {
                return Err(cannot("no pattern fits that"));
            }
            let matches = tests(pattern(values)?);
            Ok(if operator == Matches {
                matches
            } else {
                negated(matches)
            })
        }
        Less | AtMost | More | AtLeast => {
            let number = match values.as_slice() {
                [(Literal::Number(text), at)] if matches!(field.of.some(), Type::Number(..)) => {
                    number::parse(text, field.unit).map_err(|what| (what, at.clone()))?
                }
                _ => return Err(cannot("only numbers are less or more than others")),
            };
            Ok(tests(match operator {
                Less => Test::AtMost(number.saturating_sub(1)),
                AtMost => Test::AtMost(number),
                More => Test::AtLeast(number.saturating_add(1)),
                _ => Test::AtLeast(number),
            }))
        }
    }
}

/// A field is one of these values, or has one of them in it.
fn one_of(field: &Field, values: &[(Literal, Span)]) -> Result<Test, Fault> {
    let some = field.of.some();
    let wrong = |at: &Span, what: String| Err((what, at.clone()));
    match some {
        Type::Number(..) | Type::Numbers => {
            let (least, most) = match some {
                Type::Number(least, most) => (least, most),
                _ => (&0, &i128::from(u32::MAX)),
            };
            let mut numbers = Vec::new();
            for (literal, at) in values {
                let text = match literal {
                    Literal::Number(text) => text,
                    Literal::Name(name) if name == "null" => {
                        return wrong(at, LONE_NULL.to_owned());
                    }
                    _ => return wrong(at, format!("{} is a number", field.name)),
                };
                let number = number::parse(text, field.unit);
                let number = number.map_err(|what| (what, at.clone()))?;
                if !(*least..=*most).contains(&number) {
                    return wrong(at, format!("{} is from {least} to {most}", field.name));
                }
                numbers.push(number);
            }
            Ok(Test::Number(numbers))
        }
        Type::Bool => match values {
            [(Literal::Name(name), _)] if name == "true" => Ok(Test::Is(true)),
            [(Literal::Name(name), _)] if name == "false" => Ok(Test::Is(false)),
            [(_, at), ..] => wrong(at, format!("{} is true or false", field.name)),
            [] => Ok(Test::Text(Vec::new())),
        },
        Type::Address => {
            let mut networks = Vec::new();
            for (literal, at) in values {
                let network = network(literal).map_err(|what| (what, at.clone()))?;
                networks.push(network);
            }
            Ok(Test::Address(networks))
        }
        Type::Bytes
        | Type::List
        | Type::Text(_)
        | Type::Word(_)
        | Type::Words { .. }
        | Type::Texts(_) => {
            let mut texts = Vec::new();
            for (literal, at) in values {
                texts.push(text(field, literal).map_err(|what| (what, at.clone()))?);
            }
            Ok(Test::Text(texts))
        }
        Type::Time | Type::Frames(_) | Type::Buckets | Type::Fields | Type::Maybe(_) => {
            let at = values.first().map_or(0..0, |(_, at)| at.clone());
            let what = format!("{} is {}: no value equals that", field.name, in_words(some));
            Err((what, at))
        }
    }
}

const LONE_NULL: &str = "null stands alone, after == or !=";

/// An address, or all of a network.
fn network(literal: &Literal) -> Result<Network, String> {
    match literal {
        Literal::Name(name) if name == "null" => Err(LONE_NULL.to_owned()),
        Literal::Address(text)
        | Literal::Quoted(text)
        | Literal::Number(text)
        | Literal::Name(text) => Network::parse(text),
    }
}

/// A text that a field can be.
fn text(field: &Field, literal: &Literal) -> Result<Vec<u8>, String> {
    let name = field.name;
    let known = |word: &str, words: &[&[&str]]| {
        if words.iter().any(|words| words.contains(&word)) {
            return Ok(word.as_bytes().to_vec());
        }
        let all = words.concat().join(", ");
        Err(format!("{name} is never '{word}'; it can be {all}"))
    };
    let word = match literal {
        Literal::Name(word) if word == "null" => {
            return Err(LONE_NULL.to_owned());
        }
        Literal::Name(word) => Some(word.clone()),
        Literal::Quoted(text) => Some(text.clone()),
        Literal::Number(_) | Literal::Address(_) => None,
    };
    match (field.of.some(), literal, word) {
        (Type::Bytes | Type::List, Literal::Quoted(text), _) => {
            escape::unescape(text.as_bytes()).ok_or_else(|| no_text(text))
        }
        (Type::Bytes | Type::List, Literal::Name(word), _) => {
            Err(format!("{name} is text, which stands in quotes: '{word}'"))
        }
        (Type::Word(words), _, Some(word)) => known(&word, &[words]),
        (Type::Words { first, others }, _, Some(word)) => known(&word, &[first, others]),
        (Type::Text(pattern) | Type::Texts(pattern), _, Some(word)) => {
            let fits = RegexBuilder::new(pattern).build();
            let Ok(fits) = fits else {
                return Err(format!("{name} is never '{word}'"));
            };
            let large = word.to_ascii_uppercase();
            if fits.is_match(word.as_bytes()) {
                Ok(word.into_bytes())
            } else if fits.is_match(large.as_bytes()) {
                Err(format!("{name} is never '{word}': write {large}"))
            } else {
                Err(format!("{name} is never '{word}'"))
            }
        }
        _ => Err(format!("{name} is {}", in_words(field.of.some()))),
    }
}

fn pattern(values: &[(Literal, Span)]) -> Result<Test, Fault> {
    match values {
        [(Literal::Quoted(text), at)] => {
            let told = |what: String| (what, at.clone());
            let built = compiled(text);
            built.map(Test::Matches).map_err(|error| match error {
                regex::Error::CompiledTooBig(_) => told("the pattern is too large".to_owned()),
                error => told(last_line(&error.to_string())),
            })
        }
        [(_, at), ..] => Err((
            "a pattern stands in quotes, such as '^/etc/'".to_owned(),
            at.clone(),
        )),
        [] => Err((String::new(), 0..0)),
    }
}

/// Names are bytes: a dot is any of them, and \\xNN one.
fn compiled(pattern: &str) -> Result<Regex, regex::Error> {
    RegexBuilder::new(pattern)
        .unicode(false)
        .dot_matches_new_line(true)
        .size_limit(PATTERN_BYTES)
        .build()
}

/// Why this is not what a table writes of any bytes.
fn no_text(text: &str) -> String {
    if text.contains('\u{2026}') {
        return "the sign \u{2026} marks where a table cut a value: ask by ~ for what is before it"
            .to_owned();
    }
    "a backslash begins \\n, \\t, \\\\, \\\" or \\x and two digits of 0-9a-f, as in tables"
        .to_owned()
}

/// The parser's reason: above it stands the pattern again.
fn last_line(message: &str) -> String {
    let last = message.lines().last().unwrap_or_default();
    format!(
        "not a regular expression: {}",
        last.strip_prefix("error: ").unwrap_or(last)
    )
}

fn in_words(of: &Type) -> &'static str {
    match of {
        Type::Number(..) => "a number",
        Type::Bool => "true or false",
        Type::Time => "a time",
        Type::Bytes => "text",
        Type::List => "a list of texts",
        Type::Numbers => "a list of numbers",
        Type::Text(_) | Type::Word(_) => "a name",
        Type::Address => "an address",
        Type::Words { .. } | Type::Texts(_) => "a set of names",
        Type::Frames(_) => "a stack",
        Type::Buckets => "a histogram",
        Type::Fields => "an object",
        Type::Maybe(of) => in_words(of),
    }
}
