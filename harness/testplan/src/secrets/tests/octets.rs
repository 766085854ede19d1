//! Secrets in octets: in pieces, in what cannot be decoded, and in what is no text.

use prost::Message as _;
use uspec_usp::{
    decode::{Payload, payload},
    record::{Record, SessionContextRecord, record::RecordType, session_context_record::PayloadSarState},
};

use super::*;
use crate::testing::{EUT, US, encode, record};

const LONG: &str = "hunter22-sesame";

/// A GetResp that tells a password.
fn message(secret: &str) -> Vec<u8> {
    let params = json!({"resolved_path": "Device.X.1.", "result_params": {"Password": secret, "Zone": "readable"}});
    let body = json!({"req_path_results": [{"requested_path": "Device.X.", "resolved_path_results": [params]}]});
    encode(uspec_usp::schema::Content::Response(uspec_usp::schema::MessageKind::Get), "m1", &body)
}

/// A Record whose payload is in parts.
fn in_parts(parts: &[&[u8]], state: PayloadSarState) -> Vec<u8> {
    let payload = parts.iter().map(|part| part.to_vec()).collect();
    let context = SessionContextRecord { payload, payload_sar_state: state.into(), ..Default::default() };
    let record_type = Some(RecordType::SessionContext(context));
    Record { version: "1.3".into(), from_id: EUT.into(), to_id: US.into(), record_type, ..Record::default() }
        .encode_to_vec()
}

fn frame(kind: &str, fin: bool, payload: &[u8]) -> What {
    let (kind, payload) = (kind.to_owned(), payload.to_vec());
    What::Frame { connection: 1, direction: Direction::Received, kind, fin, payload }
}

/// Any four octets of the secret that are shown.
fn leaks(shown: &[u8], secret: &[u8]) -> bool {
    secret.windows(4).any(|part| shown.windows(4).any(|it| it == part))
}

fn assert_hidden(story: &Story, secret: &[u8]) {
    for (event, octets) in covered(story).into_iter().enumerate() {
        assert!(!leaks(&octets, secret), "{event}: {}", String::from_utf8_lossy(&octets));
    }
    let shown = masked(&story.trace).to_json_lines().unwrap();
    for part in secret.windows(4).map(hex::encode) {
        assert!(!shown.contains(&part), "{part} is in {shown}");
    }
    assert!(!leaks(shown.as_bytes(), secret), "{shown}");
    assert_eq!(masked(&story.trace).events.len(), story.trace.events.len() + 1);
}

