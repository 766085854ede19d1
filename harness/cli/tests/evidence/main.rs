//! A run's folder as evidence: whole, judged again with the same verdicts, compared with another, and clear about what is wrong with it.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

mod diff;
mod explain;
#[path = "../process/mod.rs"]
mod process;

use process::{code, text, top, uspec};
use rstest::rstest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{fs, os::unix::fs::symlink, path::Path, process::Command, sync::LazyLock};
use tempfile::TempDir;

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

/// Makes the list of hashes as if the run had left the files so.
fn relist(folder: &Path) {
    edit(&folder.join("SHA256SUMS"), |sums| {
        let hash = |name: &str| format!("{:x}", Sha256::digest(fs::read(folder.join(name)).unwrap()));
        let names =
            sums.lines().map(|line| line.split_once("  ").unwrap().1).filter(|name| folder.join(name).is_file());
        names.map(|name| format!("{}  {name}", hash(name))).collect::<Vec<_>>().join("\n")
    });
}

/// Changes the judged results of a run, as if it had ended so.
fn with_results(folder: &Path, change: impl Fn(&str, &str, &mut Value)) {
    edit(&folder.join("run.json"), |report| {
        let mut report: Value = serde_json::from_str(report).unwrap();
        for result in report["results"].as_array_mut().unwrap() {
            let of = ["case", "mtp"].map(|name| result[name].as_str().unwrap().to_owned());
            if let Some(judged) = result["outcome"].get_mut("judged") {
                change(&of[0], &of[1], judged);
            }
        }
        report.to_string()
    });
    relist(folder);
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
fn what_is_told_of_a_folder_is_what_stands_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().display().to_string();
    let run = uspec(&[&["run", "--no-captures", "--out", &out], &SELECTED[..]].concat());
    assert!(!folder.path().join("captures").exists());
    assert!(
        text(&run).contains("report.html, traces/, SHA256SUMS") && !text(&run).contains("captures"),
        "{}",
        text(&run)
    );
    let readme = |folder: &Path| fs::read_to_string(folder.join("README.txt")).unwrap();
    let told = readme(folder.path());
    assert!(!told.contains("captures") && !told.contains("tls-keys.log") && told.contains("traces/ holds"), "{told}");
    let told = readme(GOOD.path());
    assert!(told.contains("captures/     the same octets as pcapng") && told.contains("tls-keys.log  the"), "{told}");
    assert!(told.contains("traces/, captures/ and tls-keys.log hold"), "{told}");
    let (code, text) = judged(folder.path());
    assert_eq!(code, 0, "{text}");
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
    with_results(folder.path(), |case, _, judged| {
        if case == "1.1" {
            judged["judgement"]["verdict"] = "pass".into();
            judged["judgement"]["metrics"][1]["outcome"] = "met".into();
        }
    });
    let (code, text) = judged(folder.path());
    assert_eq!(code, 1, "{text}");
    for said in ["1.1 [websocket]: then pass, now fail", "metric 2: then met, now unmet", "2 results differ"] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

/// Spoils a folder, and what is to be said of it.
type Spoil = fn(&Path);

#[rstest]
#[case::no_list(|it: &Path| fs::remove_file(it.join("SHA256SUMS")).unwrap(), "error: SHA256SUMS is missing")]
#[case::no_list_at_all(|it: &Path| fs::write(it.join("SHA256SUMS"), "x  ../run.json\n").unwrap(), "SHA256SUMS: line 1 is no hash and name")]
#[case::no_text(|it: &Path| fs::write(it.join("SHA256SUMS"), [0xff; 5000]).unwrap(), "SHA256SUMS: line 1 is no hash and name")]
#[case::another_hash(
    |it: &Path| edit(&it.join("SHA256SUMS"), |sums| format!("{sums}{}  run.json\n", "0".repeat(64))),
    "gives run.json another hash than a line before"
)]
#[case::cut_between_lines(
    |it: &Path| cut_last_line(&it.join("traces/1.1-websocket.jsonl")),
    "the Trace was cut or changed"
)]
#[case::cut_and_listed_so(
    |it: &Path| { cut_last_line(&it.join("traces/1.1-websocket.jsonl")); relist(it) },
    "the Trace was cut or changed"
)]
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
    assert!((1..=3).contains(&wrong), "nothing is told over and over: {text}");
}

fn cut_last_line(trace: &Path) {
    edit(trace, |text| {
        let lines: Vec<_> = text.split_inclusive('\n').collect();
        lines[..lines.len() - 1].concat()
    });
}

#[test]
fn a_trace_of_before_its_events_were_counted_is_judged_and_one_that_was_cut_is_not() {
    let folder = copy(&GOOD);
    let path = folder.path().join("traces/1.1-websocket.jsonl");
    let judge = || uspec(&["judge", &path.display().to_string()]);
    edit(&path, |text| {
        let (first, rest) = text.split_once('\n').unwrap();
        let mut header: Value = serde_json::from_str(first).unwrap();
        assert_eq!(header.as_object_mut().unwrap().remove("events").unwrap(), rest.lines().count());
        format!("{header}\n{rest}")
    });
    assert_eq!(code(&judge()), 0, "{}", text(&judge()));
    fs::copy(GOOD.path().join("traces/1.1-websocket.jsonl"), &path).unwrap();
    cut_last_line(&path);
    assert_eq!(code(&judge()), 2, "{}", text(&judge()));
    assert!(
        text(&judge()).contains("1.1-websocket.jsonl: ") && text(&judge()).contains("announces"),
        "{}",
        text(&judge())
    );
}

