//! Runs that are divided, interrupted, continued and put together, as real processes with real files.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

mod process;

use process::{code, command, text, uspec};
use rstest::rstest;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use std::{
    collections::BTreeMap,
    fs,
    io::{BufRead as _, BufReader, Lines, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    process::{ChildStdout, Command, Stdio},
};

/// Ends a process when a test is over, whatever came of it.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start(arguments: &[&str]) -> (Child, Lines<BufReader<ChildStdout>>) {
    let mut child = Child(command(arguments).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap());
    let lines = BufReader::new(child.0.stdout.take().unwrap()).lines();
    (child, lines)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Writes the profile of a device that connects to this port.
fn profile(folder: &Path, name: &str, port: u16, connect: &str) -> String {
    let path = folder.join(format!("{}.yaml", name.replace('/', "_")));
    let profile = format!(
        "format: 1\nname: {name}\neut: {{endpoint_id: \"proto::{name}\"}}\ncontroller: {{endpoint_id: \"proto::controller\"}}\n\
         mtps:\n  - websocket: {{role: eut_connects, address: 127.0.0.1:{port}, path: /usp}}\n\
         timing: {{connect: {connect}}}\n"
    );
    fs::write(&path, profile).unwrap();
    shown(&path)
}

/// Writes the profile of a device that listens on a port, and starts it: unlike one that connects, it never waits before it tries again.
fn device(folder: &Path, name: &str) -> (String, Child) {
    let port = free_port();
    let file = profile(folder, name, port, "60s");
    fs::write(&file, fs::read_to_string(&file).unwrap().replace("eut_connects", "we_connect")).unwrap();
    let path = folder.join(format!("{name}-agent.yaml"));
    let config = format!(
        "endpoint_id: proto::{name}\ncontrollers:\n  - endpoint_id: proto::controller\n\
         listen: {{host: 127.0.0.1, port: {port}, path: /usp}}\n"
    );
    fs::write(&path, config).unwrap();
    let (agent, mut lines) = start(&["agent", "--config", &shown(&path)]);
    assert!(lines.next().unwrap().unwrap().contains("is running"));
    (file, agent)
}

fn report(folder: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(folder.join("run.json")).unwrap()).unwrap()
}

/// The judged results: when each began, and its verdict.
fn judged(report: &Value) -> BTreeMap<(String, String), (String, String)> {
    let results = report["results"].as_array().unwrap().iter().filter(|it| !it["outcome"]["judged"].is_null());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let seen: BTreeMap<_, _> = results
        .map(|it| {
            let judged = &it["outcome"]["judged"];
            let seen = (word(&judged["started"]), word(&judged["judgement"]["verdict"]));
            ((word(&it["case"]), word(&it["mtp"])), seen)
        })
        .collect();
    seen
}

/// Every file below a folder, with its content.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = walkdir::WalkDir::new(folder).into_iter().map(Result::unwrap).filter(|it| it.file_type().is_file());
    entries.map(|it| (it.path().to_owned(), fs::read(it.path()).unwrap())).collect()
}

/// Cases that take moments each, over loopback sockets.
const QUICK: [&str; 5] = ["run", "--real", "--mtp=websocket", "1.[1-9]", "1.[1-2][0-9]"];

/// Runs them, and kills the process after so many; gives back how many results the journal has.
fn killed(out: &Path, after: usize) -> usize {
    let folder = shown(out);
    let (mut run, lines) = start(&[&QUICK[..], &["--out", &folder]].concat());
    let enough = lines.map(Result::unwrap).filter(|line| line.contains(" pass ")).nth(after);
    assert!(enough.is_some(), "the run ended before it could be killed");
    run.0.kill().unwrap();
    run.0.wait().unwrap();
    assert!(!out.join("run.json").exists(), "it was killed before its reports");
    let journal = fs::read_to_string(out.join("journal.jsonl")).unwrap();
    let results = journal.lines().filter(|line| line.starts_with("{\"judged\":") && line.ends_with('}')).count();
    assert!(results >= after, "what was told is kept");
    results
}

