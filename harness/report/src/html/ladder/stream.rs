//! The octets of one way of a connection, from which its frames are taken one after the other.
//!
//! One decision behind it: each frame gets exactly its own octets, although several may come in one read and one in several; a payload is
//! written once, and what a WebSocket client masked (RFC 6455 section 5.3) is masked again by the page, with the key that ends the head.

use serde::Serialize;
use std::borrow::Cow;

use super::{
    budget::{Budget, Octets},
    extent::{KEY, extent, is_masked},
};
use uspec_testplan::trace::Direction;

/// Octets with the number of their event.
#[derive(Debug, Serialize)]
pub(super) struct Part<'t> {
    pub(super) seq: u64,
    direction: Direction,
    #[serde(skip_serializing_if = "Option::is_none")]
    bytes: Option<Octets<'t>>,
    /// They are left out, because a secret may be in them.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    hidden: bool,
}

impl Part<'_> {
    pub(super) fn spend(&mut self, budget: &mut Budget) {
        self.bytes.iter_mut().for_each(|bytes| bytes.spend(budget));
    }
}

/// Octets as they crossed a connection, or what is left of them.
#[derive(Debug, Clone)]
pub(super) struct Piece<'t> {
    pub(super) seq: u64,
    pub(super) at_us: u64,
    pub(super) direction: Direction,
    real: &'t [u8],
    shown: &'t [u8],
}

impl<'t> Piece<'t> {
    /// `shown` are the same octets without secrets.
    pub(super) fn new(seq: u64, at_us: u64, direction: Direction, real: &'t [u8], shown: &'t [u8]) -> Self {
        Self { seq, at_us, direction, real, shown }
    }

    fn split(self, at: usize) -> (Self, Self) {
        let (real, real_after) = self.real.split_at_checked(at).unwrap_or((self.real, &[]));
        let (shown, shown_after) = self.shown.split_at_checked(at).unwrap_or((self.shown, &[]));
        (Self { real, shown, ..self }, Self { real: real_after, shown: shown_after, ..self })
    }

    /// As the page has them.
    pub(super) fn part(&self) -> Part<'t> {
        let bytes = Octets::new(self.real, self.shown);
        let hidden = bytes.is_hidden();
        Part { seq: self.seq, direction: self.direction, bytes: (!hidden).then_some(bytes), hidden }
    }
}

/// What a frame was on the wire.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Wire<'t> {
    /// Head, payload and tail.
    Around {
        /// Before the payload.
        head: Octets<'t>,
        /// Behind it.
        tail: Octets<'t>,
        /// Whether the payload was masked with the last four octets of the head.
        masked: bool,
    },
    /// The octets that it came in, which are more or less than this one frame.
    Among(Vec<Part<'t>>),
    /// It came in octets that stand with a frame before it.
    Before,
    /// The Trace has no octets of it.
    Unknown,
}

impl Wire<'_> {
    pub(super) fn spend(&mut self, budget: &mut Budget) {
        match self {
            Self::Around { head, tail, .. } => [head, tail].into_iter().for_each(|octets| octets.spend(budget)),
            Self::Among(parts) => parts.iter_mut().for_each(|part| part.spend(budget)),
            Self::Before | Self::Unknown => {}
        }
    }
}

/// What has come one way and is of no frame yet.
#[derive(Debug, Default)]
pub(super) struct Stream<'t> {
    pieces: Vec<Piece<'t>>,
    /// The last octets were given away whole, for a frame whose place in them is not known.
    given: bool,
}

impl<'t> Stream<'t> {
    pub(super) fn add(&mut self, piece: Piece<'t>) {
        self.given = false;
        self.pieces.push(piece);
    }

    /// What is left.
    pub(super) fn rest(&mut self) -> Vec<Piece<'t>> {
        std::mem::take(&mut self.pieces)
    }

    /// The octets of an HTTP head, which an opening handshake is made of.
    pub(super) fn http_head(&mut self) -> Vec<Piece<'t>> {
        let end = self.octets().0.windows(4).position(|it| it == b"\r\n\r\n");
        self.take(end.map_or(usize::MAX, |at| at + 4))
    }

    /// The octets of the next frame, which has this payload, and the numbers of the events that it began in.
    pub(super) fn frame(&mut self, kind: &str, payload: &[u8]) -> (Wire<'t>, Vec<u64>) {
        let (real, shown) = self.octets();
        if let Some(length) = extent(kind, &real, payload)
            && let Some(wire) =
                around(kind, real.get(..length).unwrap_or_default(), shown.get(..length).unwrap_or_default(), payload)
        {
            let events = self.take(length).iter().map(|piece| piece.seq).collect();
            return (wire, events);
        }
        if self.pieces.is_empty() {
            return (if self.given { Wire::Before } else { Wire::Unknown }, Vec::new());
        }
        self.given = true;
        let pieces = self.rest();
        (Wire::Among(pieces.iter().map(Piece::part).collect()), pieces.iter().map(|piece| piece.seq).collect())
    }

    fn octets(&self) -> (Cow<'t, [u8]>, Cow<'t, [u8]>) {
        if let [only] = self.pieces.as_slice() {
            return (only.real.into(), only.shown.into());
        }
        let join = |of: fn(&Piece<'t>) -> &'t [u8]| self.pieces.iter().flat_map(of).copied().collect::<Vec<_>>();
        (join(|piece| piece.real).into(), join(|piece| piece.shown).into())
    }

    /// The first so many octets.
    fn take(&mut self, length: usize) -> Vec<Piece<'t>> {
        let mut left = length;
        let mut taken = Vec::new();
        for piece in std::mem::take(&mut self.pieces) {
            let (here, after) = piece.split(left);
            left -= here.real.len();
            if !here.real.is_empty() {
                taken.push(here);
            }
            if !after.real.is_empty() {
                self.pieces.push(after);
            }
        }
        taken
    }
}

