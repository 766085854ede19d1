//! Rules about MQTT, STOMP and UNIX domain sockets, and about every MTP's own protocol.

#![allow(clippy::needless_pass_by_value, reason = "rows of a table read better so")]

use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::{Content, MessageKind};

use crate::{
    profile::{Broker, Role},
    testing::{EUT, Story, US, encode, record},
    trace::{ConnectionState, MtpFacts},
    verdict::Outcome,
};

const NOTIFY: Content = Content::Request(MessageKind::Notify);

fn attempt(story: Story, opener: &str) -> Story {
    story.connection(1, ConnectionState::Attempt, json!({"attempt": {"opener": opener}}))
}

/// A Record of the EUT that asks for nothing.
fn notify() -> Vec<u8> {
    record(
        EUT,
        US,
        encode(NOTIFY, "n", &json!({"subscription_id": "s", "event": {"obj_path": "Device.", "event_name": "Boot!"}})),
    )
}

fn connect_record(kind: &str, fields: &Value) -> Vec<u8> {
    let record = json!({"version": "1.3", "to_id": US, "from_id": EUT, kind: fields});
    prost::Message::encode_to_vec(&uspec_usp::json::build_record(&record).unwrap())
}

fn mqtt(version: &str) -> Story {
    let facts = MtpFacts { version: Some(version.into()), ..MtpFacts::brokered("mqtt", Broker::BuiltIn, false) };
    attempt(Story::new().over(facts), "peer")
}

fn named(id: &str) -> Value {
    json!({"version": "5.0", "properties": {"user_properties": [{"name": "a", "value": "b"}, {"name": "usp-endpoint-id", "value": id}]}})
}

/// A session of MQTT 5.0 with this CONNACK, and this answer to its SUBSCRIBE.
fn session(connack: Value, reasons: &[u8]) -> Story {
    let asked = json!({"packet_id": 7, "subscriptions": [{"filter": "eut/#"}, {"filter": "all"}]});
    mqtt("5.0").came("CONNECT", named(EUT), b"").went("CONNACK", connack, b"").came("SUBSCRIBE", asked, b"").went(
        "SUBACK",
        json!({"packet_id": 7, "reasons": reasons}),
        b"",
    )
}

fn v5() -> Story {
    session(json!({"session_present": false, "reason": 0}), &[1, 0x87])
}

/// A Record in a PUBLISH with these properties.
fn published(story: Story, properties: Value, bytes: Vec<u8>) -> Story {
    story.came("PUBLISH", json!({"topic": "us", "properties": properties}), &bytes).receive(bytes)
}

fn right(story: Story) -> Story {
    published(story, json!({"response_topic": "eut/1", "content_type": "usp.msg"}), notify())
}

fn with(properties: Value) -> Story {
    published(v5(), properties, notify())
}

fn v311(topic: &str) -> Story {
    mqtt("3.1.1").came("PUBLISH", json!({"topic": topic}), &notify()).receive(notify())
}

fn told(topic: &str) -> Story {
    let connack = json!({"session_present": false, "properties": {"response_information": "eut/told"}});
    published(session(connack, &[0, 0]), json!({"response_topic": topic}), notify())
}

/// A Record without a SUBSCRIBE before it.
fn unsubscribed(connack: Value) -> Story {
    right(mqtt("5.0").came("CONNECT", named(EUT), b"").went("CONNACK", connack, b""))
}

fn connected(version: &str, topic: &str) -> Story {
    published(v5(), json!({}), connect_record("mqtt_connect", &json!({"version": version, "subscribed_topic": topic})))
}