#[test]
fn a_run_that_was_killed_stays_until_someone_resumes_or_overwrites_it() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let kept = killed(&out, 4);
    let before = files(&out);
    let to = shown(&out);
    let again = [&QUICK[..], &["--out", &to]].concat();
    // Without a word, and as another run: nothing changes.
    let plain = uspec(&again);
    assert_eq!(code(&plain), 2, "{}", text(&plain));
    for told in ["--resume", "--overwrite", &format!("after {kept} results"), &shown(&out)] {
        assert!(text(&plain).contains(told), "{told}: {}", text(&plain));
    }
    let other = uspec(&["run", "--real", "--mtp=websocket", "1.1", "--resume", "--out", &shown(&out)]);
    assert_eq!(code(&other), 2, "{}", text(&other));
    for told in ["selection: ", "there `MTP websocket", "now `case 1.1, MTP websocket`"] {
        assert!(
            text(&other).replace("case 1.[1-9], case 1.[1-2][0-9], ", "").contains(told),
            "{told}: {}",
            text(&other)
        );
    }
    let shard = uspec(&[&again[..], &["--resume", "--shard", "1/2"]].concat());
    assert!(code(&shard) == 2 && text(&shard).contains("shard: there `none`, now `1/2`"), "{}", text(&shard));
    assert_eq!(files(&out), before, "nothing was touched");
    // The power cut left half a line.
    let journal = out.join("journal.jsonl");
    let results: Vec<Value> = fs::read_to_string(&journal)
        .unwrap()
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .filter(|line| !line["judged"].is_null())
        .collect();
    fs::File::options().append(true).open(&journal).unwrap().write_all(b"{\"judged\":{\"case\":\"1.9\",\"mt").unwrap();
    let resumed = uspec(&[&again[..], &["--resume"]].concat());
    assert_eq!(code(&resumed), 0, "{}", text(&resumed));
    for told in [&format!("goes on; {kept} results are kept"), "the last line was cut off", "was resumed at"] {
        assert!(text(&resumed).contains(told), "{told}: {}", text(&resumed));
    }
    let report = report(&out);
    assert_eq!(report["run"]["parts"].as_array().unwrap().len(), 2);
    let all = judged(&report);
    assert!(all.len() > results.len() && all.values().all(|(_, verdict)| verdict == "pass"), "{all:?}");
    for kept in results {
        let (case, judged) = (kept["judged"]["case"].as_str().unwrap(), &kept["judged"]["judged"]);
        assert_eq!(all[&(case.to_owned(), "websocket".to_owned())].0, judged["started"], "{case} was not run again");
    }
    for (case, mtp) in all.keys() {
        assert!(out.join(format!("traces/{case}-{mtp}.jsonl")).is_file());
    }
    assert!(!journal.exists(), "a run that is complete has none");
    // Nothing is left to do, and the reports stay.
    let before = files(&out);
    let once_more = uspec(&[&again[..], &["--resume"]].concat());
    assert!(code(&once_more) == 0 && text(&once_more).contains("is complete"), "{}", text(&once_more));
    assert_eq!(files(&out), before);
    let anew = uspec(&again);
    assert_eq!(code(&anew), 0, "a complete run is replaced: {}", text(&anew));
}

#[test]
fn results_whose_traces_are_gone_are_run_again_and_overwrite_begins_anew() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    killed(&out, 3);
    fs::remove_file(out.join("traces/1.1-websocket.jsonl")).unwrap();
    let to = shown(&out);
    let again = [&QUICK[..], &["--out", &to]].concat();
    let resumed = uspec(&[&again[..], &["--resume"]].concat());
    assert_eq!(code(&resumed), 0, "{}", text(&resumed));
    assert!(text(&resumed).contains("the Traces of 1.1 [websocket] are gone"), "{}", text(&resumed));
    assert!(out.join("traces/1.1-websocket.jsonl").is_file());
    let out = folder.path().join("other");
    killed(&out, 3);
    let anew = uspec(&[&QUICK[..], &["--overwrite", "--out", &shown(&out)]].concat());
    assert_eq!(code(&anew), 0, "{}", text(&anew));
    assert!(report(&out)["run"]["parts"].is_null(), "it is not a part of the one before");
}

