//! What fuzzing asks of the frames.

use bytes::BytesMut;

use super::frame::{FrameDecoder, HEADER, MAX_TLVS};
use super::handshake;
use super::seen;
use super::tlv::{TYPE_HANDSHAKE, Tlv};
use super::write::{FrameChanges, write_frame};
use crate::event::SHOWN_OCTETS;

/// Largest frame that is taken: small, so that octets come near it.
const LIMIT: usize = 1000;

/// What is read: frames, and then perhaps what is wrong.
type Read = (Vec<Vec<Tlv>>, Option<(Option<&'static str>, Option<u64>)>);

/// A stream of frames.
///
/// # Panics
/// When the frames depend on how the octets are cut, take more than their limit, or are not what is written of them.
pub fn frames(octets: &[u8]) {
    let Some((size, octets)) = crate::fuzzing::cut(octets) else {
        return;
    };
    let whole = read(octets, octets.len());
    assert_eq!(whole, read(octets, size), "cut by {size}");
    let (frames, _) = whole;
    let mut written = BytesMut::new();
    for tlvs in &frames {
        let _ = seen::received(tlvs);
        for tlv in tlvs.iter().filter(|tlv| tlv.kind == TYPE_HANDSHAKE) {
            let _ = handshake::read(&tlv.value);
        }
        write_frame(tlvs, &FrameChanges::default(), &mut written);
    }
    assert!(octets.starts_with(&written), "what is read is written otherwise");
}

fn read(octets: &[u8], size: usize) -> Read {
    let mut decoder = FrameDecoder::new(LIMIT);
    let mut frames = Vec::new();
    for chunk in octets.chunks(size.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            match decoder.next() {
                Ok(Some(tlvs)) => {
                    assert!((1..=MAX_TLVS).contains(&tlvs.len()));
                    frames.push(tlvs);
                }
                Ok(None) => break,
                Err(violation) => {
                    assert!(!violation.text.is_empty() && violation.octets.len() <= SHOWN_OCTETS);
                    return (frames, Some((violation.requirement, violation.oversized)));
                }
            }
        }
        assert!(decoder.pending().len() < HEADER + LIMIT, "more than a frame waits for its end");
    }
    let _ = decoder.unfinished("the stream ended");
    (frames, None)
}
