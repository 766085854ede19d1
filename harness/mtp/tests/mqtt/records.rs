//! Records in both directions.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tokio::time::Instant;
use uspec_mtp::event::{Direction, FailureKind, MtpHappening};
use uspec_mtp::mqtt::packet::{Ack, Connect, Packet, PacketKind, Properties, PropertyId, PropertyValue};
use uspec_mtp::mqtt::{Change, MqttVersion};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{AGENT_TOPIC, Agent, CONTROLLER_TOPIC, Far, Raw, broker, pair, publish};

#[rstest]
#[tokio::test(start_paused = true)]
async fn records_go_both_ways(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let (mut far, mut agent) = pair(version).await;
    far.handle.send_record("get").await.unwrap();
    let (record, route) = agent.record().await;
    assert_eq!(record, b"get");
    assert_eq!(route.to.as_deref(), Some(AGENT_TOPIC));
    assert_eq!(route.reply_to.as_deref(), Some(CONTROLLER_TOPIC));
    agent.handle.send_record_to(&route.reply_to.unwrap(), "response").await.unwrap();
    let (record, route) = far.record().await;
    assert_eq!(record, b"response");
    assert_eq!(route.to.as_deref(), Some(CONTROLLER_TOPIC));
    assert_eq!(route.reply_to.as_deref(), Some(AGENT_TOPIC));
    let sent = far.seen.iter().find_map(|event| match &event.what {
        MtpHappening::Packet { direction: Direction::Sent, packet } if packet.kind == "PUBLISH" => Some(packet.clone()),
        _ => None,
    });
    let sent = sent.unwrap();
    assert_eq!(sent.body, "get");
    assert_eq!(sent.fields["qos"], json!(1));
    match version {
        MqttVersion::V5 => {
            assert_eq!(sent.fields["topic"], json!(AGENT_TOPIC));
            assert_eq!(sent.fields["properties"]["content_type"], json!("usp.msg"));
            assert_eq!(sent.fields["properties"]["response_topic"], json!(CONTROLLER_TOPIC));
        }
        MqttVersion::V311 => assert_eq!(sent.fields["topic"], json!("usp/agent/1/reply-to=usp%2Fcontroller%2F1")),
    }
    // The packet stands before the Record that it carries, both ways.
    let order: Vec<_> = far
        .seen
        .iter()
        .filter_map(|event| match &event.what {
            MtpHappening::Packet { direction, packet } if packet.kind == "PUBLISH" => Some(('p', *direction)),
            MtpHappening::Record { direction, .. } => Some(('r', *direction)),
            _ => None,
        })
        .collect();
    assert_eq!(
        order,
        [('p', Direction::Sent), ('r', Direction::Sent), ('p', Direction::Received), ('r', Direction::Received)]
    );
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn every_quality_of_service_is_served(
    #[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion,
    #[values(0, 1, 2)] qos: u8,
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.publish.qos = Some(qos));
    let mut agent = Agent::start(&network, version, |config| {
        config.subscriptions[0].1 = 2;
        config.publish_qos = qos;
    })
    .await;
    agent.opened().await;
    far.opened().await;
    for round in 0..20 {
        far.handle.send_record(format!("get {round}")).await.unwrap();
        let (record, _) = agent.record().await;
        assert_eq!(record, format!("get {round}").as_bytes());
        agent.handle.send_record(format!("response {round}")).await.unwrap();
        assert_eq!(far.record().await.0, format!("response {round}").as_bytes());
    }
    let acknowledgement = match qos {
        0 => return,
        1 => "PUBACK",
        _ => "PUBCOMP",
    };
    for wanted in [Direction::Sent, Direction::Received] {
        let found = far.seen.iter().any(|event| {
            matches!(&event.what, MtpHappening::Packet { direction, packet }
                if *direction == wanted && packet.kind == acknowledgement)
        });
        assert!(found, "{acknowledgement} {wanted:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_grant_caps_the_quality() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.publish.qos = Some(2));
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    assert_eq!(raw.subscribe("a", 0).await, [0]);
    far.handle.send_record("r").await.unwrap();
    assert_eq!(raw.publish().await.qos, 0);
    assert_eq!(raw.subscribe("a", 1).await, [1]);
    far.handle.send_record("r").await.unwrap();
    assert_eq!(raw.publish().await.qos, 1);
}

#[tokio::test(start_paused = true)]
async fn how_records_are_published_can_be_changed() {
    let (mut far, mut agent) = pair(MqttVersion::V5).await;
    far.handle.change_behaviour(|behaviour| {
        behaviour.publish.content_type = Change::Set("application/vnd.bbf.usp.msg".to_owned());
        behaviour.publish.response_topic = Change::Set("elsewhere".to_owned());
    });
    far.handle.send_record("one").await.unwrap();
    assert_eq!(agent.record().await.1.reply_to.as_deref(), Some("elsewhere"));
    far.handle.change_behaviour(|behaviour| {
        behaviour.publish.content_type = Change::Omit;
        behaviour.publish.response_topic = Change::Omit;
    });
    far.handle.send_record("two").await.unwrap();
    assert_eq!(agent.record().await.1.reply_to, None);
    far.handle.change_behaviour(|behaviour| behaviour.publish.content_type = Change::Set("text/plain".to_owned()));
    far.handle.send_record("no Record").await.unwrap();
    far.handle.set_behaviour(uspec_mtp::mqtt::MqttBehaviour::default());
    far.handle.send_record("three").await.unwrap();
    assert_eq!(agent.record().await.0, b"three");
    far.handle.change_behaviour(|behaviour| behaviour.drop_publish = true);
    far.handle.send_record("lost").await.unwrap();
    far.handle.change_behaviour(|behaviour| {
        behaviour.drop_publish = false;
        behaviour.publish.topic = Some("nobody".to_owned());
    });
    far.handle.send_record("to nobody").await.unwrap();
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::Undelivered, "{failure}");
}

#[rstest]
#[case::exact("usp/x", None, Some("usp/x"))]
#[case::wildcard("usp/x/#", None, Some("usp/x"))]
#[case::configured("usp/#", Some("usp/agent/7"), Some("usp/agent/7"))]
#[case::not_subscribed_where_configured("usp/x", Some("usp/agent/7"), Some("usp/x"))]
#[case::everything("#", None, None)]
#[tokio::test(start_paused = true)]
async fn the_agent_is_reached_where_it_can_be(
    #[case] filter: &str,
    #[case] configured: Option<&str>,
    #[case] topic: Option<&str>,
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |config| config.agent_topic = configured.map(str::to_owned)).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    raw.subscribe(filter, 1).await;
    far.handle.send_record("r").await.unwrap();
    match topic {
        Some(topic) => assert_eq!(raw.publish().await.topic, topic),
        None => assert_eq!(far.failure().await.kind, FailureKind::Undelivered),
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_reply_to_counts_and_a_record_opens_the_session() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V311, "x").await;
    raw.send(Packet::Publish(publish("usp/controller/1/reply-to=my%2Fplace", 0, "r"))).await;
    far.opened().await;
    assert_eq!(far.record().await.1.reply_to.as_deref(), Some("my/place"));
    far.handle.send_record("lost").await.unwrap();
    assert_eq!(far.failure().await.kind, FailureKind::Undelivered, "it has subscribed to nothing");
    raw.subscribe("my/#", 1).await;
    far.handle.send_record("r").await.unwrap();
    assert_eq!(raw.publish().await.topic, "my/place/reply-to=usp%2Fcontroller%2F1");
}

