//! Which connections are the EUT's: anybody may knock at a port, and a broker has other clients as well.
//!
//! A connection is the EUT's when it carried Records of it, when it named its Endpoint ID, or when we opened it to where the profile says
//! that the EUT is. A UNIX domain socket is no port at which anybody knocks: its path is the profile's, and whoever sends there is the EUT. While nobody knows who the EUT is, it is whoever sends a Record or names an Endpoint ID.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{
    judge::evidence::Evidence,
    trace::{ConnectionState, Direction},
    view::{ConnectionSeen, PacketSeen},
};

/// The type of the Handshake TLV of a UNIX domain socket (TR-369, UNIX Domain Socket Binding).
pub(super) const HANDSHAKE: u64 = 1;

/// The connections of the EUT, by their numbers.
pub(super) fn connections(evidence: Evidence<'_>) -> BTreeSet<u32> {
    let view = evidence.view;
    let eut = view.trace.header.eut_endpoint_id.as_str();
    let is_eut = |id: &str| !id.is_empty() && (eut.is_empty() || id == eut);
    let mut numbers: BTreeSet<u32> = view
        .received()
        .filter(|record| record.typed().is_some_and(|typed| is_eut(&typed.from_id)))
        .map(|record| record.connection)
        .collect();
    let named = view.packets.iter().filter(|packet| packet.came() && named_by(packet).is_some_and(is_eut));
    numbers.extend(named.map(|packet| packet.connection));
    let is_uds = view.trace.header.mtp_facts.as_ref().is_some_and(|facts| facts.kind == "uds");
    let told = |connection: &&ConnectionSeen<'_>| {
        is_uds || opened_by_us(connection) || told_id(connection).is_some_and(is_eut)
    };
    numbers.extend(view.connections.iter().filter(told).map(|connection| connection.number));
    numbers
}

/// Every packet of the EUT, in order.
pub(crate) fn packets(evidence: Evidence<'_>) -> Vec<&PacketSeen<'_>> {
    let view = evidence.view;
    if view.packets.is_empty() {
        return Vec::new();
    }
    let eut = connections(evidence);
    let of_eut = |packet: &&PacketSeen<'_>| packet.direction == Direction::Received && eut.contains(&packet.connection);
    view.packets.iter().filter(of_eut).collect()
}

/// The packets that carried Records of the EUT, in order.
pub(super) fn carriers(evidence: Evidence<'_>) -> Vec<&PacketSeen<'_>> {
    let view = evidence.view;
    if view.packets.is_empty() {
        return Vec::new();
    }
    let eut = connections(evidence);
    let records = view.received().filter(|record| eut.contains(&record.connection));
    records.filter_map(|record| view.carrier(record)).collect()
}

/// The Endpoint ID that a packet names as its sender's.
pub(super) fn named_by<'a>(packet: &PacketSeen<'a>) -> Option<&'a str> {
    match packet.kind {
        "CONNECT" | "STOMP" => {
            packet.user_properties("usp-endpoint-id").next().or_else(|| packet.header("endpoint-id"))
        }
        "HANDSHAKE" | "FRAME" => handshake(packet),
        _ => None,
    }
}

/// The Endpoint ID in the Handshake TLV of a frame of a UNIX domain socket.
pub(super) fn handshake<'a>(packet: &PacketSeen<'a>) -> Option<&'a str> {
    let tlvs = packet.fields.get("tlvs")?.as_array()?;
    let first = tlvs.iter().find(|tlv| tlv.get("type").and_then(Value::as_u64) == Some(HANDSHAKE))?;
    first.get("text")?.as_str()
}

/// Whether the Trace has the beginning of a connection.
pub(super) fn begins(connection: &ConnectionSeen<'_>) -> bool {
    connection.events.iter().any(|(_, _, state, _)| *state == ConnectionState::Attempt)
}

/// Whether we opened the stream.
pub(super) fn opened_by_us(connection: &ConnectionSeen<'_>) -> bool {
    connection.eut_is_client() == Some(false)
}

fn told_id<'t>(connection: &ConnectionSeen<'t>) -> Option<&'t str> {
    let (_, _, _, details) = connection.events.iter().find(|(_, _, state, _)| *state == ConnectionState::Open)?;
    let session = details.get("open").unwrap_or(details);
    ["eid", "eid_in_query", "eid_in_extension"].iter().find_map(|key| session.get(*key)?.as_str())
}