#[test]
fn what_crosses_an_open_websocket_is_covered_whole() {
    let facts = MtpFacts::direct("websocket", Some(Role::EutConnects), false);
    let story = Story::new()
        .over(facts)
        .event(What::Captured { name: "password".into(), value: "hunter22".into() })
        .connection(1, ConnectionState::Attempt, json!({}))
        .event(octets(Direction::Received, b"GET /usp HTTP/1.1\r\n\r\n\x82\x81ab"))
        .event(octets(Direction::Sent, b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: abc\r\n\r\n"))
        .connection(1, ConnectionState::Open, json!({}))
        .event(octets(Direction::Sent, b"\x82\x01a"))
        .event(octets(Direction::Received, b"cd\x00"));
    let answer = b"HTTP/1.1 101 Switching Protocols\r\nSet-Cookie: ***\r\n\r\n".to_vec();
    let request = b"GET /usp HTTP/1.1\r\n\r\n****".to_vec();
    assert_eq!(covered(&story), [request, answer, b"***".to_vec(), b"***".to_vec()]);
}

#[test]
fn a_secret_in_two_fragments_is_covered_in_both() {
    let bytes = record(EUT, US, message(LONG));
    let at = bytes.windows(LONG.len()).position(|it| it == LONG.as_bytes()).unwrap() + 7;
    let (head, tail) = bytes.split_at(at);
    let wire = [&[0x02, 0x7e, 0, 9], head, &[0x80, 0x7e, 0, 9], tail].concat();
    let story = Story::new()
        .event(octets(Direction::Received, &wire))
        .event(frame("binary", false, head))
        .event(frame("ping", true, b"between"))
        .event(frame("continuation", true, tail))
        .receive(bytes.clone());
    assert_hidden(&story, LONG.as_bytes());
    let shown = covered(&story);
    assert_eq!([shown[1].as_slice(), &shown[3]].concat(), shown[4], "the Record is as its frames are");
    assert_eq!(shown[2], b"between");
    assert!(shown[4].windows(8).any(|it| it == b"readable"), "only the secret is covered");
}

#[test]
fn a_secret_in_two_parts_of_a_payload_is_covered() {
    let message = message(LONG);
    let at = message.windows(LONG.len()).position(|it| it == LONG.as_bytes()).unwrap() + 7;
    let (head, tail) = message.split_at(at);
    let bytes = in_parts(&[head, tail], PayloadSarState::None);
    let mqtt = MtpFacts::direct("mqtt", None, false);
    let wire = [&[0x30, 0x7f, 0, 1, b'a'], bytes.as_slice()].concat();
    let story = Story::new()
        .over(mqtt)
        .event(octets(Direction::Received, &wire))
        .came("PUBLISH", json!({"topic": "a"}), &bytes)
        .receive(bytes.clone());
    assert_hidden(&story, LONG.as_bytes());
    let hex = Mask::of(&story.trace).apply(&format!("bytes {}", crate::show::bytes(&bytes)));
    assert!(hex.contains(MASK) && !hex.contains(&hex::encode(&LONG[..7])), "{hex}");
}

#[test]
fn a_secret_in_two_segments_is_covered_in_both_records() {
    let message = message(LONG);
    let at = message.windows(LONG.len()).position(|it| it == LONG.as_bytes()).unwrap() + 7;
    let (head, tail) = message.split_at(at);
    let first = in_parts(&[head], PayloadSarState::Begin);
    let second = in_parts(&[tail], PayloadSarState::Complete);
    let story = Story::new()
        .over(MtpFacts::direct("uds", None, false))
        .event(octets(Direction::Received, &first))
        .came("FRAME", json!({"tlvs": []}), &first)
        .receive(first)
        .came("FRAME", json!({"tlvs": []}), &second)
        .receive(second);
    assert_hidden(&story, LONG.as_bytes());
    let innocent = in_parts(&[b"innocent"], PayloadSarState::Begin);
    let story = told("hunter22").event(What::Note { text: String::new() }).receive(innocent.clone());
    assert_eq!(covered(&story).last(), Some(&innocent));
}

/// A Message with a string in it that is no UTF-8, and one that is cut.
#[rstest]
#[case::bad_string(|message: &mut Vec<u8>| {
    let at = message.windows(8).position(|it| it == b"readable").unwrap();
    message[at] = 0xff;
})]
#[case::cut_behind(|message: &mut Vec<u8>| { message.pop(); })]
#[case::cut_within(|message: &mut Vec<u8>| {
    let at = message.windows(LONG.len()).position(|it| it == LONG.as_bytes()).unwrap();
    message.truncate(at + 9);
})]
#[case::without_its_value(|message: &mut Vec<u8>| {
    let at = message.windows(LONG.len()).position(|it| it == LONG.as_bytes()).unwrap();
    message[at - 2] = 0x07;
})]
fn a_message_that_cannot_be_decoded_hides_its_secrets(#[case] spoil: fn(&mut Vec<u8>)) {
    let mut message = message(LONG);
    spoil(&mut message);
    let bytes = record(EUT, US, message);
    assert!(!matches!(payload(&Record::decode(bytes.as_slice()).unwrap()), Payload::None));
    let wire = [b"MESSAGE\n\n", bytes.as_slice(), b"\0"].concat();
    let story = Story::new()
        .over(MtpFacts::direct("stomp", None, false))
        .event(octets(Direction::Received, &wire))
        .came("MESSAGE", json!({"headers": {}}), &bytes)
        .receive(bytes.clone());
    assert_hidden(&story, &LONG.as_bytes()[..9]);
    assert!(covered(&story)[2].windows(US.len()).any(|it| it == US.as_bytes()), "the Record around it is shown");
    let text = format!("the Message {}", hex::encode(&bytes));
    let text = Mask::of(&story.trace).apply(&text);
    assert!(!text.contains(&hex::encode(&LONG[..9])), "{text}");
}

#[test]
fn a_secret_that_does_not_stand_in_the_bytes_as_it_is_hides_them() {
    let bytes = [b"\x0a\x08", &LONG.as_bytes()[..8], b"\x0a\x07", &LONG.as_bytes()[8..]].concat();
    let decoded = json!({"a": {"Password": LONG}});
    let story = Story::new().over(MtpFacts::direct("stomp", None, false));
    let story =
        story.event(octets(Direction::Received, &bytes)).came("MESSAGE", json!({}), &bytes).event(What::Record {
            connection: 1,
            direction: Direction::Received,
            step: None,
            bytes: bytes.clone(),
            decoded,
        });
    assert_hidden(&story, LONG.as_bytes());
    // A Record without a Message tells what stands behind the name of a secret.
    let bytes = [b"\x12\x08Password\x1a\x0f", LONG.as_bytes()].concat();
    assert_hidden(&Story::new().receive(bytes), LONG.as_bytes());
}

