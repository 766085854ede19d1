//! Properties that hold for any octets and any packet.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

/// Largest packet in these tests: small, so that random octets come near it.
const LIMIT: usize = 600;

fn version() -> impl Strategy<Value = MqttVersion> {
    prop_oneof![Just(MqttVersion::V311), Just(MqttVersion::V5)]
}

fn text() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:/äß€ -]{0,12}"
}

fn name() -> impl Strategy<Value = String> {
    "[a-zA-Z0-9:/ä-]{1,12}"
}

fn octets() -> impl Strategy<Value = Bytes> {
    vec(any::<u8>(), 0..20).prop_map(Bytes::from)
}

fn packet_id() -> impl Strategy<Value = u16> {
    1..=u16::MAX
}

fn user() -> impl Strategy<Value = Properties> {
    vec((text(), text()), 0..3)
        .prop_map(|pairs| pairs.into_iter().fold(Properties::new(), |all, (name, value)| all.with_user(name, value)))
}

fn optional_user() -> impl Strategy<Value = Option<Properties>> {
    prop::option::of(user())
}

fn of_connect() -> impl Strategy<Value = Properties> {
    (user(), any::<u32>(), 1..=u16::MAX, any::<bool>()).prop_map(|(user, expiry, maximum, request)| {
        user.with(PropertyId::SessionExpiryInterval, PropertyValue::Four(expiry))
            .with(PropertyId::ReceiveMaximum, PropertyValue::Two(maximum))
            .with(PropertyId::RequestResponseInformation, PropertyValue::Byte(u8::from(request)))
    })
}

fn of_message() -> impl Strategy<Value = Properties> {
    (user(), text(), name(), octets(), any::<u32>()).prop_map(|(user, content_type, response, correlation, expiry)| {
        user.with_text(PropertyId::ContentType, content_type)
            .with_text(PropertyId::ResponseTopic, response)
            .with(PropertyId::CorrelationData, PropertyValue::Binary(correlation))
            .with(PropertyId::MessageExpiry, PropertyValue::Four(expiry))
    })
}

fn will() -> impl Strategy<Value = Will> {
    (name(), 0..=2_u8, any::<bool>(), octets(), of_message())
        .prop_map(|(topic, qos, retain, payload, properties)| Will { topic, qos, retain, payload, properties })
}

fn connect() -> impl Strategy<Value = Packet> {
    let credentials = prop::option::of((text(), prop::option::of(octets())));
    (version(), any::<u16>(), name(), credentials, prop::option::of(will()), of_connect(), any::<bool>()).prop_map(
        |(version, keep_alive, client_id, credentials, will, properties, clean_start)| {
            let (username, password) = credentials.map_or((None, None), |(name, word)| (Some(name), word));
            let new = Connect::new(version, client_id);
            Packet::Connect(Connect { clean_start, keep_alive, username, password, will, properties, ..new })
        },
    )
}

fn publish() -> impl Strategy<Value = Packet> {
    (0..=2_u8, any::<bool>(), any::<bool>(), name(), packet_id(), of_message(), octets()).prop_map(
        |(qos, dup, retain, topic, packet_id, properties, payload)| {
            let packet_id = (qos > 0).then_some(packet_id);
            Packet::Publish(Publish { dup: dup && qos > 0, qos, retain, topic, packet_id, properties, payload })
        },
    )
}

fn subscribe() -> impl Strategy<Value = Packet> {
    let one = (name(), 0..=2_u8, any::<bool>(), any::<bool>(), 0..=2_u8).prop_map(
        |(filter, qos, no_local, retain_as_published, retain_handling)| Subscription {
            filter,
            qos,
            no_local,
            retain_as_published,
            retain_handling,
        },
    );
    (packet_id(), vec(one, 1..4), user()).prop_map(|(packet_id, subscriptions, properties)| {
        Packet::Subscribe(Subscribe { packet_id, subscriptions, properties })
    })
}

fn ack() -> impl Strategy<Value = Packet> {
    (0..4_u8, packet_id(), prop_oneof![Just(None), Just(Some(0))], optional_user()).prop_map(
        |(which, packet_id, reason, properties)| {
            let properties = properties.filter(|_| reason.is_some());
            let ack = Ack { packet_id, reason, properties };
            match which {
                0 => Packet::PubAck(ack),
                1 => Packet::PubRec(ack),
                2 => Packet::PubRel(ack),
                _ => Packet::PubComp(ack),
            }
        },
    )
}