/// A run over TCP that is ended by a person when some of it is done, and then, when it goes on, by nobody.
#[test]
fn what_a_run_has_left_is_not_taken_for_that_of_the_run_that_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let to = shown(&out);
    let begin = |more: &[&str], passes: usize| {
        let (run, mut lines) = start(&[&QUICK[..], &["--out", &to], more].concat());
        let enough = lines.by_ref().map(Result::unwrap).filter(|line| line.contains(" pass ")).nth(passes);
        assert!(enough.is_some(), "the run ended before it could be ended");
        (run, lines)
    };
    let judge = || {
        let judged = uspec(&["judge", &to]);
        (code(&judged), text(&judged))
    };
    let (mut run, lines) = begin(&[], 3);
    assert!(Command::new("kill").args(["-INT", &run.0.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    let (code, said) = judge();
    assert!(code == 0 && said.contains("note: this run has not ended"), "what it has is whole: {said}");
    let (mut run, lines) = begin(&["--resume"], 2);
    run.0.kill().unwrap();
    run.0.wait().unwrap();
    drop(lines);
    for name in ["run.json", "junit.xml", "report.html", "README.txt", "SHA256SUMS"] {
        assert!(!out.join(name).exists(), "{name} is of before");
    }
    let (code, said) = judge();
    assert!(code == 2 && said.contains("this run has not ended"), "{said}");
    let resumed = uspec(&[&QUICK[..], &["--out", &to, "--resume", "--no-captures"]].concat());
    assert_eq!(self::code(&resumed), 0, "{}", text(&resumed));
    assert!(text(&resumed).contains("traces/, captures/, SHA256SUMS"), "{}", text(&resumed));
    let readme = fs::read_to_string(out.join("README.txt")).unwrap();
    let count = |below: &str| fs::read_dir(out.join(below)).unwrap().count();
    let (traces, captures) = (count("traces"), count("captures"));
    assert!(captures > 0 && captures < traces);
    assert!(readme.contains(&format!("the same octets of {captures} of the {traces} Traces")), "{readme}");
    let (code, said) = judge();
    assert!(code == 0 && !said.contains("has not ended"), "{said}");
}

#[test]
fn an_eut_that_turns_out_to_be_another_leaves_the_reports_of_before() {
    let folder = tempfile::tempdir().unwrap();
    let (at, out) = (folder.path(), folder.path().join("out"));
    let (eut, agent) = device(at, "one");
    let arguments = ["run", "1.1", "1.3", "1.36", "1.66", "--eut", &eut, "--out", &shown(&out)];
    let (mut run, mut lines) = start(&arguments);
    assert!(lines.by_ref().map(Result::unwrap).any(|line| line.contains(" pass ")));
    assert!(Command::new("kill").args(["-INT", &run.0.id().to_string()]).status().unwrap().success());
    lines.for_each(drop);
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    let before = fs::read(out.join("run.json")).unwrap();
    drop(agent);
    // Another software version comes back.
    let path = at.join("one-agent.yaml");
    let config = fs::read_to_string(&path).unwrap();
    fs::write(&path, format!("{config}identity: {{software_version: \"9.9\"}}\n")).unwrap();
    let (_agent, mut lines) = start(&["agent", "--config", &shown(&path)]);
    assert!(lines.next().unwrap().unwrap().contains("is running"));
    let resumed = uspec(&[&arguments[..], &["--resume"]].concat());
    assert!(code(&resumed) == 2 && text(&resumed).contains("software version"), "{}", text(&resumed));
    assert_eq!(fs::read(out.join("run.json")).unwrap(), before, "its results are lost to nobody");
}

type Spoil = fn(&str) -> String;

#[rstest]
#[case::a_line_in_the_middle(|text: &str| text.replacen("{\"judged\":", "{\"jud", 1), "journal.jsonl: line 4 ")]
#[case::a_later_format(|text: &str| text.replacen("{\"format\":1,", "{\"format\":2,", 1), "format 2 of the journal, and this uspec reads up to 1")]
#[case::no_heading(|text: &str| text.replacen("heading", "header", 1), "journal.jsonl: line 1 ")]
fn a_spoilt_journal_is_told_and_nothing_is_lost(#[case] spoil: Spoil, #[case] told: &str) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    killed(&out, 3);
    let journal = out.join("journal.jsonl");
    fs::write(&journal, spoil(&fs::read_to_string(&journal).unwrap())).unwrap();
    let before = files(&out);
    for more in [&["--resume"][..], &[]] {
        let run = uspec(&[&QUICK[..], &["--out", &shown(&out)], more].concat());
        assert!(code(&run) == 2 && text(&run).contains(told), "{}", text(&run));
        assert_eq!(files(&out), before);
    }
}

/// A process may write files of so many blocks of 512 octets and no more, as if the disk were full.
#[test]
fn a_full_disk_ends_the_run_in_order_and_nothing_that_was_judged_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let to = shown(&out);
    let again = [&QUICK[..], &["--out", &to]].concat();
    let mut limited = Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 300; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_uspec")]).args(&again);
    let run = limited.env_remove("USPEC_SHARD").output().unwrap();
    assert_eq!(code(&run), 2, "{}", text(&run));
    assert!(text(&run).contains("journal.jsonl cannot be written any more"), "{}", text(&run));
    let told = text(&run).lines().filter(|line| line.contains(" pass ")).count();
    let resumed = uspec(&[&again[..], &["--resume"]].concat());
    assert_eq!(code(&resumed), 0, "{}", text(&resumed));
    let now = text(&resumed).lines().filter(|line| line.contains(" pass ") && line.contains('/')).count();
    let all = judged(&report(&out)).len();
    assert!(told > 2 && told < all, "the run ended before its last case: {told} of {all}");
    // The case of the line that was cut off is the only one to be run again.
    assert!(now <= all - told + 2, "{told} were judged, {now} now, of {all}");
}

#[test]
fn a_run_against_one_eut_is_not_lost_below_several() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    killed(&out, 2);
    let before = files(&out);
    let euts = [profile(folder.path(), "one", 0, "50ms"), profile(folder.path(), "two", 0, "50ms")];
    let run = uspec(&["run", "1.1", "--eut", &euts[0], "--eut", &euts[1], "--out", &shown(&out)]);
    assert!(code(&run) == 2 && text(&run).contains("--overwrite"), "{}", text(&run));
    assert_eq!(files(&out), before);
}

