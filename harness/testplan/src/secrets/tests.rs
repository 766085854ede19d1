use base64::{Engine as _, engine::general_purpose::STANDARD};
use proptest::prelude::*;
use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::json::record_to_value;

use super::*;
use crate::{
    exchange,
    profile::Role,
    testing::{Story, response},
    trace::{ConnectionState, Direction, MtpFacts, What},
};

const SECRET: &str = "corr\"ect horse\u{7f}";

/// The EUT tells a secret in answer to a Get, and the metric wants another value.
fn told(secret: &str) -> Story {
    let objects = json!({"Device.MQTT.Client.1.": {"Password": secret, "Username": "somebody"}});
    let wanted = json!({"req_path_results": [{"resolved_path_results": [{"result_params": {"Password": ""}}]}]});
    Story::new().get("get", "Device.MQTT.Client.1.", &objects).metric(response("get", Some(wanted)))
}

/// Everything of a Trace that is shown, in one text.
fn shown(story: &Story) -> String {
    let judgement = serde_json::to_string(&story.judge()).unwrap();
    format!("{judgement}\n{}", exchange::lines(&story.trace).join("\n"))
}

fn octets(direction: Direction, bytes: &[u8]) -> What {
    What::Octets { connection: 1, direction, bytes: bytes.to_vec() }
}

#[test]
fn neither_findings_nor_lines_show_a_secret() {
    for secret in [SECRET, "hunter22", "abc", &"long".repeat(200)] {
        let story = told(secret);
        assert_eq!(story.judge().verdict, crate::verdict::Verdict::Fail);
        let text = shown(&story);
        let json = Value::from(secret).to_string();
        for form in [
            format!("\"{secret}"),
            json.trim_matches('"').to_owned(),
            hex::encode(secret),
            secret.chars().take(8).collect(),
        ] {
            assert!(!text.contains(&form) || form.len() < 4, "{form} is in {text}");
        }
        assert!(text.contains(MASK), "{text}");
        assert!(text.contains("Device.MQTT.Client.1."), "only the secret is masked: {text}");
    }
}

#[rstest]
#[case("seen \"hunter22\"")]
#[case("hex 68756e7465723232 in it")]
#[case("hex 68756E7465723232")]
#[case("seen \"hunt… (4 more characters)")]
#[case("seen \"hunter2 […1 characters cut]")]
#[case("bytes 68756e… (5 more bytes)")]
fn a_secret_is_masked_however_it_is_written(#[case] text: &str) {
    let masked = Mask::new(&[Secret::new("password", "hunter22")]).apply(text);
    assert!(masked.contains(MASK) && !masked.contains("hunt") && !masked.contains("6875"), "{masked}");
}

#[test]
fn a_secret_is_masked_wherever_it_stands_in_base64() {
    let mask = Mask::new(&[Secret::new("password", "hunter22")]);
    for before in ["", "a", "ab", "abc"] {
        let text = STANDARD.encode(format!("{before}hunter22 and more"));
        let masked = mask.apply(&text);
        assert!(masked.contains(MASK), "{text} became {masked}");
    }
}

#[test]
fn short_secrets_are_masked_where_they_stand_alone() {
    let mask = Mask::new(&[Secret::new("password", "abc")]);
    assert_eq!(mask.apply("\"abc\" in abcdef"), format!("\"{MASK}\" in abcdef"));
    assert!(Mask::new(&[Secret::new("password", "")]).is_empty());
}

#[test]
fn a_masked_trace_has_no_secret_and_the_same_shape() {
    let fields =
        json!({"headers": {"passcode": "hunter22"}, "header_list": [{"name": "passcode", "value": "hunter22"}]});
    let story = told("hunter22")
        .came("CONNECT", fields, b"")
        .event(octets(Direction::Received, b"CONNECT\npasscode:hun"))
        .event(octets(Direction::Sent, b"between"))
        .event(octets(Direction::Received, b"ter22\n\n\0"))
        .over(MtpFacts { version: None, ..MtpFacts::direct("stomp", None, false) });
    let shown = masked(&story.trace);
    let text = shown.to_json_lines().unwrap();
    for form in ["hunter22", &hex::encode("hunter22"), &hex::encode("ter22")] {
        assert!(!text.contains(form), "{form} is in {text}");
    }
    assert!(text.contains(&hex::encode("\npasscode:***")), "{text}");
    for (before, after) in story.trace.events.iter().zip(&shown.events) {
        let (What::Record { bytes, .. }, What::Record { bytes: covered, .. }) = (&before.what, &after.what) else {
            continue;
        };
        assert_eq!(bytes.len(), covered.len());
        assert!(record_to_value(covered).is_ok(), "it can still be decoded");
    }
    assert!(Mask::of(&shown).is_empty(), "its header names places only");
}

