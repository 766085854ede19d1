//! The binary as a person or a CI job meets it: exit codes, files, messages.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

mod process;

use process::{code, text, top, uspec};
use rstest::rstest;
use std::{
    collections::BTreeSet,
    fs,
    io::{BufRead as _, BufReader},
    net::TcpListener,
    path::Path,
    process::{Command, Stdio},
};
use uspec_cli::bundled::MTPS;

/// How many cases the catalogue has: 230 of the plan and 40 of our own.
const CASES: usize = 270;

/// Writes a profile for an EUT that connects to this port.
fn profile(folder: &Path, port: u16, more: &str) -> String {
    let path = folder.join("eut.yaml");
    let profile = format!(
        "format: 1\nname: test\neut: {{endpoint_id: \"proto::eut\"}}\ncontroller: {{endpoint_id: \"proto::controller\"}}\n\
         mtps:\n  - websocket: {{role: eut_connects, address: 127.0.0.1:{port}, path: /usp{more}}}\n\
         timing: {{connect: 50ms}}\n"
    );
    fs::write(&path, profile).unwrap();
    path.display().to_string()
}

#[test]
fn a_run_writes_every_report_and_exits_with_0() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().display().to_string();
    let run = uspec(&["run", "1.1", "1.36", "--out", &folder]);
    assert_eq!(code(&run), 0, "{}", text(&run));
    for file in ["junit.xml", "run.json", "report.html"] {
        assert!(out.path().join(file).is_file(), "{file} is missing");
    }
    for mtp in MTPS {
        for case in ["1.1", "1.36"] {
            let trace = format!("traces/{case}-{mtp}.jsonl");
            assert!(out.path().join(&trace).is_file(), "{trace} is missing");
        }
    }
    let report: serde_json::Value =
        serde_json::from_str(&fs::read_to_string(out.path().join("run.json")).unwrap()).unwrap();
    let rows = report["results"].as_array().unwrap().len();
    assert_eq!(rows, CASES * MTPS.len(), "every case of the plan stands in the report, once for each MTP");
    let tls = report["mtps"].as_array().unwrap().iter().map(|mtp| !mtp["tls"].is_null()).collect::<Vec<_>>();
    assert_eq!(tls, MTPS.map(|mtp| mtp.ends_with("-tls")), "the report says what TLS came to");
    let trace = out.path().join("traces/1.1-websocket.jsonl").display().to_string();
    let bring_up = out.path().join("traces/bring-up-websocket.jsonl").display().to_string();
    let judged = uspec(&["judge", &bring_up, &trace]);
    assert_eq!(code(&judged), 0, "{}", text(&judged));
    assert!(text(&judged).contains("pass 1.1"), "{}", text(&judged));
}

#[test]
fn a_failed_case_exits_with_1_and_says_why() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().display().to_string();
    let run = uspec(&["run", "1.1", "--mtp", "websocket", "--fault", "add-omits-unique-keys", "--out", &folder]);
    assert_eq!(code(&run), 1, "{}", text(&run));
    assert!(text(&run).contains("metric 2"), "{}", text(&run));
    assert!(fs::read_to_string(out.path().join("junit.xml")).unwrap().contains("<failure"));
}

#[test]
fn one_mtp_can_be_chosen_and_only_a_wish_writes_secrets_of_tls() {
    let out = tempfile::tempdir().unwrap();
    let folder = out.path().display().to_string();
    let (traces, secrets) = (out.path().join("traces"), out.path().join("tls-keys.log"));
    let arguments = ["run", "1.1", "--mtp", "websocket-server-tls", "--out", &folder];
    let run = uspec(&[&arguments[..], &["--tls-key-log"]].concat());
    assert_eq!(code(&run), 0, "{}", text(&run));
    let names: Vec<_> = fs::read_dir(&traces).unwrap().map(|it| it.unwrap().file_name()).collect();
    assert!(names.iter().all(|name| name.to_string_lossy().contains("websocket-server-tls")), "{names:?}");
    assert!(fs::read_to_string(&secrets).unwrap().contains("CLIENT_TRAFFIC_SECRET_0 "), "what Wireshark reads");
    let run = uspec(&arguments);
    assert_eq!(code(&run), 0, "{}", text(&run));
    assert!(!secrets.exists(), "secrets of an earlier run do not stay");
}

/// Ends a process when a test is over, whatever came of it.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the program in the background.
fn start(arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uspec"));
    command.args(arguments).current_dir(top()).stdout(Stdio::piped());
    Child(command.spawn().unwrap())
}

/// A port that nobody listens on at this moment.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

