//! How evidence is shown to people: on one line, cut at a bound, with nothing in it that a terminal or a report could trip over.

use serde_json::Value;

/// How many characters of a value a finding shows: enough to recognise it, and a report of hundreds of findings stays readable.
pub(crate) const MAX_SHOWN: usize = 240;

/// How many bytes of a Record or frame a finding shows, as hex.
const MAX_BYTES: usize = 64;

/// A JSON value on one line.
pub(crate) fn value(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        other => cut(&other.to_string()),
    }
}

/// A value that may be absent.
pub(crate) fn optional(seen: Option<&Value>) -> String {
    seen.map_or_else(|| "absent".to_owned(), value)
}

/// Text in quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", cut(text))
}

/// Text, with control and direction characters escaped, and cut.
pub(crate) fn cut(text: &str) -> String {
    cut_at(text, MAX_SHOWN)
}

/// Like [`cut`] at another bound, in characters of the original.
pub(crate) fn cut_at(text: &str, bound: usize) -> String {
    let mut shown = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(bound) {
        if is_harmless(c) {
            shown.push(c);
        } else {
            shown.extend(c.escape_default());
        }
    }
    let left = chars.count();
    if left > 0 {
        shown = format!("{shown}… ({left} more characters)");
    }
    shown
}

/// Bytes as hex.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    let head = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    let more = bytes.len().saturating_sub(head.len());
    let tail = if more > 0 { format!("… ({more} more bytes)") } else { String::new() };
    format!("{}{tail}", hex::encode(head))
}

/// Items joined with commas, cut.
pub(crate) fn list<T: AsRef<str>>(items: impl IntoIterator<Item = T>) -> String {
    let mut text = String::new();
    for item in items {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(item.as_ref());
    }
    if text.is_empty() { "none".to_owned() } else { cut(&text) }
}

/// Seconds with up to three decimals, from milliseconds.
pub(crate) fn seconds(milliseconds: u64) -> String {
    let whole = milliseconds / 1000;
    match milliseconds % 1000 {
        0 => format!("{whole} s"),
        rest => format!("{whole}.{} s", format!("{rest:03}").trim_end_matches('0')),
    }
}

/// A length of time in seconds.
pub(crate) fn span(length: std::time::Duration) -> String {
    seconds(u64::try_from(length.as_millis()).unwrap_or(u64::MAX))
}

/// Control characters act on terminals; direction overrides make text read as what it is not.
fn is_harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn nothing_shown_can_act_on_a_terminal() {
        assert_eq!(quoted("a\u{1b}[2Jb\n"), r#""a\u{1b}[2Jb\n""#);
        assert_eq!(value(&json!({"a": "\u{202e}x"})), r#"{"a":"\u{202e}x"}"#);
    }

    #[test]
    fn everything_shown_is_bounded() {
        let long = "x".repeat(1000);
        assert!(value(&json!([long])).len() < MAX_SHOWN + 40);
        assert!(bytes(&[0xab; 1000]).ends_with("… (936 more bytes)"));
    }

    #[test]
    fn times_are_in_seconds() {
        assert_eq!(seconds(5000), "5 s");
        assert_eq!(seconds(1250), "1.25 s");
        assert_eq!(seconds(7), "0.007 s");
    }
}