#[test]
fn two_runs_do_not_write_into_one_folder() {
    let folder = tempfile::tempdir().unwrap();
    let (eut, out) = (profile(folder.path(), "slow", 0, "60s"), shown(&folder.path().join("out")));
    let arguments = ["run", "1.1", "--eut", &eut, "--out", &out];
    let (_first, mut lines) = start(&arguments);
    assert!(lines.next().unwrap().unwrap().contains("waiting for the EUT"));
    let second = uspec(&arguments);
    assert!(code(&second) == 2 && text(&second).contains("another uspec is running"), "{}", text(&second));
}

#[test]
fn several_euts_are_judged_at_once_and_one_that_cannot_be_stops_nobody() {
    let folder = tempfile::tempdir().unwrap();
    let (at, out) = (folder.path(), folder.path().join("out"));
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let ((one, _one), (two, _two)) = (device(at, "one"), device(at, "two"));
    let euts =
        [one, two, profile(at, "away", 0, "50ms"), profile(at, "blocked", taken.local_addr().unwrap().port(), "60s")];
    let euts: Vec<_> = euts.iter().flat_map(|file| ["--eut", file]).collect();
    let run = uspec(&[&["run", "1.1", "1.36", "--out", &shown(&out)], &euts[..]].concat());
    assert_eq!(code(&run), 2, "one could not be run: {}", text(&run));
    for told in ["one:   1/2 pass", "two:   2/2 pass", "away: websocket: ", "blocked: error: websocket: "] {
        assert!(text(&run).contains(told), "{told}: {}", text(&run));
    }
    let junit = fs::read_to_string(out.join("junit.xml")).unwrap();
    for (name, verdicts) in [("one", 2), ("two", 2), ("away", 2), ("blocked", 0)] {
        let own = out.join(name);
        for file in ["run.json", "junit.xml", "report.html"] {
            assert!(own.join(file).is_file(), "{name}/{file}");
        }
        assert_eq!(judged(&report(&own)).len(), verdicts, "{name}");
        assert!(junit.contains(&format!("<testsuite name=\"{name}.tp469.1.websocket\"")), "{name}");
        assert!(
            fs::read_to_string(out.join("report.html")).unwrap().contains(&format!("href=\"{name}&#x2f;report.html\""))
        );
        let own = fs::read_to_string(own.join("junit.xml")).unwrap();
        assert!(own.contains("<testsuite name=\"tp469.1.websocket\""), "alone, its name is not in front: {name}");
    }
    assert!(junit.contains("<testsuite name=\"blocked.uspec.run\"") && text(&run).contains("in use"), "why is told");
    assert!(junit.contains(&format!("[[ATTACHMENT|{}/one/traces/1.1-websocket.jsonl]]", out.display())));
    let trace = fs::read_to_string(out.join("two/traces/1.1-websocket.jsonl")).unwrap();
    assert!(trace.contains("proto::two") && !trace.contains("proto::one"), "each Trace is of its own EUT");
}

