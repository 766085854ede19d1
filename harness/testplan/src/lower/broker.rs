//! Steps about MQTT, STOMP and UNIX domain sockets.

use std::collections::BTreeSet;

use super::{
    mtp::{OMIT, octets},
    over::Over,
};
use crate::{
    case::{
        Change, ConnackChanges, ConnectedChanges, HandshakeChange, MessageChanges, MqttAction, PacketKind,
        PublishChanges, StompAction, TlvPayload, UdsAction,
    },
    diagnostic::{Mistake, Problems},
    profile::MqttVersion,
    raw::broker as raw,
    yaml::{Node, Span},
};

/// The word for a Handshake that never comes.
const WITHHOLD: &str = "withhold";

/// The least reason code that says that something failed, in MQTT 5.0 section 2.4; 128 is the only one in 3.1.1, and there of SUBACK alone.
const FAILURE: u8 = 0x80;

/// The highest return code of a CONNACK in MQTT 3.1.1 (section 3.2.2.3).
const LAST_RETURN_CODE: u8 = 5;

/// The highest quality of service, and so the highest code of a SUBACK that grants something.
const LAST_QOS: u8 = 2;

/// An action of MQTT. `None` when it is wrong, which is reported.
pub(super) fn mqtt(raw: &raw::MqttStep, node: &Node, over: &Over, problems: &mut Problems) -> Option<MqttAction> {
    if let Some(raw) = &raw.connack {
        let changes = connack(raw);
        if changes.needs_properties() {
            over.version(MqttVersion::V5, "properties are", node.key_span("connack"), problems);
        }
        return Some(MqttAction::Connack(changes));
    }
    if let Some(code) = raw.suback {
        let at = node.value_span("suback");
        if code > FAILURE {
            over.version(MqttVersion::V5, "this reason code is", at, problems);
        } else if code > LAST_QOS && code != FAILURE {
            let mistake = Mistake::at(at, format!("a SUBACK has no code {code}"));
            problems.add(mistake.help("0 to 2 grant that quality of service, 128 and more refuse"));
        }
        return Some(MqttAction::Suback(code));
    }
    if let Some(kinds) = &raw.withhold {
        let kinds: Option<BTreeSet<_>> = kinds.iter().map(|kind| PacketKind::named(&kind.0)).collect();
        return kinds.map(MqttAction::Withhold);
    }
    if let Some(raw) = &raw.publish {
        let node = node.get("publish")?;
        if raw.content_type.is_some() {
            over.version(MqttVersion::V5, "Content Type is", node.key_span("content_type"), problems);
        }
        return Some(MqttAction::Publish(publish(raw, node, problems)));
    }
    let code = raw.disconnect?;
    if code != 0 && code < FAILURE {
        let mistake = Mistake::at(node.value_span("disconnect"), format!("a broker's DISCONNECT has no code {code}"));
        problems.add(mistake.help("0, or from 128 on: 139 is Server shutting down"));
    }
    Some(MqttAction::Disconnect(code))
}

/// Reports a code of a refusing CONNACK that is not of the version in use.
pub(super) fn code_of_version(code: u8, what: &str, at: Span, over: &Over, problems: &mut Problems) {
    if code >= FAILURE {
        over.version(MqttVersion::V5, what, at, problems);
    } else if code <= LAST_RETURN_CODE {
        over.version(MqttVersion::V311, what, at, problems);
    } else {
        let mistake = Mistake::at(at, format!("a CONNACK has no code {code}"));
        problems.add(mistake.help("1 to 5 in MQTT 3.1.1, 128 and more in 5.0: 136 is Server unavailable"));
    }
}

fn connack(raw: &raw::Connack) -> ConnackChanges {
    ConnackChanges {
        session_present: raw.session_present,
        assigned_client_id: raw.assigned_client_id.clone(),
        server_keep_alive: raw.server_keep_alive,
        response_information: raw.response_information.clone(),
        subscribe_topics: raw.subscribe_topics.clone(),
        user_properties: raw.user_properties.clone(),
    }
}