#[test]
fn what_a_client_scrambles_is_covered_whole() {
    let facts = MtpFacts::direct("websocket", Some(Role::EutConnects), false);
    let story = told("hunter22")
        .over(facts)
        .connection(1, ConnectionState::Attempt, json!({}))
        .event(octets(Direction::Received, b"GET /usp HTTP/1.1\r\n\r\n"))
        .connection(1, ConnectionState::Open, json!({}))
        .event(octets(Direction::Sent, b"\x82\x01a"))
        .event(octets(Direction::Received, b"\x82\x81abcd\x00"));
    let shown: Vec<_> = masked(&story.trace)
        .into_owned()
        .events
        .into_iter()
        .filter_map(|event| match event.what {
            What::Octets { bytes, .. } => Some(bytes),
            _ => None,
        })
        .collect();
    assert_eq!(shown, [b"GET /usp HTTP/1.1\r\n\r\n".to_vec(), b"\x82\x01a".to_vec(), b"*******".to_vec()]);
}

#[test]
fn a_trace_without_secrets_stays_as_it_is() {
    let story = Story::new().get("get", "Device.", &json!({"Device.": {"Username": "somebody"}}));
    assert_eq!(*masked(&story.trace), story.trace);
}

#[test]
fn what_was_found_is_known_in_later_traces() {
    let mut known = vec![Secret::new("the profile's password", "from-the-bench")];
    let mut first = told("hunter22").trace;
    mark(&mut first, &mut known);
    assert_eq!(first.header.secrets, Some(vec![Secret::new("Device.MQTT.Client.1. Password", "hunter22")]));
    let blabbed = |text: &str| Story::new().event(What::Note { text: text.to_owned() }).trace;
    let mut later = blabbed("Error: bad password hunter22");
    mark(&mut later, &mut known);
    assert_eq!(exchange::lines(&later)[0], format!("   0.001    note: Error: bad password {MASK}"));
    let mut neither = blabbed("nothing of it");
    mark(&mut neither, &mut known);
    assert_eq!(neither.header.secrets, Some(Vec::new()), "a Trace names only what stands in it");
    let mut ours = blabbed("is it 66726f6d2d7468652d62656e6368?");
    mark(&mut ours, &mut known);
    assert_eq!(ours.header.secrets.unwrap().len(), 1);
}

proptest! {
    #[test]
    fn no_text_survives_with_a_secret_in_it(secret in "[ -~é]{4,20}", before in ".{0,40}", after in ".{0,40}") {
        let masked = Mask::new(&[Secret::new("x", &secret)]).apply(&format!("{before}{secret}{after}"));
        prop_assert!(!masked.replace(MASK, "\0").contains(&secret), "{masked}");
    }

    #[test]
    fn octets_keep_their_number(secret in prop::collection::vec(any::<u8>(), 1..30), rest in prop::collection::vec(any::<u8>(), 0..60), cuts in prop::collection::vec(1usize..20, 0..10)) {
        let stream = [&rest[..], &secret, &rest].concat();
        let mut story = Story::new();
        let mut left = stream.as_slice();
        for cut in cuts {
            let (piece, after) = left.split_at(cut.min(left.len()));
            story = story.event(octets(Direction::Sent, piece));
            left = after;
        }
        story = story.event(octets(Direction::Sent, left));
        story.trace.header.secrets = Some(vec![Secret { at: "x".into(), value: secret.clone() }]);
        let covered: Vec<u8> = masked(&story.trace).into_owned().events.into_iter().flat_map(|event| match event.what {
            What::Octets { bytes, .. } => bytes,
            _ => Vec::new(),
        }).collect();
        prop_assert_eq!(covered.len(), stream.len());
        let there = |octets: &[u8]| octets.windows(secret.len()).any(|it| it == secret);
        prop_assert!(secret.len() < 4 || secret.iter().all(|octet| *octet == b'*') || !there(&covered));
    }
}
