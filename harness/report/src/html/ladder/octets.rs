//! The octets that a frame was on the wire.
//!
//! One decision behind it: a payload is written once. Octets that are a frame around its payload are kept as what stands before and behind
//! it; the payload that a WebSocket client masked (RFC 6455 section 5.3) is masked again by the page, with the key that ends the head.

use serde::Serialize;

use super::{Part, budget::Budget};
use uspec_testplan::trace::Direction;

/// How many octets can follow a payload: the NUL of a STOMP frame and an end of line.
const MAX_TAIL: usize = 3;

/// Length of a WebSocket masking key.
const KEY: usize = 4;

/// Octets as they crossed a connection, with the number of their event.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'t> {
    pub(super) seq: u64,
    pub(super) direction: Direction,
    pub(super) bytes: &'t [u8],
}

/// What a frame was on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wire {
    /// Head, payload and tail.
    Around {
        /// Before the payload, as hex.
        head: String,
        /// Behind it, as hex.
        tail: String,
        /// Whether the payload was masked with the last four octets of the head.
        masked: bool,
    },
    /// The octets that it came in, which are more or less than this one frame. None: it came in the octets of one before it.
    Among(Vec<Part>),
}

impl Wire {
    /// What these octets say of a frame with this payload.
    pub(super) fn of(octets: &[Seen<'_>], payload: &[u8], budget: &mut Budget) -> Self {
        if let [only] = octets
            && let Some(around) = around(only.bytes, payload)
        {
            return around;
        }
        Self::Among(parts(octets, budget))
    }
}

/// The octets as they are.
pub(super) fn parts(octets: &[Seen<'_>], budget: &mut Budget) -> Vec<Part> {
    let part = |seen: &Seen<'_>| Part { seq: seen.seq, direction: seen.direction, bytes: budget.bytes(seen.bytes) };
    octets.iter().map(part).collect()
}

fn around(octets: &[u8], payload: &[u8]) -> Option<Wire> {
    let room = octets.len().checked_sub(payload.len())?;
    for behind in 0..=room.min(MAX_TAIL) {
        let (head, rest) = octets.split_at_checked(room - behind)?;
        let (body, tail) = rest.split_at_checked(payload.len())?;
        if body == payload {
            return Some(Wire::Around { head: hex::encode(head), tail: hex::encode(tail), masked: false });
        }
    }
    let (head, body) = octets.split_at_checked(room)?;
    let key: &[u8; KEY] = head.last_chunk()?;
    let unmasked = body.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key);
    unmasked.eq(payload.iter().copied()).then(|| Wire::Around {
        head: hex::encode(head),
        tail: String::new(),
        masked: true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::mqtt(b"\x32\x05topay", b"pay", Some(("3205746f", "", false)))]
    #[case::stomp(b"SEND\n\npay\0", b"pay", Some(("53454e440a0a", "00", false)))]
    #[case::masked(&[0x82, 0x83, 1, 2, 3, 4, b'p' ^ 1, b'a' ^ 2, b'y' ^ 3], b"pay", Some(("828301020304", "", true)))]
    #[case::nothing_in_it(b"\x40\x02\x00\x06", b"", Some(("40020006", "", false)))]
    #[case::another(b"\x82\x03pax", b"pay", None)]
    #[case::too_short(b"p", b"pay", None)]
    fn a_frame_is_found_in_its_octets(
        #[case] octets: &[u8],
        #[case] payload: &[u8],
        #[case] expected: Option<(&str, &str, bool)>,
    ) {
        let seen = match around(octets, payload) {
            Some(Wire::Around { head, tail, masked }) => Some((head, tail, masked)),
            _ => None,
        };
        assert_eq!(seen, expected.map(|(head, tail, masked)| (head.to_owned(), tail.to_owned(), masked)));
    }
}
