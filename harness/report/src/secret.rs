//! Keeps passwords, tokens and keys out of what people read. The Trace keeps them: its bytes are the evidence.
//!
//! One decision behind it: a secret is known by the name of its field, and then hidden wherever its text stands, in octets too. Each of its bytes
//! becomes a `*`, so that lengths and everything around it stay what they were.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use uspec_testplan::trace::{Event, Trace, What};

/// Ends of the names of fields, headers and parameters that hold secrets, in small letters.
const NAMES: &[&str] = &[
    "password",
    "passcode",
    "passphrase",
    "secret",
    "token",
    "privatekey",
    "private_key",
    "presharedkey",
    "authentication_data",
    "authorization",
];

/// What stands between the name of a field and its text in the lines of an exchange.
const OPENS: &str = ": \"";

/// A text as short as this stands in too many places that have nothing to do with the secret: it is hidden in its own field only.
const TOO_SHORT: usize = 2;

/// The secrets that were found so far.
#[derive(Debug, Clone, Default)]
pub(crate) struct Secrets {
    texts: BTreeSet<String>,
}

impl Secrets {
    /// The Trace without its secrets, which are known from now on.
    pub(crate) fn masked(&mut self, mut trace: Trace) -> Trace {
        for (name, value) in &trace.header.variables {
            self.learn_text(name, value);
        }
        for event in &trace.events {
            match &event.what {
                What::Packet { fields, .. } => self.learn(fields),
                What::Record { decoded, .. } => self.learn(decoded),
                What::Connection { details, .. } => self.learn(details),
                What::Captured { name, value } => self.learn_text(name, value),
                _ => {}
            }
        }
        let unreadable: Vec<_> =
            (0..trace.events.len()).map(|place| self.is_masked_with_secret(&trace, place)).collect();
        for (event, unreadable) in trace.events.iter_mut().zip(unreadable) {
            self.hide_in_event(event, unreadable);
        }
        trace
    }

    /// The text without the secrets that are known.
    pub(crate) fn hide(&self, text: &str) -> String {
        self.hide_owned(text.to_owned())
    }

    /// Most texts have none, and stay what they are.
    fn hide_owned(&self, mut text: String) -> String {
        for secret in self.texts.iter().filter(|secret| secret.len() > TOO_SHORT) {
            if text.contains(secret.as_str()) {
                text = text.replace(secret.as_str(), &stars(secret));
            }
        }
        hide_named(text)
    }

