//! `uspec init` as a person meets it: exit codes, files, messages, over real sockets of this computer.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uspec"));
    command.args(arguments).stdin(Stdio::null()).env_remove("USPEC_EUT").env_remove("USPEC_TESTCASES");
    command.env_remove("USPEC_PASSWORD");
    command
}

fn init(folder: &Path, arguments: &[&str]) -> Output {
    let all = [&["init", "--out", "eut.yaml"], arguments].concat();
    command(&all).current_dir(folder).output().unwrap()
}

fn text(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// Ends a process when a test is over, whatever came of it.
struct Child(std::process::Child);

impl Drop for Child {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn a_device_that_listens_gets_a_profile_that_is_good_and_runs() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let (address, url) = (format!("127.0.0.1:{port}"), format!("ws://127.0.0.1:{port}/usp"));
    let _agent = Child(command(&["agent", "--listen", &url]).stdout(Stdio::null()).spawn().unwrap());
    let made =
        init(folder.path(), &["--mtp", "websocket", "--role", "we-connect", "--address", &address, "--wait", "60"]);
    assert_eq!(made.status.code(), Some(0), "{}", text(&made));
    let said = text(&made);
    for told in [
        "Device.LocalAgent.MTP.{i}.WebSocket.Port",
        "obuspa -p",
        "connecting to the EUT",
        "uspec doctor --eut eut.yaml",
    ] {
        assert!(said.contains(told), "{told}: {said}");
    }
    assert_eq!(names(folder.path()), ["eut.yaml"]);
    let checked = command(&["check", "eut.yaml"]).current_dir(folder.path()).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    let run = command(&["run", "--eut", "eut.yaml", "--strict-profile", "--out", "out", "1.1", "1.36"]);
    let run = { run }.current_dir(folder.path()).output().unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", text(&run));
}

#[test]
fn what_is_there_is_told_before_anything_is_done_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("eut.yaml"), "mine").unwrap();
    let made = init(folder.path(), &["--mtp", "websocket"]);
    assert_eq!(made.status.code(), Some(2));
    assert!(text(&made).contains("eut.yaml is there already"), "{}", text(&made));
    assert!(!text(&made).contains("The settings of the Agent"), "{}", text(&made));
    assert_eq!(fs::read_to_string(folder.path().join("eut.yaml")).unwrap(), "mine");
}

#[test]
fn nobody_who_comes_leaves_the_answers_as_a_draft_for_the_doctor() {
    let folder = tempfile::tempdir().unwrap();
    let address = format!("127.0.0.1:{}", free_port());
    let arguments = ["--mtp", "mqtt5", "--address", &address, "--username", "u", "--password", "secret", "--wait", "0"];
    let made = init(folder.path(), &arguments);
    assert_eq!(made.status.code(), Some(2), "{}", text(&made));
    assert!(text(&made).contains("never connected"), "{}", text(&made));
    assert!(text(&made).contains("uspec doctor --eut eut.draft.yaml"), "{}", text(&made));
    assert_eq!(names(folder.path()), ["eut.draft.yaml"]);
    let draft: PathBuf = folder.path().join("eut.draft.yaml");
    let checked = command(&["check", &draft.display().to_string()]).output().unwrap();
    assert_eq!(checked.status.code(), Some(0), "{}", text(&checked));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(fs::metadata(&draft).unwrap().permissions().mode() & 0o777, 0o600, "it holds a password");
    }
    let again = init(folder.path(), &arguments);
    assert!(text(&again).contains("eut.draft.yaml is there already"), "{}", text(&again));
}

#[rstest]
#[case::nobody_to_ask(&[], "give --mtp")]
#[case::a_topic_with_a_wildcard(&["--mtp", "mqtt5", "--controller-topic", "usp/#"], "has a wildcard")]
#[case::both_at_one_place(&["--mtp", "stomp", "--controller-destination", "/q", "--agent-destination", "/q"], "give each its own place")]
#[case::files_that_are_not_there(&["--mtp", "websocket", "--pki", "nowhere"], "there is no file")]
#[case::two_controllers_in_one(&["--mtp", "websocket", "--second", "proto::uspec-controller"], "the same Endpoint ID")]
#[case::a_path_without_a_slash(&["--mtp", "websocket", "--path", "usp"], "the path begins with `/`")]
#[case::no_endpoint_id(&["--mtp", "websocket", "--controller", "me"], "an Endpoint ID")]
fn answers_that_make_no_profile_are_told_by_its_own_reader(#[case] arguments: &[&str], #[case] told: &str) {
    let folder = tempfile::tempdir().unwrap();
    let made = init(folder.path(), arguments);
    assert_eq!(made.status.code(), Some(2), "{}", text(&made));
    assert!(text(&made).contains(told), "{}", text(&made));
    assert!(names(folder.path()).is_empty(), "{:?}", names(folder.path()));
}
