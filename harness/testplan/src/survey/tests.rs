//! Features, elements and the written profile, from data models made for each test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a test may stop on the first surprise

mod settings;
mod written;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
};

use rstest::rstest;
use uspec_usp::msg::{
    GetSupportedDmResp,
    get_supported_dm_resp::{
        CmdType, ObjAccessType, ParamAccessType, ParamValueType, RequestedObjectResult, SupportedCommandResult,
        SupportedEventResult, SupportedObjectResult, SupportedParamResult, SupportedUniqueKeySet,
    },
};

use super::*;
use crate::{
    catalogue::Source,
    profile::{Address, Mqtt, MqttVersion, Role, Tls, Transport, WebSocket},
};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&Source::Embedded).unwrap());

fn websocket(tls: Option<Tls>) -> Mtp {
    let address = Address { host: "127.0.0.1".into(), port: 8080 };
    let transport = WebSocket { role: Role::EutConnects, address, path: "/usp".into(), tls };
    Mtp { name: "websocket".into(), transport: Transport::WebSocket(transport) }
}

fn mqtt(version: MqttVersion) -> Mtp {
    let transport = Mqtt {
        version,
        broker: crate::profile::Broker::BuiltIn,
        address: Address { host: "127.0.0.1".into(), port: 1883 },
        controller_topic: "c".into(),
        agent_topic: Some("a".into()),
        username: None,
        password: None,
        tls: None,
    };
    Mtp { name: "mqtt".into(), transport: Transport::Mqtt(transport) }
}

/// A data model of a few words: `Device.A.{i}.+` is a table with rows that can be added, `Device.A.B=s` a read-only string (`b` a boolean,
/// `u` an unsignedInt; upper case for one that can be set), `Device.A()` a synchronous and `Device.A()&X` an asynchronous command with the
/// argument X, `Device.A!X` an event, `Device.A.{i}.#K` a unique key.
fn model(words: &[&str]) -> GetSupportedDmResp {
    let mut objects: BTreeMap<String, SupportedObjectResult> = BTreeMap::new();
    for word in words {
        let (path, rest) = word.rsplit_once('.').map(|(path, rest)| (format!("{path}."), rest)).unwrap();
        let object = objects.entry(path.clone()).or_default();
        object.is_multi_instance = path.ends_with("{i}.");
        object.supported_obj_path = path;
        add(object, rest);
    }
    let result = RequestedObjectResult {
        req_obj_path: "Device.".into(),
        supported_objs: objects.into_values().collect(),
        ..RequestedObjectResult::default()
    };
    GetSupportedDmResp { req_obj_results: vec![result] }
}

fn add(object: &mut SupportedObjectResult, word: &str) {
    let list = |rest: &str| rest.split(',').filter(|it| !it.is_empty()).map(str::to_owned).collect();
    if word == "+" {
        object.access = ObjAccessType::ObjAddDelete.into();
    } else if let Some(key) = word.strip_prefix('#') {
        object.unique_key_sets.push(SupportedUniqueKeySet { key_names: vec![key.to_owned()] });
    } else if let Some((name, rest)) = word.split_once("()") {
        let (kind, arguments) = match rest.strip_prefix('&') {
            Some(arguments) => (CmdType::CmdAsync, arguments),
            None => (CmdType::CmdSync, rest),
        };
        object.supported_commands.push(SupportedCommandResult {
            command_name: format!("{name}()"),
            input_arg_names: list(arguments),
            command_type: kind.into(),
            ..SupportedCommandResult::default()
        });
    } else if let Some((name, rest)) = word.split_once('!') {
        object.supported_events.push(SupportedEventResult { event_name: format!("{name}!"), arg_names: list(rest) });
    } else if let Some((name, kind)) = word.split_once('=') {
        let value_type = match kind.to_ascii_lowercase().as_str() {
            "b" => ParamValueType::ParamBoolean,
            "u" => ParamValueType::ParamUnsignedInt,
            _ => ParamValueType::ParamString,
        };
        let access = if kind.chars().all(char::is_uppercase) {
            ParamAccessType::ParamReadWrite
        } else {
            ParamAccessType::ParamReadOnly
        };
        object.supported_params.push(SupportedParamResult {
            param_name: name.to_owned(),
            access: access.into(),
            value_type: value_type.into(),
            ..SupportedParamResult::default()
        });
    }
}

