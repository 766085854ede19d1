//! The octets of one direction, cut into frames: a header of synchronization and length, then TLVs.
//!
//! The one decision behind it: everything that can be known to be wrong is told as early as the octets show it, so that a length which
//! asks for too much never makes this end wait for octets that will not come.

use bytes::{Buf, Bytes, BytesMut};

use super::tlv::{TLV_HEAD, Tlv};
use crate::event::SHOWN_OCTETS;

/// The synchronization part of a header, `_USP` (R-UDS.8).
pub(super) const SYNC: [u8; 4] = *b"_USP";

/// Octets of a header: synchronization, and the length of the rest (R-UDS.7).
pub(super) const HEADER: usize = 8;

/// TLVs that are taken in one frame. TR-369 sets no limit and defines three types, of which a frame needs one.
pub(super) const MAX_TLVS: usize = 64;

/// Values of at most so many octets are copied out of what was read.
const SMALL: usize = 4 * 1024;

/// What in the peer's octets cannot be parsed (R-UDS.24).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Violation {
    /// The requirement that it breaks; none where only a limit of ours is exceeded.
    pub(super) requirement: Option<&'static str>,
    /// What was expected and seen.
    pub(super) text: String,
    /// The frame as far as it came, [`SHOWN_OCTETS`] of it.
    pub(super) octets: Bytes,
    /// What was announced, if it is more than is taken.
    pub(super) oversized: Option<u64>,
}

/// Cuts the octets of one direction into frames. Holds at most one frame and one read's worth of octets.
#[derive(Debug)]
pub(super) struct FrameDecoder {
    buffer: BytesMut,
    max_length: usize,
}

impl FrameDecoder {
    /// A decoder of frames that have at most `max_length` octets behind their header.
    pub(super) fn new(max_length: usize) -> Self {
        Self { buffer: BytesMut::new(), max_length }
    }

    /// Where to put what is read.
    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// The octets of a frame that is not yet whole.
    pub(super) fn pending(&self) -> &[u8] {
        &self.buffer
    }

    /// The next whole frame's TLVs, if there is one. After a violation nothing that follows can be understood.
    pub(super) fn next(&mut self) -> Result<Option<Vec<Tlv>>, Violation> {
        match read(&self.buffer, self.max_length) {
            Ok(Some(lengths)) => Ok(Some(self.take(&lengths))),
            Ok(None) => Ok(None),
            Err(wrong) => Err(self.violation(wrong)),
        }
    }

    /// That the frame which has begun will not be ended.
    pub(super) fn unfinished(&self, why: &str) -> Violation {
        let announced = header_length(&self.buffer).map_or(String::new(), |length| format!(" of {}", HEADER + length));
        let text = format!("{}{announced} octets of a frame came, then {why}", self.buffer.len());
        self.violation(Wrong { requirement: Some("R-UDS.9"), text, oversized: None })
    }

    fn take(&mut self, lengths: &[usize]) -> Vec<Tlv> {
        self.buffer.advance(HEADER);
        let whole: usize = lengths.iter().sum();
        let mut tlvs = Vec::with_capacity(lengths.len());
        for length in lengths {
            let kind = self.buffer.first().copied().unwrap_or_default();
            self.buffer.advance(TLV_HEAD);
            let value = self.buffer.split_to(*length);
            // A small value must not keep all the memory of a large frame while it waits in an event.
            let is_small = *length <= SMALL || length.saturating_mul(2) < whole;
            let value = if is_small { Bytes::copy_from_slice(&value) } else { value.freeze() };
            tlvs.push(Tlv { kind, value });
        }
        tlvs
    }

    fn violation(&self, wrong: Wrong) -> Violation {
        let Wrong { requirement, text, oversized } = wrong;
        let octets = Bytes::copy_from_slice(self.buffer.get(..SHOWN_OCTETS).unwrap_or(&self.buffer));
        Violation { requirement, text, octets, oversized }
    }
}

struct Wrong {
    requirement: Option<&'static str>,
    text: String,
    oversized: Option<u64>,
}

impl Wrong {
    fn against(requirement: &'static str, text: String) -> Self {
        Self { requirement: Some(requirement), text, oversized: None }
    }
}

