//! Rules about the packets of an MTP.

#![allow(clippy::needless_pass_by_value, reason = "rows of a table read better so")]

use std::time::Duration;

use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::MessageKind;

use crate::{
    case::{Action, Answer, Expected, Lapse, MtpEvent},
    profile::Broker,
    testing::{EUT, Story, US, encode, record},
    trace::{ConnectionState, MtpFacts},
    verdict::Outcome,
};

fn stomp() -> Story {
    Story::new().over(MtpFacts::brokered("stomp", Broker::BuiltIn, false))
}

fn mqtt(version: &str) -> Story {
    let facts = MtpFacts { version: Some(version.into()), ..MtpFacts::brokered("mqtt", Broker::BuiltIn, false) };
    Story::new().over(facts)
}

/// The EUT connects; then a wait of a minute, in which it sends these packets after these pauses in milliseconds.
fn beating(beats: &[(&str, u64)], with: Value) -> Story {
    let story = connected(stomp()).step("minute", Action::Wait(Lapse::Fixed(Duration::from_secs(60))));
    let story = beats.iter().fold(story, |story, (kind, pause)| story.wait(*pause).came(kind, json!({}), b""));
    let spent: u64 = beats.iter().map(|(_, pause)| pause).sum();
    let mut arguments = json!({"from": "connected", "to": "minute", "every": "15s"});
    arguments.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    story.wait(60_000 - spent).done().rule("heart_beats", arguments)
}

fn connected(story: Story) -> Story {
    let what = Expected::Mtp(MtpEvent::Connected);
    let story = story.step("connected", Action::Await { what, answer: Answer::Normal });
    story.connection(1, ConnectionState::Open, json!({"open": {"eid": EUT}})).matched()
}

const BEAT: &str = "HEARTBEAT";

/// A connection that ends while it is watched.
fn cut_off(after: u64) -> Story {
    let story = connected(stomp()).step("minute", Action::Wait(Lapse::Fixed(Duration::from_secs(60)))).wait(after);
    let story = story.connection(1, ConnectionState::Closed, json!({"closed": {"by": "peer", "clean": true}}));
    let with = json!({"from": "connected", "to": "minute", "every": "15s"});
    story.wait(60_000 - after).done().rule("heart_beats", with)
}

/// A Get in one packet and its answer in another.
fn exchanged(story: Story, request: (&str, Value), answer: (&str, Value), rule: &str) -> Story {
    let asked = story.ask("get", MessageKind::Get, json!({"param_paths": ["Device."]}));
    let sent = asked.trace.events.last().unwrap().clone();
    let crate::trace::What::Record { bytes, .. } = &sent.what else { panic!("a Record was sent") };
    let bytes = bytes.clone();
    let response = encode(
        uspec_usp::schema::Content::Response(MessageKind::Get),
        "m1",
        &json!({"req_path_results": [{"requested_path": "Device."}]}),
    );
    let response = record(EUT, US, response);
    let story =
        asked.went(request.0, request.1, &bytes).came(answer.0, answer.1, &response).receive(response).matched();
    story.rule(rule, json!({"of": "get"}))
}

fn v5(wanted: Value, topic: &str) -> Story {
    let answer = json!({"topic": topic, "properties": {"response_topic": "eut"}});
    exchanged(
        mqtt("5.0"),
        ("PUBLISH", json!({"topic": "eut", "properties": wanted})),
        ("PUBLISH", answer),
        "reply_topic",
    )
}

fn v311(asked: &str, topic: &str) -> Story {
    let (asked, answer) = (json!({"topic": asked}), json!({"topic": topic}));
    exchanged(mqtt("3.1.1"), ("PUBLISH", asked), ("PUBLISH", answer), "reply_topic")
}

fn delivered(reply: &str, destination: &str) -> Story {
    let asked = json!({"headers": {"destination": "/eut", "reply-to-dest": reply}});
    let answer = json!({"headers": {"destination": destination}});
    exchanged(stomp(), ("MESSAGE", asked), ("SEND", answer), "reply_topic")
}

fn long(length: Value) -> Story {
    let headers = if length.is_null() { json!({}) } else { json!({"content-length": length}) };
    let answer = ("SEND", json!({"headers": headers}));
    exchanged(stomp(), ("MESSAGE", json!({"headers": {}})), answer, "content_length")
}

/// A session with one SUBSCRIBE for each of these lists.
fn subscribing(packets: &[&[&str]], with: Value) -> Story {
    let asked = |filters: &[&str]| {
        let filters: Vec<_> = filters.iter().map(|filter| json!({"filter": filter})).collect();
        json!({"packet_id": 1, "subscriptions": filters})
    };
    let story = connected(mqtt("5.0"));
    let story = packets.iter().fold(story, |story, filters| story.came("SUBSCRIBE", asked(filters), b""));
    let mut arguments = json!({"since": "connected"});
    arguments.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    story.rule("subscribed", arguments)
}

