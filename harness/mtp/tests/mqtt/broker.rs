//! What any broker does: routing, retained messages, wills, keep alive, farewells.

use std::time::Duration;

use rstest::rstest;
use tokio::time::Instant;
use uspec_mtp::event::{EndedBy, FailureKind, MtpHappening};
use uspec_mtp::mqtt::MqttVersion;
use uspec_mtp::mqtt::packet::{
    Connect, Disconnect, Packet, Properties, Publish, Subscribe, Subscription, Unsubscribe, Will,
};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{Far, Raw, broker, publish};

async fn broker_on(network: &MemoryNetwork) -> Far {
    Far::start(network, broker(), |_| {}).await
}

#[tokio::test(start_paused = true)]
async fn messages_go_to_who_has_subscribed() {
    let network = MemoryNetwork::new();
    let _far = broker_on(&network).await;
    let (mut one, _) = Raw::open(&network, MqttVersion::V5, "one").await;
    let (mut two, _) = Raw::open(&network, MqttVersion::V311, "two").await;
    one.subscribe("a/+/c", 1).await;
    two.subscribe("a/#", 0).await;
    let (mut from, _) = Raw::open(&network, MqttVersion::V5, "from").await;
    let mut message = publish("a/b/c", 1, "hello");
    message.properties = Properties::new().with_user("k", "v");
    from.send(Packet::Publish(message)).await;
    assert!(matches!(from.packet().await, Packet::PubAck(_)));
    let got = one.publish().await;
    assert_eq!((got.qos, &*got.topic, &*got.payload), (1, "a/b/c", &b"hello"[..]));
    assert_eq!(got.properties.user("k").next(), Some("v"));
    let got = two.publish().await;
    assert_eq!((got.qos, got.packet_id, &*got.payload), (0, None, &b"hello"[..]));
    from.send(Packet::Publish(publish("a/b", 0, "x"))).await;
    assert_eq!(two.publish().await.topic, "a/b");
    assert!(one.is_silent(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn retained_messages_are_kept() {
    let network = MemoryNetwork::new();
    let _far = broker_on(&network).await;
    let (mut from, _) = Raw::open(&network, MqttVersion::V5, "from").await;
    from.send(Packet::Publish(Publish { retain: true, ..publish("a/b", 0, "kept") })).await;
    let (mut to, _) = Raw::open(&network, MqttVersion::V5, "to").await;
    to.subscribe("a/#", 1).await;
    let got = to.publish().await;
    assert!(got.retain && got.payload == "kept");
    from.send(Packet::Publish(Publish { retain: true, ..publish("a/b", 0, "") })).await;
    assert!(!to.publish().await.retain, "to who has subscribed it is a message like any other");
    let (mut late, _) = Raw::open(&network, MqttVersion::V5, "late").await;
    late.subscribe("a/#", 1).await;
    assert!(late.is_silent(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn no_local_and_shared_subscriptions() {
    let network = MemoryNetwork::new();
    let _far = broker_on(&network).await;
    let (mut one, _) = Raw::open(&network, MqttVersion::V5, "one").await;
    let subscriptions = vec![Subscription { no_local: true, ..Subscription::new("own", 0) }];
    one.send(Packet::Subscribe(Subscribe { packet_id: 1, subscriptions, ..Subscribe::default() })).await;
    one.packet().await;
    one.send(Packet::Publish(publish("own", 0, "x"))).await;
    assert!(one.is_silent(Duration::from_secs(1)).await);
    let (mut two, _) = Raw::open(&network, MqttVersion::V5, "two").await;
    assert_eq!(one.subscribe("$share/g/work", 0).await, [0]);
    two.subscribe("$share/g/work", 0).await;
    for number in 0..4 {
        one.send(Packet::Publish(publish("work", 0, &number.to_string()))).await;
    }
    for raw in [&mut one, &mut two] {
        raw.publish().await;
        raw.publish().await;
        assert!(raw.is_silent(Duration::from_secs(1)).await);
    }
}

#[tokio::test(start_paused = true)]
async fn a_will_is_published_unless_there_is_a_farewell() {
    let network = MemoryNetwork::new();
    let _far = broker_on(&network).await;
    let (mut heir, _) = Raw::open(&network, MqttVersion::V5, "heir").await;
    heir.subscribe("will", 0).await;
    let will = |text: &str| {
        let payload = text.to_owned().into();
        Some(Will { topic: "will".to_owned(), qos: 0, retain: false, payload, properties: Properties::new() })
    };
    let connect = |text: &str| Connect { will: will(text), ..Connect::new(MqttVersion::V5, "x") };
    let (mut raw, _) = Raw::open_with(&network, connect("farewell")).await;
    raw.send(Packet::Disconnect(Disconnect::default())).await;
    raw.rest().await;
    let (raw, _) = Raw::open_with(&network, connect("gone")).await;
    drop(raw);
    assert_eq!(heir.publish().await.payload, "gone");
    let (mut raw, _) = Raw::open_with(&network, connect("on purpose")).await;
    raw.send(Packet::Disconnect(Disconnect::because(4))).await;
    assert_eq!(heir.publish().await.payload, "on purpose");
}

#[rstest]
#[tokio::test(start_paused = true)]
async fn the_keep_alive_expires(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let network = MemoryNetwork::new();
    let mut far = broker_on(&network).await;
    let (mut raw, _) = Raw::open_with(&network, Connect { keep_alive: 10, ..Connect::new(version, "x") }).await;
    raw.subscribe("a", 0).await;
    for _ in 0..3 {
        tokio::time::sleep(Duration::from_secs(14)).await;
        raw.send(Packet::PingReq).await;
        assert_eq!(raw.packet().await, Packet::PingResp);
    }
    let before = Instant::now();
    if version == MqttVersion::V5 {
        assert!(matches!(raw.packet().await, Packet::Disconnect(bye) if bye.reason() == 0x8D));
    }
    assert_eq!(raw.maybe_packet().await, None);
    assert_eq!(before.elapsed().as_secs(), 15);
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::Timeout);
    assert_eq!(failure.requirement, Some(format!("MQTT {version} 3.1.2.10")));
}

#[rstest]
#[case(MqttVersion::V311, None)]
#[case(MqttVersion::V5, Some(0x8B))]
#[tokio::test(start_paused = true)]
async fn a_server_says_farewell(#[case] version: MqttVersion, #[case] code: Option<u16>) {
    let network = MemoryNetwork::new();
    let mut far = broker_on(&network).await;
    let (mut raw, _) = Raw::open(&network, version, "x").await;
    raw.subscribe("a", 0).await;
    far.opened().await;
    far.handle.disconnect_client(0x8B).await.unwrap();
    if version == MqttVersion::V5 {
        assert!(matches!(raw.packet().await, Packet::Disconnect(bye) if bye.reason() == 0x8B));
    }
    assert_eq!(raw.maybe_packet().await, None);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Us, code, true));
}

#[tokio::test(start_paused = true)]
async fn a_client_says_farewell() {
    let network = MemoryNetwork::new();
    let mut far = broker_on(&network).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    raw.subscribe("a", 0).await;
    raw.octets(&[0xE0, 0]).await;
    assert_eq!(raw.rest().await, b"");
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, Some(0), true));
    far.ended().await;
    assert!(!far.handle.is_open());
}

#[tokio::test(start_paused = true)]
async fn subscriptions_end() {
    let network = MemoryNetwork::new();
    let _far = broker_on(&network).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    raw.subscribe("a", 0).await;
    let filters = vec!["a".to_owned(), "b".to_owned()];
    raw.send(Packet::Unsubscribe(Unsubscribe { packet_id: 3, filters, ..Unsubscribe::default() })).await;
    assert!(matches!(raw.packet().await, Packet::UnsubAck(ack) if ack.reasons == [0, 0x11]));
    raw.send(Packet::Publish(publish("a", 0, "x"))).await;
    assert!(raw.is_silent(Duration::from_secs(1)).await);
}

#[tokio::test(start_paused = true)]
async fn foreign_topics_are_no_records() {
    let network = MemoryNetwork::new();
    let mut far = broker_on(&network).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    for topic in ["usp/controller", "usp/controller/10", "usp/controller/1x", "other"] {
        raw.send(Packet::Publish(publish(topic, 1, "x"))).await;
        raw.packet().await;
    }
    let all = far.drain();
    assert!(!all.iter().any(|what| matches!(what, MtpHappening::Record { .. } | MtpHappening::Open(_))));
    raw.send(Packet::Publish(publish("usp/controller/1/below", 0, "x"))).await;
    far.record().await;
}

#[tokio::test(start_paused = true)]
async fn everything_ends_when_the_end_stops() {
    let network = MemoryNetwork::new();
    let far = broker_on(&network).await;
    let (mut raw, _) = Raw::open(&network, MqttVersion::V5, "x").await;
    let mut silent = Raw::connect(&network, MqttVersion::V5).await;
    far.handle.shutdown().await;
    assert!(matches!(raw.packet().await, Packet::Disconnect(bye) if bye.reason() == 0x8B));
    assert_eq!(raw.maybe_packet().await, None);
    assert_eq!(silent.maybe_packet().await, None);
}
