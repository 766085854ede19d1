//! Values of TR-106's data types in their lexical form, as USP carries them (R-ENC.6): what is valid, what is equal.

use serde::Deserialize;
use std::cmp::Ordering;

/// A primitive data type of TR-106.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum DataType {
    /// `true`, `false`, `1` or `0`.
    Boolean,
    /// Any text.
    String,
    /// 32 bits with a sign.
    Int,
    /// 32 bits without.
    UnsignedInt,
    /// 64 bits with a sign.
    Long,
    /// 64 bits without.
    UnsignedLong,
    /// `2026-11-22T10:00:00Z` and the other forms of XML Schema, TR-106's Unknown Time and relative times included.
    DateTime,
    /// A decimal fraction.
    Decimal,
    /// Pairs of hex digits.
    HexBinary,
    /// Base64 with padding.
    Base64,
}

impl DataType {
    /// Every type, by the name that patterns use.
    pub const ALL: [(&'static str, Self); 10] = [
        ("boolean", Self::Boolean),
        ("string", Self::String),
        ("int", Self::Int),
        ("unsignedInt", Self::UnsignedInt),
        ("long", Self::Long),
        ("unsignedLong", Self::UnsignedLong),
        ("dateTime", Self::DateTime),
        ("decimal", Self::Decimal),
        ("hexBinary", Self::HexBinary),
        ("base64", Self::Base64),
    ];

    /// The type with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(it, _)| *it == name).map(|(_, data_type)| data_type)
    }

    /// The name that patterns use.
    pub fn name(self) -> &'static str {
        Self::ALL.into_iter().find(|(_, it)| *it == self).map_or("string", |(name, _)| name)
    }

    /// Whether `text` is a lexical form of the type.
    pub fn allows(self, text: &str) -> bool {
        match self {
            Self::Boolean => boolean(text).is_some(),
            Self::String => true,
            Self::Int => integer::<i32>(text).is_some(),
            Self::UnsignedInt => integer::<u32>(text).is_some(),
            Self::Long => integer::<i64>(text).is_some(),
            Self::UnsignedLong => integer::<u64>(text).is_some(),
            Self::DateTime => DateTime::parse(text).is_some(),
            Self::Decimal => Decimal::parse(text).is_some(),
            Self::HexBinary => text.len().is_multiple_of(2) && text.bytes().all(|b| b.is_ascii_hexdigit()),
            Self::Base64 => is_base64(text),
        }
    }
}

/// The value of a boolean's lexical form.
pub fn boolean(text: &str) -> Option<bool> {
    match text {
        "true" | "1" => Some(true),
        "false" | "0" => Some(false),
        _ => None,
    }
}

/// Whether two lexical forms can stand for the same value of some TR-106 type: the same text, the same boolean
/// (`true` and `1`), the same number (`5` and `+05`) or the same time.
///
/// The type of a parameter is not known here, so that two texts which are equal under any type count as equal.
pub fn equal(left: &str, right: &str) -> bool {
    let same = |compared: Option<Ordering>| compared == Some(Ordering::Equal);
    left == right
        || boolean(left).is_some_and(|it| boolean(right) == Some(it))
        || same(compare(left, right))
        || same_list(left, right)
}

/// How two values compare, as numbers or as times; `None` when they are neither, or of two kinds.
pub fn compare(left: &str, right: &str) -> Option<Ordering> {
    match (Decimal::parse(left), Decimal::parse(right)) {
        (Some(left), Some(right)) => Some(left.compare(&right)),
        _ => DateTime::parse(left)?.compare(&DateTime::parse(right)?),
    }
}

/// The items of a comma-separated list. TR-106 lets white space stand around the commas.
pub fn items(list: &str) -> Vec<&str> {
    if list.trim().is_empty() { Vec::new() } else { list.split(',').map(str::trim).collect() }
}

/// Lists that differ only in the white space around their commas.
fn same_list(left: &str, right: &str) -> bool {
    left.contains(',') && right.contains(',') && items(left) == items(right)
}

fn integer<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    (!digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn is_base64(text: &str) -> bool {
    let body = text.trim_end_matches('=');
    let padding = text.len().saturating_sub(body.len());
    text.len().is_multiple_of(4)
        && padding <= 2
        && body.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'+' || b == b'/')
}

/// A decimal number of any length, so that no 64-bit value loses digits on the way to a comparison.
struct Decimal<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
}

impl<'a> Decimal<'a> {
    fn parse(text: &'a str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let all_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(whole) || !all_digits(fraction) {
            return None;
        }
        let (whole, fraction) = (whole.trim_start_matches('0'), fraction.trim_end_matches('0'));
        let zero = whole.is_empty() && fraction.is_empty();
        Some(Self { negative: negative && !zero, whole, fraction })
    }

    fn compare(&self, other: &Self) -> Ordering {
        let magnitude = |this: &Self, that: &Self| {
            let whole = this.whole.len().cmp(&that.whole.len()).then_with(|| this.whole.cmp(that.whole));
            whole.then_with(|| this.fraction.cmp(that.fraction))
        };
        match (self.negative, other.negative) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => magnitude(self, other),
            (true, true) => magnitude(other, self),
        }
    }
}

