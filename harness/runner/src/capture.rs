//! Takes values out of what came in answer.

use crate::bounds::CAPTURED;
use serde_json::Value;

/// The scalar at `path` (field names, list positions and map keys joined by dots; a key with dots in it only as the last part).
/// The error says for people why there is none.
pub(crate) fn take(body: &Value, path: &str) -> Result<String, String> {
    let mut here = body;
    let mut rest = path;
    loop {
        if let Some(last) = here.as_object().and_then(|fields| fields.get(rest)) {
            return scalar(last, path);
        }
        let Some((step, after)) = rest.split_once('.') else {
            return match one_step(here, rest) {
                Some(value) => scalar(value, path),
                None => Err(missing(rest, path)),
            };
        };
        here = one_step(here, step).ok_or_else(|| missing(step, path))?;
        rest = after;
    }
}

fn one_step<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => step.parse::<usize>().ok().and_then(|index| items.get(index)),
        _ => None,
    }
}

fn scalar(value: &Value, path: &str) -> Result<String, String> {
    let text = match value {
        Value::String(text) => text.clone(),
        Value::Bool(value) => value.to_string(),
        Value::Number(value) => value.to_string(),
        Value::Null | Value::Array(_) | Value::Object(_) => return Err(format!("`{path}` is no single value")),
    };
    if text.len() > CAPTURED {
        return Err(format!(
            "the value at `{path}` has {} octets, more than the {CAPTURED} that a variable may have",
            text.len()
        ));
    }
    Ok(text)
}

fn missing(step: &str, path: &str) -> String {
    if step == path { format!("there is no `{path}`") } else { format!("there is no `{step}` on the way to `{path}`") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case("list.1.name", Some("b"))]
    #[case("map.Some.Dotted.Key", Some("v"))]
    #[case("number", Some("7"))]
    #[case("list.0.flag", Some("true"))]
    #[case("list.2.name", None)]
    #[case("list", None)]
    #[case("list.x", None)]
    #[case("number.more", None)]
    #[case("absent", None)]
    #[case("", None)]
    fn paths_lead_to_single_values(#[case] path: &str, #[case] expected: Option<&str>) {
        let body = json!({"list": [{"flag": true}, {"name": "b"}], "map": {"Some.Dotted.Key": "v"}, "number": 7});
        assert_eq!(take(&body, path).ok().as_deref(), expected);
    }

    #[test]
    fn a_huge_value_is_refused() {
        assert!(take(&json!({"a": "x".repeat(CAPTURED + 1)}), "a").is_err());
    }
}
