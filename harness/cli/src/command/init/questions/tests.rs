#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use super::*;
use crate::args::{Cli, Command};
use clap::Parser as _;
use rstest::rstest;

fn args(options: &[&str]) -> InitArgs {
    let all = ["uspec", "init", "--out", "eut.yaml"].iter().chain(options);
    match Cli::parse_from(all).command {
        Command::Init(args) => *args,
        _ => unreachable!("init was asked for"),
    }
}

/// What comes of the options and of the answers that are given, line by line; the questions are given back as well.
fn asked(options: &[&str], answers: Option<&str>) -> (Result<Mtp, String>, String) {
    let mut questions = Vec::new();
    let present = answers.is_some();
    let mut person = Person { answers: answers.unwrap_or_default().as_bytes(), questions: &mut questions, present };
    let mtp = mtp(&args(options), Path::new(""), &mut person).map_err(|error| error.to_string());
    (mtp, String::from_utf8(questions).unwrap())
}

#[test]
fn options_that_say_everything_leave_nothing_to_ask() {
    let options = ["--mtp", "websocket", "--role", "eut-connects", "--address", "127.0.0.1:8080", "--path", "/usp"];
    let (mtp, questions) = asked(&options, Some(""));
    let address = Address { host: "127.0.0.1".to_owned(), port: 8080 };
    let expected = WebSocket { role: Role::EutConnects, address, path: "/usp".to_owned(), tls: None };
    assert_eq!(mtp.unwrap(), Mtp { name: "websocket".to_owned(), transport: Transport::WebSocket(expected) });
    assert_eq!(questions, "");
}

#[test]
fn what_is_not_given_is_asked_and_an_empty_answer_takes_the_default() {
    let (mtp, questions) = asked(&[], Some("mqtt5\n\n\nlab/controller\n\n"));
    let Transport::Mqtt(mqtt) = mtp.unwrap().transport else { unreachable!("MQTT was answered") };
    assert_eq!(mqtt.address.to_string(), "0.0.0.0:1883");
    assert_eq!((mqtt.controller_topic.as_str(), mqtt.agent_topic.as_deref()), ("lab/controller", Some("usp/agent")));
    assert!(questions.contains("websocket, mqtt5, mqtt311, stomp, uds"), "{questions}");
    assert!(questions.contains("[usp/controller]"), "{questions}");
}

#[test]
fn a_wrong_answer_is_told_and_asked_again_but_not_forever() {
    let (mtp, questions) = asked(&["--path", "/usp", "--address", "h:1"], Some("telex\nwebsocket\nwe-connect\n"));
    assert!(matches!(mtp.unwrap().transport, Transport::WebSocket(WebSocket { role: Role::WeConnect, .. })));
    assert!(questions.contains("`telex` is none of them"), "{questions}");
    let (mtp, _) = asked(&[], Some("a\nb\nc\nwebsocket\n"));
    assert!(mtp.unwrap_err().contains("--mtp"));
}

#[rstest]
#[case::no_mtp(&[], "give --mtp, one of websocket, mqtt5")]
#[case::no_address(&["--mtp", "websocket", "--role", "we-connect"], "give --address")]
#[case::no_path(&["--mtp", "uds", "--role", "we-connect"], "give --path")]
#[case::no_broker(&["--mtp", "stomp", "--broker", "beside"], "give --address")]
#[case::a_role_over_a_broker(&["--mtp", "mqtt5", "--role", "we-connect"], "--broker beside")]
#[case::an_address_that_is_none(&["--mtp", "mqtt5", "--address", "here"], "`here` is no address")]
#[case::a_port_that_is_none(&["--mtp", "mqtt5", "--address", "here:99999"], "`here:99999` is no address")]
#[case::tls_where_there_is_none(&["--mtp", "uds", "--pki", "x"], "no TLS over a UNIX domain socket")]
fn without_a_terminal_what_has_no_default_is_an_error_that_names_the_option(
    #[case] options: &[&str],
    #[case] names: &str,
) {
    let (mtp, questions) = asked(options, None);
    let told = mtp.unwrap_err();
    assert!(told.contains(names), "{told}");
    assert_eq!(questions, "");
}

#[rstest]
#[case(&["--mtp", "websocket"], "websocket")]
#[case(&["--mtp", "mqtt311"], "mqtt311")]
#[case(&["--mtp", "stomp", "--pki", "pki"], "stomp-tls")]
#[case(&["--mtp", "uds"], "uds")]
#[case(&["--mtp", "uds", "--role", "we-connect", "--path", "/run/agent"], "uds-server")]
fn without_a_terminal_the_rest_takes_its_defaults(#[case] options: &[&str], #[case] name: &str) {
    assert_eq!(asked(options, None).0.unwrap().name, name);
}

#[rstest]
#[case("/etc/ca.pem", "lab", "/etc/ca.pem")]
#[case("lab/pki/ca.pem", "lab", "pki/ca.pem")]
#[case("pki/ca.pem", "", "pki/ca.pem")]
fn files_are_written_relative_to_the_profile(#[case] path: &str, #[case] folder: &str, #[case] expected: &str) {
    assert_eq!(as_written(Path::new(path), Path::new(folder)), Path::new(expected));
}

#[test]
fn a_file_outside_of_the_profiles_folder_is_written_with_its_whole_path() {
    assert!(as_written(Path::new("pki/ca.pem"), Path::new("lab")).is_absolute());
}
