//! `uspec init` against the bundled Agent, in memory: what it writes is what the harness knows of that Agent anyway.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use std::{collections::BTreeMap, path::Path, sync::LazyLock, time::Duration};
use tokio_util::sync::CancellationToken;
use uspec_cli::{
    bundled::{Bundled, Where},
    command::init::survey,
    load,
};
use uspec_runner::BringUpReason;
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    features::FeatureSet,
    plan::{Decision, plan},
    profile::{Draft, EutProfile, FeaturePolicy, Mtp},
    run_report::CaseOutcome,
    selection::Selection,
    survey::{Choices, Standing, Survey},
};

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load(&Source::Embedded).unwrap());

/// What init makes of an Agent.
struct Made {
    survey: Survey,
    choices: Choices,
    text: String,
    profile: EutProfile,
}

/// The bundled Agent's own profile with one MTP alone.
fn over(mtp: &str) -> EutProfile {
    let mut profile = load::profile(None).unwrap();
    profile.mtps.retain(|it| it.name == mtp);
    assert_eq!(profile.mtps.len(), 1, "{mtp}");
    profile
}

fn agent(mtp: &str, faults: &[&str]) -> Bundled {
    let faults: Vec<_> = faults.iter().map(|it| (*it).to_owned()).collect();
    Bundled::new(&over(mtp), &faults, Where::Memory).unwrap()
}

/// Meets the Agent as somebody who knows nothing of it but the MTP.
fn meet(mtp: &str, faults: &[&str]) -> Result<Made, BringUpReason> {
    let agent = agent(mtp, faults);
    let its = agent.profile().mtps.first().unwrap();
    let met = agent.meet(&CATALOGUE, its, |mut equipment| async move {
        equipment.session.eut_endpoint_id = None;
        Box::pin(survey(equipment, Duration::from_secs(600), &CancellationToken::new(), || {})).await
    });
    Ok(made(met.unwrap()?, its))
}

fn made(survey: Survey, mtp: &Mtp) -> Made {
    let choices = survey.choose(&CATALOGUE, mtp);
    let draft = Draft {
        name: None,
        eut_endpoint_id: None,
        controller_endpoint_id: "proto::uspec-controller",
        second_endpoint_id: "self::uspec-second",
        mtp,
        met: Some((&survey, &choices)),
    };
    let text = draft.text();
    let profile = EutProfile::parse("eut.yaml", &text, Path::new("")).unwrap();
    Made { survey, choices, text, profile }
}

/// What would become of every case over this MTP, as a run decides it when it has met the Agent.
fn decisions(profile: &EutProfile, made: &Made) -> BTreeMap<String, Decision> {
    let kind = profile.mtps.first().unwrap().kind();
    let detected = CATALOGUE.features.detect(made.survey.supported.as_ref().unwrap());
    let (features, _) = FeatureSet::with_device(profile, &CATALOGUE.features, &detected, kind);
    let versions = if profile.usp_versions.is_empty() { &made.survey.usp_versions } else { &profile.usp_versions };
    let plan = plan(&CATALOGUE, profile, &Selection::all(), &features, versions).unwrap();
    plan.entries.into_iter().map(|entry| (entry.case.to_string(), entry.decision)).collect()
}