/// The lengths of the values in the frame that `octets` begin with, once it is whole.
fn read(octets: &[u8], max_length: usize) -> Result<Option<Vec<usize>>, Wrong> {
    let begun = octets.get(..SYNC.len()).unwrap_or(octets);
    if !SYNC.starts_with(begun) {
        let text = format!("a frame begins with {} in place of 5f555350 (\"_USP\")", hex::encode(begun));
        return Err(Wrong::against("R-UDS.8", text));
    }
    let Some(length) = header_length(octets) else {
        return Ok(None);
    };
    if length > max_length {
        return Err(oversized(length, max_length));
    }
    if length == 0 {
        return Err(Wrong::against(
            "R-UDS.6",
            "a frame has no TLV: its header announces no octet behind it".to_owned(),
        ));
    }
    walk(octets.get(HEADER..).unwrap_or_default(), length)
}

/// Goes from TLV to TLV as far as the octets behind the header allow it.
fn walk(mut octets: &[u8], mut left: usize) -> Result<Option<Vec<usize>>, Wrong> {
    let mut lengths = Vec::new();
    while left > 0 {
        let number = lengths.len() + 1;
        if number > MAX_TLVS {
            let text = format!("a frame has more than the {MAX_TLVS} TLVs that are taken");
            return Err(Wrong { requirement: None, text, oversized: None });
        }
        if left < TLV_HEAD {
            let text =
                format!("TLV {number} of a frame has {left} octets: no room for a type and a length of four octets");
            return Err(Wrong::against("R-UDS.11", text));
        }
        let Some((&[kind, a, b, c, d], rest)) = octets.split_first_chunk::<TLV_HEAD>() else {
            return Ok(None);
        };
        left -= TLV_HEAD;
        let announced = u32::from_be_bytes([a, b, c, d]);
        let length = usize::try_from(announced).unwrap_or(usize::MAX);
        if length > left {
            return Err(overrun(number, kind, announced, left));
        }
        lengths.push(length);
        left -= length;
        octets = rest.get(length..).unwrap_or_default();
        if rest.len() < length {
            return Ok(None);
        }
    }
    Ok(Some(lengths))
}

/// A TLV that would end behind its frame: one of the two lengths is wrong, and the octet order may tell which.
fn overrun(number: usize, kind: u8, announced: u32, left: usize) -> Wrong {
    let text = format!(
        "TLV {number} of a frame (type {kind}) announces {announced} octets of value, its frame has {left} left"
    );
    if usize::try_from(announced.swap_bytes()) == Ok(left) {
        return Wrong::against("R-UDS.11", format!("{text}: the length has its lowest octet first"));
    }
    Wrong::against("R-UDS.9", text)
}

/// A frame that is larger than what is taken, be it meant so or because its length has the wrong octet order.
fn oversized(length: usize, max_length: usize) -> Wrong {
    let text = format!("a frame announces {length} octets behind its header, {max_length} are taken");
    let swapped = u32::try_from(length).map_or(u32::MAX, u32::swap_bytes);
    let oversized = u64::try_from(length).ok();
    // Every frame has a TLV's head, and none of that order of magnitude has two octets of zero at the end by chance.
    if (5..=0xFFFF).contains(&swapped) {
        let text = format!("{text}; with the lowest octet first it would be {swapped}");
        return Wrong { requirement: Some("R-UDS.9"), text, oversized };
    }
    Wrong { requirement: None, text, oversized }
}

/// The length in a header, once it is there.
fn header_length(octets: &[u8]) -> Option<usize> {
    let length = octets.get(SYNC.len()..)?.first_chunk::<4>()?;
    Some(usize::try_from(u32::from_be_bytes(*length)).unwrap_or(usize::MAX))
}

#[cfg(test)]
mod tests {
    use super::super::write::{FrameChanges, write_frame};
    use super::*;
    use rstest::rstest;

    const LIMIT: usize = 1000;

    fn decode(octets: &[u8]) -> Result<Option<Vec<Tlv>>, Violation> {
        let mut decoder = FrameDecoder::new(LIMIT);
        decoder.buffer().extend_from_slice(octets);
        decoder.next()
    }

