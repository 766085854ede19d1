//! Keeps passwords, tokens and keys out of what people read. The Trace keeps them: its bytes are the evidence.

use serde_json::{Map, Value};

/// What stands in place of a secret.
const MASK: &str = "•••• (secret)";

/// Ends of names of fields, headers and parameters that hold secrets, in small letters.
const NAMES: [&str; 9] = [
    "password",
    "passcode",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "presharedkey",
    "authentication_data",
    "authorization",
];

/// A copy without secrets, and whether there were any.
pub fn masked(value: &Value) -> (Value, bool) {
    match value {
        Value::Object(fields) => object(fields),
        Value::Array(items) => {
            let masked: Vec<_> = items.iter().map(masked).collect();
            let any = masked.iter().any(|(_, hidden)| *hidden);
            (Value::Array(masked.into_iter().map(|(value, _)| value).collect()), any)
        }
        other => (other.clone(), false),
    }
}

/// Whether octets begin as what opens a session of MQTT or STOMP, in which credentials may stand.
pub fn opens_a_session(octets: &[u8]) -> bool {
    octets.first() == Some(&0x10) || octets.starts_with(b"STOMP\n") || octets.starts_with(b"CONNECT\n")
}

fn object(fields: &Map<String, Value>) -> (Value, bool) {
    // A setting names its parameter in one field and has the value in another.
    let named = ["param", "name", "key"].iter().filter_map(|key| fields.get(*key)?.as_str()).any(is_secret);
    let mut any = false;
    let masked = fields.iter().map(|(name, value)| {
        let hide = (is_secret(name) || (named && name == "value")) && !is_empty(value) && !value.is_boolean();
        let (value, hidden) = if hide { (Value::from(MASK), true) } else { self::masked(value) };
        any |= hidden;
        (name.clone(), value)
    });
    let masked = masked.collect();
    (Value::Object(masked), any)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

fn is_empty(value: &Value) -> bool {
    value.is_null() || value.as_str() == Some("")
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;

    #[rstest]
    #[case(json!({"password": "x", "username": "u"}), json!({"password": MASK, "username": "u"}), true)]
    #[case(json!({"headers": {"passcode": "x"}}), json!({"headers": {"passcode": MASK}}), true)]
    #[case(json!([{"param": "Password", "value": "x"}]), json!([{"param": "Password", "value": MASK}]), true)]
    #[case(json!({"Device.MQTT.Client.1.Password": ""}), json!({"Device.MQTT.Client.1.Password": ""}), false)]
    #[case(json!({"password": true}), json!({"password": true}), false)]
    #[case(json!({"param": "Alias", "value": "x"}), json!({"param": "Alias", "value": "x"}), false)]
    fn secrets_are_masked(#[case] value: Value, #[case] expected: Value, #[case] any: bool) {
        assert_eq!(masked(&value), (expected, any));
    }
}
