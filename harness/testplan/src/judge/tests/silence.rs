//! What silence says after a step that did not come to act.

use super::*;
use crate::case::{ControllerAction, EutAction, MtpAction, Party};

fn ping() -> Action {
    Action::Mtp(MtpAction::Ping("hello".into()))
}

fn pong() -> Expected {
    Expected::Mtp(MtpEvent::Frame { kind: FrameKind::Pong, matching: None })
}

fn await_pong() -> Action {
    Action::Await { what: pong(), answer: Answer::default() }
}

fn absent_pong() -> Action {
    Action::Absent { what: pong(), lasting: None }
}

fn pinged() -> Story {
    Story::new().step("ping", ping())
}

fn failed() -> StepOutcome {
    StepOutcome::Fault { causes: vec!["no program".into()] }
}

/// With one more step, which exists over another MTP only.
fn over_tls(mut story: Story) -> Story {
    let when = Some(MtpCondition { tls: Some(true), ..MtpCondition::default() });
    story.case.procedure.push(Step { when, ..Step::new(ping()) });
    story
}

/// With one more step, of which the Trace shows nothing.
fn unseen(mut story: Story) -> Story {
    story.case.procedure.push(Step::new(ping()));
    story
}

/// Begins a Set that would bring a Notification about.
fn set() -> Story {
    Story::new().step("set", Action::Request { kind: MessageKind::Set, body: json!({}) })
}

#[rstest]
#[case::sent(pinged().done(), Outcome::Unmet, Outcome::Met)]
#[case::no_connection(pinged().not_reached("no connection"), Outcome::Unknown, Outcome::Unknown)]
#[case::our_fault(pinged().end(failed()), Outcome::Unknown, Outcome::Unknown)]
#[case::trace_without_end(pinged(), Outcome::Unknown, Outcome::Unknown)]
#[case::restart_without_return(
    Story::new().step("", Action::Eut(EutAction::Reboot)).time_out(9), Outcome::Unmet, Outcome::Met
)]
#[case::restart_refused(
    Story::new().step("", Action::Eut(EutAction::Reboot)).sent(vec![1]).not_reached("refused"), Outcome::Unknown, Outcome::Unknown
)]
#[case::no_second_controller(
    Story::new().step("", Action::Controller(ControllerAction::StopSecond)).not_reached("none"), Outcome::Unknown, Outcome::Unknown
)]
#[case::request_without_answer(Story::new().ask("get", GET, get_body()).time_out(9), Outcome::Unmet, Outcome::Met)]
#[case::request_whose_connection_ended(
    Story::new().ask("get", GET, get_body()).not_reached("the connection was lost"), Outcome::Unmet, Outcome::Met
)]
#[case::request_not_sent(
    Story::new().step("get", Action::Request { kind: GET, body: get_body() }).not_reached("`x` has no value"),
    Outcome::Unknown,
    Outcome::Unknown
)]
#[case::the_nearest_counts(pinged().not_reached("no connection").step("again", ping()).done(), Outcome::Unmet, Outcome::Met)]
#[case::not_an_earlier_one(pinged().done().step("again", ping()).not_reached("no connection"), Outcome::Unknown, Outcome::Unknown)]
#[case::what_waits_does_not_act(
    pinged().done().step("", Action::Wait(Lapse::Fixed(Duration::default()))).not_reached("interrupted"), Outcome::Unmet, Outcome::Met
)]
#[case::over_another_mtp(over_tls(pinged().done()), Outcome::Unmet, Outcome::Met)]
#[case::hidden_by_another_mtp(over_tls(pinged().not_reached("no connection")), Outcome::Unknown, Outcome::Unknown)]
#[case::did_not_run(unseen(Story::new()), Outcome::Unknown, Outcome::Unknown)]
#[case::in_the_setup(
    Story::new().phase(Phase::Setup).step("", ping()).done().phase(Phase::Procedure), Outcome::Unmet, Outcome::Met
)]
fn silence_counts_from_a_step_that_acted(
    #[case] story: Story,
    #[case] awaited: Outcome,
    #[case] forbidden: Outcome,
    #[values(Party::First, Party::Second)] by: Party,
) {
    let judged = |action: Action, check: Check, timed_out: bool| {
        let mut story = story.clone().step("note", action);
        story.case.procedure.last_mut().unwrap().by = by;
        let story = if timed_out { story.time_out(900) } else { story.wait(900).done() };
        story.metric(check).outcome()
    };
    for (action, check, timed_out, expected) in [
        (await_pong(), received(None), true, awaited),
        (absent_pong(), not_received(), false, forbidden),
        (absent_pong(), not_received(), true, forbidden),
        // A step that awaits may be asked for silence as well.
        (await_pong(), not_received(), true, forbidden),
    ] {
        let (outcome, findings) = judged(action, check, timed_out);
        assert_eq!(outcome, expected, "{findings:#?}");
        assert!(findings.iter().all(|it| !it.events.is_empty()), "{findings:#?}");
    }
}

