//! Clients that do what they must not: everything is told with its requirement and octets, and the others are served on.

use std::time::Duration;

use rstest::rstest;
use uspec_mtp::event::{Direction, FailureKind, MtpHappening};
use uspec_mtp::mqtt::MqttVersion;
use uspec_mtp::mqtt::packet::{Connect, Packet};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{CONTROLLER_TOPIC, Far, Raw, broker, publish};

use MqttVersion::{V5, V311};

/// What becomes of the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    /// It goes on.
    GoesOn,
    /// It is ended, with a DISCONNECT of that Reason Code in 5.0.
    Ends(u8),
}
use Then::{Ends, GoesOn};

#[rstest]
#[case::reserved_flags(V5, "c1 00", "MQTT 5.0 2.1.3", GoesOn)]
#[case::reserved_flags_311(V311, "c1 00", "MQTT 3.1.1 2.2.2", GoesOn)]
#[case::subscribe_flags(V5, "80 07 0001 00 0001 61 00", "MQTT 5.0 2.1.3", GoesOn)]
#[case::type_0(V5, "00 00", "MQTT 5.0 2.1.2", Ends(0x81))]
#[case::type_15_in_311(V311, "f0 00", "MQTT 3.1.1 2.2.1", Ends(0x81))]
#[case::remaining_length(V5, "30 ff ff ff ff 01", "MQTT 5.0 2.1.4", Ends(0x81))]
#[case::long_remaining_length(V5, "c0 80 00", "MQTT 5.0 1.5.5", GoesOn)]
#[case::truncated_inside(V5, "30 03 0005 61", "MQTT 5.0 2.1.4", Ends(0x81))]
#[case::truncated_inside_311(V311, "82 02 0001", "MQTT 3.1.1 3.8.3", GoesOn)]
#[case::behind_the_end(V5, "c0 01 00", "MQTT 5.0 2.1.4", GoesOn)]
#[case::unknown_property(V5, "30 06 0001 61 02 7f 00", "MQTT 5.0 2.2.2.2", GoesOn)]
#[case::misplaced_property(V5, "30 07 0001 61 03 21 0001", "MQTT 5.0 2.2.2.2", GoesOn)]
#[case::repeated_property(V5, "30 08 0001 61 04 01 00 01 00", "MQTT 5.0 3.3.2.3.2", GoesOn)]
#[case::property_value(V5, "30 06 0001 61 02 01 02", "MQTT 5.0 3.3.2.3.2", GoesOn)]
#[case::property_length(V5, "30 04 0001 61 09", "MQTT 5.0 2.2.2.1", Ends(0x81))]
#[case::utf8(V5, "30 04 0001 ff 00", "MQTT 5.0 1.5.4", GoesOn)]
#[case::utf8_311(V311, "30 03 0001 ff", "MQTT 3.1.1 1.5.3", GoesOn)]
#[case::nul(V5, "30 04 0001 00 00", "MQTT 5.0 1.5.4", GoesOn)]
#[case::qos_3(V5, "36 06 0001 61 0001 00", "MQTT 5.0 3.3.1.2", Ends(0x81))]
#[case::dup_with_qos_0(V5, "38 04 0001 61 00", "MQTT 5.0 3.3.1.1", GoesOn)]
#[case::packet_id_0(V5, "32 06 0001 61 0000 00", "MQTT 5.0 2.2.1", GoesOn)]
#[case::subscribe_id_0(V311, "82 06 0000 0001 61 00", "MQTT 3.1.1 2.3.1", GoesOn)]
#[case::wildcard_in_topic(V5, "30 04 0001 23 00", "MQTT 5.0 3.3.2.1", GoesOn)]
#[case::empty_topic(V5, "30 03 0000 00", "MQTT 5.0 3.3.2.1", GoesOn)]
#[case::response_topic(V5, "30 08 0001 61 04 08 0001 2b", "MQTT 5.0 3.3.2.3.5", GoesOn)]
#[case::filter_grammar(V5, "82 08 0001 00 0002 6123 00", "MQTT 5.0 4.7.1", GoesOn)]
#[case::shared_grammar(V5, "82 0d 0001 00 0007 2473686172652f 00", "MQTT 5.0 4.8.2", GoesOn)]
#[case::subscription_qos_3(V5, "82 07 0001 00 0001 61 03", "MQTT 5.0 3.8.3.1", GoesOn)]
#[case::subscription_options(V311, "82 06 0001 0001 61 04", "MQTT 3.1.1 3.8.3", GoesOn)]
#[case::subscribe_to_nothing(V5, "82 03 0001 00", "MQTT 5.0 3.8.3", GoesOn)]
#[case::unsubscribe_from_nothing(V311, "a2 02 0001", "MQTT 3.1.1 3.10.3", GoesOn)]
#[case::subscription_identifier(V5, "30 06 0001 61 02 0b 01", "MQTT 5.0 3.3.4", GoesOn)]
#[case::topic_alias(V5, "30 07 0001 61 03 23 0001", "MQTT 5.0 3.3.2.3.4", Ends(0x94))]
#[case::second_connect(V5, "10 0d 0004 4d515454 05 02 0000 00 0000", "MQTT 5.0 3.1", Ends(0x82))]
#[case::connack_of_a_client(V5, "20 03 00 00 00", "MQTT 5.0 2.1.2", Ends(0x82))]
#[case::auth(V5, "f0 00", "MQTT 5.0 4.12", Ends(0x82))]
#[case::puback_reason(V5, "40 03 0001 07", "MQTT 5.0 3.4.2.1", GoesOn)]
#[case::disconnect_reason(V5, "e0 01 77", "MQTT 5.0 3.14.2.1", Ends(0xFF))]
#[case::late_expiry(V5, "e0 07 00 05 11 00000009", "MQTT 5.0 3.14.2.2.2", Ends(0xFF))]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_is_told(
    #[case] version: MqttVersion,
    #[case] octets: &str,
    #[case] requirement: &str,
    #[case] then: Then,
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut other, _) = Raw::open(&network, V5, "other").await;
    let (mut raw, _) = Raw::open(&network, version, "x").await;
    let octets = hex::decode(octets.replace(' ', "")).unwrap();
    raw.octets(&octets).await;
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::ProtocolViolation, "{failure}");
    assert_eq!(failure.requirement.as_deref(), Some(requirement), "{failure}");
    assert_eq!(&failure.octets[..], &octets[..], "{failure}");
    match then {
        GoesOn => {
            raw.lenient = true;
            raw.send(Packet::PingReq).await;
            while raw.packet().await != Packet::PingResp {}
        }
        // The client itself has said farewell.
        Ends(0xFF) => assert_eq!(raw.maybe_packet().await, None),
        Ends(reason) => {
            if version == V5 {
                let bye = raw.packet().await;
                assert!(matches!(&bye, Packet::Disconnect(bye) if bye.reason() == reason), "{bye:?}");
            }
            assert_eq!(raw.maybe_packet().await, None);
        }
    }
    other.send(Packet::Publish(publish(CONTROLLER_TOPIC, 1, "on"))).await;
    assert!(matches!(other.packet().await, Packet::PubAck(_)));
    assert_eq!(far.record().await.0, b"on");
}