fn publish(raw: &raw::Publish, node: &Node, problems: &mut Problems) -> PublishChanges {
    for (key, topic) in [("topic", &raw.topic), ("response_topic", &raw.response_topic)] {
        if topic.as_ref().is_some_and(|topic| topic.contains(['+', '#'])) {
            let mistake = Mistake::at(node.value_span(key), format!("`{key}` has a wildcard"));
            problems.add(mistake.help("a PUBLISH goes to one topic (MQTT 5.0 3.3.2.1)"));
        }
    }
    PublishChanges {
        topic: raw.topic.clone(),
        content_type: change(raw.content_type.as_ref()),
        response_topic: change(raw.response_topic.as_ref()),
        qos: raw.qos,
        retain: raw.retain,
    }
}

/// An action of STOMP. `None` when it is wrong, which is reported.
pub(super) fn stomp(raw: &raw::StompStep, node: &Node, problems: &mut Problems) -> Option<StompAction> {
    if let Some(raw) = &raw.connected {
        let node = node.get("connected")?;
        let heart_beat = raw.heart_beat.as_deref().map(|pair| beats(pair, node, problems));
        return Some(StompAction::Connected(ConnectedChanges {
            subscribe_dest: raw.subscribe_dest.clone(),
            heart_beat: heart_beat.flatten(),
            version: raw.version.clone(),
            headers: raw.headers.clone(),
        }));
    }
    if let Some(raw) = &raw.message {
        return Some(StompAction::Message(MessageChanges {
            destination: raw.destination.clone(),
            content_type: change(raw.content_type.as_ref()),
            reply_to: change(raw.reply_to.as_ref()),
            headers: raw.headers.clone(),
        }));
    }
    if let Some(text) = &raw.error {
        return Some(StompAction::Error(text.clone()));
    }
    match (raw.receipts, raw.beats) {
        (Some(raw::WithholdWord::Withhold), _) => Some(StompAction::WithholdReceipts),
        (None, Some(raw::WithholdWord::Withhold)) => Some(StompAction::WithholdBeats),
        (None, None) => None,
    }
}

fn beats(pair: &[u32], node: &Node, problems: &mut Problems) -> Option<(u32, u32)> {
    if let [ours, theirs] = pair {
        return Some((*ours, *theirs));
    }
    let mistake = Mistake::at(node.value_span("heart_beat"), "heart-beats are two numbers");
    problems.add(mistake.help("what we can send and what we want, in milliseconds: [0, 10000]"));
    None
}

/// An action of UNIX domain sockets. `None` when it is wrong, which is reported.
pub(super) fn uds(raw: &raw::UdsStep, node: &Node, problems: &mut Problems) -> Option<UdsAction> {
    if let Some(handshake) = &raw.handshake {
        return Some(UdsAction::Handshake(match handshake.as_str() {
            WITHHOLD => HandshakeChange::Withhold,
            _ => HandshakeChange::Other(handshake.clone()),
        }));
    }
    if let Some(text) = &raw.error {
        return Some(UdsAction::Error(text.clone()));
    }
    if let Some(raw::IgnoreWord::Ignore) = raw.errors {
        return Some(UdsAction::IgnoreErrors);
    }
    let nodes = node.get("frame").map(Node::items).unwrap_or_default();
    let tlvs = raw.frame.iter().flatten().zip(nodes).map(|(tlv, node)| self::tlv(tlv, node, problems));
    tlvs.collect::<Option<Vec<_>>>().filter(|_| raw.frame.is_some()).map(UdsAction::Frame)
}

fn tlv(raw: &raw::Tlv, node: &Node, problems: &mut Problems) -> Option<(u8, TlvPayload)> {
    match (&raw.text, &raw.octets) {
        (Some(_), Some(_)) => {
            problems.at(node.key_span("octets"), "`text` and `octets` exclude each other");
            None
        }
        (Some(text), None) => Some((raw.kind, TlvPayload::Text(text.clone()))),
        (None, Some(digits)) => Some((raw.kind, TlvPayload::Octets(octets(digits)?))),
        (None, None) => {
            let mistake = Mistake::at(node.span, "the TLV has no value");
            problems.add(mistake.help("give it a `text` or `octets`, if only empty ones"));
            None
        }
    }
}

fn change(text: Option<&String>) -> Option<Change> {
    text.map(|text| if text == OMIT { Change::Omit } else { Change::Set(text.clone()) })
}