#[rstest]
// R-MQTT.13
#[case("R-MQTT.13", right(v5()), Some(Outcome::Met))]
#[case("R-MQTT.13", right(mqtt("5.0").came("CONNECT", named("os::012345-0002"), b"")), Some(Outcome::Unmet))]
#[case("R-MQTT.13", right(mqtt("5.0").came("CONNECT", json!({"version": "5.0", "properties": {}}), b"")), Some(Outcome::Unmet))]
#[case("R-MQTT.13", mqtt("5.0").came("CONNECT", named("os::012345-0002"), b""), None)]
#[case("R-MQTT.13", right(mqtt("3.1.1").came("CONNECT", json!({"version": "3.1.1"}), b"")), None)]
// R-MQTT.17
#[case("R-MQTT.17", right(v5()), Some(Outcome::Met))]
#[case("R-MQTT.17", right(session(json!({"session_present": false}), &[0x80, 0x87])), Some(Outcome::Unmet))]
#[case("R-MQTT.17", unsubscribed(json!({"session_present": false})), Some(Outcome::Unmet))]
#[case("R-MQTT.17", unsubscribed(json!({"session_present": true})), None)]
#[case("R-MQTT.17", right(mqtt("5.0")), None)]
#[case(
    "R-MQTT.17",
    right(mqtt("5.0").came("CONNECT", named(EUT), b"").came("SUBSCRIBE", json!({"packet_id": 1, "subscriptions": [{"filter": "a"}]}), b"")),
    None
)]
#[case("R-MQTT.17", right(v5().came("UNSUBSCRIBE", json!({"packet_id": 8, "filters": ["eut/#"]}), b"")), Some(Outcome::Unmet))]
// R-MQTT.21
#[case("R-MQTT.21", told("eut/told"), Some(Outcome::Met))]
#[case("R-MQTT.21", told("eut/1"), Some(Outcome::Unmet))]
#[case("R-MQTT.21", right(v5()), None)]
// R-MQTT.22
#[case("R-MQTT.22", right(v5()), Some(Outcome::Met))]
#[case("R-MQTT.22", with(json!({"content_type": "usp.msg"})), Some(Outcome::Unmet))]
#[case("R-MQTT.22", with(json!({"response_topic": "eut/#"})), Some(Outcome::Unmet))]
#[case("R-MQTT.22", v311("us/reply-to=eut%2F1"), Some(Outcome::Met))]
#[case("R-MQTT.22", v311("us"), Some(Outcome::Unmet))]
#[case("R-MQTT.22", v311("us/reply-to=eut/1"), Some(Outcome::Unmet))]
#[case("R-MQTT.22", v311("us/reply-to="), Some(Outcome::Unmet))]
#[case("R-MQTT.22", v5().came("PUBLISH", json!({"topic": "elsewhere"}), b"no Record"), None)]
// R-MQTT.27
#[case("R-MQTT.27", right(v5()), Some(Outcome::Met))]
#[case("R-MQTT.27", with(json!({"content_type": "application/vnd.bbf.usp.msg"})), Some(Outcome::Unmet))]
#[case("R-MQTT.27", with(json!({})), Some(Outcome::Unmet))]
#[case("R-MQTT.27", v311("us"), None)]
// R-MTP.6
#[case("R-MTP.6", connected("V5", "eut/1"), Some(Outcome::Met))]
#[case("R-MTP.6", connected("V3_1_1", "eut/1"), Some(Outcome::Unmet))]
#[case("R-MTP.6", connected("V5", "elsewhere"), Some(Outcome::Unmet))]
#[case("R-MTP.6", connected("V5", "all"), Some(Outcome::Unmet))]
#[case("R-MTP.6", connected("V5", "eut/+"), Some(Outcome::Unmet))]
#[case("R-MTP.6", connected("V5", ""), Some(Outcome::Unmet))]
#[case("R-MTP.6", over_stomp(send(stomp_session(), &stomp_connect("/eut"))), Some(Outcome::Met))]
#[case("R-MTP.6", over_stomp(send(stomp_session(), &stomp_connect("/other"))), Some(Outcome::Unmet))]
#[case("R-MTP.6", over_stomp(send(Story::new(), &stomp_connect("/other"))), Some(Outcome::Met))]
// R-MTP.8
#[case("R-MTP.8", v5().connection(1, ConnectionState::Open, json!({})).receive(notify()), Some(Outcome::Unmet))]
// STOMP
#[case("R-STOMP.2", stomp("STOMP", json!({"endpoint-id": EUT})), Some(Outcome::Met))]
#[case("R-STOMP.2", stomp("CONNECT", json!({"endpoint-id": EUT})), Some(Outcome::Unmet))]
#[case("R-STOMP.2", stomp("SUBSCRIBE", json!({})), Some(Outcome::Unmet))]
#[case("R-STOMP.2", right(v5()), None)]
#[case("R-STOMP.4", stomp("STOMP", json!({"endpoint-id": EUT})), Some(Outcome::Met))]
#[case("R-STOMP.4", stomp("STOMP", json!({"endpoint-id": "os\\c\\c1"})), Some(Outcome::Unmet))]
#[case("R-STOMP.4", stomp("STOMP", json!({})), Some(Outcome::Unmet))]
#[case("R-STOMP.13", stomp("SUBSCRIBE", json!({"destination": "/eut", "id": "0"})), Some(Outcome::Met))]
#[case("R-STOMP.13", stomp("SUBSCRIBE", json!({"id": "0"})), Some(Outcome::Unmet))]
#[case("R-STOMP.17", stomp("SUBSCRIBE", json!({"ack": "auto"})), Some(Outcome::Met))]
#[case("R-STOMP.17", stomp("SUBSCRIBE", json!({})), Some(Outcome::Met))]
#[case("R-STOMP.17", stomp("SUBSCRIBE", json!({"ack": "client"})), Some(Outcome::Unmet))]
#[case("R-STOMP.19", sent(json!({"content-length": notify().len().to_string()})), Some(Outcome::Met))]
#[case("R-STOMP.19", sent(json!({"content-length": "3"})), Some(Outcome::Unmet))]
#[case("R-STOMP.19", sent(json!({})), Some(Outcome::Unmet))]
#[case("R-STOMP.20", sent(json!({"content-type": "application/vnd.bbf.usp.msg"})), Some(Outcome::Met))]
#[case("R-STOMP.20", sent(json!({"content-type": "text/plain"})), Some(Outcome::Unmet))]
#[case("R-STOMP.20", sent(json!({"content-type": "application/vnd.bbf.usp.error"})), Some(Outcome::Unmet))]
#[case("R-STOMP.20", older(sent(json!({"content-type": "application/vnd.bbf.usp.error"}))), None)]
#[case("R-STOMP.21", sent(json!({"reply-to-dest": "/eut"})), Some(Outcome::Met))]
#[case("R-STOMP.21", sent(json!({})), Some(Outcome::Unmet))]
#[case("R-STOMP.26", sent(json!({})), Some(Outcome::Met))]
#[case("R-STOMP.26", stomp("BEGIN", json!({"transaction": "t"})), Some(Outcome::Unmet))]
#[case("R-STOMP.27", sent(json!({})), Some(Outcome::Met))]
#[case("R-STOMP.27", stomp("ACK", json!({"id": "1"})), Some(Outcome::Unmet))]
// UNIX domain sockets
#[case("R-UDS.16", uds("peer").came("HANDSHAKE", shake(EUT), b"").receive(notify()), Some(Outcome::Met))]
#[case("R-UDS.16", uds("peer").came("HANDSHAKE", shake("os::2"), b"").receive(notify()), Some(Outcome::Unmet))]
#[case("R-UDS.16", uds("peer").came("RECORD", json!({"tlvs": [{"type": 3}]}), b"").receive(notify()), Some(Outcome::Unmet))]
#[case("R-UDS.16", uds("us").came("HANDSHAKE", shake(EUT), b""), None)]
#[case("R-UDS.17", uds("us").went("HANDSHAKE", shake(US), b"").came("HANDSHAKE", shake(EUT), b""), Some(Outcome::Met))]
#[case("R-UDS.17", uds("us").went("HANDSHAKE", shake(US), b"").came("HANDSHAKE", shake("os::2"), b""), Some(Outcome::Unmet))]
#[case("R-UDS.20", early(&json!({})), Some(Outcome::Met))]
#[case("R-UDS.20", early(&json!({"req_path_results": []})), Some(Outcome::Unmet))]
#[case("R-UDS.20", uds("peer").came("HANDSHAKE", shake(EUT), b"").went("HANDSHAKE", shake(US), b"").receive(notify()), None)]
// The protocol of the MTP
#[case("mtp violations", right(v5()), Some(Outcome::Met))]
#[case("mtp violations", violated("protocol_violation"), Some(Outcome::Unmet))]
#[case("mtp violations", violated("timeout"), Some(Outcome::Met))]
#[case("mtp violations", too_much(), Some(Outcome::Met))]
#[case("mtp violations", wrong_order(), Some(Outcome::Unmet))]
#[case("mtp violations", hasty(), Some(Outcome::Unknown))]
#[case("mtp violations", uds("peer").connection(1, ConnectionState::Failed, failed("protocol_violation")), Some(Outcome::Unmet))]
#[case("mtp violations", mqtt("5.0").connection(1, ConnectionState::Failed, failed("protocol_violation")), None)]
// Ends of connections: over a broker or a socket TR-369 has no MUST, and a violation is the cause.
#[case("connections", ended(right(v5()), "broken"), Some(Outcome::Unknown))]
#[case("connections", ended(violated("protocol_violation"), "broken"), Some(Outcome::Met))]
fn rules_of_the_mtps_see_good_and_bad(#[case] rule: &str, #[case] story: Story, #[case] expected: Option<Outcome>) {
    let result = story.universal(rule);
    assert_eq!(result.as_ref().map(|result| result.outcome), expected, "{result:#?}");
}