#[test]
fn shards_of_several_euts_are_merged_with_every_trace() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let ((one, _one), (two, _two)) = (device(at, "one"), device(at, "two"));
    let euts = [one, two];
    let cases = ["run", "-q", "1.1", "1.3", "1.36", "--jobs", "1", "--eut", &euts[0], "--eut", &euts[1]];
    let run = |name: &str, shard: Option<&str>| {
        let out = at.join(name);
        let shard = shard.map(|it| ["--shard", it]).into_iter().flatten().collect::<Vec<_>>();
        let run = uspec(&[&cases[..], &["--out", &shown(&out)], &shard].concat());
        assert_eq!(code(&run), 0, "{}", text(&run));
        shown(&out)
    };
    let shards = [run("s1", Some("1/2")), run("s2", Some("2/2"))];
    for file in ["report.html", "junit.xml"] {
        let text = fs::read_to_string(at.join("s2/one").join(file)).unwrap();
        assert!(text.contains("shard 2&#x2f;2") || text.contains("name=\"shard\" value=\"2/2\""), "{file}");
    }
    let whole = PathBuf::from(run("whole", None));
    let merged = at.join("merged");
    let merge = uspec(&["merge", &shown(&merged), &shards[0], &shards[1]]);
    assert_eq!(code(&merge), 0, "{}", text(&merge));
    for eut in ["one", "two"] {
        let (merged, whole) = (merged.join(eut), whole.join(eut));
        let verdicts = |folder: &Path| -> Vec<_> {
            judged(&report(folder)).into_iter().map(|(key, (_, verdict))| (key, verdict)).collect()
        };
        assert_eq!(verdicts(&merged), verdicts(&whole));
        for case in ["1.1", "1.3", "1.36"] {
            assert!(merged.join(format!("traces/{case}-websocket.jsonl")).is_file(), "{eut} {case}");
        }
        for bring_up in ["bring-up-websocket.jsonl", "bring-up-websocket-shard-2.jsonl"] {
            assert!(merged.join("traces").join(bring_up).is_file(), "{eut}: {bring_up}");
        }
    }
    assert!(fs::read_to_string(merged.join("junit.xml")).unwrap().contains("name=\"two.tp469.1.websocket\""));
    // Each EUT's list may agree with its files, and that above them not.
    let list = at.join("s2/one/SHA256SUMS");
    let sums = fs::read_to_string(&list).unwrap();
    fs::write(&list, sums.replace("  ", " *")).unwrap();
    let changed = uspec(&["merge", &shown(&at.join("no")), &shards[0], &shards[1]]);
    assert!(code(&changed) == 2 && text(&changed).contains("one/SHA256SUMS was changed"), "{}", text(&changed));
    let other = uspec(&["merge", &shown(&at.join("no")), &shards[0], &shown(&at.join("s2/one"))]);
    assert!(code(&other) == 2 && text(&other).contains("not of one run"), "{}", text(&other));
    assert!(!at.join("no").exists());
}

