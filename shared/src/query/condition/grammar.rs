// SPDX-License-Identifier: MIT OR Apache-2.0
//! The form of conditions.
//!
//! ```text
//! any    = all { "||" all }
//! all    = one { "&&" one }
//! one    = { "!" } ( "(" any ")" | field [ operator value | "in" "(" value { "," value } ")" ] )
//! value  = 'text' | "text" | address [ "/" digits ] | number with unit | name
//! ```

use std::net::IpAddr;

use winnow::ascii::multispace0;
use winnow::combinator::{
    alt, cut_err, delimited, eof, opt, preceded, repeat, separated, terminated,
};
use winnow::error::{ContextError, ErrMode, StrContext, StrContextValue};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{any, none_of, one_of, take_while};

use super::expression::{Literal, Operator, Part, Question, Span, wrong};

type Input<'t> = LocatingSlice<&'t str>;
type Failed = ErrMode<ContextError>;

/// How deep parentheses may nest: far more than anyone writes, far less than the stack holds.
const DEEPEST: usize = 64;

/// What other languages have, and what stands for it here.
const HABITS: [(&str, &str); 3] = [("=", "=="), ("and ", "&&"), ("or ", "||")];

/// The form of a text. The error says what is wrong, and where.
pub(super) fn parse(text: &str) -> Result<Part, String> {
    if deepest(text) > DEEPEST {
        return Err(format!("more than {DEEPEST} parentheses inside each other"));
    }
    let end = preceded(multispace0, cut_err(eof).context(expected("&& or ||")));
    let mut whole = terminated(any_of, end);
    whole.parse(LocatingSlice::new(text)).map_err(|error| {
        let at = error.offset();
        let next = text.get(at..).and_then(|rest| rest.chars().next());
        let after = at + next.map_or(0, char::len_utf8);
        let first = error.inner().context().next().map(ToString::to_string);
        let what = first.unwrap_or_else(|| "expected a field".to_owned());
        let habit = HABITS.iter().find(|(wrote, _)| {
            text.get(at..)
                .is_some_and(|rest| rest.to_ascii_lowercase().starts_with(wrote))
        });
        let what = match habit {
            Some((_, write)) => format!("{what}; write {write}"),
            None => what,
        };
        wrong(&what, text, &(at..after))
    })
}

/// How deep parentheses nest outside of quotes.
fn deepest(text: &str) -> usize {
    let (mut depth, mut most, mut quote) = (0_usize, 0, None);
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match (quote, byte) {
            // What is behind it, a quote too, is text.
            (Some(_), b'\\') => drop(bytes.next()),
            (Some(open), _) if open == byte => quote = None,
            (Some(_), _) => {}
            (None, b'\'' | b'"') => quote = Some(byte),
            (None, b'(') => depth += 1,
            (None, b')') => depth = depth.saturating_sub(1),
            (None, _) => {}
        }
        most = most.max(depth);
    }
    most
}

fn expected(what: &'static str) -> StrContext {
    StrContext::Expected(StrContextValue::Description(what))
}

/// What comes after blanks.
fn word<'t, O>(parser: impl Parser<Input<'t>, O, Failed>) -> impl Parser<Input<'t>, O, Failed> {
    preceded(multispace0, parser)
}

fn any_of(input: &mut Input<'_>) -> ModalResult<Part> {
    let parts: Vec<_> = separated(1.., all_of, word("||")).parse_next(input)?;
    Ok(one_or(parts, Part::Any))
}

fn all_of(input: &mut Input<'_>) -> ModalResult<Part> {
    let parts: Vec<_> = separated(1.., cut_err(one), word("&&")).parse_next(input)?;
    Ok(one_or(parts, Part::All))
}

/// The only part, or what many are.
fn one_or(parts: Vec<Part>, many: impl Fn(Vec<Part>) -> Part) -> Part {
    match <[Part; 1]>::try_from(parts) {
        Ok([only]) => only,
        Err(parts) => many(parts),
    }
}

