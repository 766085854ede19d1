//! How sessions come about, and how they do not.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use uspec_mtp::event::{Direction, EndedBy, FailureKind, MtpHappening};
use uspec_mtp::mqtt::packet::{Connect, Packet, PacketKind, Properties, PropertyId, PropertyValue};
use uspec_mtp::mqtt::{MqttRefusal, MqttVersion};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{AGENT, AGENT_TOPIC, Agent, Far, Raw, broker, filter, lasting};

#[rstest]
#[tokio::test(start_paused = true)]
async fn an_agent_connects_and_subscribes(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let network = MemoryNetwork::new();
    let mut far =
        Far::start(&network, broker(), |config| config.credentials = Some(("joe".into(), "word".into()))).await;
    let mut agent = Agent::start(&network, version, |config| {
        config.username = Some("joe".to_owned());
        config.password = Some("word".to_owned());
    })
    .await;
    let connect = far.packet("CONNECT").await;
    assert_eq!(connect["version"], json!(version.to_string()));
    assert_eq!(connect["client_id"], json!("agent-1"));
    assert_eq!(connect["username"], json!("joe"));
    assert_eq!(connect["password"], json!("word"));
    assert_eq!(connect["keep_alive"], json!(60));
    if version == MqttVersion::V5 {
        let user = json!([{"name": "usp-endpoint-id", "value": AGENT}]);
        assert_eq!(connect["properties"]["user_properties"], user);
        assert_eq!(connect["properties"]["request_response_information"], json!(1));
    } else {
        assert_eq!(connect.get("properties"), None);
    }
    let subscribe = far.packet("SUBSCRIBE").await;
    assert_eq!(subscribe["subscriptions"][0]["filter"], json!(filter(version)));
    assert_eq!(subscribe["subscriptions"].as_array().unwrap().len(), 1, "the reply-to is among it already");
    let open = far.opened().await;
    assert_eq!(open.client_id.as_deref(), Some("agent-1"));
    assert_eq!(open.eid.as_deref(), (version == MqttVersion::V5).then_some(AGENT));
    assert_eq!(open.subscriptions, [filter(version)]);
    let open = agent.opened().await;
    assert_eq!(open.reached_at.as_deref(), Some(AGENT_TOPIC));
    assert!(far.handle.is_open() && agent.handle.is_open());
}

#[rstest]
#[case(MqttVersion::V5, 0x88, 0x88)]
#[case(MqttVersion::V5, 0x86, 0x86)]
#[case(MqttVersion::V311, 0x88, 3)]
#[case(MqttVersion::V311, 0x86, 4)]
#[case(MqttVersion::V311, 0x87, 5)]
#[tokio::test(start_paused = true)]
async fn a_refusal_is_retried(#[case] version: MqttVersion, #[case] told: u8, #[case] said: u8) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::Connack(told)));
    let mut agent = Agent::start(&network, version, |_| {}).await;
    assert_eq!(agent.failure().await.kind, FailureKind::Refused { reason: said });
    let (retry, wait) = agent.retrying().await;
    assert!(retry == 1 && (5..=10).contains(&wait.as_secs()), "{retry} {wait:?}");
    assert_eq!(far.failure().await.kind, FailureKind::RefusedByUs { status: u16::from(said) });
    let (retry, wait) = agent.retrying().await;
    assert!(retry == 2 && (10..=20).contains(&wait.as_secs()), "{retry} {wait:?}");
    far.handle.change_behaviour(|behaviour| behaviour.refuse = None);
    agent.opened().await;
    assert!(!far.seen.iter().any(|event| matches!(event.what, MtpHappening::Closed(_))), "nothing was open");
}

#[tokio::test(start_paused = true)]
async fn a_refusal_can_be_mute() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::HangUp));
    let mut raw = Raw::connect(&network, MqttVersion::V5).await;
    raw.send(Packet::Connect(Connect::new(MqttVersion::V5, "x"))).await;
    assert_eq!(raw.rest().await, b"");
    assert_eq!(far.ended().await, EndedBy::Us);
    far.handle.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::Silence));
    let mut raw = Raw::connect(&network, MqttVersion::V5).await;
    raw.send(Packet::Connect(Connect::new(MqttVersion::V5, "x"))).await;
    assert!(raw.is_silent(Duration::from_secs(600)).await);
    drop(raw);
    assert_eq!(far.ended().await, EndedBy::Peer);
}

