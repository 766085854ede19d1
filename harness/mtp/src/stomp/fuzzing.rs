//! What fuzzing asks of the frames.

use bytes::BytesMut;

use super::StompFrame;
use super::decoder::{Decoder, Incoming, Sender};
use super::escape::Escaping;
use super::packet;
use super::rules;
use super::violation::EVIDENCE;
use crate::event::Direction;

/// Largest body that is taken: small, so that octets come near it.
const LIMIT: usize = 1000;

/// More than a head may have, a body, and what is looked at in one go.
const MOST_PENDING: usize = 64 * 1024 + LIMIT + 1000;

/// A stream of frames, of either side.
///
/// # Panics
/// When the frames depend on how the octets are cut, take more than their limit, or are not what is written of them.
pub fn frames(octets: &[u8]) {
    let Some((size, octets)) = crate::fuzzing::cut(octets) else {
        return;
    };
    for sender in [Sender::Client, Sender::Server] {
        let (frames, wrong) = read(sender, octets, octets.len());
        assert_eq!((frames, wrong), read(sender, octets, size), "{sender:?}, cut by {size}");
    }
}

/// The frames until the first violation, and whether there is one.
fn read(sender: Sender, octets: &[u8], size: usize) -> (Vec<StompFrame>, bool) {
    let mut decoder = Decoder::new(sender, LIMIT);
    let mut frames = Vec::new();
    for chunk in octets.chunks(size.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            match decoder.next() {
                Ok(Some(Incoming::Frame { frame, head, remarks })) => {
                    assert!(frame.body.len() <= LIMIT);
                    let _ = (rules::violations(&frame, &head), packet::seen(Direction::Received, &frame));
                    if remarks.is_empty() {
                        written_and_read(sender, &frame);
                    }
                    frames.push(frame);
                }
                Ok(Some(Incoming::Beats(count))) => assert!(count > 0),
                Ok(None) => break,
                Err(violation) => {
                    assert!(!violation.text.is_empty() && violation.octets.len() <= EVIDENCE);
                    return (frames, true);
                }
            }
        }
        assert!(decoder.pending() <= MOST_PENDING + size && decoder.evidence().len() <= EVIDENCE);
    }
    (frames, false)
}

fn written_and_read(sender: Sender, frame: &StompFrame) {
    // Where escapes are not demanded not every text can be written.
    let has_line_ends = frame.headers.iter().any(|(name, value)| name.contains('\r') || value.contains('\r'));
    if Escaping::of(&frame.command) == Escaping::Exempt && has_line_ends {
        return;
    }
    let mut octets = BytesMut::new();
    frame.write(&mut octets);
    let mut decoder = Decoder::new(sender, LIMIT);
    decoder.buffer().extend_from_slice(&octets);
    match decoder.next() {
        Ok(Some(Incoming::Frame { frame: again, .. })) => {
            assert_eq!(&again, frame, "what is read is written otherwise");
        }
        other => unreachable!("{other:?} was made of {frame:?}"),
    }
}