/// How these octets, which are one frame, hold this payload.
fn around(kind: &str, real: &[u8], shown: &[u8], payload: &[u8]) -> Option<Wire<'static>> {
    let tail = usize::from(kind == "stomp" && real.last() == Some(&0));
    let start = real.len().checked_sub(payload.len())?.checked_sub(tail)?;
    let masked = kind == "websocket" && is_masked(real);
    let body = real.get(start..start.saturating_add(payload.len()))?;
    let fits = if masked {
        let key: &[u8; KEY] = real.get(..start)?.last_chunk()?;
        body.iter().zip(key.iter().cycle()).map(|(octet, key)| octet ^ key).eq(payload.iter().copied())
    } else {
        body == payload
    };
    // The head of a WebSocket frame has no room for a secret; what a client scrambled is covered as a whole all the same.
    let shown = if kind == "websocket" { real } else { shown };
    let piece = |range: std::ops::Range<usize>| {
        Some(Octets::new(real.get(range.clone())?.to_vec(), shown.get(range)?.to_vec()))
    };
    let end = start.saturating_add(payload.len());
    fits.then_some(Wire::Around { head: piece(0..start)?, tail: piece(end..real.len())?, masked })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;
    use rstest::rstest;

    fn stream<'t>(pieces: &[&'t [u8]]) -> Stream<'t> {
        let mut stream = Stream::default();
        for (seq, octets) in (0..).zip(pieces.iter().copied()) {
            stream.add(Piece::new(seq, 0, Direction::Received, octets, octets));
        }
        stream
    }

    /// Head, tail and whether it was masked; or a word.
    fn told(wire: &Wire<'_>) -> String {
        match wire {
            Wire::Around { head, tail, masked } => {
                format!("{} {} {masked}", hex::encode(head.real()), hex::encode(tail.real()))
            }
            Wire::Among(parts) => format!("among {}", parts.len()),
            Wire::Before => "before".to_owned(),
            Wire::Unknown => "unknown".to_owned(),
        }
    }

    #[rstest]
    #[case::mqtt("mqtt", b"\x32\x05topay", b"pay", "3205746f  false")]
    #[case::stomp("stomp", b"SEND\n\npay\0", b"pay", "53454e440a0a 00 false")]
    #[case::masked("websocket", &[0x82, 0x83, 1, 2, 3, 4, b'p' ^ 1, b'a' ^ 2, b'y' ^ 3], b"pay", "828301020304  true")]
    #[case::nothing_in_it("mqtt", b"\x40\x02\x00\x06", b"", "40020006  false")]
    #[case::another("websocket", b"\x82\x03pax", b"pay", "among 1")]
    #[case::too_short("mqtt", b"p", b"pay", "among 1")]
    #[case::nothing("mqtt", b"", b"pay", "unknown")]
    fn a_frame_is_found_in_its_octets(
        #[case] kind: &str,
        #[case] octets: &[u8],
        #[case] payload: &[u8],
        #[case] expected: &str,
    ) {
        let pieces: &[&[u8]] = if octets.is_empty() { &[] } else { &[octets] };
        assert_eq!(told(&stream(pieces).frame(kind, payload).0), expected);
    }

    #[test]
    fn each_frame_of_a_read_has_its_own_octets_and_one_frame_may_come_in_several() {
        let mut stream = stream(&[b"\x40\x02\x00\x01\x40\x02\x00", b"\x02\x30\x04to", b"ab"]);
        let (first, second, third) =
            (stream.frame("mqtt", b""), stream.frame("mqtt", b""), stream.frame("mqtt", b"ab"));
        assert_eq!((told(&first.0).as_str(), first.1), ("40020001  false", vec![0]));
        assert_eq!((told(&second.0).as_str(), second.1), ("40020002  false", vec![0, 1]));
        assert_eq!((told(&third.0).as_str(), third.1), ("3004746f  false", vec![1, 2]));
        assert!(stream.rest().is_empty());
    }

    #[test]
    fn where_the_place_of_a_frame_is_not_known_its_octets_are_told_whole() {
        let mut stream = stream(&[b"nonsense"]);
        assert_eq!(told(&stream.frame("mqtt", b"x").0), "among 1");
        assert_eq!(told(&stream.frame("mqtt", b"y").0), "before");
        stream.add(Piece::new(9, 0, Direction::Received, b"\x40\x00", b"\x40\x00"));
        assert_eq!(told(&stream.frame("mqtt", b"").0), "4000  false");
        assert_eq!(told(&stream.frame("mqtt", b"").0), "unknown", "nothing says that octets before had this one");
    }

    #[test]
    fn what_comes_behind_an_http_head_is_left_for_the_first_frame() {
        let mut stream = stream(&[b"GET / HTTP/1.1\r\n", b"\r\n\x82\x01a"]);
        assert_eq!(stream.http_head().len(), 2);
        assert_eq!(told(&stream.frame("websocket", b"a").0), "8201  false");
    }
}