#[tokio::test(start_paused = true)]
async fn only_who_is_known_and_speaks_a_wanted_version_is_let_in() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, broker(), |config| {
        config.credentials = Some(("joe".into(), "word".into()));
        config.versions = vec![MqttVersion::V5];
    })
    .await;
    let (_, ack) = Raw::open(&network, MqttVersion::V5, "x").await;
    assert_eq!(ack.reason, 0x86);
    let (_, ack) = Raw::open(&network, MqttVersion::V311, "x").await;
    assert_eq!(ack.reason, 1);
    let connect = Connect {
        username: Some("joe".to_owned()),
        password: Some("word".into()),
        ..Connect::new(MqttVersion::V5, "x")
    };
    let (_, ack) = Raw::open_with(&network, connect).await;
    assert_eq!(ack.reason, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_without_identifier_gets_one_and_keeps_it() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.connack.assigned_client_id = Some("given".to_owned()));
    let mut agent = Agent::start(&network, MqttVersion::V5, |config| config.client_id = None).await;
    assert_eq!(far.packet("CONNECT").await["client_id"], json!(""));
    let ack = far.packet_seen(Direction::Sent, "CONNACK").await;
    assert_eq!(ack.fields["properties"]["assigned_client_identifier"], json!("given"));
    assert_eq!(agent.opened().await.client_id.as_deref(), Some("given"));
    far.opened().await;
    far.handle.drop_connection().await.unwrap();
    assert_eq!(far.packet("CONNECT").await["client_id"], json!("given"));
    assert_eq!(agent.opened().await.client_id.as_deref(), Some("given"));
    // Without anything told the broker makes one up.
    far.handle.change_behaviour(|behaviour| behaviour.connack.assigned_client_id = None);
    let (_, ack) = Raw::open(&network, MqttVersion::V5, "").await;
    assert!(ack.properties.text(PropertyId::AssignedClientIdentifier).is_some());
}

#[tokio::test(start_paused = true)]
async fn what_connack_tells_is_obeyed() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| {
        let connack = &mut behaviour.connack;
        connack.server_keep_alive = Some(30);
        connack.response_information = Some("told/reply".to_owned());
        connack.subscribe_topics = vec!["told/a".to_owned(), "told/b/#".to_owned()];
        connack.user_properties = vec![("x".to_owned(), "y".to_owned())];
    });
    let mut agent = Agent::start(&network, MqttVersion::V5, |config| config.subscriptions.clear()).await;
    let subscribe = far.packet("SUBSCRIBE").await;
    let filters: Vec<_> = subscribe["subscriptions"].as_array().unwrap().iter().map(|one| &one["filter"]).collect();
    assert_eq!(filters, [&json!("told/a"), &json!("told/b/#"), &json!("told/reply")]);
    let open = agent.opened().await;
    assert_eq!(open.told_by_server.as_deref(), Some("told/reply"));
    assert_eq!(open.reached_at.as_deref(), Some("told/reply"));
    let before = tokio::time::Instant::now();
    far.packet("PINGREQ").await;
    assert_eq!(before.elapsed().as_secs(), 30);
}

