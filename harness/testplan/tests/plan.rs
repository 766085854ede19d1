//! What becomes of every case for a device, and why.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{path::Path, sync::LazyLock};

use rstest::rstest;
use uspec_testplan::{
    case::{
        Action, Answer, Applies, CaseId, Deprecated, EutAction, Expected, MqttAction, MtpAction, MtpCondition,
        MtpEvent, Needs, PacketKind, Step,
    },
    catalogue::{Catalogue, Source},
    features::FeatureSet,
    plan::{Decision, Plan, compare_versions, plan},
    plan_index::Status,
    profile::{Broker, EutProfile, MqttVersion, Role},
    run_report::NotRunKind,
    selection::{Selection, SelectionError},
};

const PROFILE: &str = r#"
format: 1
name: A device
eut: {endpoint_id: any}
controller: {endpoint_id: "self::uspec"}
elements: {nested_table: MTP., sync_command: Device.LocalAgent.Foo()}
mtps:
  - websocket: {role: eut_connects, address: 127.0.0.1:0}
  - websocket: {name: websocket-server, role: we_connect, address: "127.0.0.1:8080", path: /usp}
"#;

fn profile(features: &str) -> EutProfile {
    let text = format!("{PROFILE}features: {features}\n");
    EutProfile::parse("x.yaml", &text, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"))
}

fn catalogue() -> Catalogue {
    static CATALOGUE: LazyLock<Catalogue> =
        LazyLock::new(|| Catalogue::load(&Source::Embedded).unwrap_or_else(|problems| panic!("{problems}")));
    CATALOGUE.clone()
}

fn planned(features: &str, selection: &Selection, versions: &[&str]) -> Plan {
    let (catalogue, profile) = (catalogue(), profile(features));
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
    plan(&catalogue, &profile, selection, &set, &versions).unwrap()
}

fn decision(plan: &Plan, id: &str) -> Decision {
    let id: CaseId = id.parse().unwrap();
    plan.entries.iter().find(|entry| entry.case == id).unwrap().decision.clone()
}

fn not(kind: NotRunKind, reason: &str) -> Decision {
    Decision::Not { kind, reason: reason.to_owned() }
}

#[rstest]
#[case::runs("[]", "1.1", Decision::Run)]
#[case::runs_with_its_feature("[31]", "1.10", Decision::Run)]
#[case::lacks_its_feature(
    "[]",
    "1.10",
    not(NotRunKind::NotApplicable, "feature 31 (a table within a table) not supported")
)]
#[case::lacks_one_of_two(
    "[10]",
    "9.10",
    not(NotRunKind::NotApplicable, "feature 30 (the firmware image to boot) not supported")
)]
#[case::lacks_both_alternatives(
    "[]",
    "1.79",
    not(
        NotRunKind::NotApplicable,
        "features 2 (a command that takes arguments) or 9 (Device.ScheduleTimer()) not supported"
    )
)]
#[case::about_another_mtp("[17]", "6.1", not(NotRunKind::NotApplicable, "about the stomp MTP"))]
#[case::replaced(
    "[]",
    "1.63",
    not(
        NotRunKind::Deprecated,
        "withdrawn by plan 1.1.0, replaced by 1.79; it was for feature 2 (a command that takes arguments)"
    )
)]
#[case::withdrawn(
    "[]",
    "5.1",
    not(NotRunKind::Deprecated, "withdrawn by plan 1.2.0; it was for feature 16 (CoAP as MTP)")
)]
#[case::deleted("[]", "1.69", not(NotRunKind::Deprecated, "the plan has deleted it"))]
#[case::reserved("[]", "1.85", not(NotRunKind::NotAutomated, "the plan reserves the number for later"))]
#[case::nobody_has_written_it("[24]", "3.8", not(NotRunKind::NotAutomated, "the catalogue has no file for it yet"))]
#[case::not_known_yet(
    "auto", "1.10",
    Decision::DependsOnEut { features: vec![31], reason: "if the EUT has feature 31 (a table within a table)".to_owned() }
)]
fn every_case_has_a_decision(#[case] features: &str, #[case] id: &str, #[case] expected: Decision) {
    assert_eq!(decision(&planned(features, &Selection::all(), &["1.3"]), id), expected);
}

