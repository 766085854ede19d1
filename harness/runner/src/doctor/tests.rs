//! Diagnoses of what no well-meant Agent does: events made by hand.

use super::{
    diagnose::{Exchange, Exchanges, Finding, Patience, diagnose},
    evidence::Evidence,
    report::{Fault, Side, Stage},
    subject::{Kind, Subject},
};
use crate::outgoing::plain_record;
use bytes::Bytes;
use rstest::rstest;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use uspec_mtp::{
    event::{Closing, ConnectionId, Direction, EndedBy, MtpEvent, MtpHappening, OpenSession, PacketSeen, Party, Route},
    network::Address,
};
use uspec_testplan::trace::MtpFacts;
use uspec_usp::{
    json::build_message,
    schema::{Content, MessageKind},
};

const OURS: &str = "self::us";
const EUT: &str = "self::eut";

fn subject(kind: Kind) -> Subject {
    Subject {
        name: "it".to_owned(),
        facts: MtpFacts::direct("websocket", None, false),
        kind,
        address: Address::tcp("127.0.0.1", 8080),
        calls: false,
        tls: None,
        controller: OURS.to_owned(),
        eut: Some(EUT.to_owned()),
    }
}

fn websocket() -> Subject {
    subject(Kind::WebSocket { path: "/usp".to_owned() })
}

fn mqtt() -> Subject {
    let (version, controller_topic) = ("5.0".to_owned(), "c".to_owned());
    subject(Kind::Mqtt { version, controller_topic, agent_topic: Some("a".to_owned()), username: None })
}

fn evidence(happenings: Vec<MtpHappening>) -> Evidence {
    let mut evidence = Evidence::default();
    let attempt = MtpHappening::Attempt { opener: Party::Peer, peer: Address::tcp("eut", 1) };
    for what in std::iter::once(attempt).chain(happenings) {
        evidence.take(&MtpEvent::new(Instant::now(), ConnectionId(1), what), |place| place == "c");
    }
    evidence
}

fn open() -> MtpHappening {
    MtpHappening::Open(OpenSession { eid: Some(EUT.to_owned()), ..OpenSession::default() })
}

/// A Record with an answer to `get`, from somebody to somebody.
fn answer(content: Content, body: &Value, from: &str, to: &str) -> Vec<u8> {
    let message = build_message(content, "get", body).unwrap();
    plain_record("1.3", to, from, prost::Message::encode_to_vec(&message))
}

fn came(record: Vec<u8>) -> MtpHappening {
    let (direction, bytes) = (Direction::Received, Bytes::from(record));
    MtpHappening::Record { direction, bytes, frames: 1, route: Route::default() }
}

fn published(topic: &str, record: Vec<u8>) -> MtpHappening {
    let packet = PacketSeen { kind: "PUBLISH".to_owned(), fields: json!({"topic": topic}), body: record.into() };
    MtpHappening::Packet { direction: Direction::Received, packet }
}

fn asked(unsent: Option<&str>) -> Exchanges {
    let waited = Duration::from_secs(30);
    let get = Exchange { msg_id: "get".to_owned(), waited, unsent: unsent.map(str::to_owned) };
    Exchanges { protocol: None, get: Some(get) }
}

fn broken(stage: Stage, subject: &Subject, evidence: &Evidence, exchanges: &Exchanges) -> Fault {
    match diagnose(stage, subject, evidence, exchanges, Patience::Spent) {
        Finding::Broken(fault) => fault,
        other => panic!("{other:?}"),
    }
}

fn rows(endpoint_id: &str) -> Value {
    json!({"req_path_results": [{
        "requested_path": "Device.LocalAgent.Controller.",
        "resolved_path_results": [
            {"resolved_path": "Device.LocalAgent.Controller.1.", "result_params": {"EndpointID": endpoint_id}}
        ],
    }]})
}

#[tokio::test(start_paused = true)]
async fn a_table_without_our_row_shows_whom_it_has() {
    let content = Content::Response(MessageKind::Get);
    let evidence = evidence(vec![open(), came(answer(content, &rows("self::boss"), EUT, OURS))]);
    let fault = broken(Stage::Get, &websocket(), &evidence, &asked(None));
    assert_eq!(fault.seen, "it shows self::boss");
    assert!(fault.expected.contains(OURS), "{fault:?}");
}

#[rstest]
#[case(7006, "AssignedRole")]
#[case(7001, "AssignedRole")]
#[case(7003, "its log")]
#[tokio::test(start_paused = true)]
async fn an_error_is_told_with_its_code(#[case] code: u32, #[case] change: &str) {
    let body = json!({"err_code": code, "err_msg": "no\u{1b}"});
    let evidence = evidence(vec![open(), came(answer(Content::Error, &body, EUT, OURS))]);
    let fault = broken(Stage::Get, &websocket(), &evidence, &asked(None));
    assert!(fault.seen.contains(&format!("the Error {code} `no")), "{fault:?}");
    assert!(
        fault.remedies.iter().any(|remedy| remedy.side == Side::Eut && remedy.change.contains(change)),
        "{fault:?}"
    );
}