#[rstest]
#[case::no_connect("c0 00", "MQTT 3.1.1 3.1")]
#[case::http("47 45 54 20 2f", "MQTT 3.1.1 2.2.2")]
#[case::protocol_name("10 0c 0004 58515454 04 02 0000 0000", "MQTT 3.1.1 3.1.2.1")]
#[case::protocol_level("10 0d 0004 4d515454 06 02 0000 00 0000", "MQTT 5.0 3.1.2.2")]
#[case::reserved_flag("10 0d 0004 4d515454 05 03 0000 00 0000", "MQTT 5.0 3.1.2.3")]
#[case::will_qos("10 0d 0004 4d515454 05 1a 0000 00 0000", "MQTT 5.0 3.1.2.6")]
#[case::password_alone("10 0e 0004 4d515454 04 42 0000 0000 0000", "MQTT 3.1.1 3.1.2.9")]
#[case::no_id_without_clean_session("10 0c 0004 4d515454 04 00 0000 0000", "MQTT 3.1.1 3.1.3.1")]
#[case::truncated("10 02 0004", "MQTT 5.0 2.1.4")]
#[tokio::test(start_paused = true)]
async fn what_is_wrong_at_the_beginning_is_told(#[case] octets: &str, #[case] requirement: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let mut raw = Raw::connect(&network, V5).await;
    raw.octets(&hex::decode(octets.replace(' ', "")).unwrap()).await;
    // What looks like a packet that is not whole yet gets no further.
    raw.octets(&[0; 200]).await;
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::ProtocolViolation, "{failure}");
    assert_eq!(failure.requirement.as_deref(), Some(requirement), "{failure}");
    let (mut other, _) = Raw::open(&network, V5, "other").await;
    other.send(Packet::PingReq).await;
    assert_eq!(other.packet().await, Packet::PingResp);
}

