//! What fuzzing asks of frames and messages.

use bytes::BytesMut;

use super::RawFrame;
use super::frame::FrameDecoder;
use super::message::{Assembler, Message};
use crate::event::FrameSeen;

pub use super::upgrade::fuzzing::heads;

/// Largest frame and message that is taken: small, so that octets come near it.
const LIMIT: usize = 1000;

/// Octets of the longest header.
const HEADER: usize = 14;

/// A stream of a client's frames.
///
/// # Panics
/// When the messages depend on how the octets are cut, take more than their limit, or a frame is not what is written of it.
pub fn frames(octets: &[u8]) {
    let Some((size, octets)) = crate::fuzzing::cut(octets) else {
        return;
    };
    assert_eq!(read(octets, octets.len()), read(octets, size), "cut by {size}");
}

/// The messages until the first violation, and the section that it violates.
fn read(octets: &[u8], size: usize) -> (Vec<Message>, Option<&'static str>) {
    let mut decoder = FrameDecoder::new(BytesMut::new(), LIMIT, true);
    let mut assembler = Assembler::new(LIMIT);
    let mut messages = Vec::new();
    for chunk in octets.chunks(size.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            let frame = match decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation.section)),
            };
            assert!(frame.payload.len() <= LIMIT);
            written_and_read(&frame);
            match assembler.take(&frame, true) {
                Ok(message) => messages.extend(message),
                Err(violation) => return (messages, Some(violation.section)),
            }
        }
        assert!(decoder.pending() <= LIMIT + HEADER, "more than a frame waits for its end");
    }
    for message in &messages {
        if let Message::Binary { bytes, .. } | Message::Text(bytes) = message {
            assert!(bytes.len() <= LIMIT);
        }
    }
    (messages, None)
}

fn written_and_read(frame: &FrameSeen) {
    let FrameSeen { fin, rsv, masked, opcode, payload } = frame.clone();
    let mut octets = BytesMut::new();
    RawFrame { fin, rsv, masked: Some(masked), opcode, payload }.write(Some([1, 2, 3, 4]), &mut octets);
    let mut decoder = FrameDecoder::new(octets, LIMIT, true);
    assert_eq!(decoder.next().as_ref(), Ok(&Some(frame.clone())), "what is read is written otherwise");
}
