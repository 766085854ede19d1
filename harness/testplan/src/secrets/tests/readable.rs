//! What stays readable although a secret has it, so that findings can be read.

use serde_json::json;

use super::*;
use crate::{
    testing::{EUT, response},
    verdict::{CleanUp, Finding, Judgement, MetricResult, Outcome, Verdict},
};

/// A judgement with one finding.
fn judged(trace: &crate::trace::Trace, path: Option<&str>, expected: &str, seen: &str) -> (Finding, String) {
    let finding = Finding {
        outcome: Outcome::Unmet,
        requirement: None,
        expected: expected.to_owned(),
        seen: seen.to_owned(),
        path: path.map(str::to_owned),
        events: Vec::new(),
    };
    let place = path.map(|path| format!("{path}: ")).unwrap_or_default();
    let mut judgement = Judgement {
        verdict: Verdict::Fail,
        reason: Some(format!("metric 1 unmet: {place}expected {expected}, seen {seen}")),
        metrics: vec![MetricResult { metric: "1".into(), outcome: Outcome::Unmet, findings: vec![finding] }],
        universal: Vec::new(),
        clean_up: CleanUp::Clean,
    };
    Mask::of(trace).judgement(&mut judgement);
    (judgement.metrics.remove(0).findings.remove(0), judgement.reason.unwrap())
}

#[rstest]
#[case::a_word_of_ours("keys", "the unique keys (ID) in no two rows", "the unique keys twice")]
#[case::a_parameter("Recipient", "the unique key Recipient", "no \"Recipient\" in it")]
#[case::a_field("result_params", "result_params with one entry", "\"result_params\": none")]
#[case::a_message("GetResp", "a GetResp", "an \"Error\" and no GetResp")]
#[case::a_number("1", "\"1\"", "\"0\", and \"1\" later")]
#[case::a_switch("true", "\"true\"", "{\"session_present\":true,\"Enable\":\"true\"}")]
#[case::an_endpoint_id(EUT, "from_id os::012345-0001", "\"os::012345-0001\"")]
#[case::a_part_of_it("012345-0001", "from_id os::012345-0001", "\"os::012345-0001\"")]
#[case::longer_words("port", "what is supported", "\"ports and support\"")]
fn findings_stay_readable(#[case] secret: &str, #[case] expected: &str, #[case] seen: &str) {
    let row = json!({"Device.LocalAgent.Subscription.1.": {"Recipient": "Device.LocalAgent.Controller.1", "X_Token": secret}});
    let trace = Story::new().get("get", "Device.LocalAgent.", &row).trace;
    // A switch is none.
    let marked = (secret != "true").then(|| Secret::new("Device.LocalAgent.Subscription.1. X_Token", secret));
    assert_eq!(secrets(&trace), Vec::from_iter(marked));
    let (finding, reason) = judged(&trace, Some("GetResp.req_path_results[0]"), expected, seen);
    assert_eq!((finding.expected.as_str(), finding.seen.as_str()), (expected, seen));
    assert!(reason.contains(expected) && reason.contains(seen), "{reason}");
    // Where its name says that it is one, it is one.
    let shown = masked(&trace);
    let told = shown.events.iter().find_map(|event| match &event.what {
        What::Record { bytes, direction: Direction::Received, .. } => Some(super::super::find::decode(bytes)),
        _ => None,
    });
    let params = "/message/body/response/get_resp/req_path_results/0/resolved_path_results/0/result_params";
    let params = told.unwrap().pointer(params).unwrap().clone();
    let stars = if secret == "true" { secret.to_owned() } else { "*".repeat(secret.len()) };
    assert_eq!(params, json!({"Recipient": "Device.LocalAgent.Controller.1", "X_Token": stars}));
}

#[rstest]
#[case::quoted("keys", "the \"keys\"", "the \"•••• (secret)\"")]
#[case::in_a_longer_text("hunt2", "Error 7004 \"bad hunt2 given\"", "Error 7004 \"bad •••• (secret) given\"")]
#[case::cut_in_quotes("keys", "{\"A\":\"keys … (3 more characters)", "{\"A\":\"•••• (secret) … (3 more characters)")]
#[case::hex("hunt2", "bytes 0a0568756e743212", "bytes 0a05•••• (secret)12")]
fn what_others_said_is_masked(#[case] secret: &str, #[case] seen: &str, #[case] masked: &str) {
    let (finding, reason) = judged(&told(secret).trace, None, "something else", seen);
    assert_eq!(finding.seen, masked);
    assert!(reason.ends_with(masked), "{reason}");
}

#[test]
fn the_path_of_a_finding_tells_the_shortest_secret() {
    let (finding, reason) = judged(&told("1").trace, Some("GetResp.result_params.Password"), "\"0\"", "\"1\"");
    assert_eq!((finding.expected.as_str(), finding.seen), ("\"0\"", format!("\"{MASK}\"")));
    assert!(reason.ends_with(&format!("expected \"0\", seen \"{MASK}\"")), "{reason}");
    let (finding, _) = judged(&told("1").trace, None, "x", r#"{"Enable":"1","Password":"1"}"#);
    assert_eq!(finding.seen, format!(r#"{{"Enable":"1","Password":"{MASK}"}}"#));
}

#[test]
fn a_word_that_the_eut_says_elsewhere_is_masked_among_ours() {
    let seen = "a connection closed (bad sesame given)";
    assert_eq!(judged(&told("sesame").trace, None, "none", seen).0.seen, seen);
    let close = json!({"closed": {"by": "peer", "code": 1008, "reason": "bad sesame given", "clean": true}});
    let story = told("sesame").connection(1, ConnectionState::Closed, close);
    assert_eq!(judged(&story.trace, None, "none", seen).0.seen, format!("a connection closed (bad {MASK} given)"));
}

#[test]
fn what_a_case_expects_is_masked_where_a_variable_brought_it() {
    let expected = "the text hunter22-x in it";
    let story = told("hunter22-x");
    assert_eq!(judged(&story.trace, None, expected, "absent").0.expected, expected);
    assert_eq!(judged(&story.trace, None, "\"hunter22-x\"", "absent").0.expected, format!("\"{MASK}\""));
    let long = "hunter22-".repeat(100);
    let cut = crate::show::quoted(&long);
    let expected_of = |expected: &str| judged(&told(&long).trace, None, expected, "absent").0.expected;
    assert_eq!(expected_of(&cut), format!("\"{MASK}… (660 more characters)\""));
    assert_eq!(expected_of(&format!("\"{long}\"")), format!("\"{MASK}\""));
    let story = story.variable("word", "hunter22-x");
    let (finding, reason) = judged(&story.trace, None, expected, "absent");
    assert_eq!(finding.expected, format!("the text {MASK} in it"));
    assert!(!reason.contains("hunter22"), "{reason}");
}

#[test]
fn a_case_that_names_a_secret_of_its_own_still_says_so() {
    let wanted = json!({"req_path_results": [{"resolved_path_results": [{"result_params": {"Password": "another"}}]}]});
    let story = told("hunter22").metric(response("get", Some(wanted)));
    let texts = shown(&story);
    assert!(texts.iter().any(|text| text.contains("another")), "{texts:?}");
    assert!(!texts.iter().any(|text| text.contains("hunter22")), "{texts:?}");
}
