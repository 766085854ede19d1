//! Values in the text form of TR-106 (R-ENC.6): which are accepted, how they are kept, how they compare.

use super::{Base, ParamDef, Pattern};
use crate::errors::{Failure, code};
use std::cmp::Ordering;

/// The value that stands for "no time known" (TR-106).
pub const UNKNOWN_TIME: &str = "0001-01-01T00:00:00Z";

/// Checks `text` against type and facets of `param` and returns the form in which it is kept.
/// 7011 when it is no value of the type, 7012 when the Parameter does not accept it.
pub fn accept(param: &ParamDef, text: &str) -> Result<String, Failure> {
    if !param.list {
        return accept_one(param, text);
    }
    let items = items(text).into_iter().map(|item| accept_one(param, item)).collect::<Result<Vec<_>, _>>()?;
    if param.max_items.is_some_and(|most| items.len() > most) {
        return Err(invalid_value(param, text));
    }
    Ok(items.join(","))
}

/// The items of a comma-separated list, without the white space around them.
pub fn items(text: &str) -> Vec<&str> {
    if text.trim().is_empty() { Vec::new() } else { text.split(',').map(str::trim).collect() }
}

/// How two values of a type stand to each other; nothing when one of them is no value of it.
pub fn compare(base: Base, left: &str, right: &str) -> Option<Ordering> {
    match base {
        Base::Boolean => Some(boolean(left)?.cmp(&boolean(right)?)),
        Base::Int | Base::Long | Base::UnsignedInt | Base::UnsignedLong => Some(integer(left)?.cmp(&integer(right)?)),
        Base::Decimal => left.parse::<f64>().ok()?.partial_cmp(&right.parse::<f64>().ok()?),
        Base::DateTime => Some(time(left)?.cmp(&time(right)?)),
        Base::HexBinary => Some(left.to_ascii_uppercase().cmp(&right.to_ascii_uppercase())),
        Base::String | Base::Base64 => Some(left.cmp(right)),
    }
}

/// `true` and `false` in their four spellings.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// A dateTime with its zone.
pub fn time(text: &str) -> Option<jiff::Timestamp> {
    text.contains('T').then(|| text.parse().ok()).flatten()
}

fn accept_one(param: &ParamDef, text: &str) -> Result<String, Failure> {
    match param.base {
        Base::String => accept_string(param, text).map(str::to_owned),
        Base::Boolean => boolean(text).map(|value| value.to_string()).ok_or_else(|| invalid_type(param, text)),
        Base::DateTime => time(text).map(|value| value.to_string()).ok_or_else(|| invalid_type(param, text)),
        Base::Base64 => is_base64(text).then(|| text.to_owned()).ok_or_else(|| invalid_type(param, text)),
        Base::HexBinary => is_hex(text).then(|| text.to_owned()).ok_or_else(|| invalid_type(param, text)),
        Base::Decimal => is_decimal(text).then(|| text.to_owned()).ok_or_else(|| invalid_type(param, text)),
        Base::Int | Base::Long | Base::UnsignedInt | Base::UnsignedLong => accept_integer(param, text),
    }
}

fn accept_string<'a>(param: &ParamDef, text: &'a str) -> Result<&'a str, Failure> {
    let length = text.chars().count();
    let long_enough = param.min_length.is_none_or(|least| length >= least);
    let short_enough = param.max_length.is_none_or(|most| length <= most);
    let named = param.values.is_empty() || param.values.iter().any(|value| value == text);
    let shaped = param.pattern.is_none_or(|pattern| fits(pattern, text));
    if long_enough && short_enough && named && shaped { Ok(text) } else { Err(invalid_value(param, text)) }
}

fn fits(pattern: Pattern, text: &str) -> bool {
    match pattern {
        Pattern::Alias => text.starts_with(|first: char| first.is_ascii_alphabetic()),
        Pattern::Oui => text.len() == 6 && text.chars().all(|c| c.is_ascii_digit() || ('A'..='F').contains(&c)),
        Pattern::Rights => text.chars().zip("rwxn".chars()).all(|(given, right)| given == '-' || given == right),
    }
}

fn accept_integer(param: &ParamDef, text: &str) -> Result<String, Failure> {
    let value = integer(text).filter(|value| in_type(param.base, *value)).ok_or_else(|| invalid_type(param, text))?;
    let high_enough = param.min.is_none_or(|least| value >= i128::from(least));
    let low_enough = param.max.is_none_or(|most| value <= i128::from(most));
    if high_enough && low_enough { Ok(value.to_string()) } else { Err(invalid_value(param, text)) }
}

/// An integer in the lexical form of XML Schema: an optional sign and digits.
fn integer(text: &str) -> Option<i128> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok()).flatten()
}

