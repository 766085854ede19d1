//! One packet of MQTT, or frame of STOMP or of a UNIX domain socket, of a Trace.

use serde_json::Value;

use super::RecordSeen;
use crate::{
    case::PacketKind,
    trace::{Direction, Event, What},
};

/// One packet.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PacketSeen<'t> {
    /// Its place among the events.
    pub(crate) index: usize,
    /// The event's own number, for findings.
    pub(crate) seq: u64,
    /// Over which connection.
    pub(crate) connection: u32,
    /// Which way.
    pub(crate) direction: Direction,
    /// Its name, such as `PUBLISH`.
    pub(crate) kind: &'t str,
    /// Everything in it but its body.
    pub(crate) fields: &'t Value,
    /// Its body.
    pub(crate) body: &'t [u8],
}

impl<'t> PacketSeen<'t> {
    pub(super) fn of(index: usize, event: &'t Event) -> Option<Self> {
        let What::Packet { connection, direction, kind, fields, body } = &event.what else { return None };
        let (connection, direction) = (*connection, *direction);
        Some(Self { index, seq: event.seq, connection, direction, kind, fields, body })
    }

    /// Whether the EUT sent it.
    pub(crate) fn came(&self) -> bool {
        self.direction == Direction::Received
    }

    /// A field that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<&'t str> {
        self.fields.get(name)?.as_str()
    }

    /// A header of a STOMP frame.
    pub(crate) fn header(&self, name: &str) -> Option<&'t str> {
        self.fields.get("headers")?.get(name)?.as_str()
    }

    /// A property of an MQTT packet.
    pub(crate) fn property(&self, name: &str) -> Option<&'t Value> {
        self.fields.get("properties")?.get(name)
    }

    /// The values of the User Properties with this name, in order.
    pub(crate) fn user_properties(&self, name: &str) -> impl Iterator<Item = &'t str> {
        let all = self.property("user_properties").and_then(Value::as_array).into_iter().flatten();
        let named = all.filter(move |pair| pair.get("name").and_then(Value::as_str) == Some(name));
        named.filter_map(|pair| pair.get("value")?.as_str())
    }

    fn carries_records(&self) -> bool {
        PacketKind::named(self.kind).is_some_and(PacketKind::carries_records)
    }
}

/// The packet that carried a Record. It stands just before it, on the same connection. Where several Controllers share a broker its packets
/// may stand on another one, and are known by their octets.
pub(super) fn carrier<'v, 't>(packets: &'v [PacketSeen<'t>], record: &RecordSeen<'_>) -> Option<&'v PacketSeen<'t>> {
    let (before, after) = packets.split_at_checked(packets.partition_point(|packet| packet.index < record.index))?;
    let fits = |packet: &&PacketSeen<'_>| packet.direction == record.direction && packet.carries_records();
    let here = |packet: &&PacketSeen<'_>| packet.connection == record.connection;
    let same = |packet: &&PacketSeen<'_>| packet.body == record.record.bytes;
    before
        .iter()
        .rev()
        .find(|it| fits(it) && here(it) && (same(it) || it.kind == "FRAME"))
        .or_else(|| after.iter().find(|it| fits(it) && here(it) && same(it)))
        .or_else(|| before.iter().rev().find(|it| fits(it) && same(it)))
}