#[rstest]
#[case("heart_beats", beating(&[(BEAT, 14_000), (BEAT, 15_500), ("SEND", 14_000), (BEAT, 14_000)], json!({})), Outcome::Met)]
#[case("heart_beats", beating(&[(BEAT, 14_000), (BEAT, 20_000), (BEAT, 14_000)], json!({})), Outcome::Unmet)]
#[case("heart_beats", beating(&[(BEAT, 14_000), (BEAT, 14_000)], json!({})), Outcome::Unmet)]
#[case("heart_beats", beating(&[], json!({})), Outcome::Unmet)]
#[case("heart_beats", beating(&[(BEAT, 20_000), (BEAT, 20_000), (BEAT, 19_000)], json!({"tolerance": "6s"})), Outcome::Met)]
#[case("heart_beats", beating(&[(BEAT, 15_000), ("SEND", 15_000), (BEAT, 15_000), (BEAT, 15_000)], json!({"kinds": [BEAT]})), Outcome::Unmet)]
#[case("heart_beats", beating(&[], json!({"every": "2m"})), Outcome::Unknown)]
#[case("heart_beats", cut_off(10_000), Outcome::Unknown)]
#[case("heart_beats", cut_off(20_000), Outcome::Unmet)]
#[case("reply_topic", v5(json!({"response_topic": "us/2"}), "us/2"), Outcome::Met)]
#[case("reply_topic", v5(json!({"response_topic": "us/2"}), "us"), Outcome::Unmet)]
#[case("reply_topic", v5(json!({}), "us"), Outcome::Unknown)]
#[case("reply_topic", v311("eut/reply-to=us%2F2", "us/2/reply-to=eut"), Outcome::Met)]
#[case("reply_topic", v311("eut/reply-to=us%2F2", "us%2F2/reply-to=eut"), Outcome::Unmet)]
#[case("reply_topic", v311("eut/reply-to=us%2F2", "us/reply-to=eut"), Outcome::Unmet)]
#[case("reply_topic", delivered("/us", "/us"), Outcome::Met)]
#[case("reply_topic", delivered("/us", "/other"), Outcome::Unmet)]
#[case("content_length", long(json!("69")), Outcome::Met)]
#[case("content_length", long(json!("1")), Outcome::Unmet)]
#[case("content_length", long(Value::Null), Outcome::Unmet)]
#[case("subscribed", subscribing(&[&["a", "b"], &["c/#"]], json!({"filters": ["a", "c/#"], "topics": ["c/d"]})), Outcome::Met)]
#[case("subscribed", subscribing(&[&["a", "b"]], json!({"filters": ["c"]})), Outcome::Unmet)]
#[case("subscribed", subscribing(&[&["a/#"]], json!({"filters": ["a/b"]})), Outcome::Unmet)]
#[case("subscribed", subscribing(&[&["a/+"]], json!({"topics": ["b/c"]})), Outcome::Unmet)]
#[case("subscribed", subscribing(&[], json!({"filters": ["a"]})), Outcome::Unmet)]
fn rules_about_packets_see_good_and_bad(#[case] rule: &str, #[case] story: Story, #[case] expected: Outcome) {
    let (outcome, findings) = story.outcome();
    assert_eq!(outcome, expected, "{rule}: {findings:#?}");
    assert!(!findings.is_empty());
}

/// Waits of 5 s, doubled up to a maximum of 12 s.
#[rstest]
#[case(&[7_000, 11_000, 12_000], Outcome::Met)]
#[case(&[7_000, 15_000], Outcome::Unmet)]
#[case(&[7_000, 11_000, 10_000], Outcome::Unmet)]
fn no_wait_grows_beyond_the_maximum(#[case] pauses: &[u64], #[case] expected: Outcome) {
    let attempt = |story: Story, label: &str, pause: u64| {
        let what = Expected::Mtp(MtpEvent::ConnectionAttempt);
        let story = story.step(label, Action::Await { what, answer: Answer::Normal }).wait(pause);
        story.connection(1, ConnectionState::Attempt, json!({"attempt": {"opener": "peer"}})).matched()
    };
    let labels: Vec<_> = (0..pauses.len()).map(|index| format!("retry{index}")).collect();
    let story = attempt(mqtt("5.0"), "start", 0);
    let story = pauses.iter().zip(&labels).fold(story, |story, (pause, label)| attempt(story, label, *pause));
    let with = json!({"start": "start", "attempts": labels, "minimum": "5s", "multiplier": "2000", "maximum": "12s"});
    let (outcome, findings) = story.rule("retry_interval", with).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
    assert!(findings.iter().all(|finding| finding.requirement.as_deref() == Some("R-MQTT.10")));
}