fn in_type(base: Base, value: i128) -> bool {
    match base {
        Base::Int => i32::try_from(value).is_ok(),
        Base::Long => i64::try_from(value).is_ok(),
        Base::UnsignedInt => u32::try_from(value).is_ok(),
        Base::UnsignedLong => u64::try_from(value).is_ok(),
        _ => false,
    }
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    let alphabet = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'+' || byte == b'/';
    text.len().is_multiple_of(4) && padding <= 2 && body.bytes().all(alphabet)
}

fn is_hex(text: &str) -> bool {
    text.len().is_multiple_of(2) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_decimal(text: &str) -> bool {
    let body = text.strip_prefix(['+', '-']).unwrap_or(text);
    let (whole, fraction) = body.split_once('.').unwrap_or((body, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction)
}

fn invalid_type(param: &ParamDef, text: &str) -> Failure {
    Failure::new(code::INVALID_TYPE, format!("{text:?} is no value of the type of {}", param.name))
}

fn invalid_value(param: &ParamDef, text: &str) -> Failure {
    Failure::new(code::INVALID_VALUE, format!("{} does not accept {text:?}", param.name))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    fn param(base: Base) -> ParamDef {
        ParamDef { name: "P".to_owned(), base, ..ParamDef::default() }
    }

    #[rstest]
    #[case(Base::Boolean, "1", "true")]
    #[case(Base::Boolean, "false", "false")]
    #[case(Base::UnsignedInt, "+0123", "123")]
    #[case(Base::Int, "-7", "-7")]
    #[case(Base::DateTime, "2019-01-01T01:00:00+01:00", "2019-01-01T00:00:00Z")]
    #[case(Base::DateTime, UNKNOWN_TIME, UNKNOWN_TIME)]
    #[case(Base::Decimal, "-1.50", "-1.50")]
    #[case(Base::HexBinary, "0aFF", "0aFF")]
    #[case(Base::Base64, "QUI=", "QUI=")]
    #[case(Base::String, "", "")]
    fn accepted(#[case] base: Base, #[case] text: &str, #[case] kept: &str) {
        assert_eq!(accept(&param(base), text).unwrap(), kept);
    }

    #[rstest]
    #[case(Base::Boolean, "True")]
    #[case(Base::Boolean, "InvalidValue")]
    #[case(Base::UnsignedInt, "-1")]
    #[case(Base::UnsignedInt, "4294967296")]
    #[case(Base::UnsignedInt, "")]
    #[case(Base::Int, "1.0")]
    #[case(Base::DateTime, "2019-01-01")]
    #[case(Base::DateTime, "yesterday")]
    #[case(Base::HexBinary, "0")]
    #[case(Base::Base64, "Q")]
    #[case(Base::Decimal, ".")]
    fn no_value_of_the_type(#[case] base: Base, #[case] text: &str) {
        assert_eq!(accept(&param(base), text).unwrap_err().code, code::INVALID_TYPE);
    }

    #[rstest]
    #[case(ParamDef { max: Some(5), ..param(Base::UnsignedInt) }, "6")]
    #[case(ParamDef { min: Some(1), ..param(Base::UnsignedInt) }, "0")]
    #[case(ParamDef { values: vec!["A".to_owned()], ..param(Base::String) }, "B")]
    #[case(ParamDef { min_length: Some(1), ..param(Base::String) }, "")]
    #[case(ParamDef { max_length: Some(1), list: true, ..param(Base::String) }, "a,bb")]
    #[case(ParamDef { max_items: Some(1), list: true, ..param(Base::String) }, "a,b")]
    #[case(ParamDef { pattern: Some(Pattern::Alias), ..param(Base::String) }, "88InvalidAlias")]
    #[case(ParamDef { pattern: Some(Pattern::Alias), ..param(Base::String) }, "")]
    #[case(ParamDef { pattern: Some(Pattern::Rights), ..param(Base::String) }, "r-w-")]
    fn outside_the_facets(#[case] param: ParamDef, #[case] text: &str) {
        assert_eq!(accept(&param, text).unwrap_err().code, code::INVALID_VALUE);
    }

    #[test]
    fn lists_lose_the_space_around_their_items() {
        let list = ParamDef { list: true, ..param(Base::String) };
        assert_eq!(accept(&list, " a , b").unwrap(), "a,b");
        assert_eq!(accept(&list, "").unwrap(), "");
    }

    #[rstest]
    #[case(Base::UnsignedInt, "9", "10", Some(Ordering::Less))]
    #[case(Base::Boolean, "1", "true", Some(Ordering::Equal))]
    #[case(Base::DateTime, "2020-01-01T00:00:00Z", "2019-12-31T23:59:59Z", Some(Ordering::Greater))]
    #[case(Base::UnsignedInt, "9", "x", None)]
    fn comparison(#[case] base: Base, #[case] left: &str, #[case] right: &str, #[case] expected: Option<Ordering>) {
        assert_eq!(compare(base, left, right), expected);
    }
}