#[test]
fn a_merge_that_cannot_be_done_writes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    for shard in ["1", "2"] {
        let out = shown(&at(shard));
        let run = uspec(&["run", "-q", "1.1", "1.3", "--mtp=uds", "--shard", &format!("{shard}/2"), "--out", &out]);
        assert_eq!(code(&run), 0, "{}", text(&run));
    }
    let (one, two, merged) = (shown(&at("1")), shown(&at("2")), shown(&at("merged")));
    let refused = |arguments: &[&str], told: &[&str]| {
        let output = uspec(&[&["merge"], arguments].concat());
        assert_eq!(code(&output), 2, "{}", text(&output));
        for told in told {
            assert!(text(&output).contains(told), "{told}: {}", text(&output));
        }
        assert!(!at("merged").exists(), "nothing was written");
    };
    refused(&[&two, &one], &["is not empty", &two]);
    refused(&[&merged, &one], &["shard 2/2 is missing", "--allow-missing", &one]);
    refused(&[&merged, &one, &one], &["shard 1/2 is there twice"]);
    refused(&[&merged, &one, &shown(&at("nowhere"))], &["nowhere"]);
    let path = at("2").join("run.json");
    let good = fs::read_to_string(&path).unwrap();
    fs::write(&path, good.replacen("\"format\": 1", "\"format\": 9", 1)).unwrap();
    refused(&[&merged, &one, &two], &[&shown(&path), "format 9", "up to 1"]);
    fs::write(&path, good.split_at(good.len() / 2).0).unwrap();
    refused(&[&merged, &one, &two], &[&shown(&path), "no run report", "line"]);
    // What was changed is refused; and what was made up so that its list agrees with it, is read with care.
    fs::write(&path, good.replacen("traces/1.", "../1.", 1)).unwrap();
    let (trace, list) = (at("2").join("traces/1.3-uds.jsonl"), at("2").join("SHA256SUMS"));
    let (events, sums) = (fs::read_to_string(&trace).unwrap(), fs::read_to_string(&list).unwrap());
    fs::write(&trace, events.replacen("1.3", "1.4", 1)).unwrap();
    fs::write(at("1").join("traces/1.4-uds.jsonl"), &events).unwrap();
    refused(
        &[&merged, &one, &two],
        &[
            &format!("{one}/traces/1.4-uds.jsonl was added after the run"),
            &format!("{} was changed after the run", shown(&path)),
            &format!("{} was changed after the run", shown(&trace)),
        ],
    );
    fs::remove_file(at("1").join("traces/1.4-uds.jsonl")).unwrap();
    fs::write(&trace, &events).unwrap();
    let hash = |text: &str| format!("{:x}", Sha256::digest(text));
    fs::write(&list, sums.replace(&hash(&good), &hash(&fs::read_to_string(&path).unwrap()))).unwrap();
    refused(&[&merged, &one, &two], &[&shown(&path), "../1.", "moved or lost"]);
    fs::write(&path, &good).unwrap();
    fs::write(&list, &sums).unwrap();
    fs::rename(&trace, at("2").join("1.3-uds.jsonl")).unwrap();
    refused(&[&merged, &one, &two], &[&format!("{} is missing", shown(&trace))]);
    fs::rename(at("2").join("1.3-uds.jsonl"), &trace).unwrap();
    fs::remove_file(&list).unwrap();
    refused(&[&merged, &one, &two], &[&format!("{} is missing", shown(&list))]);
    fs::write(&list, &sums).unwrap();
    let merge = uspec(&["merge", &merged, &one, &two]);
    assert_eq!(code(&merge), 0, "{}", text(&merge));
    assert_eq!(judged(&report(&at("merged"))).len(), 2);
}

#[test]
fn profiles_that_cannot_run_together_are_told_at_once_and_before_anything() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let port = free_port();
    let files = [
        profile(at, "a", port, "60s"),
        profile(at, "b", port, "60s"),
        profile(at, "c", 0, "60s"),
        profile(at, "d", 0, "60s"),
    ];
    fs::write(&files[3], fs::read_to_string(&files[3]).unwrap().replace("name: d", "name: c")).unwrap();
    let out = at.join("out");
    let same = shown(&at.join("./c.yaml"));
    let euts = [files[0].as_str(), &files[1], &files[2], &files[3], &same].map(|file| ["--eut", file]).concat();
    let run = uspec(&[&["run", "1.1", "--out", &shown(&out)], &euts[..]].concat());
    assert_eq!(code(&run), 2, "{}", text(&run));
    let told = text(&run);
    let both = |a: &str, b: &str, what: &str| told.contains(&format!("error: {a} and {b}: {what}"));
    assert!(both(&files[0], &files[1], &format!("both would listen on 127.0.0.1:{port}")), "{told}");
    assert!(both(&files[2], &files[3], "both have the name `c`"), "{told}");
    assert!(both(&files[2], &same, "the same profile is given twice"), "{told}");
    assert!(!out.exists());
    // What is wrong with two files is told at once too.
    fs::write(&files[0], "format: 1\n").unwrap();
    fs::write(&files[1], "format: 1\nnmae: b\n").unwrap();
    let run = uspec(&[&["run", "1.1", "--out", &shown(&out)], &euts[..]].concat());
    assert!(code(&run) == 2 && [&files[0], &files[1]].iter().all(|it| text(&run).contains(*it)), "{}", text(&run));
}

