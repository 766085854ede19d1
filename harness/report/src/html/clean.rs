//! Everything that goes into the page, with what the EUT sent made visible.

use crate::text::visible;
use serde::Serialize;
use serde_json::{Map, Value};

/// The greatest whole number that a browser's script can tell from its neighbours (2^53 - 1).
const GREATEST: u64 = (1 << 53) - 1;

/// The value as JSON, each of its texts through [`visible`], names of fields included. Whole numbers that a script would round are texts.
pub(super) fn clean(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    Ok(cleaned(serde_json::to_value(value)?))
}

fn cleaned(value: Value) -> Value {
    match value {
        // Nearly all of a Trace is hex and names.
        Value::String(text) if is_plain(&text) => Value::String(text),
        Value::String(text) => Value::String(visible(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(cleaned).collect()),
        Value::Object(fields) => Value::Object(named(fields)),
        Value::Number(number) if number.as_u64().is_some_and(|it| it > GREATEST) => Value::String(number.to_string()),
        Value::Number(number) if number.as_i64().is_some_and(|it| it.unsigned_abs() > GREATEST) => {
            Value::String(number.to_string())
        }
        other => other,
    }
}

/// Two names may look the same once they are visible: the later one is numbered, so that no value is lost.
fn named(fields: Map<String, Value>) -> Map<String, Value> {
    let mut shown = Map::new();
    for (name, value) in fields {
        let mut name = if is_plain(&name) { name } else { visible(&name) };
        if shown.contains_key(&name) {
            // More numbers than there are names.
            let numbers = shown.len() + 1..=2 * shown.len() + 2;
            let free = numbers.map(|number| format!("{name} ({number})")).find(|it| !shown.contains_key(it));
            name = free.unwrap_or(name);
        }
        shown.insert(name, cleaned(value));
    }
    shown
}

fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..0x7f).contains(&byte))
}

/// JSON that can stand inside an element of HTML: nothing in it can end the element or begin another.
pub(super) fn embedded(value: &Value) -> String {
    value.to_string().replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn nothing_leaves_its_element() {
        let value = clean(&json!({"<b>\u{202e}": ["</script>\u{0}", "<!--", {"x": "\u{7f}"}]})).unwrap_or_default();
        let text = embedded(&value);
        assert!(!text.contains(['<', '>', '&', '\u{202e}', '\u{7f}']), "{text}");
        let back: Value = serde_json::from_str(&text).unwrap_or_default();
        assert_eq!(back, json!({"<b>\\x202e": ["</script>\\x00", "<!--", {"x": "\\x7f"}]}));
    }

    #[test]
    fn nothing_is_rounded_and_no_name_is_lost() {
        let value =
            clean(&json!({"id": u64::MAX, "low": i64::MIN, "n": 9_007_199_254_740_991_u64, "\u{1b}": 1, "\\x1b": 2}));
        let expected = json!({"id": "18446744073709551615", "low": "-9223372036854775808", "n": 9_007_199_254_740_991_u64, "\\x1b": 1, "\\x1b (5)": 2});
        assert_eq!(value.unwrap_or_default(), expected);
    }
}
