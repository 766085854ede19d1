//! What must change no verdict: an EUT that takes all the time it is given, and clocks that jump.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use std::time::Duration;
use tokio::time::Instant;
use uspec_testplan::{
    case::{Action, Answer, Expected, TestCase},
    trace::{Phase, StepOutcome, Trace},
};

fn cases() -> Vec<TestCase> {
    let notify = Expected::Notify { subscription_id: Some("s".into()), matching: None };
    let procedure = vec![
        get("Device.Fine."),
        add(),
        labelled(
            "trigger",
            request(uspec_usp::schema::MessageKind::Get, serde_json::json!({"param_paths": ["Device.Trigger."]})),
        ),
        step(Action::Await { what: notify, answer: Answer::Normal }),
    ];
    let one =
        TestCase { setup: vec![get("Device.Before.")], cleanup: vec![delete("{{sub}}")], ..case("1.1", procedure) };
    vec![one, case("1.2", vec![get("Device.Fine.")])]
}

fn phases(trace: &Trace) -> Vec<Vec<bool>> {
    let done = |outcome: &StepOutcome| matches!(outcome, StepOutcome::Done { .. });
    [Phase::Setup, Phase::Procedure, Phase::CleanUp]
        .map(|phase| outcomes(trace, phase).iter().map(done).collect())
        .into()
}

/// Every answer, and the Notify, comes one millisecond before its time is over.
fn slow(limit: Duration) -> Rule {
    let wait = limit.checked_sub(Duration::from_millis(1)).unwrap();
    Box::new(move |asked| {
        let mut acts = vec![Do::Sleep(wait), Do::Answer];
        if is_trigger(asked) {
            acts.extend([Do::Sleep(wait), Do::Notify { subscription: "s", send_resp: true }]);
        }
        Some(acts)
    })
}

/// An EUT at once, whose answers lie in the queue when the harness wakes up long after their time is over.
fn stalled(jump: Duration) -> Rule {
    Box::new(move |asked| {
        let mut acts = vec![Do::Answer];
        if is_trigger(asked) {
            acts.push(Do::Notify { subscription: "s", send_resp: true });
        }
        acts.push(Do::Jump(jump));
        Some(acts)
    })
}

#[rstest]
#[case::at_once(good_notifier())]
#[case::slow(slow(timing().response))]
#[case::a_minute_lost(stalled(Duration::from_secs(60)))]
#[case::an_hour_lost(stalled(Duration::from_secs(3600)))]
#[tokio::test(start_paused = true)]
async fn every_step_ends_as_it_does_with_a_quick_eut_and_steady_clocks(#[case] rule: Rule) {
    let ran = run(rule, &cases()).await;
    ran.traces.iter().for_each(assert_sound);
    assert_eq!(ran.end.interrupted, None);
    let seen: Vec<_> = ran.traces.iter().map(phases).collect();
    assert_eq!(seen[0], [vec![true], vec![true; 4], vec![true]], "{:?}", outcomes(&ran.traces[0], Phase::Procedure));
    assert_eq!(seen[1], [vec![], vec![true], vec![]]);
    assert!(ran.traces.iter().all(|trace| differences(trace) == Some(Vec::new())));
}

#[tokio::test(start_paused = true)]
async fn one_millisecond_too_late_is_too_late() {
    let limit = timing().response;
    let rule = on_trigger(move |_| vec![Do::Sleep(limit + Duration::from_millis(1)), Do::Answer]);
    let ran = run(rule, &[case("1.1", vec![get("Device.Trigger.")])]).await;
    assert!(matches!(outcomes(&ran.traces[0], Phase::Procedure)[..], [StepOutcome::TimedOut { .. }]));
}

/// Times in a Trace come from the clock that only runs forward; the wall's stands in its header alone.
#[tokio::test(start_paused = true)]
async fn times_in_a_trace_are_those_of_the_steady_clock() {
    let begun = Instant::now();
    let wait = step(Action::Wait(Duration::from_secs(7).into()));
    let ran = run(good_rule(), &[case("1.1", vec![wait])]).await;
    let last = ran.traces[0].events.last().unwrap().at_us;
    assert!(last >= 7_000_000 && u128::from(last) <= begun.elapsed().as_micros());
}

fn good_notifier() -> Rule {
    on_trigger(|_| vec![Do::Answer, Do::Notify { subscription: "s", send_resp: true }])
}