#[rstest]
fn over_each_mtp_and_role_the_profile_decides_as_the_built_in_one_does(
    #[values(
        "websocket",
        "websocket-tls",
        "websocket-server",
        "websocket-server-tls",
        "mqtt5",
        "mqtt5-tls",
        "mqtt311",
        "mqtt311-tls",
        "stomp",
        "stomp-tls",
        "uds",
        "uds-server"
    )]
    mtp: &str,
) {
    let made = meet(mtp, &[]).unwrap();
    assert_eq!(made.survey.missing, Vec::<String>::new());
    assert_eq!(made.choices.contradictions, Vec::<String>::new());
    let built_in = agent(mtp, &[]).profile().clone();
    let written = &made.profile;
    assert_eq!(written.eut_endpoint_id, built_in.eut_endpoint_id);
    assert_eq!(written.controller_endpoint_id, built_in.controller_endpoint_id);
    assert_eq!(written.mtps, built_in.mtps);
    assert_eq!(written.timing, built_in.timing);
    assert!(made.survey.device.software_version.as_ref().is_some_and(|it| written.name.ends_with(it)), "{written:?}");
    assert!(written.elements.is_empty(), "it has everything that the plan names: {:?}", written.elements);
    assert!(made.choices.elements.iter().all(|it| it.standing == Standing::Plans), "{:?}", made.choices.elements);
    // How the lab switches its power no device can tell.
    let written = EutProfile { control: built_in.control.clone(), ..written.clone() };
    let (by_written, by_built_in) = (decisions(&written, &made), decisions(&built_in, &made));
    assert!(by_built_in.values().filter(|it| **it == Decision::Run).count() > 100);
    for (case, decision) in &by_built_in {
        assert_eq!(by_written.get(case), Some(decision), "{case}");
    }
}

#[rstest]
fn a_run_with_the_profile_gives_the_verdicts_that_one_with_the_built_in_gives(
    #[values("websocket", "websocket-server-tls", "mqtt5", "mqtt311", "stomp", "uds")] mtp: &str,
    #[values(&[][..], &["add-omits-unique-keys"][..])] faults: &[&str],
) {
    let made = meet(mtp, faults).unwrap();
    let faults: Vec<_> = faults.iter().map(|it| (*it).to_owned()).collect();
    let cases = ["1.1", "1.10", "1.61", "1.64", "1.79", "1.104", "2.12", "6.1", "7.1", "11.1", "R-UDS.3"];
    let selection = cases.iter().fold(Selection::all(), |all, case| all.id(case).unwrap());
    let verdicts = |profile: &EutProfile| {
        let agent = Bundled::new(profile, &faults, Where::Memory).unwrap();
        let report = agent.judge(&CATALOGUE, &selection, &mut |_| None).unwrap();
        let of = |outcome: &CaseOutcome| match outcome {
            CaseOutcome::Judged(judged) => format!("{:?}", judged.judgement.verdict),
            CaseOutcome::NotRun(not) => format!("{not:?}"),
        };
        let all = report.results.iter().filter(|it| cases.contains(&it.case.to_string().as_str()));
        all.map(|it| (it.case.to_string(), of(&it.outcome))).collect::<BTreeMap<_, _>>()
    };
    let (written, built_in) = (verdicts(&made.profile), verdicts(&over(mtp)));
    assert_eq!(written, built_in);
    let fails = built_in.values().filter(|it| *it == "Fail").count();
    assert_eq!(fails > 0, !faults.is_empty(), "{built_in:?}");
    assert!(built_in.values().filter(|it| *it == "Pass").count() >= 4, "{built_in:?}");
}

fn has(made: &Made, id: u16) -> Option<bool> {
    made.choices.features.iter().find(|it| it.id == id).unwrap().has
}

fn standing(made: &Made, name: &str) -> Standing {
    made.choices.elements.iter().find(|it| it.names.contains(&name)).unwrap().standing
}

#[test]
fn what_the_agent_does_not_show_is_not_in() {
    let whole = meet("websocket", &[]).unwrap();
    assert_eq!((has(&whole, 2), has(&whole, 39)), (Some(true), Some(true)));
    let made = meet("websocket", &["gsdm-omits-command-args", "gsdm-omits-event-args"]).unwrap();
    assert_eq!((has(&made, 2), has(&made, 38), has(&made, 39)), (Some(false), Some(false), Some(false)));
    assert!(matches!(&made.profile.features, FeaturePolicy::List(ids) if !ids.contains(&39) && ids.contains(&1)));
    assert!(made.text.contains("# 39, an event with an argument: GetSupportedDM does not show"), "{}", made.text);
    let made = meet("websocket", &["gsdm-omits-commands"]).unwrap();
    assert_eq!((has(&made, 1), made.choices.reboot), (Some(false), Some(false)));
    assert_eq!(standing(&made, "sync_command"), Standing::Unknown, "not one command at all says nothing");
    assert!(made.text.contains("does not show Device.Reboot()"));
    let made = meet("websocket", &["gsdm-omits-params"]).unwrap();
    assert_eq!(standing(&made, "writable_parameter"), Standing::Unknown);
    assert!(matches!(&made.profile.features, FeaturePolicy::Auto { .. }), "that cannot be all of it");
}

