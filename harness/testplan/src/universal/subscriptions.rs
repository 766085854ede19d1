//! What a session of MQTT or STOMP has subscribed to at a moment, as far as a Trace shows it.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::{judge::evidence::Evidence, view::PacketSeen};

/// The least reason code of a SUBACK that refuses (MQTT 3.1.1 section 3.9.3, 5.0 section 2.4).
const REFUSED: u64 = 0x80;

/// The subscriptions of one session.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Subscriptions<'t> {
    /// Topic filters, or destinations, that are granted; in STOMP nothing refuses them.
    pub(super) granted: Vec<&'t str>,
    /// Those of which it is not known yet whether they are granted.
    pub(super) pending: Vec<&'t str>,
}

/// The subscriptions of the connection that carried `packet`, just before it. `None` when the Trace does not tell: the session began before
/// it, or the broker had one stored.
pub(super) fn before<'a>(evidence: Evidence<'a>, packet: &PacketSeen<'_>) -> Option<Subscriptions<'a>> {
    let mut session = None;
    let earlier = evidence.view.packets.iter().take_while(|it| it.index < packet.index);
    for seen in earlier.filter(|it| it.connection == packet.connection) {
        match (seen.came(), seen.kind) {
            (true, "CONNECT" | "STOMP") => session = Some(Session::default()),
            (false, "CONNACK") if seen.fields.get("session_present") == Some(&Value::Bool(true)) => session = None,
            _ => {
                if let Some(session) = &mut session {
                    session.take(seen);
                }
            }
        }
    }
    session.map(|session| Subscriptions {
        granted: session.granted.into_iter().map(|(_, filter)| filter).collect(),
        pending: session.pending.into_values().flatten().collect(),
    })
}

/// A session as it goes on.
#[derive(Default)]
struct Session<'t> {
    /// What is granted, in STOMP with the subscription's id.
    granted: Vec<(&'t str, &'t str)>,
    /// What a SUBACK has not answered, by packet identifier.
    pending: BTreeMap<u64, Vec<&'t str>>,
}

impl<'t> Session<'t> {
    fn take(&mut self, packet: &PacketSeen<'t>) {
        let id = packet.fields.get("packet_id").and_then(Value::as_u64).unwrap_or_default();
        match (packet.came(), packet.kind, packet.header("destination")) {
            (true, "SUBSCRIBE", Some(destination)) => {
                self.granted.push((packet.header("id").unwrap_or_default(), destination));
            }
            (true, "SUBSCRIBE", None) => {
                let asked = list(packet, "subscriptions").filter_map(|it| it.get("filter")?.as_str());
                self.pending.insert(id, asked.collect());
            }
            (false, "SUBACK", _) => {
                let asked = self.pending.remove(&id).unwrap_or_default();
                let granted = asked.into_iter().zip(list(packet, "reasons"));
                let granted = granted.filter(|(_, reason)| reason.as_u64().is_some_and(|it| it < REFUSED));
                self.granted.extend(granted.map(|(filter, _)| ("", filter)));
            }
            (true, "UNSUBSCRIBE", _) if packet.header("id").is_some() => {
                self.granted.retain(|(known, _)| Some(*known) != packet.header("id"));
            }
            (true, "UNSUBSCRIBE", _) => {
                let gone: Vec<_> = list(packet, "filters").filter_map(Value::as_str).collect();
                self.granted.retain(|(_, filter)| !gone.contains(filter));
            }
            _ => {}
        }
    }
}

/// Whether a topic filter of MQTT matches a topic (MQTT 5.0 section 4.7).
pub(crate) fn matches(filter: &str, topic: &str) -> bool {
    let mut levels = topic.split('/');
    for part in filter.split('/') {
        if part == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if part == "+" || part == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

fn list<'t>(packet: &PacketSeen<'t>, field: &str) -> impl Iterator<Item = &'t Value> {
    packet.fields.get(field).and_then(Value::as_array).into_iter().flatten()
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn filters_match_as_mqtt_says() {
        let yes = [("a/b", "a/b"), ("a/+", "a/b"), ("+/b", "a/b"), ("#", "a/b"), ("a/#", "a"), ("a/#", "a/b/c")];
        let no = [("a/b", "a"), ("a", "a/b"), ("a/+", "a"), ("a/+", "a/b/c"), ("b/#", "a/b")];
        for (filter, topic) in yes {
            assert!(matches(filter, topic), "{filter} {topic}");
        }
        for (filter, topic) in no {
            assert!(!matches(filter, topic), "{filter} {topic}");
        }
    }
}