fn one(input: &mut Input<'_>) -> ModalResult<Part> {
    let negations: usize = repeat(0.., word('!')).parse_next(input)?;
    let part = alt((group, field))
        .context(expected("a field, ! or ("))
        .parse_next(input)?;
    Ok(if negations % 2 == 1 {
        Part::Not(Box::new(part))
    } else {
        part
    })
}

fn group(input: &mut Input<'_>) -> ModalResult<Part> {
    let close = cut_err(word(')')).context(expected("&&, || or )"));
    delimited(word('('), any_of, close).parse_next(input)
}

fn field(input: &mut Input<'_>) -> ModalResult<Part> {
    let (name, at) = word(name.with_span()).parse_next(input)?;
    let question = opt(question).parse_next(input)?;
    Ok(Part::Field {
        name: name.to_owned(),
        at,
        question,
    })
}

fn name<'t>(input: &mut Input<'t>) -> ModalResult<&'t str> {
    let first = |c: char| c.is_ascii_alphabetic() || c == '_';
    let other = |c: char| c.is_ascii_alphanumeric() || c == '_';
    (one_of(first), take_while(0.., other))
        .take()
        .parse_next(input)
}

fn question(input: &mut Input<'_>) -> ModalResult<Question> {
    let (operator, at) = word(operator.with_span()).parse_next(input)?;
    let values = if operator == Operator::In {
        let values = separated(1.., value, word(','));
        let close = cut_err(word(')')).context(expected(", or )"));
        let open = cut_err(word('(')).context(expected("( and a list of values"));
        delimited(open, values, close).parse_next(input)?
    } else {
        vec![value.parse_next(input)?]
    };
    Ok(Question {
        operator,
        at,
        values,
    })
}

fn operator(input: &mut Input<'_>) -> ModalResult<Operator> {
    let signs = alt((
        "==".value(Operator::Equal),
        "!=".value(Operator::NotEqual),
        "<=".value(Operator::AtMost),
        ">=".value(Operator::AtLeast),
        "<".value(Operator::Less),
        ">".value(Operator::More),
        "!~".value(Operator::MatchesNot),
        "~".value(Operator::Matches),
    ));
    let words = name.verify_map(|word| match word {
        "in" => Some(Operator::In),
        "has" => Some(Operator::Has),
        _ => None,
    });
    alt((signs, words)).parse_next(input)
}

fn value(input: &mut Input<'_>) -> ModalResult<(Literal, Span)> {
    let literal = alt((
        quoted('"').map(Literal::Quoted),
        quoted('\'').map(Literal::Quoted),
        address.map(Literal::Address),
        number.map(Literal::Number),
        name.map(|name: &str| Literal::Name(name.to_owned())),
    ));
    cut_err(word(literal.with_span()))
        .context(expected("a value: 'text', a number or a name"))
        .parse_next(input)
}

/// An address of IP, and behind a slash how many of its bits count.
fn address(input: &mut Input<'_>) -> ModalResult<String> {
    let part = |c: char| c.is_ascii_hexdigit() || c == ':' || c == '.';
    let length = ('/', take_while(0.., '0'..='9'));
    (take_while(2.., part).verify(is_address), opt(length))
        .take()
        .map(|address: &str| address.to_owned())
        .parse_next(input)
}

fn is_address(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok()
}

/// Digits and what follows them: what they mean, the field says.
fn number(input: &mut Input<'_>) -> ModalResult<String> {
    let other = |c: char| c.is_ascii_alphanumeric() || c == '.' || c == '_';
    (opt('-'), one_of('0'..='9'), take_while(0.., other))
        .take()
        .map(|digits: &str| digits.to_owned())
        .parse_next(input)
}

/// Text between such quotes, as it is written: only a backslash before the quote goes. What else it may mean, the field
/// and the operator say.
fn quoted<'t>(quote: char) -> impl Parser<Input<'t>, String, Failed> {
    let own = preceded('\\', quote.take());
    let escaped = ('\\', any).take();
    let other = none_of([quote]).take();
    let inside = repeat(0.., alt((own, escaped, other)));
    let inside = inside.fold(String::new, |all: String, next: &str| all + next);
    let close = cut_err(quote).context(expected("the closing quote"));
    delimited(quote, inside, close)
}