fn surveyed(words: &[&str], instances: Option<&[&str]>) -> Survey {
    Survey {
        supported: Some(model(words)),
        supported_whole: true,
        instances: instances.map(|all| all.iter().map(|path| (*path).to_owned()).collect()),
        ..Survey::default()
    }
}

fn chosen(words: &[&str], instances: Option<&[&str]>) -> Choices {
    surveyed(words, instances).choose(&CATALOGUE, &websocket(None))
}

fn element(choices: &Choices, name: &str) -> ElementChoice {
    choices.elements.iter().find(|it| it.names.contains(&name)).unwrap().clone()
}

fn lines(choice: &ElementChoice) -> Vec<(&str, &str)> {
    choice.chosen.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

fn feature(choices: &Choices, id: u16) -> FeatureChoice {
    choices.features.iter().find(|it| it.id == id).unwrap().clone()
}

/// What nearly every device has, so that a test is about the rest.
const BASE: &str = "Device.LocalAgent.SoftwareVersion=s";

#[test]
fn every_element_belongs_to_one_family() {
    let choices = chosen(&[BASE], None);
    let mut named: Vec<_> = choices.elements.iter().flat_map(|it| it.names.iter().copied()).collect();
    named.sort_unstable();
    let all: Vec<_> = crate::profile::ELEMENTS.iter().map(|it| it.name).collect();
    assert_eq!(named, all);
}

#[rstest]
#[case::the_plans_own(&["Device.ScheduleTimer()&DelaySeconds"], Standing::Plans, &[])]
#[case::a_ping(
    &["Device.IP.Diagnostics.IPPing()&Interface,Host"],
    Standing::Replaced,
    &[("async_command", "Device.IP.Diagnostics.IPPing()"), ("async_argument", "Host"), ("async_argument_value", "127.0.0.1")]
)]
#[case::a_self_test_without_argument(
    &["Device.SelfTestDiagnostics()&"], Standing::Replaced, &[("async_command", "Device.SelfTestDiagnostics()")]
)]
#[case::a_timer_that_is_synchronous_is_none(&["Device.ScheduleTimer()DelaySeconds"], Standing::Nothing, &[])]
#[case::a_ping_without_a_host_is_none(&["Device.IP.Diagnostics.IPPing()&Interface"], Standing::Proposed, &[])]
#[case::a_vendors_own_is_proposed(&["Device.X_EXAMPLE_Scan()&Band"], Standing::Proposed, &[])]
#[case::nothing_harmful(&["Device.X_EXAMPLE_Reset()&", "Device.DeviceInfo.FirmwareImage.{i}.Download()&URL"], Standing::Nothing, &[])]
#[case::nothing_in_a_table_without_rows(&["Device.X_EXAMPLE.{i}.Scan()&"], Standing::Nothing, &[])]
#[case::no_path_that_is_none(&["Device.X EXAMPLE\n()&"], Standing::Nothing, &[])]
fn an_asynchronous_command_is_one_that_cannot_hurt(
    #[case] commands: &[&str],
    #[case] standing: Standing,
    #[case] expected: &[(&str, &str)],
) {
    let choice = element(&chosen(&[&[BASE], commands].concat(), Some(&[])), "async_command");
    assert_eq!((choice.standing, lines(&choice).as_slice()), (standing, expected), "{}", choice.reason);
    assert!(choice.reason.contains("Device."), "{}", choice.reason);
}

