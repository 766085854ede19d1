//! The EUT's trust configuration: compared by value, set back, and what happens when we may not look any more.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]

mod scripted;

use rstest::rstest;
use scripted::*;
use serde_json::json;
use uspec_testplan::{
    case::{Step, TestCase},
    run_report::EndedBy,
    trace::{Phase, StepOutcome},
};
use uspec_usp::schema::{Content, MessageKind};

fn set(name: &str, value: &str) -> Step {
    let settings = json!([{"param": name, "value": value, "required": true}]);
    let body = json!({"update_objs": [{"obj_path": "Device.LocalAgent.ControllerTrust.", "param_settings": settings}]});
    step(request(MessageKind::Set, body))
}

fn two(procedure: Vec<Step>) -> [TestCase; 2] {
    [case("2.12", procedure), case("2.13", vec![get("Device.Fine.")])]
}

#[tokio::test(start_paused = true)]
async fn what_is_not_changed_is_not_told() {
    let ran = run(good_rule(), &two(vec![get("Device.Fine.")])).await;
    assert_eq!(differences(&ran.traces[0]), Some(Vec::new()), "{:?}", notes(&ran.traces[0]));
}

#[tokio::test(start_paused = true)]
async fn a_changed_value_is_told_and_set_back() {
    let ran = run(good_rule(), &two(vec![set("UntrustedRole", "r1")])).await;
    ran.traces.iter().for_each(assert_sound);
    let told = differences(&ran.traces[0]).unwrap();
    let [one] = &told[..] else { panic!("{told:?}") };
    assert!(one.contains("UntrustedRole") && one.contains("\"r9\"") && one.contains("set it back"), "{one}");
    assert_eq!(ran.eut.seen.lock().unwrap().values["UntrustedRole"], "r9");
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()));
    assert_eq!(ran.end.interrupted, None);
}

#[tokio::test(start_paused = true)]
async fn a_value_that_cannot_be_set_back_is_told_once() {
    let ran = run(good_rule(), &two(vec![set("UntrustedRole", "r1"), set("Stubborn", "1")])).await;
    let told = differences(&ran.traces[0]).unwrap();
    assert!(told[0].contains("did not take it back"), "{told:?}");
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()), "the next case is compared with what it found");
}

#[tokio::test(start_paused = true)]
async fn a_lock_out_ends_the_run_and_says_how_to_recover() {
    let ran = run(good_rule(), &two(vec![add(), set("Lock", "for good")])).await;
    ran.traces.iter().for_each(assert_sound);
    let why = ran.end.interrupted.unwrap();
    assert_eq!(why.by, EndedBy::LockedOut);
    for part in ["2.12", "Device.LocalAgent.Controller.1.", "Device.LocalAgent.Subscription.1.", "factory settings"] {
        assert!(why.reason.contains(part), "{part}: {}", why.reason);
    }
    assert_eq!(differences(&ran.traces[0]), Some(vec![why.reason]));
    assert_eq!(ran.end.not_reached.len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_lock_out_that_the_runner_can_undo_ends_nothing() {
    let ran = run(good_rule(), &two(vec![add(), set("Lock", "until deleted")])).await;
    assert_eq!(ran.end.interrupted, None);
    let told = differences(&ran.traces[0]).unwrap();
    assert!(told[0].contains("undone what the case did"), "{told:?}");
    assert!(matches!(outcomes(&ran.traces[1], Phase::Procedure)[..], [StepOutcome::Done { .. }]));
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()));
}

#[tokio::test(start_paused = true)]
async fn a_clean_up_that_unlocks_is_no_lock_out() {
    let procedure = vec![add(), set("Lock", "until deleted")];
    let first = TestCase { cleanup: vec![delete("{{sub}}")], ..case("2.12", procedure) };
    let ran = run(good_rule(), &[first, case("2.13", vec![get("Device.Fine.")])]).await;
    assert_eq!((ran.end.interrupted, differences(&ran.traces[0])), (None, Some(Vec::new())));
}

/// An EUT that takes tables only and has a table of certificates, to which AddCertificate() adds the second. `credential` is what
/// our row refers to.
fn with_certificates(credential: &'static str, deletes: bool) -> Rule {
    let mut added = false;
    Box::new(move |asked| {
        let text = asked.body.to_string();
        let body = match asked.kind {
            MessageKind::Operate if text.contains("AddCertificate()") => {
                added = true;
                json!({"operation_results": [{"executed_command": "Device.LocalAgent.AddCertificate()"}]})
            }
            MessageKind::Operate if deletes => {
                added &= !text.contains("Device.LocalAgent.Certificate.2.Delete()");
                json!({"operation_results": [{"executed_command": asked.body["command"], "req_output_args": {}}]})
            }
            MessageKind::Operate => {
                json!({"operation_results": [{"executed_command": asked.body["command"], "cmd_failure": {"err_code": 7022}}]})
            }
            MessageKind::GetInstances if text.contains("\"Device.LocalAgent.Certificate.\"") => {
                let all = ["Device.LocalAgent.Certificate.1.", "Device.LocalAgent.Certificate.2."];
                let there = all.iter().take(if added { 2 } else { 1 });
                let rows: Vec<_> = there.map(|path| json!({"instantiated_obj_path": path})).collect();
                json!({"req_path_results": [{"requested_path": "Device.LocalAgent.Certificate.", "curr_insts": rows}]})
            }
            MessageKind::GetInstances => json!({"req_path_results": [{"requested_path": "x", "err_code": 7018}]}),
            MessageKind::Get if text.contains("Credential") => {
                let row = json!({"resolved_path": "Device.LocalAgent.Controller.1.", "result_params": {"Credential": credential}});
                json!({"req_path_results": [{"requested_path": "x", "resolved_path_results": [row]}]})
            }
            _ => return None,
        };
        Some(vec![Do::Reply(Content::Response(asked.kind), asked.msg_id.clone(), body)])
    })
}

#[rstest]
#[case::by_its_command("Device.LocalAgent.Certificate.1", true, "the runner deleted it")]
#[case::in_vain("Device.LocalAgent.Certificate.1", false, "is still there: its Delete() failed with 7022")]
#[case::not_the_one_that_we_need(
    "Device.LocalAgent.Certificate.1,Device.LocalAgent.Certificate.2",
    true,
    "is still there"
)]
#[tokio::test(start_paused = true)]
async fn a_certificate_that_was_left_behind_is_told_and_deleted(
    #[case] credential: &'static str,
    #[case] deletes: bool,
    #[case] became: &str,
) {
    let add = json!({"command": "Device.LocalAgent.AddCertificate()", "command_key": "x", "send_resp": true});
    let ran = run(with_certificates(credential, deletes), &two(vec![step(request(MessageKind::Operate, add))])).await;
    ran.traces.iter().for_each(assert_sound);
    let told = differences(&ran.traces[0]).unwrap();
    let [one] = &told[..] else { panic!("{told:?}") };
    assert!(one.starts_with("Device.LocalAgent.Certificate.2. was left behind") && one.ends_with(became), "{one}");
    assert_eq!(differences(&ran.traces[1]), Some(Vec::new()));
}
