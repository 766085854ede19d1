//! Packets that are awaited, that must not come, and that carried a Record.

use rstest::rstest;
use serde_json::{Value, json};
use uspec_usp::schema::{Content, MessageKind};

use crate::{
    case::{Action, Answer, Check, Expected, MqttAction, MtpAction, MtpEvent, PacketKind},
    profile::Broker,
    testing::{EUT, Story, US, await_notify, encode, pattern, record},
    trace::MtpFacts,
    verdict::Outcome,
};

fn story() -> Story {
    Story::new().over(MtpFacts::brokered("mqtt", Broker::BuiltIn, false))
}

fn subscribe() -> Expected {
    Expected::Mtp(MtpEvent::Packet { kind: PacketKind::named("SUBSCRIBE").unwrap(), matching: None })
}

fn awaited() -> Story {
    story().step("seen", Action::Await { what: subscribe(), answer: Answer::Normal })
}

fn absent() -> Story {
    story().step("seen", Action::Absent { what: subscribe(), lasting: None })
}

fn received(matching: Option<Value>) -> Check {
    Check::Received { step: "seen".into(), matching: matching.map(|source| pattern(&source)) }
}

fn filters() -> Value {
    json!({"packet_id": 1, "subscriptions": [{"filter": "a/#", "qos": 1}]})
}

#[rstest]
#[case::came(awaited().came("SUBSCRIBE", filters(), b"").matched(), received(None), Outcome::Met)]
#[case::as_wanted(
    awaited().came("SUBSCRIBE", filters(), b"").matched(),
    received(Some(json!({"kind": "SUBSCRIBE", "subscriptions": [{"filter": "a/#"}]}))),
    Outcome::Met
)]
#[case::not_as_wanted(
    awaited().came("SUBSCRIBE", filters(), b"").matched(),
    received(Some(json!({"subscriptions": {"$some": {"filter": "b"}}}))),
    Outcome::Unmet
)]
#[case::another(awaited().came("UNSUBSCRIBE", filters(), b"").matched(), received(None), Outcome::Unknown)]
#[case::ours(awaited().went("SUBSCRIBE", filters(), b"").matched(), received(None), Outcome::Unknown)]
#[case::never(awaited().time_out(9), received(None), Outcome::Unmet)]
#[case::never_and_never_provoked(unprovoked(), received(None), Outcome::Unknown)]
#[case::forbidden_and_absent(absent().done(), Check::NotReceived { step: "seen".into() }, Outcome::Met)]
#[case::forbidden_and_there(
    absent().came("SUBSCRIBE", filters(), b"").matched(), Check::NotReceived { step: "seen".into() }, Outcome::Unmet
)]
fn packets_of_the_eut_are_judged(#[case] story: Story, #[case] check: Check, #[case] expected: Outcome) {
    let (outcome, findings) = story.metric(check).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

/// The step that was to provoke it was not reached.
fn unprovoked() -> Story {
    let story = story().step("x", Action::Mtp(MtpAction::Mqtt(MqttAction::Disconnect(139)))).not_reached("no session");
    story.step("seen", Action::Await { what: subscribe(), answer: Answer::Normal }).time_out(9)
}

fn answer() -> Vec<u8> {
    record(EUT, US, encode(Content::Response(MessageKind::Get), "m1", &json!({})))
}

fn asked() -> Story {
    story().ask("get", MessageKind::Get, json!({"param_paths": ["Device."]}))
}

fn notified() -> Vec<u8> {
    let body = json!({"subscription_id": "s", "event": {"obj_path": "Device.", "event_name": "Boot!"}});
    record(EUT, US, encode(Content::Request(MessageKind::Notify), "n", &body))
}

#[rstest]
#[case::of_an_answer(asked().came("PUBLISH", json!({"topic": "us"}), &answer()).receive(answer()).matched(), "get", Outcome::Met)]
#[case::to_elsewhere(asked().came("PUBLISH", json!({"topic": "x"}), &answer()).receive(answer()).matched(), "get", Outcome::Unmet)]
#[case::of_another_record(
    asked().came("PUBLISH", json!({"topic": "us"}), &notified()).receive(notified()).receive(answer()).matched(),
    "get",
    Outcome::Unknown
)]
#[case::of_no_answer(asked().time_out(9), "get", Outcome::Unmet)]
#[case::of_what_was_awaited(
    story().step("n", await_notify("s")).came("PUBLISH", json!({"topic": "us"}), &notified()).receive(notified()).matched(),
    "n",
    Outcome::Met
)]
#[case::of_what_never_came(story().step("n", await_notify("s")).time_out(9), "n", Outcome::Unmet)]
#[case::of_what_was_not_reached(story().step("n", await_notify("s")).not_reached("no session"), "n", Outcome::Unknown)]
fn the_packet_that_carried_a_record_is_judged(#[case] story: Story, #[case] of: &str, #[case] expected: Outcome) {
    let matching = Some(pattern(&json!({"kind": "PUBLISH", "topic": "us"})));
    let (outcome, findings) = story.metric(Check::Packet { of: of.into(), matching }).outcome();
    assert_eq!(outcome, expected, "{findings:#?}");
}

#[test]
fn a_packet_survives_the_trace_file() {
    let story = asked().came("PUBLISH", json!({"topic": "us", "qos": 1}), &answer());
    let text = story.trace.to_json_lines().unwrap();
    assert_eq!(crate::trace::Trace::from_json_lines(&text).unwrap(), story.trace);
}
