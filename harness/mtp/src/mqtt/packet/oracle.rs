//! What an independent codec makes of our octets, and we of its.

use bytes::{Bytes, BytesMut};
use proptest::prelude::*;
use rumqttc::mqttbytes::{QoS, v4};
use rumqttc::v5::mqttbytes::v5;

use super::*;

/// Largest packet in these tests.
const LIMIT: usize = 64 * 1024;

fn ours(octets: &[u8], version: MqttVersion) -> Packet {
    let mut decoder = Decoder::new(LIMIT, version);
    decoder.buffer().extend_from_slice(octets);
    let read = decoder.next_packet().unwrap().unwrap();
    assert_eq!(read.violations, Vec::new());
    assert!(decoder.pending().is_empty());
    read.packet.unwrap()
}

fn qos(qos: u8) -> QoS {
    match qos {
        0 => QoS::AtMostOnce,
        1 => QoS::AtLeastOnce,
        _ => QoS::ExactlyOnce,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn publish_of_311(
        topic in "[a-z/]{1,300}",
        payload in prop::collection::vec(any::<u8>(), 0..400),
        level in 0..=2_u8,
        retain in any::<bool>(),
        id in 1..=u16::MAX,
    ) {
        let packet_id = (level > 0).then_some(id);
        let payload = Bytes::from(payload);
        let publish = Packet::Publish(Publish {
            qos: level, retain, topic: topic.clone(), packet_id, payload: payload.clone(), ..Publish::default()
        });
        let mut octets = BytesMut::from(&*publish.to_octets(MqttVersion::V311));
        let v4::Packet::Publish(theirs) = v4::Packet::read(&mut octets, LIMIT).unwrap() else {
            return Err(TestCaseError::fail("no PUBLISH"));
        };
        prop_assert_eq!(&theirs.topic, &topic);
        prop_assert_eq!(&theirs.payload, &payload);
        prop_assert_eq!(theirs.qos, qos(level));
        prop_assert_eq!(theirs.retain, retain);
        prop_assert_eq!(theirs.pkid, packet_id.unwrap_or_default());
        let mut octets = BytesMut::new();
        theirs.write(&mut octets).unwrap();
        prop_assert_eq!(ours(&octets, MqttVersion::V311), publish);
    }

    #[test]
    fn connect_of_311(client_id in "[a-z]{1,40}", keep_alive in any::<u16>(), name in "[a-z]{1,9}", word in "[a-z]{1,9}") {
        let mut theirs = v4::Connect::new(client_id.clone());
        theirs.keep_alive = keep_alive;
        theirs.set_login(name.clone(), word.clone());
        let mut octets = BytesMut::new();
        theirs.write(&mut octets).unwrap();
        let Packet::Connect(read) = ours(&octets, MqttVersion::V311) else {
            return Err(TestCaseError::fail("no CONNECT"));
        };
        prop_assert_eq!(read.version(), Some(MqttVersion::V311));
        prop_assert_eq!(&read.client_id, &client_id);
        prop_assert_eq!(read.keep_alive, keep_alive);
        prop_assert_eq!(read.username.as_deref(), Some(&*name));
        prop_assert_eq!(read.password.as_deref(), Some(word.as_bytes()));
        let mut octets = BytesMut::from(&*Packet::Connect(read).to_octets(MqttVersion::V311));
        prop_assert_eq!(v4::Packet::read(&mut octets, LIMIT).unwrap(), v4::Packet::Connect(theirs));
    }

    #[test]
    fn publish_of_5(topic in "[a-z/]{1,30}", reply in "[a-z/]{1,30}", payload in "[a-z]{0,200}", user in "[a-z]{1,9}") {
        let properties = Properties::new()
            .with_text(PropertyId::ContentType, "usp.msg")
            .with_text(PropertyId::ResponseTopic, reply.clone())
            .with_user(user.clone(), "x");
        let publish = Packet::Publish(Publish {
            qos: 1, packet_id: Some(7), topic: topic.clone(), properties, payload: payload.into(), ..Publish::default()
        });
        let mut octets = BytesMut::from(&*publish.to_octets(MqttVersion::V5));
        let v5::Packet::Publish(theirs) = v5::Packet::read(&mut octets, Some(u32::try_from(LIMIT).unwrap())).unwrap() else {
            return Err(TestCaseError::fail("no PUBLISH"));
        };
        prop_assert_eq!(&*theirs.topic, topic.as_bytes());
        let properties = theirs.properties.unwrap();
        prop_assert_eq!(properties.content_type.as_deref(), Some("usp.msg"));
        prop_assert_eq!(properties.response_topic, Some(reply));
        prop_assert_eq!(properties.user_properties, vec![(user, "x".to_owned())]);
    }

    #[test]
    fn connack_of_5(keep_alive in any::<u16>(), information in "[a-z/]{1,30}", assigned in "[a-z]{1,30}") {
        let properties = Properties::new()
            .with(PropertyId::ServerKeepAlive, PropertyValue::Two(keep_alive))
            .with_text(PropertyId::ResponseInformation, information.clone())
            .with_text(PropertyId::AssignedClientIdentifier, assigned.clone());
        let ack = Packet::ConnAck(ConnAck { session_present: false, reason: 0, properties });
        let mut octets = BytesMut::from(&*ack.to_octets(MqttVersion::V5));
        let v5::Packet::ConnAck(theirs) = v5::Packet::read(&mut octets, Some(u32::try_from(LIMIT).unwrap())).unwrap() else {
            return Err(TestCaseError::fail("no CONNACK"));
        };
        let properties = theirs.properties.unwrap();
        prop_assert_eq!(properties.server_keep_alive, Some(keep_alive));
        prop_assert_eq!(properties.response_information, Some(information));
        prop_assert_eq!(properties.assigned_client_identifier, Some(assigned));
    }
}