fn packet() -> impl Strategy<Value = Packet> {
    prop_oneof![
        connect(),
        (any::<bool>(), user()).prop_map(|(session_present, properties)| Packet::ConnAck(ConnAck {
            session_present,
            reason: 0,
            properties
        })),
        publish(),
        ack(),
        subscribe(),
        (packet_id(), vec(0..=2_u8, 1..4), user())
            .prop_map(|(packet_id, reasons, properties)| Packet::SubAck(SubAck { packet_id, reasons, properties })),
        (packet_id(), vec(name(), 1..4), user()).prop_map(|(packet_id, filters, properties)| Packet::Unsubscribe(
            Unsubscribe { packet_id, filters, properties }
        )),
        Just(Packet::PingReq),
        Just(Packet::PingResp),
        optional_user().prop_map(|properties| Packet::Disconnect(Disconnect { reason: Some(4), properties })),
        Just(Packet::Disconnect(Disconnect::default())),
        optional_user().prop_map(|properties| Packet::Auth(Auth { reason: Some(0x18), properties })),
    ]
}

/// What version 3.1.1 has of a packet.
fn as_of_311(packet: Packet) -> Option<Packet> {
    let none = Properties::new();
    Some(match packet {
        Packet::ConnAck(ack) => Packet::ConnAck(ConnAck { properties: none, ..ack }),
        Packet::Publish(publish) => Packet::Publish(Publish { properties: none, ..publish }),
        Packet::PubAck(ack) => Packet::PubAck(Ack::of(ack.packet_id)),
        Packet::PubRec(ack) => Packet::PubRec(Ack::of(ack.packet_id)),
        Packet::PubRel(ack) => Packet::PubRel(Ack::of(ack.packet_id)),
        Packet::PubComp(ack) => Packet::PubComp(Ack::of(ack.packet_id)),
        Packet::Subscribe(Subscribe { packet_id, subscriptions, .. }) => {
            let plain = |one: Subscription| Subscription::new(one.filter, one.qos);
            let subscriptions = subscriptions.into_iter().map(plain).collect();
            Packet::Subscribe(Subscribe { packet_id, subscriptions, properties: none })
        }
        Packet::SubAck(ack) => Packet::SubAck(SubAck { properties: none, ..ack }),
        Packet::Unsubscribe(one) => Packet::Unsubscribe(Unsubscribe { properties: none, ..one }),
        Packet::Disconnect(_) => Packet::Disconnect(Disconnect::default()),
        Packet::Auth(_) => return None,
        Packet::Connect(connect) if connect.level == 5 => Packet::Connect(connect),
        Packet::Connect(connect) => {
            let will = connect.will.map(|will| Will { properties: Properties::new(), ..will });
            Packet::Connect(Connect { properties: none, will, ..connect })
        }
        other => other,
    })
}

/// Reads octets to their end or to what cannot be decoded.
fn read(octets: &[u8], cut: usize, version: MqttVersion) -> (Vec<Decoded>, bool) {
    let mut decoder = Decoder::new(LIMIT, version);
    let mut read = Vec::new();
    for chunk in octets.chunks(cut.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            let before = decoder.pending().len();
            match decoder.next_packet() {
                Ok(Some(one)) => {
                    assert!(decoder.pending().len() < before, "a packet took nothing out of the buffer");
                    assert!(one.packet.is_some() || !one.violations.is_empty(), "a packet is lost in silence");
                    read.push(one);
                }
                Ok(None) => break,
                Err(_) => return (read, true),
            }
        }
        assert!(decoder.pending().len() <= LIMIT, "{} octets wait", decoder.pending().len());
    }
    (read, false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(packet in packet(), version in version()) {
        let packet = if version == MqttVersion::V5 { Some(packet) } else { as_of_311(packet) };
        let Some(packet) = packet else { return Ok(()); };
        let packet = match packet {
            Packet::Connect(connect) if connect.level == 4 => as_of_311(Packet::Connect(connect)).unwrap(),
            other => other,
        };
        let octets = packet.to_octets(version);
        let (read, failed) = read(&octets, octets.len(), version);
        prop_assert!(!failed);
        prop_assert_eq!(read.len(), 1);
        prop_assert_eq!(&read[0].violations, &Vec::new());
        prop_assert_eq!(read[0].packet.as_ref(), Some(&packet));
        prop_assert!(packet.fields(version).is_object());
    }

    #[test]
    fn any_octets_are_read_within_limits(octets in vec(any::<u8>(), 0..1200), cut in 1_usize..50, version in version()) {
        let _ = read(&octets, cut, version);
    }

    #[test]
    fn octets_that_are_nearly_packets_mean_the_same_however_they_are_cut(
        packets in vec(packet(), 1..5),
        changes in vec((any::<prop::sample::Index>(), any::<u8>()), 0..3),
        cut in 1_usize..50,
        version in version(),
    ) {
        let mut octets = BytesMut::new();
        for packet in &packets {
            packet.write(version, &mut octets);
        }
        for (index, value) in changes {
            let place = index.index(octets.len());
            octets[place] = value;
        }
        let whole = read(&octets, octets.len(), version);
        for decoded in &whole.0 {
            if let Some(packet) = &decoded.packet {
                let _ = (packet.fields(version), packet.to_octets(version));
            }
        }
        // The buffer is larger when everything comes at once, so that only what is cut out of it is compared.
        prop_assert_eq!(read(&octets, cut, version), whole);
    }
}