#[test]
fn a_right_session_breaks_no_rule() {
    let topic = json!({"version": "V5", "subscribed_topic": "eut/1"});
    let first = connect_record("mqtt_connect", &topic);
    let properties = json!({"response_topic": "eut/1", "content_type": "usp.msg"});
    let story = v5().connection(1, ConnectionState::Open, json!({"open": {"eid": EUT}}));
    let judged = right(published(story, properties, first)).judge();
    assert!(judged.universal.len() > 10);
    assert!(judged.universal.iter().all(|rule| rule.outcome == Outcome::Met), "{:#?}", judged.universal);
}

#[test]
fn a_violation_is_told_with_its_requirement_and_octets() {
    let result = violated("protocol_violation").universal("mtp violations").unwrap();
    assert_eq!(result.findings[0].requirement.as_deref(), Some("MQTT 5.0 2.2.2.2"));
    assert!(result.findings[0].seen.contains("octets ff00"), "{:?}", result.findings);
}

/// The second Controller shares the broker, and its Records stand on connections with numbers of their own.
#[test]
fn the_packet_of_a_record_is_known_by_its_octets() {
    let story = v5().came("PUBLISH", json!({"topic": "us", "properties": {}}), &notify());
    let what = crate::trace::What::Record {
        connection: crate::trace::SECOND_CONTROLLER,
        direction: crate::trace::Direction::Received,
        step: None,
        bytes: notify(),
        decoded: Value::Null,
    };
    assert_eq!(story.event(what).universal("R-MQTT.27").unwrap().outcome, Outcome::Unmet);
}

