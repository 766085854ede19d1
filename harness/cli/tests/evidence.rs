//! A run's folder as evidence: whole, judged again with the same verdicts, compared with another, and clear about what is wrong with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

use rstest::rstest;
use std::{
    fs,
    os::unix::fs::symlink,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
};
use tempfile::TempDir;

fn uspec(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uspec"));
    command.args(arguments).current_dir(top()).env_remove("USPEC_EUT").env_remove("USPEC_TESTCASES").output().unwrap()
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// What the runs of these tests run.
const SELECTED: [&str; 7] = ["1.1", "1.3", "1.36", "--mtp", "websocket", "--mtp", "mqtt5-tls"];

/// A run with these further arguments.
fn run(more: &[&str]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let run = uspec(&[&["run", "--out", &out], &SELECTED[..], more].concat());
    assert!(code(&run) < 2, "{}", text(&run));
    folder
}

static GOOD: LazyLock<TempDir> = LazyLock::new(|| run(&["--tls-key-log"]));
static BAD: LazyLock<TempDir> = LazyLock::new(|| run(&["--fault", "add-omits-unique-keys"]));

/// A copy of a run, to be spoilt.
fn copy(of: &TempDir) -> TempDir {
    copied(of.path())
}

fn copied(from: &Path) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in walkdir::WalkDir::new(from).min_depth(1) {
        let entry = entry.unwrap();
        let to = folder.path().join(entry.path().strip_prefix(from).unwrap());
        if entry.file_type().is_dir() {
            fs::create_dir(to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    folder
}

/// Judges a folder; its exit code and what it said.
fn judged(folder: &Path) -> (i32, String) {
    let output = uspec(&["judge", &folder.display().to_string()]);
    (code(&output), text(&output))
}

fn edit(path: &Path, change: impl FnOnce(&str) -> String) {
    let before = fs::read_to_string(path).unwrap();
    let after = change(&before);
    assert_ne!(before, after, "{} was to be changed", path.display());
    fs::write(path, after).unwrap();
}

#[test]
fn a_run_leaves_evidence_that_any_tool_can_check() {
    let folder = GOOD.path();
    let sums = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let mut files = 0;
    for entry in walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|it| it.file_type().is_file()) {
        let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
        assert!(name == "SHA256SUMS" || sums.contains(&format!("  {name}\n")), "{name} is not listed");
        files += 1;
    }
    // Three reports, a README, a log of keys, the list; two bring-ups and six results with a Trace and a capture each.
    assert_eq!(files, 6 + 2 * (2 + 6), "{sums}");
    assert!(fs::read_to_string(folder.join("README.txt")).unwrap().contains("NOT FOR EVERYBODY"));
    match Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(folder).output() {
        Ok(checked) => assert!(checked.status.success(), "{}", text(&checked)),
        Err(cause) => eprintln!("sha256sum is not there: {cause}"),
    }
}

#[test]
fn without_captures_there_are_none() {
    let folder = run(&["--no-captures"]);
    assert!(!folder.path().join("captures").exists());
    assert_eq!(judged(folder.path()).0, 0);
}

#[rstest]
#[case::good(&GOOD, "6 Traces judged again")]
#[case::bad(&BAD, "6 Traces judged again")]
fn a_folder_is_judged_with_the_same_verdicts(#[case] run: &TempDir, #[case] said: &str) {
    let (code, text) = judged(run.path());
    assert_eq!(code, 0, "{text}");
    assert!(text.contains(said) && text.contains("every verdict is the same"), "{text}");
}

#[test]
fn a_verdict_that_differs_is_told_with_its_metric() {
    let folder = copy(&BAD);
    edit(&folder.path().join("run.json"), |report| {
        let mut report: serde_json::Value = serde_json::from_str(report).unwrap();
        for result in report["results"].as_array_mut().unwrap() {
            if result["case"] == "1.1" && result["outcome"]["judged"].is_object() {
                result["outcome"]["judged"]["judgement"]["verdict"] = "pass".into();
                result["outcome"]["judged"]["judgement"]["metrics"][1]["outcome"] = "met".into();
            }
        }
        report.to_string()
    });
    fs::remove_file(folder.path().join("SHA256SUMS")).unwrap();
    let (code, text) = judged(folder.path());
    assert_eq!(code, 1, "{text}");
    for said in [
        "1.1 [websocket]: then pass, now fail",
        "metric 2: then met, now unmet",
        "2 results differ",
        "there is no SHA256SUMS",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

/// Spoils a folder, and what is to be said of it.
type Spoil = fn(&Path);

#[rstest]
#[case::missing(|it: &Path| fs::remove_file(it.join("traces/1.1-websocket.jsonl")).unwrap(), "traces/1.1-websocket.jsonl is missing")]
#[case::truncated(
    |it: &Path| edit(&it.join("traces/1.1-websocket.jsonl"), |trace| trace[..trace.len() - 9].to_owned()),
    "the last one, is cut off: the Trace is truncated"
)]
#[case::changed(
    |it: &Path| edit(&it.join("report.html"), |page| page.replace("</html>", "")),
    "report.html was changed after the run: SHA256SUMS has the hash"
)]
#[case::added(
    |it: &Path| fs::write(it.join("traces/9.9-websocket.jsonl"), "").unwrap(),
    "traces/9.9-websocket.jsonl was added after the run"
)]
#[case::swapped(
    |it: &Path| fs::copy(it.join("traces/1.3-websocket.jsonl"), it.join("traces/1.1-websocket.jsonl")).map(drop).unwrap(),
    "is the Trace of 1.3 [websocket]: run.json names it as that of 1.1 [websocket]"
)]
#[case::elsewhere(
    |it: &Path| edit(&it.join("run.json"), |report| report.replacen("traces/1.1-websocket.jsonl", "/etc/hostname", 1)),
    "/etc/hostname is no file of this folder"
)]
fn what_is_wrong_with_a_file_is_told_and_the_rest_is_judged(#[case] spoil: Spoil, #[case] said: &str) {
    let folder = copy(&GOOD);
    spoil(folder.path());
    let (code, text) = judged(folder.path());
    assert_eq!(code, 2, "{text}");
    assert!(text.contains(said), "{text}");
    assert!(text.contains("Traces judged again") && !text.contains("differ"), "{text}");
    let wrong = text.lines().filter(|line| line.trim_start().starts_with("error:")).count();
    assert!(wrong <= 3, "nothing is told over and over: {text}");
}

