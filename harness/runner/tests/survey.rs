//! Whatever an EUT does while it is asked what it is, the survey ends, keeps what was shown, and says what is missing.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, reason = "a test fails by them")]
#![allow(clippy::unnecessary_wraps, reason = "a rule gives back what they give back")]

mod scripted;

use rstest::rstest;
use scripted::*;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::MemoryNetwork;
use uspec_testplan::survey::Survey;
use uspec_usp::schema::{Content, MessageKind};

/// What the survey of an EUT with that rule found, and what the EUT was asked.
async fn surveyed(rule: Rule) -> (Survey, Vec<Asked>) {
    let network = MemoryNetwork::new();
    let mut session = open(&network).await;
    let eut = start(&network, EUT, rule).await;
    let cancel = CancellationToken::new();
    let found = Box::pin(session.bring_up(&cancel)).await.unwrap();
    let begun = Instant::now();
    let (survey, _) = Box::pin(session.survey(&found, &cancel)).await;
    assert!(begun.elapsed() < Duration::from_secs(600), "it took {:?}", begun.elapsed());
    Box::pin(session.close()).await;
    let asked = eut.seen.lock().unwrap().asked.clone();
    (survey, asked)
}

fn reply_to(asked: &Asked, body: &Value) -> Option<Vec<Do>> {
    Some(vec![Do::Reply(Content::Response(asked.kind), asked.msg_id.clone(), body.clone())])
}

fn refusal(asked: &Asked) -> Option<Vec<Do>> {
    Some(vec![Do::Reply(
        Content::Error,
        asked.msg_id.clone(),
        json!({"err_code": 7003, "err_msg": "too \u{1b}[31mmuch"}),
    )])
}

fn path(asked: &Asked) -> String {
    asked.body["obj_paths"][0].as_str().unwrap_or_default().to_owned()
}

/// The supported objects of a Response.
fn objects(requested: &str, paths: &[&str]) -> Value {
    let all: Vec<_> = paths
        .iter()
        .map(|path| {
            json!({"supported_obj_path": path, "supported_params": [{"param_name": "P"}],
                "is_multi_instance": path.ends_with("{i}.")})
        })
        .collect();
    json!({"req_obj_results": [{"req_obj_path": requested, "supported_objs": all}]})
}

fn shown(survey: &Survey) -> Vec<String> {
    let results = survey.supported.iter().flat_map(|model| &model.req_obj_results);
    results.flat_map(|result| &result.supported_objs).map(|object| object.supported_obj_path.clone()).collect()
}

#[tokio::test(start_paused = true)]
async fn a_whole_model_is_asked_for_once() {
    let (survey, asked) = surveyed(Box::new(|asked| match asked.kind {
        MessageKind::GetSupportedDM => reply_to(asked, &objects("Device.", &["Device.", "Device.LocalAgent."])),
        _ => None,
    }))
    .await;
    assert!(survey.supported_whole);
    assert_eq!(shown(&survey), ["Device.", "Device.LocalAgent."]);
    assert_eq!(survey.endpoint_id.as_deref(), Some(EUT));
    assert_eq!(survey.usp_versions, ["1.0", "1.1", "1.2", "1.3"]);
    assert_eq!(survey.device.software_version.as_deref(), Some("9.9"));
    assert_eq!(survey.missing, Vec::<String>::new());
    assert!(survey.instances.unwrap().contains("Device.LocalAgent.MTP.1."));
    assert_eq!(asked.iter().filter(|it| it.kind == MessageKind::GetSupportedDM).count(), 1);
}

#[rstest]
#[case::refused_as_a_whole(false)]
#[case::refused_for_its_path(true)]
#[tokio::test(start_paused = true)]
async fn a_model_that_is_too_large_is_put_together_from_its_parts(#[case] for_its_path: bool) {
    let (survey, _) = surveyed(Box::new(move |asked| {
        if asked.kind != MessageKind::GetSupportedDM {
            return None;
        }
        let first_level = asked.body["first_level_only"] == json!(true);
        match (path(asked).as_str(), first_level) {
            ("Device.", true) => {
                let parts = ["Device.", "Device.LocalAgent.", "Device.Broken.", "Device.X \u{1b}.", "Device.Fine."];
                reply_to(asked, &objects("Device.", &parts))
            }
            ("Device.", false) if for_its_path => {
                let failed =
                    json!({"req_obj_results": [{"req_obj_path": "Device.", "err_code": 7003, "err_msg": "no"}]});
                reply_to(asked, &failed)
            }
            ("Device.LocalAgent.", false) => {
                reply_to(asked, &objects("Device.LocalAgent.", &["Device.LocalAgent.", "Device.LocalAgent.MTP.{i}."]))
            }
            ("Device.Fine.", false) => reply_to(asked, &objects("Device.Fine.", &["Device.Fine.Deep."])),
            _ => refusal(asked),
        }
    }))
    .await;
    assert!(!survey.supported_whole);
    for path in ["Device.", "Device.LocalAgent.MTP.{i}.", "Device.Fine.Deep."] {
        assert!(shown(&survey).iter().any(|it| it == path), "{path}: {:?}", shown(&survey));
    }
    let said = survey.missing.join("\n");
    assert!(said.contains("Device.Broken."), "{said}");
}

