//! What a supported data model shows of each feature, and what becomes of it beside a profile.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{path::Path, sync::LazyLock};

use rstest::rstest;
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    features::{Contradiction, FeatureSet, Features},
    profile::EutProfile,
};
use uspec_usp::msg::{
    GetSupportedDmResp,
    get_supported_dm_resp::{
        CmdType, ObjAccessType, ParamAccessType, RequestedObjectResult, SupportedCommandResult, SupportedEventResult,
        SupportedObjectResult, SupportedParamResult,
    },
};

fn features() -> Features {
    static FEATURES: LazyLock<Features> = LazyLock::new(|| Catalogue::read(&Source::Embedded).0.features);
    FEATURES.clone()
}

fn profile(features: &str) -> EutProfile {
    let text = format!(
        "format: 1\nname: x\neut: {{endpoint_id: any}}\ncontroller: {{endpoint_id: \"self::uspec\"}}\n\
         mtps: [{{websocket: {{role: eut_connects, address: 127.0.0.1:0}}}}]\nfeatures: {features}\n"
    );
    EutProfile::parse("x.yaml", &text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn object(path: &str) -> SupportedObjectResult {
    let is_multi_instance = path.ends_with("{i}.");
    SupportedObjectResult { supported_obj_path: path.to_owned(), is_multi_instance, ..Default::default() }
}

fn model(objects: Vec<SupportedObjectResult>) -> GetSupportedDmResp {
    let result = RequestedObjectResult { supported_objs: objects, ..Default::default() };
    GetSupportedDmResp { req_obj_results: vec![result] }
}

fn param(name: &str, access: ParamAccessType) -> SupportedParamResult {
    SupportedParamResult { param_name: name.to_owned(), access: access.into(), ..Default::default() }
}

/// A root with one synchronous command without arguments.
fn rebootable() -> SupportedObjectResult {
    let reboot = SupportedCommandResult {
        command_name: "Reboot()".to_owned(),
        command_type: CmdType::CmdSync.into(),
        ..Default::default()
    };
    let boot = SupportedEventResult { event_name: "Boot!".to_owned(), ..Default::default() };
    SupportedObjectResult { supported_commands: vec![reboot], supported_events: vec![boot], ..object("Device.") }
}

#[rstest]
#[case::a_command(1, true)]
#[case::no_command_takes_arguments(2, false)]
#[case::no_command_is_asynchronous(3, false)]
#[case::no_event_has_arguments(39, false)]
#[case::reboot_and_boot_but_no_boot_parameter(10, false)]
#[case::no_nested_table(31, false)]
#[case::without_mqtt_no_version_of_it(35, false)]
fn a_small_model(#[case] id: u16, #[case] expected: bool) {
    let detected = features().detect(&model(vec![rebootable(), object("Device.LocalAgent.Controller.{i}.")]));
    assert_eq!(detected.get(&id), Some(&expected));
}

#[test]
fn what_a_model_adds_is_seen() {
    let before = model(vec![rebootable()]);
    let mut root = rebootable();
    root.supported_commands.push(SupportedCommandResult {
        command_name: "ScheduleTimer()".to_owned(),
        input_arg_names: vec!["DelaySeconds".to_owned()],
        command_type: CmdType::CmdAsync.into(),
        ..Default::default()
    });
    root.supported_events[0].arg_names.push("Cause".to_owned());
    let controllers = SupportedObjectResult {
        access: ObjAccessType::ObjAddDelete.into(),
        ..object("Device.LocalAgent.Controller.{i}.")
    };
    let nested = object("Device.LocalAgent.Controller.{i}.BootParameter.{i}.");
    let subscription = SupportedObjectResult {
        supported_params: vec![
            param("TimeToLive", ParamAccessType::ParamReadWrite),
            param("NotifExpiration", ParamAccessType::ParamReadOnly),
        ],
        ..object("Device.LocalAgent.Subscription.{i}.")
    };
    let features = features();
    let before = features.detect(&before);
    let after = features.detect(&model(vec![root, controllers, nested, subscription]));
    let changed: Vec<_> = after.iter().filter(|(id, has)| before.get(id) != Some(has)).collect();
    // 4 is missing: what cannot be set is of no use.
    let expected: Vec<_> = [2_u16, 3, 6, 7, 9, 10, 31, 38, 39].map(|id| (id, true)).into();
    assert_eq!(changed, expected.iter().map(|(id, has)| (id, has)).collect::<Vec<_>>());
}

#[test]
fn only_the_vendor_can_say_some() {
    let mqtt = model(vec![object("Device."), object("Device.LocalAgent.MTP.{i}.MQTT.")]);
    let detected = features().detect(&mqtt);
    for id in [15, 21, 23, 24, 35, 36] {
        assert_eq!(detected.get(&id), None, "{id}");
    }
    for removed in [11, 14, 20, 29] {
        assert_eq!(detected.get(&removed), None, "{removed}");
    }
}

#[test]
fn an_answer_without_objects_says_nothing() {
    assert!(features().detect(&GetSupportedDmResp::default()).is_empty());
    let refused = RequestedObjectResult { err_code: 7016, ..Default::default() };
    assert!(features().detect(&GetSupportedDmResp { req_obj_results: vec![refused] }).is_empty());
}

#[rstest]
#[case::seen("auto", 1, Some(true))]
#[case::not_seen("auto", 3, Some(false))]
#[case::claimed_against_the_device("{auto: true, claim: [3]}", 3, Some(true))]
#[case::denied_against_the_device("{auto: true, deny: [1]}", 1, Some(false))]
#[case::only_the_vendor_knows("{auto: true, claim: [24]}", 24, Some(true))]
#[case::nobody_says_it("auto", 24, Some(false))]
#[case::the_list_is_exact("[3]", 1, Some(false))]
#[case::the_mtp_in_use("auto", 19, Some(true))]
#[case::an_mtp_without_an_entry("{auto: true, claim: [17]}", 17, Some(false))]
fn profile_and_device_together(#[case] policy: &str, #[case] id: u16, #[case] expected: Option<bool>) {
    let features = features();
    let detected = features.detect(&model(vec![rebootable()]));
    let (set, _) = FeatureSet::with_device(&profile(policy), &features, &detected, "websocket");
    assert_eq!(set.has(id), expected);
}

#[test]
fn before_the_device_is_asked_much_is_unknown() {
    let set = FeatureSet::from_profile(&profile("{auto: true, claim: [3], deny: [1]}"), &features());
    assert_eq!((set.has(1), set.has(2), set.has(3)), (Some(false), None, Some(true)));
    assert_eq!((set.has(11), set.has(17), set.has(19)), (Some(false), Some(false), Some(true)));
    let set = FeatureSet::from_profile(&profile("[3, 19]"), &features());
    assert_eq!(set.supported(), [3, 19]);
}

#[test]
fn contradictions_name_both_sides() {
    let features = features();
    let stomp = object("Device.LocalAgent.MTP.{i}.STOMP.");
    let websocket = object("Device.LocalAgent.MTP.{i}.WebSocket.");
    let detected = features.detect(&model(vec![rebootable(), stomp, websocket]));
    let (_, found) =
        FeatureSet::with_device(&profile("{auto: true, claim: [3], deny: [1]}"), &features, &detected, "websocket");
    let strict: Vec<_> = found.iter().map(Contradiction::is_of_the_profile).collect();
    assert_eq!(strict, [true, true, false]);
    let elements: Vec<_> = found.iter().map(|it| it.feature.as_ref().unwrap().element.as_str()).collect();
    assert_eq!(elements, ["a command", "an asynchronous command", "Device.LocalAgent.MTP.{i}.STOMP."]);
    let warnings: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(warnings.len(), 3, "{warnings:#?}");
    for (warning, id, side) in [
        (&warnings[0], "feature 1 ", "the profile says"),
        (&warnings[1], "feature 3 ", "the profile says"),
        (&warnings[2], "feature 17 ", "the profile has no stomp MTP"),
    ] {
        assert!(
            warning.starts_with(id) && warning.contains(side) && warning.contains("GetSupportedDMResp"),
            "{warning}"
        );
    }
    let (_, warnings) =
        FeatureSet::with_device(&profile("auto"), &features, &std::collections::BTreeMap::new(), "websocket");
    assert_eq!(warnings.len(), 1, "{warnings:#?}");
}