#[test]
fn a_list_as_sha256sum_binary_writes_it_is_one() {
    let folder = copy(&GOOD);
    edit(&folder.path().join("SHA256SUMS"), |sums| sums.replace("  ", " *"));
    let (code, text) = judged(folder.path());
    assert_eq!(code, 0, "{text}");
    edit(&folder.path().join("report.html"), |page| page.replace("</html>", ""));
    let (code, text) = self::judged(folder.path());
    assert!(code == 2 && text.contains("report.html was changed after the run"), "{text}");
}

#[test]
fn a_verdict_without_a_trace_is_not_compared_and_a_pass_without_one_is_a_problem() {
    // As a run against an EUT that never came over MQTT ends.
    let folder = copy(&GOOD);
    let inconclusive = |judged: &mut Value| {
        judged["trace"] = Value::Null;
        judged["judgement"]["verdict"] = "inconclusive".into();
    };
    with_results(folder.path(), |_, mtp, judged| {
        if mtp != "websocket" {
            inconclusive(judged);
        }
    });
    let (code, text) = judged(folder.path());
    assert_eq!(code, 0, "{text}");
    for said in
        ["3 results have no Trace and were not compared", "3 of 6 verdicts were compared, and these are the same"]
    {
        assert!(text.contains(said), "{said}: {text}");
    }
    with_results(folder.path(), |_, _, judged| {
        if !judged["trace"].is_null() {
            inconclusive(judged);
        }
    });
    let (code, text) = judged(folder.path());
    assert!(code == 0 && text.contains("no verdict was compared") && !text.contains("the same"), "{text}");
    // And as one on a full disk.
    let folder = copy(&GOOD);
    with_results(folder.path(), |case, mtp, judged| {
        if mtp == "websocket" && case == "1.3" {
            judged["trace"] = Value::Null;
        } else if mtp == "websocket" && case == "1.1" {
            let earlier =
                serde_json::json!({"verdict": "fail", "reason": "", "started": judged["started"], "duration_ms": 1});
            judged["earlier"] = serde_json::json!([earlier]);
        }
    });
    let (code, text) = judged(folder.path());
    assert_eq!(code, 2, "{text}");
    for said in [
        "one result has no Trace and was not compared",
        "one earlier run of a case has no Trace and was not compared",
        "says pass or fail and names no Trace, so that nobody can check it: 1.1 [websocket] run 1, 1.3 [websocket]",
        "5 of 7 verdicts were compared, and these are the same, and something is wrong with the evidence",
    ] {
        assert!(text.contains(said), "{said}: {text}");
    }
}

/// Somebody's files, none of a run.
const MINE: [&str; 5] = ["README.txt", "SHA256SUMS", "captures/mine.pcapng", "junit.xml", "traces/mine.jsonl"];

#[rstest]
#[case::each(&MINE)]
#[case::a_capture(&["captures/mine.pcapng"])]
#[case::a_readme(&["README.txt"])]
#[case::a_report_of_something_else(&["run.json"])]
#[case::a_journal_of_something_else(&["journal.jsonl"])]
fn a_folder_that_is_no_run_s_is_left_as_it_is(#[case] files: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    for name in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "{\"mine\": true}").unwrap();
    }
    let out = folder.path().display().to_string();
    for more in [&[][..], &["--overwrite"], &["--resume"]] {
        let run = uspec(&[&["run", "--out", &out], more, &SELECTED[..]].concat());
        assert_eq!(code(&run), 2, "{}", text(&run));
        for said in files.iter().chain(&["is no folder of a run", "another --out"]) {
            assert!(text(&run).contains(said), "{said}: {}", text(&run));
        }
    }
    let there =
        walkdir::WalkDir::new(folder.path()).into_iter().map(Result::unwrap).filter(|it| it.file_type().is_file());
    let mut there: Vec<_> =
        there.map(|it| it.path().strip_prefix(folder.path()).unwrap().display().to_string()).collect();
    there.sort();
    let mut names = files.to_vec();
    names.sort_unstable();
    assert_eq!(there, names, "nothing is there that was not");
    assert!(files.iter().all(|name| fs::read_to_string(folder.path().join(name)).unwrap() == "{\"mine\": true}"));
}

#[test]
fn a_run_s_folder_is_emptied_of_what_the_run_left_and_of_nothing_else() {
    let folder = copy(&GOOD);
    let mine = ["captures/mine.pcapng", "notes.txt"].map(|name| folder.path().join(name));
    for path in &mine {
        fs::write(path, "mine").unwrap();
    }
    assert_eq!(judged(folder.path()).0, 0, "what somebody lays beside it counts for nothing");
    let out = folder.path().display().to_string();
    let run = uspec(&["run", "--out", &out, "1.36", "--mtp", "websocket"]);
    assert_eq!(code(&run), 0, "{}", text(&run));
    assert!(mine.iter().all(|path| fs::read_to_string(path).unwrap() == "mine"));
    let mut captures: Vec<_> =
        fs::read_dir(folder.path().join("captures")).unwrap().map(|it| it.unwrap().file_name()).collect();
    captures.sort();
    assert_eq!(captures, ["1.36-websocket.pcapng", "bring-up-websocket.pcapng", "mine.pcapng"]);
    assert_eq!(judged(folder.path()).0, 0);
}

#[rstest]
#[case::newer(|it: &Path| edit(&it.join("run.json"), |report| report.replacen("\"format\": 1", "\"format\": 99", 1)), &["format 99", "reads up to 1"])]
#[case::cut(|it: &Path| edit(&it.join("run.json"), |report| report[..500].to_owned()), &["run.json", "no run report"])]
#[case::moved(|it: &Path| fs::remove_file(it.join("run.json")).unwrap(), &["has no run.json", "moved away"])]
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
