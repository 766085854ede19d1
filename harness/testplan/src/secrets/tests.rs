mod bounds;
mod octets;
mod readable;

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

/// Every text of a Trace that is shown, as it is.
fn shown(story: &Story) -> Vec<String> {
    let mut texts = exchange::lines(&story.trace);
    strings(&serde_json::to_value(story.judge()).unwrap(), &mut texts);
    texts
}

/// The strings of a tree themselves, not as JSON escapes them.
fn strings(tree: &Value, texts: &mut Vec<String>) {
    match tree {
        Value::String(text) => texts.push(text.clone()),
        Value::Array(items) => items.iter().for_each(|item| strings(item, texts)),
        Value::Object(fields) => fields.values().for_each(|value| strings(value, texts)),
        _ => {}
    }
}

/// What is masked in these octets, event by event.
fn covered(story: &Story) -> Vec<Vec<u8>> {
    let octets = |what| match what {
        What::Octets { bytes, .. }
        | What::Record { bytes, .. }
        | What::Frame { payload: bytes, .. }
        | What::Packet { body: bytes, .. } => Some(bytes),
        _ => None,
    };
    masked(&story.trace).into_owned().events.into_iter().filter_map(|event| octets(event.what)).collect()
}

fn octets(direction: Direction, bytes: &[u8]) -> What {
    What::Octets { connection: 1, direction, bytes: bytes.to_vec() }
}

#[test]
fn neither_findings_nor_lines_show_a_secret() {
    for secret in [SECRET, "hunter22", "abc", "1", &"long".repeat(200), "Device.s3cret", "Recipient"] {
        let story = told(secret);
        assert_eq!(story.judge().verdict, crate::verdict::Verdict::Fail);
        let texts = shown(&story);
        let json = Value::from(secret).to_string();
        let escaped = crate::show::quoted(json.trim_matches('"'));
        let begun: String = secret.chars().take(8).collect();
        for form in [secret, &json, &escaped, &crate::show::quoted(secret), &hex::encode(secret), &begun] {
            // What is short is no secret but where it is a value.
            let form = if secret.len() < 8 && form.len() < 8 {
                format!("\"{}\"", form.trim_matches('"'))
            } else {
                form.to_owned()
            };
            let shown: Vec<_> = texts.iter().filter(|text| text.contains(&form)).collect();
            let plain = secret == "Recipient" && !form.starts_with('"');
            assert!(plain || shown.is_empty(), "{form} is in {shown:?}");
        }
        assert!(texts.iter().any(|text| text.contains(MASK)), "{texts:?}");
        assert!(
            texts.iter().any(|text| text.contains("Device.MQTT.Client.1.")),
            "only the secret is masked: {texts:?}"
        );
    }
}