    #[test]
    fn the_example_of_the_specification() {
        let octets = b"_USP\0\0\0\x1A\x01\0\0\0\x15os::00256D-0123456789";
        assert_eq!(decode(octets), Ok(Some(vec![Tlv::handshake("os::00256D-0123456789")])));
    }

    #[test]
    fn frames_in_single_octets() {
        let frames = [
            vec![Tlv::handshake("os::A-B")],
            vec![Tlv::new(200, ""), Tlv::record(vec![1, 2, 3]), Tlv::error("no")],
            vec![Tlv::record("")],
        ];
        let mut octets = BytesMut::new();
        for tlvs in &frames {
            write_frame(tlvs, &FrameChanges::default(), &mut octets);
        }
        let mut decoder = FrameDecoder::new(LIMIT);
        let mut read = Vec::new();
        for octet in octets {
            decoder.buffer().extend_from_slice(&[octet]);
            read.extend(decoder.next().unwrap());
        }
        assert_eq!(read, frames);
        assert!(decoder.pending().is_empty());
    }

    #[rstest]
    #[case::other_sync(b"_USp", Some("R-UDS.8"), "5f555370")]
    #[case::first_octet(b"G", Some("R-UDS.8"), "47")]
    #[case::no_tlv(b"_USP\0\0\0\0", Some("R-UDS.6"), "no TLV")]
    #[case::four_octets(b"_USP\0\0\0\x04", Some("R-UDS.11"), "has 4 octets")]
    #[case::rest(b"_USP\0\0\0\x08\x09\0\0\0\x01x", Some("R-UDS.11"), "TLV 2 of a frame has 2 octets")]
    #[case::too_long_by_one(
        b"_USP\0\0\0\x06\x03\0\0\0\x02",
        Some("R-UDS.9"),
        "(type 3) announces 2 octets of value, its frame has 1"
    )]
    #[case::wrong_order_in_tlv(b"_USP\0\0\0\x06\x03\x01\0\0\0x", Some("R-UDS.11"), "lowest octet first")]
    #[case::wrong_order_in_header(b"_USP\x06\0\0\0", Some("R-UDS.9"), "it would be 6")]
    #[case::large(b"_USP\x10\0\x01\x02", None, "1000 are taken")]
    #[case::barely_large(b"_USP\0\0\x03\xE9", None, "1001 octets")]
    #[case::header_counted_too(b"_USP\0\0\0\x0D\x03\0\0\0\0_USP\0\0\0\x05", Some("R-UDS.9"), "(type 95)")]
    fn what_cannot_be_parsed(#[case] octets: &[u8], #[case] requirement: Option<&str>, #[case] text: &str) {
        let violation = decode(octets).unwrap_err();
        assert_eq!(violation.requirement, requirement, "{}", violation.text);
        assert!(violation.text.contains(text), "{}", violation.text);
        assert_eq!(violation.octets, octets);
    }

    #[test]
    fn a_length_is_refused_before_its_octets_come() {
        let violation = decode(b"_USP\xFF\xFF\xFF\xFF").unwrap_err();
        assert_eq!(violation.oversized, Some(u64::from(u32::MAX)));
    }

    #[test]
    fn the_number_of_tlvs_is_bounded() {
        let tlvs = |count| (0..count).map(|_| Tlv::new(9, "")).collect::<Vec<_>>();
        let frame = |count| {
            let mut octets = BytesMut::new();
            write_frame(&tlvs(count), &FrameChanges::default(), &mut octets);
            decode(&octets)
        };
        assert_eq!(frame(MAX_TLVS), Ok(Some(tlvs(MAX_TLVS))));
        assert!(frame(MAX_TLVS + 1).unwrap_err().text.contains("more than the 64"));
    }

    #[test]
    fn a_frame_that_is_not_ended_is_told() {
        let mut decoder = FrameDecoder::new(LIMIT);
        decoder.buffer().extend_from_slice(b"_USP\0\0\0\x0D\x03\0\0\0\x08abc");
        assert_eq!(decoder.next(), Ok(None));
        let violation = decoder.unfinished("nothing for 30 s");
        assert_eq!(violation.text, "16 of 21 octets of a frame came, then nothing for 30 s");
    }
}
