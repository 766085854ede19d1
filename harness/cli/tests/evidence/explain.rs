//! Cases, explained.

use super::{code, text, uspec};
use rstest::rstest;

#[test]
fn every_case_is_explained() {
    let list = uspec(&["list", "--format", "json"]);
    let list: serde_json::Value = serde_json::from_slice(&list.stdout).unwrap();
    let mut cases: Vec<&str> = list.as_array().unwrap().iter().map(|it| it["id"].as_str().unwrap()).collect();
    cases.dedup();
    let output = uspec(&[&["explain", "--format", "json"], cases.as_slice()].concat());
    assert_eq!(code(&output), 0, "{}", text(&output));
    let explained: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let explained = explained.as_array().unwrap();
    assert_eq!(explained.len(), cases.len());
    for it in explained {
        assert!(!it["title"].as_str().unwrap().is_empty());
        if it["file"].is_null() {
            continue;
        }
        assert!(!it["procedure"].as_array().unwrap().is_empty(), "{it}");
        for metric in it["metrics"].as_array().unwrap() {
            assert!(!metric["holds"].as_array().unwrap().is_empty(), "{it}");
            assert!(!metric["causes"].as_array().unwrap().is_empty(), "every metric can fail: {it}");
        }
    }
    let all = uspec(&[&["explain"], cases.as_slice()].concat());
    let all = text(&all);
    assert!(!all.contains("{{") && !all.contains('$'), "neither matchers nor braces are words");
}

#[test]
fn an_explanation_says_what_a_newcomer_needs() {
    let said = text(&uspec(&["explain", "1.1"]));
    for expected in [
        "1.1  Add creates one Subscription, all or nothing",
        "Applies to every EUT.",
        "R-ADD.1 (MUST, TR-369 messages)",
        "`add`: sends Add: Device.LocalAgent.Subscription. with Enable = true, ID = add1-<unique>",
        "1. `add` is answered by an AddResp",
        "created_obj_results[0].oper_status.oper_success.param_errs is empty",
        "- unique_keys of an AddResp is empty (--fault add-omits-unique-keys)",
        "<sub> what the answer to `add` has at created_obj_results.0",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
}

#[rstest]
// Over WebSocket it breaks both metrics, over the rest the second alone.
#[case("9.9", "add-does-not-create", "1", &["websocket"], &[])]
#[case("9.9", "add-does-not-create", "2", &[], &[])]
#[case("11.12", "get-not-answered", "1", &[], &[])]
#[case("11.12", "get-not-answered", "2", &[], &["mqtt311"])]
#[case("11.12", "get-not-answered", "3", &["mqtt311"], &[])]
#[case("R-WS.17", "ws-sends-no-pings", "1", &[], &[])]
#[case("R-UDS.21", "uds-ignores-bad-handshake", "1", &["uds", "uds-server"], &[])]
fn a_cause_names_the_mtps_over_which_it_is_one(
    #[case] id: &str,
    #[case] fault: &str,
    #[case] metric: &str,
    #[case] over: &[&str],
    #[case] not_over: &[&str],
) {
    let output = uspec(&["explain", "--format", "json", id]);
    let explained: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let metrics = explained[0]["metrics"].as_array().unwrap();
    let causes = metrics.iter().find(|it| it["metric"] == metric).unwrap()["causes"].as_array().unwrap();
    let cause = causes.iter().find(|it| it["fault"] == fault).unwrap();
    let names = |list: &serde_json::Value| -> Vec<String> {
        list.as_array().into_iter().flatten().map(|it| it.as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(
        (names(&cause["over"]), names(&cause["not_over"])),
        (over.iter().map(|it| (*it).to_owned()).collect(), not_over.iter().map(|it| (*it).to_owned()).collect())
    );
    let said = text(&uspec(&["explain", id]));
    let shown = match (over, not_over) {
        ([], []) => format!(" (--fault {fault})"),
        ([], not_over) => format!(", not over {} (--fault {fault})", not_over.join(", ")),
        (over, _) => format!(", over {} (--fault {fault})", over.join(", ")),
    };
    assert!(said.contains(&shown), "{shown}: {said}");
}

#[test]
fn a_case_that_is_none_cannot_be_explained() {
    for case in ["99.1", "nonsense"] {
        let output = uspec(&["explain", case]);
        assert_eq!(code(&output), 2);
        assert!(text(&output).contains("`uspec list` shows every case"), "{}", text(&output));
    }
}