#[test]
fn bytes_that_are_no_record_hide_their_secrets() {
    let mut bytes = record(EUT, US, message(LONG));
    bytes[0] = 0x0f;
    let story = Story::new().receive(bytes.clone());
    assert_hidden(&story, LONG.as_bytes());
    let lines = exchange::lines(&story.trace).join("\n");
    assert!(!lines.contains(&hex::encode(&LONG[..4])), "{lines}");
    let blabbed = Story::new().receive(b"\x0fwrong password: hunter22".to_vec());
    assert_eq!(covered(&blabbed), [vec![b'*'; 25]]);
    let innocent =
        Story::new().event(What::Captured { name: "secret".into(), value: LONG.into() }).receive(b"\x0fx".to_vec());
    assert_eq!(covered(&innocent), [b"\x0fx".to_vec()]);
}

#[test]
fn binary_credentials_of_mqtt_are_covered() {
    let (password, data) = (b"\xff\xfesesame!!", b"\x01\x02\x03\x04\x05\x06\x07\x08");
    let fields = json!({
        "password": String::from_utf8_lossy(password),
        "password_hex": hex::encode(password),
        "properties": {"authentication_data_hex": hex::encode(data)},
    });
    let wire = [b"\x10\x20\x00\x04MQTT".as_slice(), data, b"\x00\x0a", password].concat();
    let story = Story::new()
        .over(MtpFacts::direct("mqtt", None, false))
        .event(octets(Direction::Received, &wire))
        .came("CONNECT", fields, b"");
    assert_hidden(&story, password);
    assert_hidden(&story, data);
    let text = Mask::of(&story.trace).apply(&format!("{} {}", hex::encode(data), hex::encode(&wire)));
    assert!(!text.contains(&hex::encode(data)) && !text.contains(&hex::encode(password)), "{text}");
}

#[rstest]
#[case("mqtt", b"\x00\x04user\x00\x01x".as_slice(), b"\x00\x04user\x00\x01*".as_slice(), "x")]
#[case("mqtt", b"\x00\x03abc abc", b"\x00\x03*** abc", "abc")]
#[case("stomp", b"CONNECT\npasscode:x\n\n\0", b"CONNECT\npasscode:*\n\n\0", "x")]
#[case("stomp", b"CONNECT\npasscode:Device.s3cret\n\n\0", b"CONNECT\npasscode:*************\n\n\0", "Device.s3cret")]
#[case("stomp", b"CONNECT\npasscode:a\\cb-c-d-e\n\n\0", b"CONNECT\npasscode:**********\n\n\0", "a:b-c-d-e")]
fn a_credential_is_covered_whatever_it_is(
    #[case] mtp: &str,
    #[case] wire: &[u8],
    #[case] shown: &[u8],
    #[case] secret: &str,
) {
    let story = Story::new().over(MtpFacts::direct(mtp, None, false)).event(octets(Direction::Received, wire)).came(
        "CONNECT",
        json!({"password": secret, "headers": {"passcode": secret}}),
        b"",
    );
    assert_eq!(covered(&story)[0], shown, "{}", String::from_utf8_lossy(&covered(&story)[0]));
    let lines = exchange::lines(&story.trace).join("\n");
    assert!(!lines.contains(&format!("\"{secret}\"")) && lines.contains(MASK), "{lines}");
}

/// With a quote and a direction character; the last also with one that only Rust escapes, and one that nothing does.
#[rstest]
fn a_secret_is_found_where_json_is_shown_escaped(
    #[values("a\"b\u{200e}cccc", "a\\b\u{7f}cccc", "a\"b'\u{e000}\u{200e}cccc")] secret: &str,
) {
    let mask = Mask::new(&[Secret::new("password", secret)]);
    for text in [
        crate::show::value(&json!({"P": secret})),
        crate::show::value(&json!({"P": [secret, {"Q": secret}]})),
        crate::show::quoted(secret),
        crate::show::cut(&json!({"P": secret}).to_string()),
        format!("{secret:?}"),
    ] {
        let masked = mask.apply(&text);
        assert!(!masked.contains("cccc") && masked.contains(MASK), "{text} became {masked}");
    }
}
