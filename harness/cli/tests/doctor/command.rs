//! The command as a person or a program meets it: exit codes and output.

use serde_json::Value;
use std::{
    fs,
    net::TcpListener,
    path::Path,
    process::{Command, Output},
};

fn doctor(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uspec"));
    command.arg("doctor").args(arguments).env_remove("USPEC_EUT").output().unwrap()
}

fn profile(folder: &Path, mtps: &str) -> String {
    let path = folder.join("eut.yaml");
    let text = format!(
        "format: 1\nname: test\neut: {{endpoint_id: \"proto::eut\"}}\ncontroller: {{endpoint_id: \"proto::controller\"}}\nmtps:\n{mtps}"
    );
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap()
}

fn words(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn bad_input_is_told_and_ends_with_2() {
    let folder = tempfile::tempdir().unwrap();
    let missing = doctor(&["--eut", "no-such-file.yaml"]);
    assert_eq!((code(&missing), words(&missing).contains("no-such-file.yaml")), (2, true), "{}", words(&missing));
    let file = profile(folder.path(), "  - websocket: {role: eut_connects, address: 127.0.0.1:0, path: /usp}\n");
    let strange = doctor(&["--eut", &file, "--mtp", "carrier-pigeon"]);
    assert_eq!(code(&strange), 2);
    assert!(words(&strange).contains("no MTP named `carrier-pigeon`; it has `websocket`"), "{}", words(&strange));
    let long = doctor(&["--eut", &file, "--timeout", "60"]);
    assert_eq!((code(&long), words(&long).contains("such as 500ms, 60s or 5m")), (2, true), "{}", words(&long));
    let generated = profile(
        folder.path(),
        "  - websocket: {role: eut_connects, address: 127.0.0.1:0, path: /usp, tls: generate}\n",
    );
    assert_eq!(code(&doctor(&["--eut", &generated])), 2);
}

#[test]
fn a_broken_step_is_told_twice_and_ends_with_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    let folder = tempfile::tempdir().unwrap();
    let mtps = format!(
        "  - websocket: {{role: eut_connects, address: 127.0.0.1:{port}, path: /usp}}\n  \
           - stomp: {{address: 127.0.0.1:0, controller_destination: /c, agent_destination: /a}}\n"
    );
    let file = profile(folder.path(), &mtps);
    let output = doctor(&["--eut", &file, "--timeout", "100ms"]);
    let text = words(&output);
    assert_eq!(code(&output), 1, "{text}");
    assert!(text.contains(&format!("127.0.0.1:{port} is in use by another listener")), "{text}");
    assert!(text.contains("BROKEN port") && text.contains("BROKEN TCP"), "{text}");
    assert!(text.contains("\nwebsocket is broken at port: ") && text.contains("\nstomp is broken at TCP: "), "{text}");
    assert!(text.contains("no TCP connection came") && !text.contains("everything is in order"), "{text}");
    let one = words(&doctor(&["--eut", &file, "--timeout", "100ms", "--mtp", "stomp"]));
    assert!(!one.contains("websocket") && one.contains("stomp is broken at TCP"), "{one}");
}

#[test]
fn programs_get_one_document() {
    let folder = tempfile::tempdir().unwrap();
    let file = profile(
        folder.path(),
        "  - mqtt: {version: \"5.0\", address: 127.0.0.1:0, controller_topic: c, agent_topic: a}\n",
    );
    let output = doctor(&["--eut", &file, "--timeout", "100ms", "--format", "json"]);
    assert_eq!(code(&output), 1);
    let all: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&all["format"], &all["in_order"], &all["eut"]), (&1.into(), &false.into(), &file.into()));
    let steps = all["mtps"][0]["steps"].as_array().unwrap();
    let states: Vec<_> =
        steps.iter().map(|step| (step["stage"].as_str().unwrap(), step["state"].as_str().unwrap())).collect();
    assert_eq!(states[..3], [("place", "good"), ("stream", "broken"), ("handshake", "not_reached")]);
    assert_eq!(steps[1]["remedies"][0]["side"], "eut");
    assert!(steps[1]["expected"].is_string() && steps[1]["seen"].is_string() && steps[1]["title"] == "TCP");
}
