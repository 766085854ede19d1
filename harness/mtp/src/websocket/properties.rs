//! Properties that hold for any octets: nothing panics, nothing hangs, no limit is exceeded, and what is written is read.

use bytes::{Bytes, BytesMut};
use proptest::collection::vec;
use proptest::prelude::*;

use super::RawFrame;
use super::eid::{decode_eid, eid_of, encode_eid, path_of, with_eid};
use super::frame::FrameDecoder;
use super::message::{Assembler, Message};
use crate::event::Opcode;

/// Largest Record in these tests: small, so that random octets come near it.
const LIMIT: usize = 200;

fn opcode() -> impl Strategy<Value = Opcode> {
    prop_oneof![
        3 => Just(Opcode::Continuation),
        1 => Just(Opcode::Text),
        3 => Just(Opcode::Binary),
        1 => Just(Opcode::Close),
        1 => Just(Opcode::Ping),
        1 => Just(Opcode::Pong),
        1 => prop_oneof![3..=7_u8, 11..=15_u8].prop_map(Opcode::Reserved),
    ]
}

fn frame() -> impl Strategy<Value = RawFrame> {
    let masked = prop_oneof![8 => Just(Some(true)), 1 => Just(Some(false))];
    let rsv = prop_oneof![8 => Just(0_u8), 1 => 1..=7_u8];
    (any::<bool>(), rsv, masked, opcode(), vec(any::<u8>(), 0..LIMIT + 20))
        .prop_map(|(fin, rsv, masked, opcode, payload)| RawFrame { fin, rsv, masked, opcode, payload: payload.into() })
}

/// Octets that are frames, some of them with a few octets changed.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<prop::sample::Index>(), any::<u8>());
    (vec(frame(), 0..6), vec(change, 0..3), vec(any::<u8>(), 0..20)).prop_map(|(frames, changes, tail)| {
        let mut octets = BytesMut::new();
        for frame in &frames {
            frame.write((frame.masked == Some(true)).then_some([1, 2, 3, 4]), &mut octets);
        }
        let mut octets = octets.to_vec();
        for (index, value) in changes {
            if !octets.is_empty() {
                let place = index.index(octets.len());
                octets[place] = value;
            }
        }
        octets.extend(tail);
        octets
    })
}

/// Reads octets to their end or to the first violation, and gives back the messages.
fn read(octets: &[u8], cut: usize) -> (Vec<Message>, bool) {
    let mut decoder = FrameDecoder::new(BytesMut::new(), LIMIT, true);
    let mut assembler = Assembler::new(LIMIT);
    let mut messages = Vec::new();
    for chunk in octets.chunks(cut.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            let before = decoder.pending();
            let frame = match decoder.next() {
                Ok(Some(frame)) => frame,
                Ok(None) => break,
                Err(_) => return (messages, true),
            };
            assert!(decoder.pending() < before, "a frame took nothing out of the buffer");
            assert!(frame.payload.len() <= LIMIT, "a frame of {} octets was taken", frame.payload.len());
            match assembler.take(&frame, true) {
                Ok(message) => messages.extend(message),
                Err(_) => return (messages, true),
            }
        }
        // A header has at most 14 octets: what waits for more is no more than one frame.
        assert!(decoder.pending() <= LIMIT + 14, "{} octets wait", decoder.pending());
    }
    (messages, false)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_within_limits(octets in vec(any::<u8>(), 0..600), cut in 1_usize..50) {
        let (messages, _) = read(&octets, cut);
        for message in messages {
            if let Message::Binary { bytes, .. } | Message::Text(bytes) = message {
                prop_assert!(bytes.len() <= LIMIT);
            }
        }
    }

    #[test]
    fn octets_that_are_nearly_frames_mean_the_same_however_they_are_cut(octets in nearly_frames(), cut in 1_usize..50) {
        let whole = read(&octets, octets.len());
        prop_assert_eq!(read(&octets, cut), whole);
    }

    #[test]
    fn what_is_written_is_read(payload in vec(any::<u8>(), 0..LIMIT), mask in any::<[u8; 4]>()) {
        let frame = RawFrame::new(Opcode::Binary, payload);
        let mut octets = BytesMut::new();
        frame.write(Some(mask), &mut octets);
        let mut decoder = FrameDecoder::new(octets, LIMIT, true);
        prop_assert_eq!(decoder.next(), Ok(Some(frame.seen(true))));
        prop_assert_eq!(decoder.next(), Ok(None));
    }

    #[test]
    fn fragments_are_their_record_or_too_large(parts in vec(vec(any::<u8>(), 0..80), 1..8)) {
        let mut assembler = Assembler::new(LIMIT);
        let whole: Vec<u8> = parts.concat();
        let last = parts.len() - 1;
        let mut read = Ok(None);
        for (index, part) in parts.iter().enumerate() {
            let opcode = if index == 0 { Opcode::Binary } else { Opcode::Continuation };
            let frame = RawFrame { fin: index == last, ..RawFrame::new(opcode, part.clone()) };
            read = assembler.take(&frame.seen(true), true);
            if read.is_err() {
                break;
            }
        }
        // A single frame is bounded by the reader of frames, not here.
        if whole.len() <= LIMIT || last == 0 {
            let frames = u32::try_from(parts.len()).unwrap();
            prop_assert_eq!(read, Ok(Some(Message::Binary { bytes: whole.into(), frames })));
        } else {
            prop_assert_eq!(read.unwrap_err().close_code, 1009);
        }
    }

    #[test]
    fn any_payload_of_close_is_understood_or_a_violation(payload in vec(any::<u8>(), 0..=125)) {
        let frame = RawFrame::new(Opcode::Close, payload.clone()).seen(true);
        match Assembler::new(LIMIT).take(&frame, true) {
            Ok(Some(Message::Close { code: None, reason })) => prop_assert!(payload.is_empty() && reason.is_empty()),
            Ok(Some(Message::Close { code: Some(code), reason })) => {
                prop_assert_eq!(RawFrame::close(Some(code), &reason).payload, Bytes::from(payload));
                prop_assert!(!matches!(code, 0..=999 | 1004..=1006 | 1015..=2999 | 5000..));
            }
            Ok(other) => prop_assert!(false, "{:?}", other),
            Err(violation) => prop_assert_eq!(violation.close_code, 1002),
        }
    }

    #[test]
    fn a_close_that_is_allowed_is_understood(code in prop_oneof![1000..=1003_u16, 3000..=4999_u16], reason in "\\PC{0,30}") {
        let frame = RawFrame::close(Some(code), &reason).seen(true);
        let read = Assembler::new(LIMIT).take(&frame, true);
        prop_assert_eq!(read, Ok(Some(Message::Close { code: Some(code), reason })));
    }

    #[test]
    fn an_endpoint_id_survives_its_encoding(eid in "\\PC{0,60}", path in "/[a-z]{0,10}") {
        let encoded = encode_eid(&eid);
        prop_assert!(encoded.bytes().all(|octet| octet.is_ascii_graphic()));
        prop_assert_eq!(decode_eid(&encoded), Some(eid.clone()));
        let target = with_eid(&path, &encoded);
        prop_assert_eq!(path_of(&target), &path);
        prop_assert_eq!(eid_of(&target), Some(eid));
    }

    #[test]
    fn any_target_is_decoded_or_not(target in "\\PC{0,80}", query in "[eid=&%0-9A-F?]{0,40}") {
        let _ = eid_of(&target);
        let _ = decode_eid(&target);
        if let Some(eid) = eid_of(&format!("/usp?{query}")) {
            prop_assert!(eid.len() <= query.len(), "decoding never makes it longer");
        }
    }
}