fn over_stomp(story: Story) -> Story {
    story.over(MtpFacts::brokered("stomp", Broker::BuiltIn, false))
}

/// A frame of an EUT that sends a Record as well.
fn stomp(kind: &str, headers: Value) -> Story {
    let story = attempt(over_stomp(Story::new()), "peer").came("HEARTBEAT", json!({}), b"");
    story.came(kind, json!({"headers": headers}), b"").receive(notify())
}

fn stomp_session() -> Story {
    let subscribe = json!({"headers": {"destination": "/eut", "id": "0"}});
    Story::new().came("STOMP", json!({"headers": {"endpoint-id": EUT}}), b"").came("SUBSCRIBE", subscribe, b"")
}

fn stomp_connect(destination: &str) -> Vec<u8> {
    connect_record("stomp_connect", &json!({"version": "V1_2", "subscribed_destination": destination}))
}

fn send(story: Story, bytes: &[u8]) -> Story {
    story.came("SEND", json!({"headers": {"destination": "/us"}}), bytes).receive(bytes.to_vec())
}

/// A Record in a SEND with these headers.
fn sent(headers: Value) -> Story {
    over_stomp(Story::new()).came("SEND", json!({"headers": headers}), &notify()).receive(notify())
}

fn older(mut story: Story) -> Story {
    story.trace.header.usp_versions = vec!["1.1".into()];
    story
}

fn uds(opener: &str) -> Story {
    let role = if opener == "us" { Role::WeConnect } else { Role::EutConnects };
    attempt(Story::new().over(MtpFacts::direct("uds", Some(role), false)), opener)
}

fn shake(id: &str) -> Value {
    json!({"tlvs": [{"type": 1, "length": id.len(), "text": id}]})
}

/// A Get of ours before the EUT's Handshake; what answers it, unless that is empty.
fn early(answer: &Value) -> Story {
    let get = encode(Content::Request(MessageKind::Get), "g", &json!({"param_paths": ["Device."]}));
    let story = uds("peer").went("HANDSHAKE", shake(US), b"");
    let story = story.went("RECORD", json!({"tlvs": [{"type": 3}]}), &record(US, EUT, get));
    let story = story.came("HANDSHAKE", shake(EUT), b"");
    if answer == &json!({}) {
        return story;
    }
    story.message(Content::Response(MessageKind::Get), "g", answer)
}

fn failed(kind: &str) -> Value {
    json!({"failed": {"kind": kind, "text": "a reserved flag is set", "requirement": "MQTT 5.0 2.2.2.2", "octets": "ff00"}})
}

fn violated(kind: &str) -> Story {
    right(v5()).connection(1, ConnectionState::Failed, failed(kind))
}

/// A length whose octets stand in the wrong order.
fn wrong_order() -> Story {
    let failure = json!({"failed": {"kind": "protocol_violation", "text": "too large", "requirement": "R-UDS.9"}});
    let story = uds("peer").connection(1, ConnectionState::Oversized, json!({"oversized": {}}));
    story.connection(1, ConnectionState::Failed, failure)
}

/// A Record before our Handshake.
fn hasty() -> Story {
    let failure = json!({"failed": {"kind": "protocol_violation", "text": "too early", "requirement": "R-UDS.20"}});
    let story = uds("peer").came("HANDSHAKE", shake(EUT), b"");
    story.connection(1, ConnectionState::Failed, failure).receive(notify())
}

/// The EUT sends more than our end takes.
fn too_much() -> Story {
    let story = right(v5()).connection(1, ConnectionState::Oversized, json!({"oversized": {}}));
    story.connection(1, ConnectionState::Failed, failed("protocol_violation"))
}

fn ended(story: Story, by: &str) -> Story {
    story.connection(1, ConnectionState::Closed, json!({"closed": {"by": by, "reason": "", "clean": false}}))
}