#[test]
fn every_case_is_there_once_for_each_mtp_in_the_plans_order() {
    let plan = planned("auto", &Selection::all(), &[]);
    assert_eq!(plan.entries.len(), catalogue().entries.len() * 2);
    assert!(plan.entries.is_sorted_by_key(|entry| &entry.case));
    let first: Vec<_> = plan.entries.iter().take(2).map(|entry| entry.mtp.as_str()).collect();
    assert_eq!(first, ["websocket", "websocket-server"]);
}

#[test]
fn alternates_are_named_where_they_are_used() {
    let plan = planned("[31]", &Selection::all(), &[]);
    let of = |id: &str| {
        let id: CaseId = id.parse().unwrap();
        plan.entries.iter().find(|entry| entry.case == id).unwrap().alternates.clone()
    };
    assert_eq!(of("1.10").into_iter().collect::<Vec<_>>(), [("nested_table".to_owned(), "MTP.".to_owned())]);
    assert!(of("1.1").is_empty());
}

#[test]
fn selectors_of_one_kind_add_up_and_kinds_narrow() {
    let run = |selection: Selection| {
        let plan = planned("[]", &selection, &["1.3"]);
        plan.runs().filter(|entry| entry.mtp == "websocket").map(|entry| entry.case.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(run(Selection::all().id("1.1").unwrap().id("1.2").unwrap()), ["1.1", "1.2"]);
    assert_eq!(run(Selection::all().id("1.4*").unwrap().id("1.1").unwrap().tag("add")), ["1.1", "1.4"]);
    assert_eq!(run(Selection::all().chapter(3).status(Status::Mandatory)), ["3.1"]);
    let left_out = decision(&planned("[]", &Selection::all().id("1.1").unwrap().id("1.3").unwrap(), &[]), "1.2");
    assert_eq!(left_out, not(NotRunKind::NotSelected, "not selected: only case 1.1 or 1.3"));
    let one_mtp = planned("[]", &Selection::all().mtp("websocket-server").id("1.1").unwrap(), &[]);
    let mtps: Vec<_> = one_mtp.runs().map(|entry| entry.mtp.as_str()).collect();
    assert_eq!(mtps, ["websocket-server"]);
}

#[rstest]
#[case::no_such_case(Selection::all().id("1.999").unwrap(), "no case 1.999")]
#[case::one_of_two(Selection::all().id("1.1").unwrap().id("12.*").unwrap(), "no case 12.*")]
#[case::no_such_tag(Selection::all().tag("addd"), "no tag addd")]
#[case::no_such_requirement(Selection::all().requirement("R-ADD.99"), "no requirement R-ADD.99")]
#[case::no_such_mtp(Selection::all().mtp("stomp"), "no MTP stomp")]
#[case::together_they_match_nothing(Selection::all().chapter(2).id("1.1").unwrap(), "chapter 2, case 1.1")]
fn a_selection_that_matches_nothing_is_an_error(#[case] selection: Selection, #[case] expected: &str) {
    let (catalogue, profile) = (catalogue(), profile("auto"));
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let error = plan(&catalogue, &profile, &selection, &set, &[]).unwrap_err();
    assert_eq!(error, SelectionError::MatchesNothing(expected.to_owned()));
}

#[test]
fn a_glob_that_is_none_is_an_error() {
    assert!(matches!(Selection::all().id("1.[4"), Err(SelectionError::Glob { .. })));
}

#[rstest]
#[case(Some("1.2"), None, &["1.0", "1.1"], Some("from USP 1.2 on; the EUT supports up to 1.1"))]
#[case(Some("1.2"), None, &["1.10", "1.9"], None)]
#[case(None, Some("1.3"), &["1.2"], None)]
#[case(None, Some("1.3"), &["1.3", "1.2"], Some("before USP 1.3 only; the EUT supports up to 1.3"))]
fn versions_are_compared_as_numbers(
    #[case] since: Option<&str>,
    #[case] until: Option<&str>,
    #[case] versions: &[&str],
    #[case] expected: Option<&str>,
) {
    let (mut catalogue, profile) = (catalogue(), profile("auto"));
    let case = catalogue.entries[0].case.as_mut().unwrap();
    (case.since, case.until) = (since.map(str::to_owned), until.map(str::to_owned));
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
    let planned = plan(&catalogue, &profile, &Selection::all(), &set, &versions).unwrap();
    let expected = expected.map_or(Decision::Run, |reason| not(NotRunKind::NotApplicable, reason));
    assert_eq!(planned.entries[0].decision, expected);
    let unasked = plan(&catalogue, &profile, &Selection::all(), &set, &[]).unwrap();
    assert!(matches!(unasked.entries[0].decision, Decision::DependsOnEut { .. }));
}

#[test]
fn version_numbers_are_no_decimals() {
    assert!(compare_versions("1.10", "1.9").is_gt());
    assert!(compare_versions("1.3", "1.3").is_eq());
}

/// The first case of the catalogue, as if the plan had withdrawn it.
fn withdrawn(plan: Option<&str>, usp: Option<&str>, versions: &[&str]) -> Decision {
    let (mut catalogue, mut profile) = (catalogue(), profile("[]"));
    profile.plan = plan.map(str::to_owned);
    let was = Box::new(Applies::Mandatory);
    let facts = Deprecated { by: None, revision: Some("1.1.0".to_owned()), usp: usp.map(str::to_owned), was };
    catalogue.entries[0].applies = Applies::Deprecated(facts);
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let versions: Vec<_> = versions.iter().map(ToString::to_string).collect();
    plan_of(&catalogue, &profile, &set, &versions).entries[0].decision.clone()
}

fn plan_of(catalogue: &Catalogue, profile: &EutProfile, set: &FeatureSet, versions: &[String]) -> Plan {
    plan(catalogue, profile, &Selection::all(), set, versions).unwrap()
}

#[rstest]
#[case::by_a_later_plan(None, None, &["1.2"], Some("withdrawn by plan 1.1.0"))]
#[case::by_this_plan(Some("1.1.0"), None, &["1.2"], Some("withdrawn by plan 1.1.0"))]
#[case::judged_by_an_earlier_plan(Some("1.0.3"), None, &["1.2"], None)]
#[case::judged_by_an_earlier_plan_whatever_the_version(Some("1.0.3"), Some("1.3"), &["1.4"], None)]
#[case::of_that_version(None, Some("1.3"), &["1.3", "1.2"], Some("withdrawn by plan 1.1.0 with USP 1.3"))]
#[case::of_an_earlier_version(None, Some("1.3"), &["1.1", "1.2"], None)]
fn withdrawn_cases_run_for_whom_they_were_written(
    #[case] plan: Option<&str>,
    #[case] usp: Option<&str>,
    #[case] versions: &[&str],
    #[case] expected: Option<&str>,
) {
    let expected = expected.map_or(Decision::Run, |reason| not(NotRunKind::Deprecated, reason));
    assert_eq!(withdrawn(plan, usp, versions), expected);
}

#[test]
fn whether_a_withdrawn_case_runs_may_depend_on_the_version() {
    assert!(matches!(withdrawn(None, Some("1.3"), &[]), Decision::DependsOnEut { .. }));
    assert!(matches!(withdrawn(None, None, &[]), Decision::Not { kind: NotRunKind::Deprecated, .. }));
}

#[rstest]
#[case::nothing(Needs::default(), [None, None])]
#[case::another_mtp(over(&["mqtt"], None, None), [Some("needs the mqtt MTP"), Some("needs the mqtt MTP")])]
#[case::one_of_two(over(&["mqtt", "websocket"], None, None), [None, None])]
#[case::a_role(over(&[], Some(Role::WeConnect), None), [Some("needs an MTP over which we connect"), None])]
#[case::tls_and_a_role(
    over(&[], Some(Role::EutConnects), Some(true)),
    [Some("needs TLS"), Some("needs an MTP over which the EUT connects and TLS")]
)]
#[case::control(
    Needs { control: vec![EutAction::Reboot, EutAction::PowerCycle], ..Needs::default() },
    [Some("needs `control: power_cycle` in the profile"), Some("needs `control: power_cycle` in the profile")]
)]
fn what_the_bench_lacks_is_said(#[case] needs: Needs, #[case] expected: [Option<&str>; 2]) {
    let (mut catalogue, profile) = (catalogue(), profile("[]"));
    catalogue.entries[0].case.as_mut().unwrap().needs = needs;
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let planned = plan_of(&catalogue, &profile, &set, &["1.3".to_owned()]);
    let decisions: Vec<_> = planned.entries.iter().take(2).map(|entry| entry.decision.clone()).collect();
    let expected = expected.map(|why| why.map_or(Decision::Run, |why| not(NotRunKind::NotApplicable, why)));
    assert_eq!(decisions, expected);
}

