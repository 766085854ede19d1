//! Properties that hold for any octets: nothing panics, nothing hangs, no limit is exceeded, and what is written is read.

use bytes::BytesMut;
use proptest::collection::vec;
use proptest::prelude::*;

use super::StompFrame;
use super::decoder::{Decoder, Incoming, Sender};
use super::escape::{self, Escaping};

/// Largest body in these tests: small, so that random octets come near it.
const LIMIT: usize = 200;

/// More than a head may have, and one read.
const MOST_PENDING: usize = 64 * 1024 + LIMIT + 1000;

fn command(sender: Sender) -> impl Strategy<Value = &'static str> {
    let commands: &[&str] = match sender {
        Sender::Client => &["SEND", "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "DISCONNECT", "STOMP", "CONNECT"],
        Sender::Server => &["CONNECTED", "MESSAGE", "RECEIPT", "ERROR"],
    };
    prop::sample::select(commands)
}

/// Headers that can be written: a NUL can stand in none, and a name needs a character.
fn headers() -> impl Strategy<Value = Vec<(String, String)>> {
    let text = "([a-z:\\\\\r\n]|[^\0]){0,12}";
    vec(("([a-z\\\\\r\n]|[^\0:]){1,12}".prop_map(|name: String| format!("x{name}")), text), 0..6)
}

fn frame(sender: Sender) -> impl Strategy<Value = StompFrame> {
    (command(sender), headers(), vec(any::<u8>(), 0..LIMIT)).prop_map(|(command, headers, body)| {
        let mut frame = StompFrame::new(command).with("content-length", body.len().to_string()).with_body(body);
        frame.headers.extend(headers);
        frame
    })
}

/// Octets that are frames, some of them with a few octets changed.
fn nearly_frames() -> impl Strategy<Value = Vec<u8>> {
    let change =
        (any::<prop::sample::Index>(), prop_oneof![any::<u8>(), Just(b'\n'), Just(0), Just(b':'), Just(b'\\')]);
    (vec(frame(Sender::Client), 0..5), vec(change, 0..3), vec(any::<u8>(), 0..20)).prop_map(
        |(frames, changes, tail)| {
            let mut octets = BytesMut::new();
            for frame in &frames {
                frame.write(&mut octets);
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
        },
    )
}

/// Reads octets to their end or to the first violation, and gives back the frames and the violation's requirement.
fn read(sender: Sender, octets: &[u8], cut: usize) -> (Vec<StompFrame>, Option<&'static str>) {
    let mut decoder = Decoder::new(sender, LIMIT);
    let mut frames = Vec::new();
    for chunk in octets.chunks(cut.max(1)) {
        decoder.buffer().extend_from_slice(chunk);
        loop {
            match decoder.next() {
                Ok(Some(Incoming::Frame { frame, .. })) => {
                    assert!(frame.body.len() <= LIMIT, "a body of {} octets was taken", frame.body.len());
                    frames.push(frame);
                }
                Ok(Some(Incoming::Beats(count))) => assert!(count > 0),
                Ok(None) => break,
                Err(violation) => {
                    assert!(violation.octets.len() <= 256);
                    return (frames, Some(violation.requirement));
                }
            }
        }
        assert!(decoder.pending() <= MOST_PENDING, "{} octets wait", decoder.pending());
        assert!(decoder.evidence().len() <= 256);
    }
    (frames, None)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_octets_are_read_within_limits(octets in vec(any::<u8>(), 0..600), cut in 1_usize..50) {
        read(Sender::Client, &octets, cut);
        read(Sender::Server, &octets, cut);
    }

    #[test]
    fn any_octets_behind_a_head_are_read(octets in vec(any::<u8>(), 0..600), cut in 1_usize..50) {
        read(Sender::Client, &[b"SEND\n", &octets[..]].concat(), cut);
        read(Sender::Server, &[b"MESSAGE\ncontent-length:7\n\n", &octets[..]].concat(), cut);
    }

    #[test]
    fn octets_that_are_nearly_frames_mean_the_same_however_they_are_cut(octets in nearly_frames(), cut in 1_usize..50) {
        let (whole, cut) = (read(Sender::Client, &octets, octets.len()), read(Sender::Client, &octets, cut));
        prop_assert_eq!(whole.0, cut.0);
        prop_assert_eq!(whole.1.is_some(), cut.1.is_some());
    }

    #[test]
    fn what_a_client_writes_is_read(frames in vec(frame(Sender::Client).prop_filter("exempt", exact), 1..4), cut in 1_usize..50) {
        round_trip(Sender::Client, frames, cut)?;
    }

    #[test]
    fn what_a_server_writes_is_read(frames in vec(frame(Sender::Server).prop_filter("exempt", exact), 1..4), cut in 1_usize..50) {
        round_trip(Sender::Server, frames, cut)?;
    }

    #[test]
    fn text_survives_its_escapes(text in "([a-z:\\\\\r\n]|\\PC){0,40}") {
        for escaping in [Escaping::Full, Escaping::Either] {
            let mut out = Vec::new();
            escape::write(&text, escaping, &mut out);
            prop_assert!(!out.iter().any(|octet| matches!(octet, b':' | b'\r' | b'\n')));
            prop_assert_eq!(escape::read(&String::from_utf8(out).unwrap(), escaping), Ok(text.clone()));
        }
    }

    #[test]
    fn where_escapes_are_not_demanded_every_text_is_read(text in "([a-z:\\\\]|\\PC){0,40}") {
        prop_assert!(escape::read(&text, Escaping::Exempt).is_ok());
        prop_assert!(escape::read(&text, Escaping::Either).is_ok());
    }
}

/// Whether a frame means the same after it was written: exempt frames have no way to write everything.
fn exact(frame: &StompFrame) -> bool {
    let plain = |text: &str| !text.contains(['\\', '\r', '\n', ':']);
    Escaping::of(&frame.command) != Escaping::Exempt
        || frame.headers.iter().all(|(name, value)| plain(name) && plain(value))
}

fn round_trip(sender: Sender, frames: Vec<StompFrame>, cut: usize) -> Result<(), TestCaseError> {
    let mut octets = BytesMut::new();
    for frame in &frames {
        frame.write(&mut octets);
        octets.extend_from_slice(b"\n");
    }
    prop_assert_eq!(read(sender, &octets, cut), (frames, None));
    Ok(())
}
