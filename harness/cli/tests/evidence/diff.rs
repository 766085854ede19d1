//! Two runs, compared.

use super::{BAD, GOOD, code, copy, edit, text, uspec};
use rstest::rstest;
use std::fs;
use tempfile::TempDir;

/// Compares two runs.
fn diff(before: &TempDir, after: &TempDir, format: &str) -> (i32, String) {
    let path = |it: &TempDir| it.path().display().to_string();
    let output = uspec(&["diff", "--format", format, &path(before), &path(after)]);
    (code(&output), text(&output))
}

#[test]
fn new_fails_come_first() {
    let (code, text) = diff(&GOOD, &BAD, "text");
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("options: then ") && text.contains("--fault add-omits-unique-keys"), "{text}");
    let lines: Vec<_> = text.lines().collect();
    let first = lines.iter().position(|line| *line == "new fails (2):").unwrap();
    assert!(lines[first + 1].starts_with("  1.1 [websocket]: then pass, now fail: "), "{text}");
    assert!(text.contains("metric 2: then met, now unmet"), "{text}");
    assert!(text.contains("2 new fails, 0 worse, 0 fixed, 0 changed, 0 added, 0 removed"), "{text}");
}

#[test]
fn what_is_fixed_is_no_reason_to_fail() {
    let (code, text) = diff(&BAD, &GOOD, "json");
    assert_eq!(code, 0, "{text}");
    let diff: serde_json::Value = serde_json::from_str(&text).unwrap();
    let fixed: Vec<_> = diff["fixed"].as_array().unwrap().iter().map(|it| it["case"].as_str().unwrap()).collect();
    assert_eq!(fixed, ["1.1", "1.1"]);
    assert_eq!(diff["new_fails"], serde_json::json!([]));
}

#[test]
fn a_run_is_the_same_as_itself() {
    let (code, text) = diff(&GOOD, &GOOD, "text");
    assert_eq!(code, 0, "{text}");
    assert_eq!(text.lines().count(), 1, "{text}");
}

#[test]
fn results_that_only_one_run_has_are_told() {
    let folder = copy(&BAD);
    edit(&folder.path().join("run.json"), |report| {
        let mut report: serde_json::Value = serde_json::from_str(report).unwrap();
        let results = report["results"].as_array_mut().unwrap();
        results.retain(|it| it["mtp"] == "websocket" && it["case"] != "1.36");
        report["run"]["harness"] = "9.9.9".into();
        report.to_string()
    });
    let (code, text) = diff(&folder, &BAD, "text");
    assert_eq!(code, 1, "a fail is one, whether there was a result before or not: {text}");
    assert!(text.contains("harness: then 9.9.9, now "), "{text}");
    assert!(text.contains("  1.1 [mqtt5-tls]: fail: ") && text.contains("  1.36 [websocket]: pass: "), "{text}");
    let (code, text) = diff(&BAD, &folder, "text");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("removed (") && text.contains("  1.36 [websocket]: pass: "), "{text}");
}

/// Makes the result of 1.3 over WebSocket another one; `None` leaves it a clean pass.
fn with_result(state: Option<&str>, profile: Option<&str>) -> TempDir {
    let folder = copy(&GOOD);
    let path = folder.path().join("run.json");
    let mut report: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
    let results = report["results"].as_array_mut().unwrap();
    let result = results.iter_mut().find(|it| it["case"] == "1.3" && it["mtp"] == "websocket").unwrap();
    let judged = &mut result["outcome"]["judged"];
    match state {
        None => {}
        Some("flaky") => {
            let earlier =
                serde_json::json!({"verdict": "fail", "reason": "", "started": judged["started"], "duration_ms": 1});
            judged["earlier"] = serde_json::json!([earlier]);
        }
        Some(verdict @ ("fail" | "error" | "inconclusive")) => judged["judgement"]["verdict"] = verdict.into(),
        Some(kind) => result["outcome"] = serde_json::json!({"not_run": {"kind": kind, "reason": "why"}}),
    }
    if let Some(profile) = profile {
        report["run"]["identity"]["profile"] = profile.into();
    }
    fs::write(path, report.to_string()).unwrap();
    folder
}

#[rstest]
#[case::flaky_to_error(Some("flaky"), Some("error"), "worse")]
#[case::flaky_to_inconclusive(Some("flaky"), Some("inconclusive"), "worse")]
#[case::flaky_to_not_reached(Some("flaky"), Some("not_reached"), "worse")]
#[case::flaky_to_fail(Some("flaky"), Some("fail"), "new_fails")]
#[case::flaky_to_pass(Some("flaky"), None, "other")]
#[case::pass_to_flaky(None, Some("flaky"), "worse")]
#[case::fail_to_flaky(Some("fail"), Some("flaky"), "other")]
#[case::fail_to_pass(Some("fail"), None, "fixed")]
#[case::pass_to_not_applicable(None, Some("not_applicable"), "worse")]
#[case::flaky_to_not_applicable(Some("flaky"), Some("not_applicable"), "worse")]
#[case::pass_to_not_selected(None, Some("not_selected"), "other")]
#[case::error_to_not_applicable(Some("error"), Some("not_applicable"), "other")]
fn what_is_worse_is_told_as_such(#[case] then: Option<&str>, #[case] now: Option<&str>, #[case] list: &str) {
    let (code, text) = diff(&with_result(then, None), &with_result(now, None), "json");
    let diff: serde_json::Value = serde_json::from_str(&text).unwrap();
    for name in ["new_fails", "worse", "fixed", "other", "added", "removed"] {
        assert_eq!(diff[name].as_array().unwrap().len(), usize::from(name == list), "{name}: {text}");
    }
    assert_eq!(code, i32::from(["new_fails", "worse"].contains(&list)), "{text}");
}

#[test]
fn what_another_profile_leaves_out_is_no_worse() {
    let after = with_result(Some("not_applicable"), Some("another"));
    let (code, text) = diff(&GOOD, &after, "text");
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("profile: then ") && text.contains("changed (1):"), "{text}");
}

#[test]
fn a_report_that_cannot_be_read_is_bad_input() {
    let nowhere = GOOD.path().join("nowhere");
    let output = uspec(&["diff", &GOOD.path().display().to_string(), &nowhere.display().to_string()]);
    assert_eq!(code(&output), 2);
    assert!(text(&output).contains("nowhere"), "{}", text(&output));
}