#[tokio::test(start_paused = true)]
async fn who_does_not_ask_for_response_information_gets_none() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.connack.response_information = Some("reply".to_owned()));
    let (_, ack) = Raw::open(&network, MqttVersion::V5, "x").await;
    assert_eq!(ack.properties.text(PropertyId::ResponseInformation), None);
    let properties = Properties::new().with(PropertyId::RequestResponseInformation, PropertyValue::Byte(1));
    let (_, ack) = Raw::open_with(&network, Connect { properties, ..Connect::new(MqttVersion::V5, "x") }).await;
    assert_eq!(ack.properties.text(PropertyId::ResponseInformation), Some("reply"));
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn a_session_is_kept_and_resumed(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut raw, ack) = Raw::open_with(&network, lasting(version, "x")).await;
    assert!(!ack.session_present);
    raw.subscribe("a/#", 1).await;
    far.opened().await;
    drop(raw);
    far.ended().await;
    let (mut other, _) = Raw::open(&network, version, "other").await;
    other.send(Packet::Publish(crate::kit::publish("a/b", 1, "meanwhile"))).await;
    assert!(matches!(other.packet().await, Packet::PubAck(_)));
    let (mut raw, ack) = Raw::open_with(&network, lasting(version, "x")).await;
    assert!(ack.session_present);
    assert_eq!(far.opened().await.subscriptions, ["a/#"], "a stored session is open at once");
    assert_eq!(raw.publish().await.payload, "meanwhile");
    // It was not acknowledged, so that it comes again.
    drop(raw);
    let (mut raw, _) = Raw::open_with(&network, lasting(version, "x")).await;
    let again = raw.publish().await;
    assert!(again.dup && again.payload == "meanwhile");
    drop(raw);
    let (_, ack) = Raw::open(&network, version, "x").await;
    assert!(!ack.session_present, "a clean start forgets it");
}

#[tokio::test(start_paused = true)]
async fn a_kept_session_expires() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (raw, _) = Raw::open_with(&network, lasting(MqttVersion::V5, "x")).await;
    drop(raw);
    far.ended().await;
    tokio::time::sleep(Duration::from_secs(3601)).await;
    let (_, ack) = Raw::open_with(&network, lasting(MqttVersion::V5, "x")).await;
    assert!(!ack.session_present);
}

#[rstest]
#[case(MqttVersion::V5, Some(0x8E))]
#[case(MqttVersion::V311, None)]
#[tokio::test(start_paused = true)]
async fn a_second_client_takes_over(#[case] version: MqttVersion, #[case] code: Option<u16>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut first, _) = Raw::open(&network, version, "same").await;
    first.subscribe("a", 0).await;
    let (mut second, _) = Raw::open(&network, version, "same").await;
    match version {
        MqttVersion::V5 => assert!(matches!(first.packet().await, Packet::Disconnect(bye) if bye.reason() == 0x8E)),
        MqttVersion::V311 => {}
    }
    assert_eq!(first.maybe_packet().await, None);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code), (EndedBy::Us, code));
    second.subscribe("a", 0).await;
    far.opened().await;
    assert!(far.handle.is_open());
}

#[tokio::test(start_paused = true)]
async fn a_probe_is_only_an_attempt() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    drop(Raw::connect(&network, MqttVersion::V5).await);
    far.ended().await;
    let kinds: Vec<_> = far.seen.iter().skip(1).map(|event| &event.what).collect();
    assert!(
        matches!(kinds[..], [MtpHappening::Attempt { .. }, MtpHappening::StreamEnded { by: EndedBy::Peer }]),
        "{kinds:?}"
    );
    let mut raw = Raw::connect(&network, MqttVersion::V5).await;
    raw.octets(&[0x10, 0x20, 0]).await;
    drop(raw);
    assert_eq!(far.failure().await.octets, &[0x10, 0x20, 0][..]);
}

#[tokio::test(start_paused = true)]
async fn a_client_must_say_something() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let mut raw = Raw::connect(&network, MqttVersion::V5).await;
    assert_eq!(raw.maybe_packet().await, None);
    assert_eq!(far.failure().await.kind, FailureKind::Timeout);
}

#[tokio::test(start_paused = true)]
async fn answers_can_be_withheld() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.withhold.extend([PacketKind::ConnAck]));
    let mut agent = Agent::start(&network, MqttVersion::V5, |_| {}).await;
    let failure = agent.failure().await;
    assert_eq!(failure.kind, FailureKind::Timeout);
    far.handle.change_behaviour(|behaviour| behaviour.withhold = [PacketKind::SubAck].into());
    let failure = agent.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("R-MQTT.17"));
    far.packet("DISCONNECT").await;
    far.handle.change_behaviour(|behaviour| behaviour.withhold = [PacketKind::PingResp].into());
    agent.opened().await;
    let failure = agent.failure().await;
    assert_eq!(failure.kind, FailureKind::Timeout, "{failure}");
    assert!(!agent.closed().await.clean);
}
