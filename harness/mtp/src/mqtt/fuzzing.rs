//! What fuzzing asks of the packets.

use super::packet::{Decoded, Decoder, EVIDENCE, MqttVersion, Packet};
use super::topic;

/// Largest packet that is taken: small, so that octets come near it.
const LIMIT: usize = 1000;

/// A stream of packets, read by both versions.
///
/// # Panics
/// When the packets depend on how the octets are cut, take more than their limit, or are not what is written of them.
pub fn packets(octets: &[u8]) {
    let Some((size, octets)) = crate::fuzzing::cut(octets) else {
        return;
    };
    for version in [MqttVersion::V311, MqttVersion::V5] {
        let whole = read(version, octets, octets.len());
        assert_eq!(whole, read(version, octets, size), "{version}, cut by {size}");
        for decoded in &whole.0 {
            if let Some(packet) = &decoded.packet {
                assert!(packet.fields(version).is_object());
                names(packet);
                if decoded.violations.is_empty() {
                    written_and_read(version, packet);
                }
            }
        }
    }
}

/// The packets until what cannot be decoded, and whether there is that.
fn read(version: MqttVersion, octets: &[u8], size: usize) -> (Vec<Decoded>, bool) {
    let mut decoder = Decoder::new(LIMIT, version);
    let mut packets = Vec::new();
    for chunk in octets.chunks(size.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            match decoder.next_packet() {
                Ok(Some(one)) => {
                    assert!(one.packet.is_some() || !one.violations.is_empty(), "a packet is lost in silence");
                    assert!(one.violations.iter().all(|violation| violation.octets.len() <= EVIDENCE));
                    assert!(one.packet.as_ref().is_none_or(|packet| packet.kind() == one.kind));
                    packets.push(one);
                }
                Ok(None) => break,
                Err(_) => return (packets, true),
            }
        }
        assert!(decoder.pending().len() < LIMIT, "more than a packet waits for its end");
    }
    (packets, false)
}

fn written_and_read(version: MqttVersion, packet: &Packet) {
    let octets = packet.to_octets(version);
    let mut decoder = Decoder::new(2 * LIMIT, version);
    decoder.buffer().extend_from_slice(&octets);
    let again = decoder.next_packet().ok().flatten();
    assert!(decoder.pending().is_empty());
    assert_eq!(
        again.as_ref().and_then(|again| again.packet.as_ref()),
        Some(packet),
        "what is read is written otherwise"
    );
    assert_eq!(packet.size(version), octets.len());
}

/// The topics and filters in it.
fn names(packet: &Packet) {
    match packet {
        Packet::Publish(publish) => {
            let _ = (topic::check_name(&publish.topic), topic::split_reply_to(&publish.topic));
        }
        Packet::Subscribe(subscribe) => {
            for one in &subscribe.subscriptions {
                let filter = &one.filter;
                let _ = (topic::check_filter(filter), topic::shared(filter), topic::without_wildcards(filter));
                assert!(topic::check_filter(filter).is_err() || topic::includes(filter, filter), "{filter:?}");
            }
        }
        _ => {}
    }
}
