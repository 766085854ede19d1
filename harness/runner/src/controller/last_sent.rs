//! What was sent last, for the person who asks why a connection ended between two cases.

use serde_json::Value;
use std::collections::VecDeque;

/// How many Records are remembered: a crash follows what was sent last, or what was sent just before it.
const REMEMBERED: usize = 3;

/// The Records that were sent last, of whichever case.
#[derive(Debug, Default)]
pub(crate) struct LastSent {
    now: String,
    sent: VecDeque<String>,
}

impl LastSent {
    /// What is sent from now on belongs to this case.
    pub(crate) fn begin(&mut self, case: &str) {
        case.clone_into(&mut self.now);
    }

    /// A Record went out on a connection; `decoded` is what people see of it.
    pub(crate) fn add(&mut self, connection: u32, decoded: &Value) {
        let field = |path: &str| decoded.pointer(path).and_then(Value::as_str).unwrap_or("?");
        let text = format!(
            "{} with msg_id {} on connection #{connection} (case {})",
            field("/message/header/msg_type"),
            field("/message/header/msg_id"),
            self.now
        );
        if self.sent.len() >= REMEMBERED {
            self.sent.pop_front();
        }
        self.sent.push_back(text);
    }

    /// In words, the last one first.
    pub(crate) fn words(&self) -> String {
        let all: Vec<_> = self.sent.iter().rev().map(String::as_str).collect();
        if all.is_empty() { "none".to_owned() } else { all.join("; ") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_last_ones_are_told_with_their_case() {
        let mut last = LastSent::default();
        assert_eq!(last.words(), "none");
        last.begin("1.1");
        for id in ["a", "b", "c", "d"] {
            last.add(2, &json!({"message": {"header": {"msg_type": "GET", "msg_id": id}}}));
        }
        let words = last.words();
        assert!(words.starts_with("GET with msg_id d on connection #2 (case 1.1); GET with msg_id c"), "{words}");
        assert!(!words.contains("msg_id a"));
    }
}