#[test]
fn ctrl_c_ends_every_eut_in_order() {
    let folder = tempfile::tempdir().unwrap();
    let (at, out) = (folder.path(), folder.path().join("out"));
    let euts = [profile(at, "one", 0, "60s"), profile(at, "two", 0, "60s"), profile(at, "three", 0, "60s")];
    let euts: Vec<_> = euts.iter().flat_map(|file| ["--eut", file]).collect();
    // The third has not begun when the end comes.
    let (mut run, mut lines) = start(&[&["run", "1.1", "--jobs", "2", "--out", &shown(&out)], &euts[..]].concat());
    for _ in 0..2 {
        assert!(lines.next().unwrap().unwrap().contains("waiting for the EUT"));
    }
    assert!(Command::new("kill").args(["-INT", &run.0.id().to_string()]).status().unwrap().success());
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    for name in ["one", "two", "three"] {
        assert_eq!(report(&out.join(name))["run"]["interrupted_by"], "person", "{name}");
    }
    assert!(fs::read_to_string(out.join("junit.xml")).unwrap().contains("three.uspec.run"));
}

#[test]
fn what_fails_is_repeated_and_every_trace_is_kept() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    // The case after the option is a case, and not how often.
    let arguments =
        ["run", "--mtp=uds", "--fault", "add-omits-unique-keys", "--rerun-failed", "1.1", "--out", &shown(&out)];
    let run = uspec(&arguments);
    assert_eq!(code(&run), 1, "{}", text(&run));
    assert!(text(&run).contains(", run 2"), "{}", text(&run));
    for name in ["1.1-uds.jsonl", "1.1-uds-run2.jsonl"] {
        assert!(out.join("traces").join(name).is_file(), "{name}");
    }
    let report = report(&out);
    let result =
        report["results"].as_array().unwrap().iter().find(|it| it["case"] == "1.1" && it["mtp"] == "uds").unwrap();
    assert_eq!(result["outcome"]["judged"]["trace"], "traces/1.1-uds-run2.jsonl");
    assert_eq!(result["outcome"]["judged"]["earlier"][0]["trace"], "traces/1.1-uds.jsonl");
    assert_eq!(report["run"]["exit_code"], 1);
    assert!(fs::read_to_string(out.join("junit.xml")).unwrap().contains("<rerunFailure"));
}

#[rstest]
#[case::none(&["--shard", "0/5"], "`0/5` is no shard")]
#[case::beyond(&["--shard", "6/5"], "`6/5` is no shard")]
#[case::no_job(&["--shard", "k8s/5"], "JOB_COMPLETION_INDEX is not set")]
#[case::both(&["--resume", "--overwrite"], "cannot be used with")]
#[case::too_often(&["--rerun-failed=101"], "101")]
fn what_makes_no_sense_is_refused(#[case] arguments: &[&str], #[case] told: &str) {
    let output = uspec(&[&["run", "1.1", "--dry-run"], arguments].concat());
    assert!(code(&output) == 2 && text(&output).contains(told), "{}", text(&output));
}

#[test]
fn an_indexed_job_of_kubernetes_gets_its_shard() {
    let plan = |index: &str| {
        let run = command(&["run", "1.1", "1.3", "--mtp=uds", "--dry-run", "--shard", "k8s/2"])
            .env("JOB_COMPLETION_INDEX", index)
            .output()
            .unwrap();
        text(&run)
    };
    let runs = |text: &str, case: &str| {
        let line = text.lines().find(|line| line.split_whitespace().take(2).eq([case, "uds"])).unwrap();
        !line.contains("in shard")
    };
    assert!(runs(&plan("0"), "1.1") && !runs(&plan("0"), "1.3"), "{}", plan("0"));
    assert!(!runs(&plan("1"), "1.1") && runs(&plan("1"), "1.3"));
}
