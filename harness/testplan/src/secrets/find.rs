//! Where secrets stand: the names of fields and parameters that say so.
//!
//! One decision behind it: names are TR-181's own for what reads as empty, and those by which the MTPs carry credentials. GetSupportedDM does
//! not tell which parameters read as empty, so that nothing else can say it.

use std::collections::BTreeSet;

use serde_json::Value;
use uspec_usp::{
    decode::payload,
    json::{message_to_value, record_to_value},
    record::Record,
};

use super::{MAX_SECRETS, Secret};
use crate::trace::{Trace, What};

/// The last word of a name that stands for a secret, in small letters and without `-` and `_`.
const WORDS: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "presharedkey",
    "psk",
    "secret",
    "token",
    "privatekey",
    "wepkey",
    "authorization",
    "cookie",
    "authenticationdata",
];

/// Short ones, which end other words in small letters.
const ABBREVIATIONS: &[&str] = &["PIN", "PUK"];

/// What stands in the text form of a private key.
const PRIVATE_KEY: &str = "PRIVATE KEY-----";

/// Where `Value` is one: what an end user answers to a challenge of ControllerTrust (TR-181).
const CHALLENGES: &[&str] = &[".ControllerTrust.Challenge.", "ChallengeResponse("];

/// The keys by which a name stands beside its value.
const NAMES: &[&str] = &["param", "param_path", "name", "key"];
/// The keys of that value.
const VALUES: &[&str] = &["value", "param_value"];
/// The keys that say which Object or command the rest is about.
const PLACES: &[&str] = &["obj_path", "resolved_path", "command", "obj_name", "command_name", "param_path"];

/// Every secret that stands in a place that says so.
pub(super) fn all(trace: &Trace) -> Vec<Secret> {
    let mut found = Found::default();
    for (name, value) in &trace.header.variables {
        found.named("", name, value);
    }
    for event in &trace.events {
        match &event.what {
            What::Record { bytes, decoded, .. } if decoded.is_null() => {
                found.tree("", "", &decode(bytes));
            }
            What::Record { decoded, .. } => found.tree("", "", decoded),
            What::Packet { kind, fields, .. } => found.tree(kind, "", fields),
            What::Connection { details, .. } => found.tree("", "", details),
            What::Captured { name, value } => found.named("", name, value),
            _ => {}
        }
    }
    found.secrets
}

/// Calls `secret` for each secret of a tree, with its name and to change it as it likes.
pub(super) fn each_mut(tree: &mut Value, secret: &mut dyn FnMut(&mut String)) {
    walk_mut("", tree, secret);
}

/// A Record and its Message from the bytes, for a Trace that was written without them.
fn decode(bytes: &[u8]) -> Value {
    let record = <Record as prost::Message>::decode(bytes).ok();
    let message = record.as_ref().and_then(|record| message_to_value(&payload(record).message()?).ok());
    let record = record_to_value(bytes).unwrap_or_default();
    Value::Array(vec![record, message.unwrap_or_default()])
}

#[derive(Debug, Default)]
struct Found {
    secrets: Vec<Secret>,
    values: BTreeSet<String>,
}

impl Found {
    /// A value under its name, which is about `place`.
    fn named(&mut self, place: &str, name: &str, value: &str) {
        if is_secret(place, name, value) && self.secrets.len() < MAX_SECRETS && self.values.insert(value.to_owned()) {
            let at = if name.contains('.') || place.is_empty() { name.to_owned() } else { format!("{place} {name}") };
            self.secrets.push(Secret::new(at, value));
        }
    }

    /// `name` is the key under which the tree stands.
    fn tree(&mut self, place: &str, name: &str, tree: &Value) {
        match tree {
            Value::String(value) => self.named(place, name, value),
            Value::Array(items) => items.iter().for_each(|item| self.tree(place, name, item)),
            Value::Object(fields) => {
                let place = text(fields, PLACES).unwrap_or(place);
                if let (Some(name), Some(value)) = (text(fields, NAMES), text(fields, VALUES)) {
                    self.named(place, name, value);
                }
                fields.iter().for_each(|(name, value)| self.tree(place, name, value));
            }
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

fn walk_mut(place: &str, tree: &mut Value, secret: &mut dyn FnMut(&mut String)) {
    match tree {
        Value::Array(items) => items.iter_mut().for_each(|item| walk_mut(place, item, secret)),
        Value::Object(fields) => {
            let place = text(fields, PLACES).unwrap_or(place).to_owned();
            let named = text(fields, NAMES).map(str::to_owned);
            for (key, value) in fields.iter_mut() {
                let name = named.as_deref().filter(|_| VALUES.contains(&key.as_str())).unwrap_or(key);
                match value {
                    Value::String(value) if is_secret(&place, name, value) => secret(value),
                    Value::Array(items) => {
                        for item in items {
                            match item {
                                Value::String(value) if is_secret(&place, name, value) => secret(value),
                                item => walk_mut(&place, item, secret),
                            }
                        }
                    }
                    value => walk_mut(&place, value, secret),
                }
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn text<'v>(fields: &'v serde_json::Map<String, Value>, keys: &[&str]) -> Option<&'v str> {
    keys.iter().find_map(|key| fields.get(*key).and_then(Value::as_str))
}

fn is_secret(place: &str, name: &str, value: &str) -> bool {
    // A switch or a reference is none, whatever it is called.
    let telling = !value.is_empty() && !is_switch(value) && !value.starts_with("Device.");
    telling && (is_secret_name(name) || is_challenge(place, name) || value.contains(PRIVATE_KEY))
}

fn is_switch(value: &str) -> bool {
    value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false")
}

fn is_secret_name(name: &str) -> bool {
    let last = name.rsplit(['.', ' ']).next().unwrap_or(name);
    let plain: String = last.chars().filter(|c| !matches!(c, '-' | '_')).collect::<String>().to_lowercase();
    WORDS.iter().any(|word| plain.ends_with(word)) || ABBREVIATIONS.iter().any(|word| last.ends_with(word))
}

fn is_challenge(place: &str, name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or(name);
    last == "Value" && CHALLENGES.iter().any(|challenge| place.contains(challenge) || name.contains(challenge))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("", "password", "hunter22", true)]
    #[case("", "Device.WiFi.AccessPoint.1.Security.PreSharedKey", "00ff", true)]
    #[case("", "Device.LocalAgent.MTP.1.STOMP.X_Token", "abc", true)]
    #[case("", "Proxy-Authorization", "Basic abc", true)]
    #[case("", "X_ACME_PIN", "0000", true)]
    #[case("Device.LocalAgent.ControllerTrust.Challenge.1.", "Value", "1234", true)]
    #[case("Device.LocalAgent.ControllerTrust.ChallengeResponse()", "Value", "1234", true)]
    #[case("", "Certificate", "-----BEGIN EC PRIVATE KEY-----\nMHc", true)]
    #[case("Device.DeviceInfo.", "Value", "1234", false)]
    #[case("", "Password", "", false)]
    #[case("", "EnablePassword", "true", false)]
    #[case("", "Secret", "Device.LocalAgent.Certificate.1", false)]
    #[case("", "Username", "somebody", false)]
    #[case("", "Shopping", "list", false)]
    fn names_say_what_is_secret(#[case] place: &str, #[case] name: &str, #[case] value: &str, #[case] expected: bool) {
        assert_eq!(is_secret(place, name, value), expected);
    }
}