#[test]
fn a_feature_of_an_mtp_that_is_not_shown_is_still_that_of_the_profile() {
    for fault in ["mqtt-has-no-message-retry-time", "mqtt-has-no-agent-mtp-reference"] {
        let made = meet("mqtt5", &[fault]).unwrap();
        assert_eq!((has(&made, 36), has(&made, 35)), (Some(true), Some(false)), "{fault}");
        let gone = if fault.ends_with("time") { "MessageRetryTime" } else { "AgentMTPReference" };
        let model = |made: &Made| format!("{:?}", made.survey.supported);
        assert!(!model(&made).contains(gone) && model(&meet("mqtt5", &[]).unwrap()).contains(gone), "{fault}");
    }
}

#[rstest]
#[case::refused("gsdm-answered-with-error")]
#[case::silent("gsdm-not-answered")]
#[case::not_ours("gsdm-wrong-msg-id")]
fn an_agent_that_does_not_show_its_model_gets_a_profile_that_says_so(#[case] fault: &str) {
    let made = meet("websocket", &[fault]).unwrap();
    assert!(made.survey.missing.iter().any(|it| it.contains("supported data model")), "{:?}", made.survey.missing);
    assert!(made.text.contains("# MISSING: its supported data model is not known"), "{}", made.text);
    assert!(matches!(&made.profile.features, FeaturePolicy::Auto { claim, .. } if claim == &[19]));
    assert!(made.choices.elements.iter().all(|it| it.standing == Standing::Unknown && it.chosen.is_empty()));
    assert_eq!(made.profile.eut_endpoint_id.as_deref(), Some("proto::uspec-agent"));
}

#[test]
fn an_agent_that_names_no_version_is_asked_again_at_each_run() {
    let made = meet("websocket", &["gsp-not-answered"]).unwrap();
    assert!(made.profile.usp_versions.is_empty());
    assert!(made.text.contains("# MISSING: its USP versions are not known"), "{}", made.text);
    let made = meet("websocket", &["gsp-versions-by-semicolon"]).unwrap();
    assert!(made.profile.usp_versions.is_empty() && made.text.contains("which is no version"), "{}", made.text);
}

#[test]
fn nobody_who_comes_is_an_error_that_says_how_long_was_waited() {
    let agent = agent("websocket", &[]);
    let mtp = agent.profile().mtps.first().unwrap();
    let met = agent.meet(&CATALOGUE, mtp, |mut equipment| async move {
        // Where nobody looks for us.
        equipment.network = std::sync::Arc::new(uspec_mtp::network::MemoryNetwork::default());
        Box::pin(survey(equipment, Duration::from_secs(600), &CancellationToken::new(), || {})).await
    });
    let why = met.unwrap().unwrap_err().to_string();
    assert!(why.contains("never connected (waited 600s"), "{why}");
}

#[test]
fn a_person_can_end_the_wait() {
    let agent = agent("websocket", &[]);
    let mtp = agent.profile().mtps.first().unwrap();
    let met = agent.meet(&CATALOGUE, mtp, |equipment| async move {
        let cancel = CancellationToken::new();
        cancel.cancel();
        Box::pin(survey(equipment, Duration::from_secs(600), &cancel, || {})).await
    });
    assert_eq!(met.unwrap().unwrap_err(), BringUpReason::Interrupted);
}