#[rstest]
#[case("self::eut", "self::boss")]
#[case("self::other", "self::us")]
#[tokio::test(start_paused = true)]
async fn an_answer_that_is_wrongly_addressed_breaks_the_reply_path(#[case] from: &str, #[case] to: &str) {
    let content = Content::Response(MessageKind::Get);
    let evidence = evidence(vec![open(), came(answer(content, &rows(OURS), from, to))]);
    let get = diagnose(Stage::Get, &websocket(), &evidence, &asked(None), Patience::Spent);
    assert!(matches!(get, Finding::Good(..)), "{get:?}");
    let fault = broken(Stage::ReplyPath, &websocket(), &evidence, &asked(None));
    assert_eq!(fault.expected, "answers from `self::eut` to `self::us`");
    assert_eq!(fault.seen, format!("an answer from `{from}` to `{to}`"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_on_another_topic_is_found_there() {
    let content = Content::Response(MessageKind::Get);
    let evidence = evidence(vec![open(), published("elsewhere", answer(content, &rows(OURS), EUT, OURS))]);
    let fault = broken(Stage::Get, &mqtt(), &evidence, &asked(None));
    assert_eq!(
        (fault.expected.as_str(), fault.seen.as_str()),
        ("the Response to Get at `c`", "the EUT sent it to `elsewhere`")
    );
    assert!(
        fault
            .remedies
            .iter()
            .any(|one| one.side == Side::Profile && one.change.contains("`controller_topic` of `it`: `elsewhere`"))
    );
}

#[tokio::test(start_paused = true)]
async fn what_is_not_answered_tells_how_the_connection_ended() {
    let closing = Closing { by: EndedBy::Peer, code: Some(1002), reason: "unknown Controller".to_owned(), clean: true };
    let evidence = evidence(vec![open(), MtpHappening::Closed(closing)]);
    let fault = broken(Stage::Get, &websocket(), &evidence, &asked(Some("it is gone")));
    assert!(
        fault.seen.starts_with(
            "it could not be sent: it is gone; the EUT ended its connection with code 1002 (unknown Controller)"
        ),
        "{fault:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_says_nothing_of_itself_and_that_nobody_names_is_broken() {
    let nameless = Subject { eut: None, ..mqtt() };
    let evidence = evidence(vec![MtpHappening::Open(OpenSession::default())]);
    let left = diagnose(Stage::EndpointIds, &nameless, &evidence, &Exchanges::default(), Patience::Left);
    assert!(matches!(left, Finding::Pending(_)), "{left:?}");
    let fault = broken(Stage::EndpointIds, &nameless, &evidence, &Exchanges::default());
    assert!(fault.remedies.iter().any(|one| one.side == Side::Profile && one.change.contains("`eut.endpoint_id`")));
}

#[tokio::test(start_paused = true)]
async fn without_a_subscription_the_topics_are_pending_and_then_broken() {
    let connack = PacketSeen { kind: "CONNACK".to_owned(), fields: json!({"reason": 0}), body: Bytes::new() };
    let evidence = evidence(vec![MtpHappening::Packet { direction: Direction::Sent, packet: connack }]);
    let Finding::Pending(fault) = diagnose(Stage::Route, &mqtt(), &evidence, &Exchanges::default(), Patience::Spent)
    else {
        panic!("decided without a SUBSCRIBE")
    };
    assert!(fault.expected.contains("subscribes to `a`") && fault.seen == "no SUBSCRIBE came", "{fault:?}");
}

#[tokio::test(start_paused = true)]
async fn what_is_kept_is_bounded_and_has_no_password() {
    let mut evidence = Evidence::default();
    let fields =
        json!({"version": "5.0", "username": "u", "password": "a secret", "headers": {"passcode": "a secret"}});
    let connect = PacketSeen { kind: "CONNECT".to_owned(), fields, body: Bytes::new() };
    for number in 1..=10_000 {
        let attempt = MtpHappening::Attempt { opener: Party::Peer, peer: Address::tcp("eut", 1) };
        let connect = MtpHappening::Packet { direction: Direction::Received, packet: connect.clone() };
        let octets = MtpHappening::Octets { direction: Direction::Received, bytes: Bytes::from(vec![b'x'; 4096]) };
        for what in [attempt, connect, octets] {
            evidence.take(&MtpEvent::new(Instant::now(), ConnectionId(number), what), |_| true);
        }
    }
    assert_eq!((evidence.streams, evidence.all().count()), (10_000, 32));
    let kept = format!("{evidence:?}");
    assert!(kept.contains("\"u\"") && !kept.contains("secret") && kept.len() < 256 * 1024, "{} octets", kept.len());
}

#[tokio::test(start_paused = true)]
async fn beside_a_broker_silence_may_mean_that_the_eut_is_not_there() {
    let beside = Subject { calls: true, ..mqtt() };
    let evidence = evidence(vec![MtpHappening::Open(OpenSession::default())]);
    let Finding::Good(_, remarks) = diagnose(Stage::Route, &beside, &evidence, &asked(None), Patience::Spent) else {
        panic!("the topics cannot be seen there")
    };
    assert!(remarks.iter().any(|remark| remark.contains("nothing to `c` so far")), "{remarks:?}");
    let fault = broken(Stage::Get, &beside, &evidence, &asked(None));
    let first = fault.remedies.first().unwrap();
    assert_eq!(first.side, Side::Bench);
    assert!(first.change.contains("has subscribed to `a`"), "{fault:?}");
    assert!(fault.remedies.iter().any(|one| one.side == Side::Profile && one.change.contains("`agent_topic` of `it`")));
}
