//! Payloads in which a secret cannot be looked for: those that cannot be decoded, and those in several parts.
//!
//! One decision behind it: such a payload is hidden whole as soon as the name of a secret stands in it. Its evidence is in the Trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    ops::Range,
};

use prost::{
    Message as _,
    encoding::{WireType, decode_key, decode_varint},
};
use uspec_usp::{
    decode::{Payload, payload},
    json::message_to_value,
    record::Record,
};

use super::named;
use crate::trace::{Direction, Trace, What};

/// Where the payload stands in a Record: the field of its context and the field in that.
const PAYLOADS: [(u32, u32); 2] = [(7, 2), (8, 7)];

/// The connections, and ways of them, on which the segments of a Message tell a secret.
#[derive(Debug, Default)]
pub(super) struct Segments(BTreeSet<(u32, bool)>);

impl Segments {
    /// Looks at all segments of a Trace, in their order. `has` says whether some octets hold a secret.
    pub(super) fn of(trace: &Trace, has: &dyn Fn(&[u8]) -> bool) -> Self {
        let mut joined: BTreeMap<(u32, bool), Vec<u8>> = BTreeMap::new();
        for event in &trace.events {
            let What::Record { connection, direction, bytes, .. } = &event.what else { continue };
            let Ok(record) = Record::decode(bytes.as_slice()) else { continue };
            if let Payload::Segment(segment) = payload(&record) {
                joined.entry((*connection, *direction == Direction::Sent)).or_default().extend_from_slice(&segment);
            }
        }
        let tells = |octets: &[u8]| named::broken(octets).tells() || has(octets);
        Self(joined.into_iter().filter(|(_, octets)| tells(octets)).map(|(way, _)| way).collect())
    }

    fn tell(&self, connection: u32, direction: Direction) -> bool {
        self.0.contains(&(connection, direction == Direction::Sent))
    }

    /// How a Record, or octets that should be one, carry their secrets. `has` says whether some octets hold one.
    pub(super) fn carried(
        &self,
        (connection, direction): (u32, Direction),
        bytes: &[u8],
        has: &dyn Fn(&[u8]) -> bool,
    ) -> Carried {
        let Ok(record) = Record::decode(bytes) else {
            let hidden = named::broken(bytes).dangling;
            return Carried { is_clear: false, hidden: std::iter::once(0..bytes.len()).filter(|_| hidden).collect() };
        };
        let parts = parts(bytes);
        let (is_clear, hidden) = match payload(&record) {
            Payload::None | Payload::Tls(_) => (false, false),
            Payload::Segment(_) => (false, self.tell(connection, direction)),
            Payload::Message(message) => {
                let is_clear = message_to_value(&message).is_ok();
                let tells = if parts.len() > 1 {
                    named::broken(&message).tells() || has(&message)
                } else {
                    !is_clear && named::broken(&message).dangling
                };
                (is_clear, tells)
            }
        };
        Carried { is_clear, hidden: parts.into_iter().filter(|_| hidden).collect() }
    }
}

/// How a Record carries its secrets.
#[derive(Debug, Default)]
pub(super) struct Carried {
    /// Whether it has a Message that can be decoded.
    pub(super) is_clear: bool,
    /// What of it is hidden whole.
    pub(super) hidden: Vec<Range<usize>>,
}

impl Carried {
    /// The secrets that stand by their names in its bytes, with where.
    pub(super) fn named(&self, bytes: &[u8]) -> Vec<(Range<usize>, Range<usize>)> {
        if self.is_clear { named::fields(bytes).values } else { named::broken(bytes).values }
    }
}

/// Where the parts of a Record's payload stand in its bytes, up to where these are cut.
pub(super) fn parts(bytes: &[u8]) -> Vec<Range<usize>> {
    let mut parts = Vec::new();
    for (number, context) in fields(bytes, 0..bytes.len()) {
        for (_, wanted) in PAYLOADS.iter().filter(|(it, _)| *it == number) {
            let inside = fields(bytes, context.clone());
            parts
                .extend(inside.into_iter().filter(|(it, part)| it == wanted && !part.is_empty()).map(|(_, part)| part));
        }
    }
    parts
}

/// The fields of a message that have a length, by their numbers, as far as the message can be read.
fn fields(bytes: &[u8], message: Range<usize>) -> Vec<(u32, Range<usize>)> {
    let mut found = Vec::new();
    let end = message.end;
    let mut rest = bytes.get(message).unwrap_or_default();
    while let Ok((number, wire_type)) = decode_key(&mut rest) {
        let length = match wire_type {
            WireType::Varint => decode_varint(&mut rest).ok().map(|_| 0),
            WireType::SixtyFourBit => Some(8),
            WireType::ThirtyTwoBit => Some(4),
            WireType::LengthDelimited => {
                decode_varint(&mut rest).ok().map(|it| usize::try_from(it).unwrap_or(usize::MAX))
            }
            WireType::StartGroup | WireType::EndGroup => None,
        };
        let Some(length) = length.map(|it| it.min(rest.len())) else { break };
        let start = end - rest.len();
        if wire_type == WireType::LengthDelimited {
            found.push((number, start..start + length));
        }
        rest = rest.get(length..).unwrap_or_default();
    }
    found
}

#[cfg(test)]
mod tests {
    use uspec_usp::record::{SessionContextRecord, record::RecordType};

    use super::*;
    use crate::testing::record;

    #[test]
    fn the_parts_of_a_payload_are_found() {
        let bytes = record("a", "b", b"payload".to_vec());
        assert_eq!(parts(&bytes).into_iter().map(|part| &bytes[part]).collect::<Vec<_>>(), [b"payload"]);
        let context = SessionContextRecord { payload: vec![b"pay".to_vec(), b"load".to_vec()], ..Default::default() };
        let bytes =
            Record { record_type: Some(RecordType::SessionContext(context)), ..Record::default() }.encode_to_vec();
        let found: Vec<_> = parts(&bytes).into_iter().map(|part| bytes[part].to_vec()).collect();
        assert_eq!(found, [b"pay".to_vec(), b"load".to_vec()]);
        let cut = &bytes[..bytes.len() - 2];
        assert_eq!(parts(cut).last().map(|part| &cut[part.clone()]), Some(b"lo".as_slice()));
    }
}
