//! Everything that goes into the page, with what the EUT sent made visible.

use crate::text::visible;
use serde::Serialize;
use serde_json::Value;

/// The value as JSON, each of its texts through [`visible`], names of fields included.
pub(super) fn clean(value: &impl Serialize) -> Result<Value, serde_json::Error> {
    Ok(cleaned(serde_json::to_value(value)?))
}

fn cleaned(value: Value) -> Value {
    match value {
        // Nearly all of a Trace is hex and names.
        Value::String(text) if is_plain(&text) => Value::String(text),
        Value::String(text) => Value::String(visible(&text)),
        Value::Array(items) => Value::Array(items.into_iter().map(cleaned).collect()),
        Value::Object(fields) => Value::Object(
            fields
                .into_iter()
                .map(|(name, value)| (if is_plain(&name) { name } else { visible(&name) }, cleaned(value)))
                .collect(),
        ),
        other => other,
    }
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
}