fn over(kinds: &[&str], role: Option<Role>, tls: Option<bool>) -> Needs {
    let kinds = kinds.iter().map(ToString::to_string).collect();
    Needs { over: MtpCondition { kinds, role, tls, ..MtpCondition::default() }, ..Needs::default() }
}

/// Over MQTT of both versions, with our broker and beside another.
const BROKERS: &str = r#"
format: 1
name: A device
eut: {endpoint_id: any}
controller: {endpoint_id: "self::uspec"}
mtps:
  - mqtt: {version: "5.0", address: "127.0.0.1:0", controller_topic: us}
  - mqtt: {version: "3.1.1", address: "127.0.0.1:0", controller_topic: us}
  - mqtt: {name: beside, version: "5.0", address: "127.0.0.1:1883", broker: beside, controller_topic: us}
"#;

const BUILT_IN: &str = "needs the broker of uspec";

#[rstest]
#[case::a_version(condition(Some(MqttVersion::V5), None), None, [None, Some("needs MQTT 5.0"), None])]
#[case::our_broker(condition(None, Some(Broker::BuiltIn)), None, [None, None, Some(BUILT_IN)])]
#[case::another_broker(
    condition(None, Some(Broker::Beside)),
    None,
    [Some("needs a broker beside uspec"), Some("needs a broker beside uspec"), None]
)]
#[case::what_only_a_broker_can(
    MtpCondition::default(),
    Some(Action::Mtp(MtpAction::Mqtt(MqttAction::Suback(128)))),
    [None, None, Some(BUILT_IN)]
)]
#[case::what_only_a_broker_sees(MtpCondition::default(), Some(awaits("SUBSCRIBE")), [None, None, Some(BUILT_IN)])]
#[case::what_a_client_sees(MtpCondition::default(), Some(awaits("PUBLISH")), [None, None, None])]
fn a_broker_that_is_not_ours_can_less(
    #[case] over: MtpCondition,
    #[case] action: Option<Action>,
    #[case] expected: [Option<&str>; 3],
) {
    let mut catalogue = catalogue();
    let profile = EutProfile::parse("x.yaml", BROKERS, Path::new("")).unwrap_or_else(|problems| panic!("{problems}"));
    let case = catalogue.entries[0].case.as_mut().unwrap();
    case.needs = Needs { over, ..Needs::default() };
    case.procedure.extend(action.map(Step::new));
    let set = FeatureSet::from_profile(&profile, &catalogue.features);
    let planned = plan_of(&catalogue, &profile, &set, &["1.3".to_owned()]);
    let decisions: Vec<_> = planned.entries.iter().take(3).map(|entry| entry.decision.clone()).collect();
    let expected = expected.map(|why| why.map_or(Decision::Run, |why| not(NotRunKind::NotApplicable, why)));
    assert_eq!(decisions, expected);
}

fn condition(version: Option<MqttVersion>, broker: Option<Broker>) -> MtpCondition {
    MtpCondition { version, broker, ..MtpCondition::default() }
}

fn awaits(packet: &str) -> Action {
    let kind = PacketKind::named(packet).unwrap();
    Action::Await { what: Expected::Mtp(MtpEvent::Packet { kind, matching: None }), answer: Answer::Normal }
}