/// A time in one of the forms that TR-106 allows.
enum DateTime {
    /// A point in time; without a time zone it counts as UTC (TR-106: times are UTC unless said otherwise).
    At(jiff::Timestamp),
    /// Relative to boot (TR-106: the year is 0001 and not Unknown Time), in order of its text.
    SinceBoot(jiff::civil::DateTime),
    /// The time is not known.
    Unknown,
}

/// TR-106's form for a time that is not known.
const UNKNOWN_TIME: &str = "0001-01-01T00:00:00Z";

impl DateTime {
    fn parse(text: &str) -> Option<Self> {
        if text == UNKNOWN_TIME {
            return Some(Self::Unknown);
        }
        // jiff takes more than XML Schema does: a blank for the T, or a date alone.
        if !text.contains('T') || text.contains(['[', ' ']) {
            return None;
        }
        let local: Option<jiff::civil::DateTime> = text.trim_end_matches('Z').parse().ok();
        if let Some(relative) = local.filter(|it| it.year() <= 1) {
            return Some(Self::SinceBoot(relative));
        }
        let stamp = text.parse::<jiff::Timestamp>().ok();
        stamp.or_else(|| local?.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())).map(Self::At)
    }

    /// Unknown Time equals itself and has no order (TR-369, Searching with Expressions).
    fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::At(left), Self::At(right)) => Some(left.cmp(right)),
            (Self::SinceBoot(left), Self::SinceBoot(right)) => Some(left.cmp(right)),
            (Self::Unknown, Self::Unknown) => Some(Ordering::Equal),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(DataType::Boolean, &["true", "false", "1", "0"], &["", "True", "yes", "2"])]
    #[case(DataType::Int, &["0", "-1", "+5", "007", "2147483647"], &["", "-", "2147483648", "1.0", " 1", "0x1"])]
    #[case(DataType::UnsignedInt, &["0", "4294967295"], &["-1", "4294967296"])]
    #[case(DataType::Long, &["-9223372036854775808"], &["9223372036854775808"])]
    #[case(DataType::UnsignedLong, &["18446744073709551615"], &["18446744073709551616", "-1"])]
    #[case(DataType::Decimal, &["1", "-1.5", ".5", "3."], &["", ".", "1e5", "1,5"])]
    #[case(DataType::HexBinary, &["", "00", "aFfF"], &["0", "zz", "0x00"])]
    #[case(DataType::Base64, &["", "QQ==", "QUJD"], &["QQ=", "Q", "Q?==", "===="])]
    #[case(
        DataType::DateTime,
        &["2026-11-22T10:00:00Z", "2026-11-22T10:00:00.123456Z", "2026-11-22T10:00:00+01:00", "2026-11-22T10:00:00", UNKNOWN_TIME, "0001-01-01T00:10:00Z"],
        &["", "2026-11-22", "2026-11-22 10:00:00Z", "yesterday", "2026-13-01T00:00:00Z"]
    )]
    fn lexical_forms(#[case] data_type: DataType, #[case] valid: &[&str], #[case] invalid: &[&str]) {
        for text in valid {
            assert!(data_type.allows(text), "{text:?} is a {}", data_type.name());
        }
        for text in invalid {
            assert!(!data_type.allows(text), "{text:?} is no {}", data_type.name());
        }
        assert_eq!(DataType::from_name(data_type.name()), Some(data_type));
    }

    #[rstest]
    #[case("abc", "abc", true)]
    #[case("abc", "ABC", false)]
    #[case("true", "1", true)]
    #[case("true", "0", false)]
    #[case("false", "0", true)]
    #[case("5", "+05", true)]
    #[case("-0", "0.0", true)]
    #[case("5", "50", false)]
    #[case("18446744073709551615", "18446744073709551614", false)]
    #[case("2026-11-22T10:00:00Z", "2026-11-22T11:00:00+01:00", true)]
    #[case("2026-11-22T10:00:00Z", "2026-11-22T10:00:01Z", false)]
    #[case(UNKNOWN_TIME, UNKNOWN_TIME, true)]
    #[case("a, b", "a,b", true)]
    #[case("a, b", "b,a", false)]
    #[case("", "0", false)]
    fn equality(#[case] left: &str, #[case] right: &str, #[case] expected: bool) {
        assert_eq!(equal(left, right), expected);
        assert_eq!(equal(right, left), expected);
    }

    #[rstest]
    #[case("9", "10", Some(Ordering::Less))]
    #[case("-9", "-10", Some(Ordering::Greater))]
    #[case("-1", "1", Some(Ordering::Less))]
    #[case("1.05", "1.5", Some(Ordering::Less))]
    #[case("2021-06-06T08:00:00Z", "2022-06-06T08:00:00Z", Some(Ordering::Less))]
    #[case(UNKNOWN_TIME, "2022-06-06T08:00:00Z", None)]
    #[case("abc", "abd", None)]
    fn order(#[case] left: &str, #[case] right: &str, #[case] expected: Option<Ordering>) {
        assert_eq!(compare(left, right), expected);
    }
}