#[tokio::test(start_paused = true)]
async fn what_is_sent_can_be_delayed() {
    let (far, mut agent) = pair(MqttVersion::V5).await;
    far.handle.change_behaviour(|behaviour| behaviour.send_delay = Duration::from_secs(20));
    let before = Instant::now();
    far.handle.send_record("r").await.unwrap();
    agent.record().await;
    assert_eq!(before.elapsed().as_secs(), 20);
}

#[tokio::test(start_paused = true)]
async fn acknowledgements_can_be_withheld() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.withhold = [PacketKind::PubAck].into());
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    raw.send(Packet::Publish(publish(CONTROLLER_TOPIC, 1, "r"))).await;
    far.record().await;
    assert!(raw.is_silent(Duration::from_secs(60)).await);
}

#[tokio::test(start_paused = true)]
async fn a_message_of_quality_two_counts_once() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    for dup in [false, true] {
        let mut publish = publish(CONTROLLER_TOPIC, 2, "once");
        publish.dup = dup;
        raw.send(Packet::Publish(publish)).await;
        assert_eq!(raw.packet().await, Packet::PubRec(Ack::of(77)));
    }
    raw.send(Packet::PubRel(Ack::of(77))).await;
    assert_eq!(raw.packet().await, Packet::PubComp(Ack::of(77)));
    raw.send(Packet::PubRel(Ack::of(77))).await;
    assert!(matches!(raw.packet().await, Packet::PubComp(ack) if ack.reason == Some(0x92)));
    far.record().await;
    let more = far.drain().into_iter().filter(|what| matches!(what, MtpHappening::Record { .. })).count();
    assert_eq!(more, 0);
}

#[tokio::test(start_paused = true)]
async fn a_client_that_acknowledges_nothing_is_told_of() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let properties = Properties::new().with(PropertyId::ReceiveMaximum, PropertyValue::Two(2));
    let (mut raw, _) = Raw::open_with(&network, Connect { properties, ..Connect::new(MqttVersion::V5, "x") }).await;
    raw.subscribe("a", 1).await;
    far.opened().await;
    far.handle.send_record("1").await.unwrap();
    far.handle.send_record("2").await.unwrap();
    far.handle.send_record("3").await.unwrap_err();
    assert_eq!(far.failure().await.kind, FailureKind::Undelivered);
    let first = raw.publish().await.packet_id.unwrap();
    raw.send(Packet::PubAck(Ack::of(first))).await;
    far.packet("PUBACK").await;
    far.handle.send_record("4").await.unwrap();
}