#[rstest]
#[case::eut_connects("eut_connects", "--connect")]
#[case::we_connect("we_connect", "--listen")]
fn an_agent_of_its_own_process_is_judged_over_tls_with_certificates_from_pki(#[case] role: &str, #[case] option: &str) {
    let out = tempfile::tempdir().unwrap();
    let pki = out.path().join("pki").display().to_string();
    let made = uspec(&["pki", "--eut", "proto::eut", "--controller", "proto::controller", "--host", "127.0.0.1", &pki]);
    assert_eq!(code(&made), 0, "{}", text(&made));
    let port = free_port();
    let file = out.path().join("eut.yaml");
    let profile = format!(
        "format: 1\nname: test\neut: {{endpoint_id: \"proto::eut\"}}\ncontroller: {{endpoint_id: \"proto::controller\"}}\n\
         mtps:\n  - websocket: {{role: {role}, address: 127.0.0.1:{port}, path: /usp, tls: \
         {{certificate: pki/controller.pem, key: pki/controller.key, trust: pki/ca.pem}}}}\n"
    );
    fs::write(&file, profile).unwrap();
    let (url, own) = (format!("wss://127.0.0.1:{port}/usp"), |name: &str| format!("{pki}/{name}"));
    let (certificate, key, trust) = (own("agent.pem"), own("agent.key"), own("ca.pem"));
    let ids = ["--endpoint-id", "proto::eut", "--controller", "proto::controller"];
    let tls = ["--certificate", &certificate, "--key", &key, "--trust", &trust];
    let _agent = start(&[&["agent", option, &url], &ids[..], &tls[..]].concat());
    let (eut, folder) = (file.display().to_string(), out.path().join("out").display().to_string());
    let run = uspec(&["run", "1.1", "--eut", &eut, "--out", &folder]);
    assert_eq!(code(&run), 0, "{}", text(&run));
}

