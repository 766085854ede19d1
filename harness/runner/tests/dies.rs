//! An EUT that dies: the Trace of the case in which it happened shows it, and no later one.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use std::time::Duration;
use uspec_testplan::trace::{ConnectionState, Direction, Event, Phase, Trace, What};
use uspec_usp::schema::MessageKind;

fn ends(trace: &Trace) -> Vec<&Event> {
    let closed = |event: &&Event| matches!(&event.what, What::Connection { state: ConnectionState::Closed, .. });
    trace.events.iter().filter(closed).collect()
}

/// The step whose Record was sent last before that event.
fn last_sent(trace: &Trace, before: u64) -> Option<(Phase, String)> {
    trace.events.iter().rev().filter(|event| event.seq < before).find_map(|event| match &event.what {
        What::Record { direction: Direction::Sent, step: Some(step), .. } => {
            Some((step.phase, step.label.clone().unwrap_or_default()))
        }
        _ => None,
    })
}

/// Dies at the `nth` Request of that kind, `after` having answered it or not.
fn dying(kind: MessageKind, path: &'static str, nth: usize, acts: Vec<Do>) -> Rule {
    let mut count = 0;
    Box::new(move |asked| {
        if asked.kind == kind && asked.body.to_string().contains(path) {
            count += 1;
        }
        (count == nth).then(|| {
            count += 1;
            acts.clone()
        })
    })
}

#[rstest]
#[case::in_the_procedure(MessageKind::Get, "Device.Trigger.", 1, vec![Do::HangUp], (Phase::Procedure, "get"))]
#[case::in_the_look_afterwards(MessageKind::GetInstances, "LocalAgent", 2, vec![Do::HangUp], (Phase::CleanUp, "snapshot"))]
#[case::in_the_look_before(MessageKind::GetInstances, "LocalAgent", 1, vec![Do::HangUp], (Phase::BringUp, "snapshot"))]
#[case::of_its_last_answer(
    MessageKind::GetInstances, "LocalAgent", 2,
    vec![Do::Answer, Do::Sleep(Duration::from_millis(5)), Do::HangUp], (Phase::CleanUp, "snapshot")
)]
#[tokio::test(start_paused = true)]
async fn its_end_stands_in_the_case_where_it_happened(
    #[case] kind: MessageKind,
    #[case] path: &'static str,
    #[case] nth: usize,
    #[case] acts: Vec<Do>,
    #[case] sent: (Phase, &str),
) {
    let cases = [case("1.1", vec![get("Device.Trigger.")]), case("1.2", vec![get("Device.Fine.")])];
    let ran = run(dying(kind, path, nth, acts), &cases).await;
    ran.traces.iter().for_each(assert_sound);
    assert_eq!(ran.end.interrupted, None, "it comes back");
    let end = ends(&ran.traces[0]);
    assert!(!end.is_empty(), "{:?}", notes(&ran.traces[0]));
    assert_eq!(last_sent(&ran.traces[0], end[0].seq), Some((sent.0, sent.1.to_owned())));
    assert!(ends(&ran.traces[1]).is_empty());
}

#[tokio::test(start_paused = true)]
async fn an_eut_that_comes_back_is_looked_at_after_all() {
    let rule = dying(MessageKind::Get, "Device.Trigger.", 1, vec![Do::Away(Duration::from_secs(25))]);
    let ran = run(rule, &[case("1.1", vec![get("Device.Trigger.")]), case("1.2", vec![get("Device.Fine.")])]).await;
    assert_eq!(ran.end.interrupted, None);
    assert_eq!(differences(&ran.traces[0]), Some(Vec::new()), "{:?}", notes(&ran.traces[0]));
}