#[rstest]
#[case::newer(|it: &Path| edit(&it.join("run.json"), |report| report.replacen("\"format\": 1", "\"format\": 99", 1)), &["format 99", "reads up to 1"])]
#[case::cut(|it: &Path| edit(&it.join("run.json"), |report| report[..500].to_owned()), &["run.json", "no run report"])]
#[case::moved(|it: &Path| fs::remove_file(it.join("run.json")).unwrap(), &["has no run.json", "moved away"])]
#[case::list(|it: &Path| fs::write(it.join("SHA256SUMS"), "x  ../run.json\n").unwrap(), &["SHA256SUMS", "line 1"])]
fn a_folder_that_is_none_is_an_error(#[case] spoil: Spoil, #[case] said: &[&str]) {
    let folder = copy(&GOOD);
    spoil(folder.path());
    let (code, text) = judged(folder.path());
    assert_eq!(code, 2, "{text}");
    for said in said {
        assert!(text.contains(said), "{said}: {text}");
    }
}

#[test]
fn another_catalogue_is_named_on_both_sides() {
    let cases = copied(&top().join("testcases"));
    edit(&cases.path().join("tp469/1/1.36.yaml"), |case| format!("{case}# corrected\n"));
    let output =
        uspec(&["judge", "--testcases", &cases.path().display().to_string(), &GOOD.path().display().to_string()]);
    let text = text(&output);
    assert_eq!(code(&output), 0, "{text}");
    assert_eq!(text.matches("sha256:").count(), 2, "{text}");
}

#[test]
fn traces_and_folders_are_not_mixed() {
    let trace = GOOD.path().join("traces/1.1-websocket.jsonl").display().to_string();
    let output = uspec(&["judge", &trace, &GOOD.path().display().to_string()]);
    assert_eq!(code(&output), 2);
    assert!(text(&output).contains("one kind at a time"));
}

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

/// `/dev/full` in the place of the file that `uspec` is about to write: as on a disk without room.
fn full(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    symlink("/dev/full", path).unwrap();
}

#[test]
fn a_full_disk_is_found_before_the_run() {
    let folder = tempfile::tempdir().unwrap();
    full(&folder.path().join("traces/room.part"));
    let output = uspec(&[&["run", "--out", &folder.path().display().to_string()], &SELECTED[..]].concat());
    assert_eq!(code(&output), 2, "{}", text(&output));
    assert!(text(&output).contains("cannot be written to: No space left on device"), "{}", text(&output));
    assert!(!folder.path().join("run.json").exists());
}

#[rstest]
#[case("traces/1.3-websocket.part")]
#[case("captures/1.3-websocket.part")]
fn a_disk_that_fills_up_ends_the_run_in_order(#[case] place: &str) {
    let folder = tempfile::tempdir().unwrap();
    full(&folder.path().join(place));
    let output = uspec(&[&["run", "--out", &folder.path().display().to_string()], &SELECTED[..]].concat());
    assert_eq!(code(&output), 3, "{}", text(&output));
    let said = text(&output);
    assert!(said.contains("No space left on device") && said.contains("The run ended early"), "{said}");
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(folder.path().join("run.json")).unwrap()).unwrap();
    let of = |case: &str| {
        report["results"].as_array().unwrap().iter().find(|it| it["case"] == case && it["mtp"] == "websocket").unwrap()
    };
    assert_eq!(of("1.1")["outcome"]["judged"]["judgement"]["verdict"], "pass", "what ran before stays");
    assert_eq!(of("1.36")["outcome"]["not_run"]["kind"], "not_reached");
    assert!(folder.path().join("junit.xml").is_file() && folder.path().join("SHA256SUMS").is_file());
    let again = uspec(&[&["run", "--resume", "--out", &folder.path().display().to_string()], &SELECTED[..]].concat());
    assert_eq!(code(&again), 0, "with room again it goes on: {}", text(&again));
}

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