#[rstest]
#[case::from_the_terminal("-INT")]
#[case::from_a_ci("-TERM")]
fn a_signal_ends_a_run_in_order_and_it_exits_with_130(#[case] signal: &str) {
    let out = tempfile::tempdir().unwrap();
    let profile = profile(out.path(), 0, "");
    fs::write(&profile, fs::read_to_string(&profile).unwrap().replace("50ms", "60s")).unwrap();
    let folder = out.path().join("out");
    let mut run = start(&["run", "1.1", "--eut", &profile, "--out", &folder.display().to_string()]);
    let mut line = String::new();
    BufReader::new(run.0.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(line.contains("waiting for the EUT"), "{line}");
    assert!(Command::new("kill").args([signal, &run.0.id().to_string()]).status().unwrap().success());
    assert_eq!(run.0.wait().unwrap().code(), Some(130));
    let junit = fs::read_to_string(folder.join("junit.xml")).unwrap();
    assert!(junit.contains("not reached") && junit.contains("uspec.run"), "{junit}");
}

/// The EUT is so wrong that no case can begin: what it does wrong is the reason, and the run is not green.
#[rstest]
#[case::wrong_address("websocket", "record-wrong-to-id", "R-MTP.4b unmet: to_id:")]
#[case::nothing_asked("websocket", "ws-omits-subprotocol", "R-WS.10 unmet: ")]
#[case::nothing_answered("websocket-server", "ws-omits-subprotocol", "R-WS.11 unmet: ")]
fn what_keeps_every_case_from_being_run_is_told_by_its_requirement(
    #[case] mtp: &str,
    #[case] fault: &str,
    #[case] told: &str,
) {
    let out = tempfile::tempdir().unwrap();
    let run = uspec(&["run", "1.1", "--mtp", mtp, "--fault", fault, "--out", &out.path().display().to_string()]);
    assert_eq!(code(&run), 3, "{}", text(&run));
    assert!(text(&run).contains(&format!("The run ended early: {mtp}: {told}")), "{}", text(&run));
    let report = fs::read_to_string(out.path().join("run.json")).unwrap();
    assert!(report.contains(&format!("\"reason\": \"{told}")), "{report}");
    let junit = fs::read_to_string(out.path().join("junit.xml")).unwrap();
    assert!(junit.contains("type=\"inconclusive\""), "a dashboard must not stay green");
}

#[test]
fn an_eut_that_never_connects_makes_cases_inconclusive_not_skipped() {
    let out = tempfile::tempdir().unwrap();
    let profile = profile(out.path(), 0, "");
    let run = uspec(&["run", "1.1", "--eut", &profile, "--out", &out.path().display().to_string()]);
    assert_eq!(code(&run), 3, "{}", text(&run));
    assert!(text(&run).contains("never connected"), "{}", text(&run));
    let junit = fs::read_to_string(out.path().join("junit.xml")).unwrap();
    assert!(junit.contains("type=\"inconclusive\""), "a dashboard must not stay green");
}

#[rstest]
#[case::no_such_case(&["run", "99.1"], "matches no case")]
#[case::no_such_mtp(&["run", "1.1", "--mtp", "websockets"], "no MTP websockets")]
#[case::no_such_fault(&["run", "--fault", "no-such-fault"], "no fault `no-such-fault`")]
#[case::no_such_profile(&["run", "--eut", "no-such-profile.yaml"], "no-such-profile.yaml")]
#[case::bad_folder(&["check", "fixtures/bad/unknown-key"], "problem")]
#[case::no_such_trace(&["judge", "no-such-trace.jsonl"], "no-such-trace.jsonl")]
#[case::unwritable_reports(&["run", "1.1", "--out", "Cargo.toml/out"], "Cargo.toml")]
fn what_cannot_be_done_exits_with_2_and_names_it(#[case] arguments: &[&str], #[case] names: &str) {
    let output = uspec(arguments);
    assert_eq!(code(&output), 2, "{}", text(&output));
    assert!(text(&output).contains(names), "{}", text(&output));
}

#[test]
fn a_port_in_use_is_told_before_anything_starts() {
    let out = tempfile::tempdir().unwrap();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let profile = profile(out.path(), taken.local_addr().unwrap().port(), "");
    let run = uspec(&["run", "1.1", "--eut", &profile, "--out", &out.path().display().to_string()]);
    assert_eq!(code(&run), 2, "{}", text(&run));
    assert!(text(&run).contains("in use"), "{}", text(&run));
}

#[test]
fn a_certificate_that_is_none_is_told_before_anything_starts() {
    let out = tempfile::tempdir().unwrap();
    fs::write(out.path().join("c.pem"), "no certificate").unwrap();
    let profile = profile(out.path(), 0, ", tls: {certificate: c.pem, key: c.pem}");
    let run = uspec(&["run", "1.1", "--eut", &profile, "--out", &out.path().display().to_string()]);
    assert_eq!(code(&run), 2, "{}", text(&run));
    assert!(text(&run).contains("c.pem"), "{}", text(&run));
}

#[test]
fn the_list_has_every_case_with_its_metrics() {
    let list = uspec(&["list", "--format", "json"]);
    assert_eq!(code(&list), 0);
    let rows: Vec<serde_json::Value> = serde_json::from_slice(&list.stdout).unwrap();
    assert_eq!(rows.len(), CASES * MTPS.len());
    let case = rows.iter().find(|row| row["id"] == "1.1").unwrap();
    for key in ["title", "decision", "requirements", "features"] {
        assert!(!case[key].is_null(), "{key} is missing");
    }
    assert_eq!(case["metrics"], serde_json::json!([1, 2, 3, 4]));
}

#[test]
fn a_dry_run_gives_a_reason_for_every_case_that_would_not_run() {
    let plan = uspec(&["run", "--dry-run"]);
    assert_eq!(code(&plan), 0);
    let shown = text(&plan);
    let cases: BTreeSet<_> = shown.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(cases.len(), CASES);
    for reason in ["not applicable", "deprecated", "not automated"] {
        assert!(shown.contains(reason), "{reason} is missing");
    }
}

#[rstest]
#[case("websocket-client-tls.yaml")]
#[case("websocket-server-tls.yaml")]
fn profiles_with_tls_are_good_beside_what_pki_writes(#[case] name: &str) {
    let folder = tempfile::tempdir().unwrap();
    let made = uspec(&["pki", &folder.path().join("pki").display().to_string()]);
    assert_eq!(code(&made), 0, "{}", text(&made));
    let profile = folder.path().join(name);
    fs::copy(top().join("fixtures/eut/obuspa").join(name), &profile).unwrap();
    let check = uspec(&["check", &profile.display().to_string()]);
    assert_eq!(code(&check), 0, "{}", text(&check));
}

#[test]
fn profiles_in_fixtures_are_good() {
    let profiles = ["example.yaml", "bundled.yaml", "obuspa/websocket-client.yaml", "obuspa/websocket-server.yaml"];
    let paths: Vec<String> = profiles.iter().map(|name| format!("fixtures/eut/{name}")).collect();
    let mut arguments = vec!["check"];
    arguments.extend(paths.iter().map(String::as_str));
    let check = uspec(&arguments);
    assert_eq!(code(&check), 0, "{}", text(&check));
}