    /// The value without secrets, by the names of its fields and by their texts.
    pub(crate) fn hide_in(&self, value: Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.hide_owned(text)),
            Value::Array(items) => Value::Array(items.into_iter().map(|item| self.hide_in(item)).collect()),
            Value::Object(fields) => {
                let named = setting_is_secret(&fields);
                let hidden = fields.into_iter().map(|(name, value)| {
                    let secret = is_secret(&name) || (named && name == "value");
                    let value = match value {
                        Value::String(text) if secret => Value::String(stars(&text)),
                        other => self.hide_in(other),
                    };
                    (self.hide_owned(name), value)
                });
                Value::Object(hidden.collect())
            }
            other => other,
        }
    }

    fn hide_in_event(&self, event: &mut Event, unreadable: bool) {
        match &mut event.what {
            What::Octets { bytes, .. } if unreadable => bytes.fill(b'*'),
            What::Octets { bytes, .. } | What::Frame { payload: bytes, .. } => self.hide_in_bytes(bytes),
            What::Record { bytes, decoded, .. } => {
                self.hide_in_bytes(bytes);
                *decoded = self.hide_in(decoded.take());
            }
            What::Packet { fields, body, .. } => {
                self.hide_in_bytes(body);
                *fields = self.hide_in(fields.take());
            }
            What::Connection { details, .. } => *details = self.hide_in(details.take()),
            What::Captured { name, value } => {
                *value = if is_secret(name) { stars(value) } else { self.hide(value) };
            }
            What::Note { text } | What::StepStarted { action: text, .. } => *text = self.hide(text),
            What::Eut { action, outcome, .. } => {
                *action = self.hide(action);
                *outcome = self.hide(outcome);
            }
            What::StepEnded { .. } | What::CleanUp { .. } => {}
        }
    }

    fn hide_in_bytes(&self, bytes: &mut [u8]) {
        for secret in self.texts.iter().filter(|secret| secret.len() > TOO_SHORT) {
            let mut at = 0;
            while let Some(found) = bytes.get(at..).and_then(|rest| position(rest, secret.as_bytes())) {
                let begin = at.saturating_add(found);
                at = begin.saturating_add(secret.len());
                if let Some(place) = bytes.get_mut(begin..at) {
                    place.fill(b'*');
                }
            }
        }
    }

    /// Whether octets are a WebSocket frame with a secret in it: a client masks its payload, so that the text does not stand there, and yet
    /// everybody can read it.
    fn is_masked_with_secret(&self, trace: &Trace, place: usize) -> bool {
        let Some(What::Octets { connection, direction, .. }) = trace.events.get(place).map(|event| &event.what) else {
            return false;
        };
        let way = (*connection, *direction);
        let later = trace.events.get(place.saturating_add(1)..).unwrap_or_default().iter();
        let of_it = later.take_while(
            |event| !matches!(&event.what, What::Octets { connection, direction, .. } if (*connection, *direction) == way),
        );
        let has_secret = |event: &Event| match &event.what {
            What::Frame { connection, direction, payload, .. } if (*connection, *direction) == way => {
                let long = self.texts.iter().filter(|secret| secret.len() > TOO_SHORT);
                long.into_iter().any(|secret| position(payload, secret.as_bytes()).is_some())
            }
            _ => false,
        };
        of_it.into_iter().any(has_secret)
    }

    fn learn(&mut self, value: &Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.learn(item)),
            Value::Object(fields) => {
                let named = setting_is_secret(fields);
                for (name, value) in fields {
                    match value {
                        Value::String(text) if named && name == "value" => self.add(text),
                        Value::String(text) => self.learn_text(name, text),
                        other => self.learn(other),
                    }
                }
            }
            _ => {}
        }
    }

    fn learn_text(&mut self, name: &str, text: &str) {
        if is_secret(name) {
            self.add(text);
        }
    }

    /// Values of Booleans and the like, by which many parameters whose names end so are set, are no secrets.
    fn add(&mut self, text: &str) {
        if !text.is_empty() && !matches!(text, "true" | "false") && !text.chars().all(|c| c == '*') {
            self.texts.insert(text.to_owned());
            // The bytes of a field that is no text stand as hex in what is decoded.
            if let Some(text) = hex::decode(text).ok().and_then(|bytes| String::from_utf8(bytes).ok()) {
                self.texts.insert(text);
            }
        }
    }
}

/// A line of an exchange, such as `CONNECT: {password: "x"}`, without what stands in quotes behind the name of a secret.
fn hide_named(text: String) -> String {
    let mut shown = String::new();
    let mut rest = text.as_str();
    while let Some(at) = rest.find(OPENS) {
        let (head, tail) = rest.split_at(at.saturating_add(OPENS.len()));
        shown.push_str(head);
        let name = head.trim_end_matches(OPENS);
        let end = tail.find('"').unwrap_or(tail.len());
        let (value, after) = tail.split_at(end);
        shown.push_str(&if is_secret(name) { stars(value) } else { value.to_owned() });
        rest = after;
    }
    if shown.is_empty() {
        return text;
    }
    shown.push_str(rest);
    shown
}

fn stars(secret: &str) -> String {
    "*".repeat(secret.len())
}

/// A setting or header names its parameter in one field and has the value in another.
fn setting_is_secret(fields: &Map<String, Value>) -> bool {
    ["param", "name", "key"].iter().filter_map(|key| fields.get(*key)?.as_str()).any(is_secret)
}

fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    NAMES.iter().any(|end| name.ends_with(end))
}

fn position(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    if wanted.is_empty() { None } else { bytes.windows(wanted.len()).position(|window| window == wanted) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;
    use rstest::rstest;
    use serde_json::json;
    use uspec_testplan::trace::Direction;

    #[rstest]
    #[case(json!({"password": "abc", "username": "u"}), json!({"password": "***", "username": "u"}))]
    #[case(json!({"headers": {"passcode": "x"}}), json!({"headers": {"passcode": "*"}}))]
    #[case(json!([{"param": "Password", "value": "pq"}]), json!([{"param": "Password", "value": "**"}]))]
    #[case(json!({"name": "Authorization", "value": "Basic eA=="}), json!({"name": "Authorization", "value": "**********"}))]
    #[case(json!({"Device.MQTT.Client.1.Password": ""}), json!({"Device.MQTT.Client.1.Password": ""}))]
    #[case(json!({"password": true, "n": 1}), json!({"password": true, "n": 1}))]
    #[case(json!({"param": "Alias", "value": "x"}), json!({"param": "Alias", "value": "x"}))]
    fn secrets_are_known_by_their_fields(#[case] value: Value, #[case] expected: Value) {
        assert_eq!(Secrets::default().hide_in(value), expected);
    }

    #[test]
    fn a_line_of_an_exchange_has_none() {
        let line = r#"<- CONNECT: {client_id: "c", username: "u", password: "open sesame", keep_alive: 60}"#;
        let hidden = Secrets::default().hide(line);
        assert_eq!(hidden, line.replace("open sesame", "***********"));
        let cut = r#"<- CONNECT: {password: "open s… (4 more characters)"#;
        assert!(!Secrets::default().hide(cut).contains("open"));
        assert_eq!(Secrets::default().hide("seen: nothing"), "seen: nothing");
    }

    #[test]
    fn a_secret_is_hidden_wherever_it_stands() {
        let text = include_str!("../../../fixtures/traces/request-path-without-dot.jsonl");
        let mut trace = Trace::from_json_lines(text).unwrap();
        let (connection, direction) = (1, Direction::Sent);
        let key = [1, 2, 3, 4];
        let payload = b"x sesame y".to_vec();
        let masked = payload.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key);
        let wire: Vec<u8> = [0x82, 0x8a].into_iter().chain(key).chain(masked).collect();
        let whats = vec![
            What::Octets { connection, direction, bytes: b"\x10..sesame.".to_vec() },
            What::Packet {
                connection,
                direction,
                kind: "CONNECT".to_owned(),
                fields: json!({"password": "sesame", "will": {"topic": "a/sesame"}}),
                body: Vec::new(),
            },
            What::Octets { connection, direction, bytes: wire },
            What::Frame { connection, direction, kind: "binary".to_owned(), fin: true, payload },
            What::Note { text: "the password sesame was refused".to_owned() },
        ];
        trace.events = (0..).zip(whats).map(|(seq, what)| Event { seq, at_us: seq, what }).collect();
        let mut secrets = Secrets::default();
        let hidden = secrets.masked(trace.clone());
        let text = hidden.to_json_lines().unwrap();
        assert!(!text.contains("sesame") && !text.contains(&hex::encode("sesame")), "{text}");
        assert_eq!(secrets.hide("seen \"sesame\""), "seen \"******\"");
        let What::Octets { bytes, .. } = &hidden.events.get(2).unwrap().what else {
            unreachable!("octets stay octets")
        };
        assert_eq!(bytes, &[b'*'; 16], "what everybody can unmask");
        let What::Octets { bytes, .. } = &hidden.events.first().unwrap().what else {
            unreachable!("octets stay octets")
        };
        assert_eq!(bytes, b"\x10..******.", "the rest is as it was");
        // A Trace without secrets is what it was.
        trace.events.clear();
        assert_eq!(secrets.masked(trace.clone()), trace);
    }
}