#[test]
fn what_the_test_above_looks_for_is_found_when_nothing_is_masked() {
    let mut story = told(SECRET);
    story.trace.header.secrets = Some(Vec::new());
    let texts = shown(&story);
    assert!(texts.iter().any(|text| text.contains(&crate::show::quoted(SECRET))), "{texts:?}");
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
    fn no_text_survives_with_a_secret_in_it(secret in "[ -~é]{8,20}", before in ".{0,40}", after in ".{0,40}") {
        prop_assume!(!readable_word(&secret));
        let mask = Mask::new(&[Secret::new("x", &secret)]);
        let text = format!("{before}\"{secret}{after}\"");
        for masked in [mask.apply(&text), mask.apply_to_theirs(&text)] {
            prop_assert!(!masked.replace(MASK, "\0").contains(&secret), "{masked}");
        }
    }

    #[test]
    fn a_short_secret_does_not_survive_by_itself(secret in "[!-~]{4,7}", before in ".{0,40}", after in ".{0,40}") {
        prop_assume!(!readable_word(&secret));
        let mask = Mask::new(&[Secret::new("x", &secret)]);
        let masked = mask.apply_to_theirs(&format!("{before} {secret}, {after}"));
        prop_assert!(!masked.contains(&format!(" {secret}, ")), "{masked}");
    }

    #[test]
    fn overlapping_secrets_are_all_masked(text in "[ab]{8,40}", places in prop::collection::vec((0usize..30, 8usize..20), 1..6)) {
        let part = |(start, length): &(usize, usize)| text.get(*start..(start + length).min(text.len())).unwrap_or_default();
        let secrets: Vec<_> = places.iter().map(part).filter(|it| it.len() >= 8).map(|it| Secret::new("x", it)).collect();
        let octets = Mask::new(&secrets).in_octets(text.as_bytes());
        for secret in &secrets {
            for at in 0..text.len() {
                let found = text.as_bytes()[at..].starts_with(&secret.value);
                let end = at + secret.value.len();
                prop_assert!(!found || octets.iter().any(|range| range.start <= at && end <= range.end));
            }
        }
    }

    #[test]
    fn any_cut_hides_what_is_left_of_a_secret(secret in "[0-9a-z]{12,40}", kept in 3usize..12) {
        let mask = Mask::new(&[Secret::new("x", &secret)]);
        for written in [secret.clone(), hex::encode(&secret), STANDARD.encode(&secret)] {
            // Three octets are six digits of hex, or four of base64 and the next one.
            let kept = if written == secret { kept } else { (kept + 3).min(written.len()) };
            let text = format!("seen \"{}… (99 more characters)\"", &written[..kept]);
            let masked = mask.apply(&text);
            prop_assert!(masked.contains(MASK), "{masked}");
        }
    }

    #[test]
    fn a_whole_value_is_masked(secret in "[ -~]{3,20}", before in "[^\"]{0,20}") {
        prop_assume!(!readable_word(&secret));
        let quoted = format!("\"{secret}\"");
        let masked = Mask::new(&[Secret::new("x", &secret)]).apply(&format!("{before} {quoted}"));
        prop_assert!(masked.contains(MASK) && !masked.contains(&quoted), "{}", masked);
    }

    #[test]
    fn a_verdict_does_not_depend_on_secrets(secret in "[ -~]{1,20}", value in "[ -~]{0,20}") {
        let story = told(&value);
        let mut marked = story.clone();
        marked.trace.header.secrets = Some(vec![Secret::new("x", &secret)]);
        let before = marked.trace.clone();
        prop_assert_eq!(story.judge().verdict, marked.judge().verdict);
        let outcomes = |story: &Story| story.judge().metrics.iter().map(|metric| metric.outcome).collect::<Vec<_>>();
        prop_assert_eq!(outcomes(&story), outcomes(&marked));
        prop_assert_eq!(before, marked.trace);
    }

    #[test]
    fn octets_keep_their_number(secret in prop::collection::vec(any::<u8>(), 1..30), rest in prop::collection::vec(any::<u8>(), 0..60), cuts in prop::collection::vec(1usize..20, 0..10)) {
        let stream = [&rest[..], &secret, &rest].concat();
        let mut story = Story::new().over(MtpFacts::direct("stomp", None, false));
        let mut left = stream.as_slice();
        for cut in cuts {
            let (piece, after) = left.split_at(cut.min(left.len()));
            story = story.event(octets(Direction::Sent, piece));
            left = after;
        }
        story = story.event(octets(Direction::Sent, left));
        story.trace.header.secrets = Some(vec![Secret { at: "x".into(), value: secret.clone() }]);
        let covered: Vec<u8> = covered(&story).concat();
        prop_assert_eq!(covered.len(), stream.len());
        let there = |octets: &[u8]| octets.windows(secret.len()).any(|it| it == secret);
        let text = str::from_utf8(&secret).unwrap_or_default();
        prop_assert!(secret.len() < 8 || readable_word(text) || secret.iter().all(|octet| *octet == b'*') || !there(&covered));
    }
}

/// Whether Traces show it although a secret has it.
fn readable_word(secret: &str) -> bool {
    !super::readable::readable(None, &[Secret::new("x", secret)]).is_empty()
}