#[test]
fn a_command_in_a_row_that_is_there_is_proposed_with_its_number() {
    let words = [BASE, "Device.X_EXAMPLE.{i}.Scan()&"];
    let choice = element(&chosen(&words, Some(&["Device.X_EXAMPLE.7."])), "async_command");
    assert_eq!(choice.proposed, [("async_command", "Device.X_EXAMPLE.7.Scan()".to_owned())]);
}

#[test]
fn a_command_whose_argument_counts_has_one() {
    let choice = element(&chosen(&[BASE, "Device.SelfTestDiagnostics()&"], None), "command_with_args");
    assert_ne!(choice.standing, Standing::Replaced, "a self-test takes none");
    let choice = element(&chosen(&[BASE, "Device.IP.Diagnostics.IPPing()&Host"], None), "command_with_args");
    assert!(lines(&choice).contains(&("command_with_args_time", "0s")), "{choice:?}");
}

#[test]
fn a_reboot_is_never_chosen_in_place_of_another_command() {
    let choices = chosen(&[BASE, "Device.Reboot()", "Device.FactoryReset()&", "Device.Boot!Cause"], None);
    assert_eq!(element(&choices, "sync_command").standing, Standing::Plans);
    assert_eq!((choices.reboot, choices.factory_reset), (Some(true), Some(true)));
    for it in &choices.elements {
        assert!(it.chosen.is_empty() && it.proposed.iter().all(|(_, value)| !value.contains("Re")), "{it:?}");
    }
}

#[rstest]
#[case::with_a_row(&["Device.BulkData.Profile.3."], Standing::Proposed)]
#[case::without_one(&[], Standing::Nothing)]
fn without_a_reboot_another_pair_of_command_and_event_is_looked_for(#[case] rows: &[&str], #[case] expected: Standing) {
    let words = [BASE, "Device.BulkData.Profile.{i}.ForceCollection()", "Device.BulkData.Profile.{i}.Push!Data"];
    let choice = element(&chosen(&words, Some(rows)), "sync_command");
    assert_eq!(choice.standing, expected);
    if expected == Standing::Proposed {
        assert!(choice.proposed.contains(&("event", "Device.BulkData.Profile.3.Push!".to_owned())), "{choice:?}");
        assert!(choice.check.unwrap().contains("USPEventNotif"));
    }
}

/// Our row's tables: the plan's, another one, and the one that carries us.
const BOOT: [&str; 3] = [
    "Device.LocalAgent.Controller.{i}.BootParameter.{i}.+",
    "Device.LocalAgent.Controller.{i}.BootParameter.{i}.Enable=B",
    "Device.LocalAgent.Controller.{i}.BootParameter.{i}.ParameterName=S",
];
const NOTES: [&str; 4] = [
    "Device.LocalAgent.Controller.{i}.X_EXAMPLE_Note.{i}.+",
    "Device.LocalAgent.Controller.{i}.X_EXAMPLE_Note.{i}.Enable=B",
    "Device.LocalAgent.Controller.{i}.X_EXAMPLE_Note.{i}.Name=S",
    "Device.LocalAgent.Controller.{i}.X_EXAMPLE_Note.{i}.#Name",
];
const MTPS: [&str; 4] = [
    "Device.LocalAgent.Controller.{i}.MTP.{i}.+",
    "Device.LocalAgent.Controller.{i}.MTP.{i}.Enable=B",
    "Device.LocalAgent.Controller.{i}.MTP.{i}.Alias=S",
    "Device.LocalAgent.Controller.{i}.MTP.{i}.#Alias",
];

