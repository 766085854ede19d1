//! What a bare word is: the few spellings that are no text.

use serde_json::{Number, Value};

use super::Content;

/// The value of an unquoted scalar. Only `true` and `false` are booleans, and only plain decimal notation is a number: `yes`, `0x1f`,
/// `1_000` and `007` are text, because each of them means something else to some other reader of YAML.
pub(super) fn resolve(text: &str) -> Content {
    match text {
        "" | "~" | "null" => Content::Null,
        "true" => Content::Bool(true),
        "false" => Content::Bool(false),
        _ => number(text)
            .map_or_else(|| Content::Text(text.to_owned()), |number| Content::Number(number, text.to_owned())),
    }
}

/// YAML's decimal numbers, less exotic than the core schema: `12`, `-3`, `1.10`, `2.5e3`.
fn number(text: &str) -> Option<Number> {
    // JSON's grammar is exactly the subset wanted, leading zeros refused included.
    if !text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) {
        return None;
    }
    match serde_json::from_str(text) {
        Ok(Value::Number(number)) => Some(number),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("12", true)]
    #[case("-3", true)]
    #[case("1.10", true)]
    #[case("007", false)]
    #[case("0x1f", false)]
    #[case("1_000", false)]
    #[case("1.2.3", false)]
    #[case("5s", false)]
    #[case("-", false)]
    #[case(".5", false)]
    fn numbers_are_plain_decimals(#[case] text: &str, #[case] expected: bool) {
        assert_eq!(matches!(resolve(text), Content::Number(..)), expected);
    }

    #[rstest]
    #[case("yes")]
    #[case("True")]
    #[case("on")]
    #[case("NULL")]
    fn other_spellings_are_text(#[case] text: &str) {
        assert_eq!(resolve(text), Content::Text(text.to_owned()));
    }
}
