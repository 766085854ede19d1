//! Properties that hold for any octets: nothing panics, nothing hangs, no limit is exceeded, and what is written is read.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use super::frame::{FrameDecoder, HEADER, MAX_TLVS, Violation};
use super::handshake;
use super::seen;
use super::tlv::Tlv;
use super::write::{FrameChanges, LengthChange, write_frame};
use crate::event::SHOWN_OCTETS;

/// Largest frame in these tests: small, so that random octets come near it.
const LIMIT: usize = 300;

fn tlv() -> impl Strategy<Value = Tlv> {
    let kind = prop_oneof![4 => 1..=3_u8, 1 => any::<u8>()];
    (kind, vec(any::<u8>(), 0..60)).prop_map(|(kind, value)| Tlv::new(kind, value))
}

fn length_change() -> impl Strategy<Value = LengthChange> {
    prop_oneof![
        6 => Just(LengthChange::Right),
        1 => (-20..20_i32).prop_map(LengthChange::Shifted),
        1 => any::<u32>().prop_map(LengthChange::Set),
        1 => Just(LengthChange::LowestFirst),
    ]
}

/// Octets that are frames, some of them made wrong.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let sync = prop_oneof![12 => Just(None), 1 => any::<[u8; 4]>().prop_map(Some)];
    let changes = (sync, length_change(), length_change()).prop_map(|(sync, length, tlv_length)| FrameChanges {
        sync,
        length,
        tlv_length,
        ..FrameChanges::default()
    });
    (vec((vec(tlv(), 0..5), changes), 0..6), vec(any::<u8>(), 0..20)).prop_map(|(frames, tail)| {
        let mut octets = BytesMut::new();
        for (tlvs, changes) in &frames {
            write_frame(tlvs, changes, &mut octets);
        }
        [&octets[..], &tail].concat()
    })
}

/// Reads octets to their end or to the first violation.
fn read(octets: &[u8], cut: usize) -> (Vec<Vec<Tlv>>, Option<Violation>) {
    let mut decoder = FrameDecoder::new(LIMIT);
    let mut frames = Vec::new();
    for chunk in octets.chunks(cut.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            let before = decoder.pending().len();
            match decoder.next() {
                Ok(Some(tlvs)) => {
                    assert!(decoder.pending().len() < before, "a frame took nothing out of the buffer");
                    assert!((1..=MAX_TLVS).contains(&tlvs.len()));
                    let _ = seen::received(&tlvs);
                    frames.push(tlvs);
                }
                Ok(None) => break,
                Err(violation) => return (frames, Some(violation)),
            }
        }
        assert!(decoder.pending().len() < HEADER + LIMIT, "more than a frame waits for its end");
    }
    (frames, None)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read(octets in vec(any::<u8>(), 0..400), cut in 1..50_usize) {
        let _ = read(&octets, cut);
    }

    /// However the octets are cut, the same frames are read, and the same is wrong.
    #[test]
    fn octets_that_are_nearly_frames(octets in nearly_frames(), cut in 1..50_usize) {
        let (frames, violation) = read(&octets, octets.len());
        let (again, later) = read(&octets, cut);
        prop_assert_eq!(frames, again);
        let told = |violation: &Option<Violation>| violation.as_ref().map(|one| (one.requirement, one.oversized));
        prop_assert_eq!(told(&violation), told(&later));
        if let Some(violation) = violation {
            prop_assert!(!violation.text.is_empty() && violation.octets.len() <= SHOWN_OCTETS);
        }
    }

    #[test]
    fn what_is_written_is_read(frames in vec(vec(tlv(), 1..5), 0..6), cut in 1..50_usize) {
        let mut octets = BytesMut::new();
        for tlvs in &frames {
            write_frame(tlvs, &FrameChanges::default(), &mut octets);
        }
        let (read, violation) = read(&octets, cut);
        prop_assert_eq!(violation, None);
        prop_assert_eq!(read, frames);
    }

    #[test]
    fn any_value_introduces_or_not(value in vec(any::<u8>(), 0..80), text in "[a-z]{0,5}:[0-9A-F]{0,7}:\\PC{0,60}") {
        let _ = handshake::read(&value);
        if let Ok(introduction) = handshake::read(text.as_bytes()) {
            prop_assert_eq!(introduction.endpoint_id, text);
        }
    }
}