#[tokio::test(start_paused = true)]
async fn an_oversized_packet_is_not_read() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |config| config.max_record = 1000).await;
    let (mut raw, _) = Raw::open(&network, V5, "x").await;
    raw.octets(&[0x30, 0xFF, 0xFF, 0x7F, 0, 1, b'a']).await;
    let (limit, announced) = far
        .until(|what| match what {
            MtpHappening::Oversized { limit, announced } => Some((*limit, *announced)),
            _ => None,
        })
        .await;
    assert_eq!((limit, announced), (1000 + 256 * 1024, 2_097_155));
    let bye = raw.packet().await;
    assert!(matches!(&bye, Packet::Disconnect(bye) if bye.reason() == 0x95), "{bye:?}");
}

#[tokio::test(start_paused = true)]
async fn a_client_that_asks_without_reading_is_slowed_down() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut raw, _) = Raw::open(&network, V5, "x").await;
    let ask = hex::decode("82 07 0001 00 0001 61 00".replace(' ', "")).unwrap().repeat(1000);
    let (sender, flooded) = tokio::sync::oneshot::channel();
    tokio::spawn(async move {
        for _ in 0..200 {
            raw.octets(&ask).await;
        }
        let _ = sender.send(raw);
    });
    // It is left in the end, as it reads nothing.
    let text = far
        .until(|what| match what {
            MtpHappening::Failed(failure) if failure.kind == FailureKind::Timeout => Some(failure.text.clone()),
            _ => None,
        })
        .await;
    assert!(text.contains("read nothing"), "{text}");
    let answered = far.seen.iter().filter(|event| {
        matches!(&event.what, MtpHappening::Packet { direction: Direction::Received, packet } if packet.kind == "SUBSCRIBE")
    });
    let answered = answered.count();
    assert!(answered < 60_000, "{answered} SUBSCRIBEs were taken");
    drop(flooded);
}

#[tokio::test(start_paused = true)]
async fn a_subscriber_that_reads_nothing_costs_nobody_else_anything() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let (mut deaf, _) = Raw::open(&network, V5, "deaf").await;
    deaf.subscribe("flood", 0).await;
    let (mut from, _) = Raw::open(&network, V5, "from").await;
    let payload = "x".repeat(10_000);
    let reading = tokio::spawn(async move {
        for _ in 0..4000 {
            from.send(Packet::Publish(publish("flood", 1, &payload))).await;
            from.packet().await;
        }
        from
    });
    let lost = far
        .until(|what| match what {
            MtpHappening::Failed(failure) if failure.kind == FailureKind::Undelivered => Some(failure.text.clone()),
            _ => None,
        })
        .await;
    assert!(lost.contains("flood"), "{lost}");
    while !reading.is_finished() {
        far.next().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_packet_in_many_pieces_is_one() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let mut raw = Raw::connect(&network, V5).await;
    for octet in Packet::Connect(Connect::new(V5, "x")).to_octets(V5) {
        raw.octets(&[octet]).await;
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    assert!(matches!(raw.packet().await, Packet::ConnAck(_)));
    far.packet("CONNECT").await;
}
