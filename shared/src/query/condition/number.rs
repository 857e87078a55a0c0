// SPDX-License-Identifier: MIT OR Apache-2.0
//! Numbers of a condition, in the units of a field.

/// The units of nanoseconds and of bytes, and how many of these they are.
const TIMES: &[(&str, i128)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];
const SIZES: &[(&str, i128)] = &[
    ("b", 1),
    ("k", 1 << 10),
    ("m", 1 << 20),
    ("g", 1 << 30),
    ("t", 1 << 40),
];

/// The number that is written here of a field with this unit, such as `ns`. The error says what is wrong with it.
pub(super) fn parse(text: &str, unit: Option<&str>) -> Result<i128, String> {
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text),
    };
    for (lead, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] {
        if let Some(digits) = digits.strip_prefix(lead) {
            return i128::from_str_radix(digits, radix)
                .map(|number| sign * number)
                .map_err(|_| format!("not a number: {text}"));
        }
    }
    // C and chmod(1) would read it as an octal number.
    if digits.len() > 1 && digits.starts_with('0') && digits.bytes().all(|c| c.is_ascii_digit()) {
        let (last, rest) = (&digits[digits.len() - 1..], &digits[..digits.len() - 1]);
        let decimal = format!("{}{last}", rest.trim_start_matches('0'));
        return Err(format!(
            "{text} may be octal or decimal: write 0o{decimal} or {decimal}"
        ));
    }
    let end = digits.find(|c: char| !c.is_ascii_digit() && c != '.');
    let (number, suffix) = digits.split_at(end.unwrap_or(digits.len()));
    let scale = scale(suffix, unit).ok_or_else(|| units(text, suffix, unit))?;
    scaled(number, scale)
        .map(|number| sign * number)
        .ok_or_else(|| match unit {
            Some(unit) => format!("not a whole number of {unit}: {text}"),
            None => format!("not a whole number: {text}"),
        })
}

fn scale(suffix: &str, unit: Option<&str>) -> Option<i128> {
    let units = match unit {
        _ if suffix.is_empty() => return Some(1),
        Some("ns") => TIMES,
        Some("bytes") => SIZES,
        _ => return None,
    };
    let suffix = suffix.to_ascii_lowercase();
    let found = units.iter().find(|(name, _)| *name == suffix);
    found.map(|(_, scale)| *scale)
}

fn units(text: &str, suffix: &str, unit: Option<&str>) -> String {
    let list = |units: &[(&str, i128)]| {
        let names: Vec<_> = units.iter().map(|(name, _)| *name).collect();
        names.join(", ")
    };
    match unit {
        Some("ns") => format!("'{suffix}' is no unit of time; use {}", list(TIMES)),
        Some("bytes") => format!("'{suffix}' is no unit of size; use {}", list(SIZES)),
        _ => format!("not a number: {text}"),
    }
}

/// A decimal number times the scale, where that is a whole one.
fn scaled(number: &str, scale: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let places = u32::try_from(fraction.len()).ok()?;
    let all: i128 = format!("{whole}{fraction}").parse().ok()?;
    let product = all.checked_mul(scale)?;
    let divisor = 10_i128.checked_pow(places)?;
    (product % divisor == 0).then_some(product / divisor)
}

#[cfg(test)]
mod tests {
    use super::parse;

    #[test]
    fn numbers_have_the_units_of_their_field() {
        for (text, unit, number) in [
            ("12", None, 12),
            ("-5", None, -5),
            ("0x1f", None, 31),
            ("0o644", None, 0o644),
            ("10ms", Some("ns"), 10_000_000),
            ("1.5s", Some("ns"), 1_500_000_000),
            ("250", Some("ns"), 250),
            ("4k", Some("bytes"), 4096),
            ("1M", Some("bytes"), 1 << 20),
            ("0.5k", Some("bytes"), 512),
        ] {
            assert_eq!(parse(text, unit), Ok(number), "{text}");
        }
    }

    #[test]
    fn what_is_no_number_is_told() {
        for (text, unit, told) in [
            ("10ms", None, "not a number: 10ms"),
            ("10parsecs", Some("ns"), "use ns, us, ms, s, m, h, d"),
            ("4x", Some("bytes"), "use b, k, m, g, t"),
            ("1.5", None, "whole number"),
            ("1.2.3", None, "whole number"),
            ("0xzz", None, "not a number"),
            ("1e9", None, "not a number"),
            ("0644", None, "write 0o644 or 644"),
            ("00", None, "write 0o0 or 0"),
            (
                "99999999999999999999999999999999999999999",
                None,
                "whole number",
            ),
        ] {
            let error = parse(text, unit).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