#[tokio::test(start_paused = true)]
async fn without_a_first_level_the_objects_that_matter_are_asked_for() {
    let (survey, asked) = surveyed(Box::new(|asked| match (asked.kind, path(asked).as_str()) {
        (MessageKind::GetSupportedDM, "Device.LocalAgent.") => {
            reply_to(asked, &objects("Device.LocalAgent.", &["Device.LocalAgent."]))
        }
        (MessageKind::GetSupportedDM, _) => refusal(asked),
        _ => None,
    }))
    .await;
    assert_eq!(shown(&survey), ["Device.LocalAgent."]);
    assert!(asked.iter().any(|it| path(it) == "Device.MQTT."));
}

#[tokio::test(start_paused = true)]
async fn where_the_root_is_refused_instances_are_asked_for_by_table() {
    let (survey, asked) = surveyed(Box::new(|asked| match (asked.kind, path(asked).as_str()) {
        (MessageKind::GetSupportedDM, _) => {
            let tables = [
                "Device.LocalAgent.MTP.{i}.",
                "Device.LocalAgent.Controller.{i}.MTP.{i}.",
                "Device.LocalAgent.Controller.{i}.",
            ];
            reply_to(asked, &objects("Device.", &tables))
        }
        (MessageKind::GetInstances, "Device.") => {
            reply_to(asked, &json!({"req_path_results": [{"requested_path": "Device.", "err_code": 7018}]}))
        }
        _ => None,
    }))
    .await;
    let tables = asked.iter().rev().find(|it| it.kind == MessageKind::GetInstances).unwrap();
    assert_eq!(tables.body["obj_paths"], json!(["Device.LocalAgent.Controller.", "Device.LocalAgent.MTP."]));
    assert_eq!(survey.missing, Vec::<String>::new());
    assert_eq!(survey.instances.unwrap().len(), 2);
}

#[rstest]
#[case::says_nothing(vec![])]
#[case::sends_garbage(vec![Do::Octets(vec![0xff; 64])])]
#[case::sends_what_is_no_record(vec![Do::Record(vec![0xff; 2000])])]
#[case::hangs_up_each_time(vec![Do::HangUp])]
#[case::is_gone_for_good(vec![Do::Away(Duration::from_secs(100_000))])]
#[tokio::test(start_paused = true)]
async fn one_that_breaks_off_is_not_asked_forever(#[case] acts: Vec<Do>, #[values(true, false)] whole: bool) {
    let mut count = 0;
    let (survey, asked) = surveyed(Box::new(move |asked| {
        count += 1;
        // Bring-up has five questions; from the sixth on it is broken.
        (count > 5).then(|| acts.clone()).or_else(|| match asked.kind {
            // Without a whole model there would be many more questions.
            MessageKind::GetSupportedDM if whole => reply_to(asked, &objects("Device.", &["Device."])),
            _ => None,
        })
    }))
    .await;
    assert!(asked.len() <= 5 + 3, "{}", asked.len());
    assert_eq!(survey.endpoint_id.as_deref(), Some(EUT));
    assert!(survey.missing.iter().any(|it| it.starts_with("which instances there are")), "{:?}", survey.missing);
    assert!(survey.instances.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_objects_and_rows_is_bounded() {
    let (survey, asked) = surveyed(Box::new(|asked| match asked.kind {
        MessageKind::GetSupportedDM if asked.body["first_level_only"] == json!(true) => {
            let parts: Vec<_> = (0..5_000).map(|it| format!("Device.Y{it}.")).collect();
            reply_to(asked, &objects("Device.", &parts.iter().map(String::as_str).collect::<Vec<_>>()))
        }
        MessageKind::GetSupportedDM => refusal(asked),
        MessageKind::GetInstances => {
            let rows: Vec<_> =
                (1..=30_000).map(|it| json!({"instantiated_obj_path": format!("Device.Y.{it}.")})).collect();
            reply_to(asked, &json!({"req_path_results": [{"requested_path": "Device.", "curr_insts": rows}]}))
        }
        _ => None,
    }))
    .await;
    assert!(asked.iter().filter(|it| it.kind == MessageKind::GetSupportedDM).count() < 120);
    assert_eq!(survey.instances.as_ref().unwrap().len(), 20_000);
    let said = survey.missing.join("\n");
    assert!(said.contains("5000 objects") && said.contains("10000 of the instances"), "{said}");
    assert!(survey.missing.len() < 200, "{}", survey.missing.len());
}