#[rstest]
#[case::the_plans_own([&BOOT[..], &MTPS[..]].concat(), Standing::Plans)]
#[case::another_one([&MTPS[..], &NOTES[..]].concat(), Standing::Replaced)]
#[case::the_one_that_carries_us(MTPS.to_vec(), Standing::Proposed)]
#[case::rows_that_cannot_be_added(BOOT[1..].to_vec(), Standing::Nothing)]
#[case::a_key_that_cannot_be_set(NOTES[..2].to_vec(), Standing::Nothing)]
#[case::no_switch(vec![NOTES[0], NOTES[2], NOTES[3]], Standing::Nothing)]
fn a_nested_table_has_rows_that_can_be_added_switched_and_named(#[case] tables: Vec<&str>, #[case] expected: Standing) {
    let choice = element(&chosen(&[&[BASE], tables.as_slice()].concat(), None), "nested_table");
    assert_eq!(choice.standing, expected, "{}", choice.reason);
    if expected == Standing::Replaced {
        assert!(lines(&choice).contains(&("nested_table", "X_EXAMPLE_Note.")), "{choice:?}");
        assert!(lines(&choice).contains(&("nested_key", "Name")), "{choice:?}");
    }
}

#[rstest]
#[case::plan("writable_parameter", &["NotifRetry=B", "X=B"], &[])]
#[case::preferred("writable_parameter", &["A=B", "Persistent=B"], &[("writable_parameter", "Persistent")])]
#[case::another("writable_parameter", &["Enable=B", "X=B"], &[("writable_parameter", "X")])]
#[case::read_only("writable_parameter", &["NotifRetry=b", "Enable=B"], &[])]
#[case::number("search_number_parameter", &["TimeToLive=U", "Count=U"], &[("search_number_parameter", "Count")])]
#[case::once("write_once_parameter", &["ID=S"], &[("write_once_parameter", "ID")])]
#[case::once_by_alias("write_once_parameter", &["ID=S", "Alias=S"], &[])]
fn parameters_of_a_subscription_are_of_the_right_type_and_free(
    #[case] name: &str,
    #[case] parameters: &[&str],
    #[case] expected: &[(&str, &str)],
) {
    let words: Vec<_> = parameters.iter().map(|it| format!("Device.LocalAgent.Subscription.{{i}}.{it}")).collect();
    let words: Vec<_> = words.iter().map(String::as_str).collect();
    assert_eq!(lines(&element(&chosen(&words, None), name)), expected);
}

#[test]
fn a_life_that_would_end_within_the_case_is_only_proposed() {
    let choice =
        element(&chosen(&["Device.LocalAgent.Subscription.{i}.TimeToLive=U"], None), "search_number_parameter");
    assert_eq!((choice.standing, choice.chosen.len(), choice.proposed.len()), (Standing::Proposed, 0, 1));
}

#[test]
fn an_id_that_is_too_long_stands_in_for_an_alias_that_is_not_there() {
    let choice = element(&chosen(&["Device.LocalAgent.Subscription.{i}.ID=S"], None), "invalid_key_parameter");
    assert_eq!(choice.chosen[0], ("invalid_key_parameter", "ID".to_owned()));
    assert_eq!(choice.chosen[1].1.len(), 65);
}

#[rstest]
#[case::first(Some(&["Device.LocalAgent.ControllerTrust.Challenge.1."][..]), Standing::Plans)]
#[case::another(Some(&["Device.LocalAgent.ControllerTrust.Challenge.4."][..]), Standing::Replaced)]
#[case::no_row(Some(&[][..]), Standing::Nothing)]
#[case::not_known(None, Standing::Plans)]
fn the_secured_parameter_is_one_of_a_row_that_is_there(#[case] rows: Option<&[&str]>, #[case] expected: Standing) {
    let choices = chosen(&["Device.LocalAgent.ControllerTrust.Challenge.{i}.Value=S"], rows);
    assert_eq!(element(&choices, "secured_parameter").standing, expected);
}

#[test]
fn a_device_that_shows_no_parameters_or_commands_has_not_said_that_it_has_none() {
    let choices = chosen(&["Device.LocalAgent.+"], None);
    assert!(choices.elements.iter().all(|it| it.standing == Standing::Unknown), "{:?}", choices.elements);
    assert!(!choices.features_whole);
}