#[rstest]
#[case::set(set().not_reached("no connection"), Outcome::Unknown, Outcome::Unknown)]
#[case::reading_does_not_count(
    set().done().step("get", Action::Request { kind: GET, body: get_body() }).not_reached("no connection"), Outcome::Unmet, Outcome::Met
)]
#[case::behind_a_reading_one(set().not_reached("no connection").exchange("get", GET, get_body(), &get_resp()), Outcome::Unknown, Outcome::Unknown)]
fn silence_of_notifications_counts_from_a_step_that_may_bring_them_about(
    #[case] story: Story,
    #[case] awaited: Outcome,
    #[case] forbidden: Outcome,
) {
    let quiet = story.clone().step("note", absent_notify("s")).wait(900).done();
    assert_eq!(quiet.metric(not_received()).outcome().0, forbidden);
    assert_eq!(story.step("note", await_notify("s")).time_out(900).metric(received(None)).outcome().0, awaited);
}

#[test]
fn what_came_in_spite_of_a_step_that_did_not_act_counts() {
    let frame = || What::Frame {
        connection: 1,
        direction: Direction::Received,
        kind: "pong".into(),
        fin: true,
        payload: b"hello".to_vec(),
    };
    let unreached = || pinged().not_reached("no connection");
    let came = unreached().step("note", await_pong()).event(frame()).matched();
    assert_eq!(came.metric(received(None)).outcome().0, Outcome::Met);
    let came = unreached().step("note", absent_pong()).event(frame()).matched();
    assert_eq!(came.metric(not_received()).outcome().0, Outcome::Unmet);
}

#[test]
fn an_answer_belongs_to_its_request_whatever_lies_between() {
    let asked = || Story::new().ask("get", GET, get_body()).time_out(9).step("", ping()).not_reached("no connection");
    let awaited = asked().step("note", await_answer("get")).time_out(900);
    assert_eq!(awaited.metric(received(None)).outcome().0, Outcome::Unmet);
    let quiet = asked().step("note", absent_answer("get")).wait(900).done();
    assert_eq!(quiet.metric(not_received()).outcome().0, Outcome::Met);
}

#[rstest]
#[case::reached(pinged().done(), Outcome::Unmet)]
#[case::not_reached(pinged().not_reached("no connection"), Outcome::Unknown)]
fn rules_about_time_see_it_too(#[case] story: Story, #[case] expected: Outcome) {
    let connected = Action::Await { what: Expected::Connected, answer: Answer::default() };
    let story = story.step("start", connected).done().step("note", await_pong()).time_out(900);
    let within = json!({"from": "start", "to": "note", "latest": "5s"});
    let retries = json!({"start": "start", "attempts": ["note"], "minimum": "5s", "multiplier": "2000"});
    assert_eq!(story.clone().rule("interval", within).outcome().0, expected);
    assert_eq!(story.rule("retry_interval", retries).outcome().0, expected);
}