#[test]
fn cases_that_need_what_is_not_there_are_named() {
    let choices = chosen(&[BASE], None);
    let nested = element(&choices, "nested_table");
    let names = |ids: &[crate::case::CaseId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>();
    assert!(names(&nested.not_applicable).contains(&"1.10".to_owned()), "it is for feature 31");
    assert!(names(&nested.used_by).contains(&"1.33".to_owned()), "it is for every device");
}

#[test]
fn a_feature_is_in_by_what_shows_it_and_the_rows_behind_it_are_looked_at() {
    let words = [BASE, "Device.LocalAgent.Controller.{i}.+", "Device.LocalAgent.Controller.{i}.SendOnBoardRequest()"];
    let seven = |rows: Option<&[&str]>| feature(&chosen(&words, rows), 7);
    assert_eq!(seven(None).has, Some(true));
    assert!(seven(None).reason.contains("not known"), "{}", seven(None).reason);
    let with = seven(Some(&["Device.LocalAgent.Controller.1.", "Device.LocalAgent.Controller.2."]));
    assert!(with.reason.contains("2 of Device.LocalAgent.Controller.{i}."), "{}", with.reason);
    assert!(seven(Some(&[])).reason.contains("can be added"), "{}", seven(Some(&[])).reason);
}

#[test]
fn a_table_that_nobody_can_fill_is_to_be_checked() {
    let words =
        [BASE, "Device.DeviceInfo.FirmwareImage.{i}.Download()&URL", "Device.DeviceInfo.FirmwareImage.{i}.Activate()&"];
    let firmware = feature(&chosen(&words, Some(&[])), 27);
    assert_eq!(firmware.has, Some(true));
    assert!(
        firmware.reason.contains("to check: no row of Device.DeviceInfo.FirmwareImage.{i}."),
        "{}",
        firmware.reason
    );
}

#[test]
fn what_the_two_messages_say_differently_is_told() {
    let choices = chosen(&[BASE], Some(&["Device.BulkData.Profile.1.", "Device.BulkData.Profile.1.HTTP."]));
    assert!(choices.contradictions[0].contains("Device.BulkData.Profile.1."), "{:?}", choices.contradictions);
    let push = feature(&choices, 34);
    assert_eq!(push.has, Some(false));
    assert!(push.reason.contains("although GetInstances shows Device.BulkData.Profile.1."), "{}", push.reason);
}

#[rstest]
#[case::plain(websocket(None), 15, None)]
#[case::tls(websocket(Some(Tls::Generate)), 15, Some(true))]
#[case::this_mtp(websocket(None), 19, Some(true))]
#[case::another_mtp(websocket(None), 17, Some(false))]
#[case::its_version(mqtt(MqttVersion::V5), 36, Some(true))]
#[case::another_version(mqtt(MqttVersion::V5), 35, Some(false))]
#[case::declared(websocket(None), 24, None)]
fn what_no_data_model_shows_is_known_from_the_mtp_or_left_to_the_vendor(
    #[case] mtp: Mtp,
    #[case] id: u16,
    #[case] expected: Option<bool>,
) {
    let choices = surveyed(&[BASE], None).choose(&CATALOGUE, &mtp);
    assert_eq!(feature(&choices, id).has, expected);
}

#[test]
fn features_are_those_that_a_run_would_find() {
    let words = [
        &BOOT[..],
        &MTPS[..],
        &[BASE, "Device.Reboot()Cause", "Device.Boot!Cause", "Device.ScheduleTimer()&DelaySeconds"],
    ];
    let survey = surveyed(&words.concat(), None);
    let choices = survey.choose(&CATALOGUE, &websocket(None));
    let detected = CATALOGUE.features.detect(survey.supported.as_ref().unwrap());
    for it in choices.features.iter().filter(|it| CATALOGUE.features.get(it.id).unwrap().over.is_none()) {
        assert_eq!(it.has, detected.get(&it.id).copied(), "{}", it.id);
    }
}
