//! EUT profiles: what is read, what stands in for what is left out, and the list of known failures.

#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test may abort")]

use std::{fs, path::Path, time::Duration};

use jiff::civil::date;
use rstest::rstest;
use uspec_testplan::{
    case::{CaseId, EutAction},
    profile::{
        Broker, DEFAULT_PROGRAM, EutProfile, FeaturePolicy, KnownFailing, KnownFailingProblemKind, Means, Role, Timing,
        Tls, TlsFiles, Transport, check_known_failing,
    },
    run_report::{CaseOutcome, CaseResult, Judged, NotRun, NotRunKind},
    trace::MtpFacts,
    verdict::{CleanUp, Judgement, Verdict},
};

const SMALLEST: &str = "format: 1\nname: A device\neut: {endpoint_id: any}\ncontroller: {endpoint_id: \"self::uspec\"}\n\
                        mtps: [{websocket: {role: eut_connects, address: \"127.0.0.1:8080\"}}]\n";

const FULL: &str = r#"
format: 1
name: A device
eut: {endpoint_id: "os::012345-0001"}
controller: {endpoint_id: "self::uspec", second: "self::other"}
mtps:
  - websocket:
      role: eut_connects
      address: 0.0.0.0:8443
      path: /usp
      tls: {certificate: own.pem, key: own.key, trust: device.pem}
  - websocket: {name: back, role: we_connect, address: "[::1]:80", path: /agent}
features: {auto: true, claim: [24], deny: [9]}
usp_versions: ["1.3", "1.4"]
elements: {nested_table: MTP.}
control:
  reboot: usp
  power_cycle: {program: [./power.sh, "off and on"], within: 1m}
  start: {program: [agent]}
timing: {response: 500ms, connect: 2m, boot: 1h, silence: 3s, tolerance: 0s, pace: 1ms}
known_failing:
  - {case: "1.54", mtp: back, reason: retries too early, until: "2027-01-31"}
"#;

#[test]
fn what_is_left_out_has_a_default() {
    let profile = EutProfile::parse("x.yaml", SMALLEST, Path::new("")).unwrap();
    assert_eq!(profile.eut_endpoint_id, None);
    assert_eq!(profile.second_endpoint_id, "self::uspec-second");
    assert_eq!(profile.features, FeaturePolicy::Auto { claim: vec![], deny: vec![] });
    assert_eq!(profile.timing, Timing::default());
    assert_eq!(profile.control.means(EutAction::Reboot), Some(&Means::Usp));
    assert_eq!(profile.control.means(EutAction::PowerCycle), None);
    let Transport::WebSocket(websocket) = &profile.mtps[0].transport else { panic!("not WebSocket") };
    assert_eq!((profile.mtps[0].name.as_str(), websocket.path.as_str()), ("websocket", "/"));
    assert_eq!(profile.element_variables()["element.nested_table"], "BootParameter.");
}

/// One of each of the other MTPs, and what is known of it.
#[rstest]
#[case::mqtt5(
    "mqtt: {version: \"5.0\", address: \"127.0.0.1:1883\", controller_topic: usp/us}",
    "mqtt5",
    MtpFacts { version: Some("5.0".into()), ..MtpFacts::brokered("mqtt", Broker::BuiltIn, false) }
)]
#[case::mqtt311_tls(
    "mqtt: {version: \"3.1.1\", address: \"127.0.0.1:0\", controller_topic: us, agent_topic: eut, tls: generate}",
    "mqtt311-tls",
    MtpFacts { version: Some("3.1.1".into()), ..MtpFacts::brokered("mqtt", Broker::BuiltIn, true) }
)]
#[case::mqtt_beside(
    "mqtt: {name: m, version: \"5.0\", broker: beside, address: \"b:1\", controller_topic: us, username: u, password: p}",
    "m",
    MtpFacts { version: Some("5.0".into()), ..MtpFacts::brokered("mqtt", Broker::Beside, false) }
)]
#[case::stomp(
    "stomp: {address: \"127.0.0.1:61613\", controller_destination: /usp/us, virtual_host: v, tls: generate}",
    "stomp-tls",
    MtpFacts::brokered("stomp", Broker::BuiltIn, true)
)]
#[case::uds(
    "uds: {role: eut_connects, path: usp.sock}",
    "uds",
    MtpFacts::direct("uds", Some(Role::EutConnects), false)
)]
#[case::uds_server(
    "uds: {role: we_connect, path: /run/usp}",
    "uds-server",
    MtpFacts::direct("uds", Some(Role::WeConnect), false)
)]
fn each_mtp_has_a_name_and_facts(#[case] mtp: &str, #[case] name: &str, #[case] facts: MtpFacts) {
    let text = SMALLEST.replace("websocket: {role: eut_connects, address: \"127.0.0.1:8080\"}", mtp);
    let profile = EutProfile::parse("x.yaml", &text, Path::new("at")).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!((profile.mtps[0].name.as_str(), profile.mtps[0].facts()), (name, facts));
    if let Transport::Uds(uds) = &profile.mtps[0].transport {
        assert!(uds.path.is_absolute() || uds.path == Path::new("at/usp.sock"), "{}", uds.path.display());
    }
}

#[rstest]
#[case::the_first_s("self::uspec", "both Controllers have the same Endpoint ID")]
#[case::any("any", "our own Endpoint ID cannot be `any`")]
#[case::none("nobody", "Endpoint ID")]
fn the_second_controller_is_another_one(#[case] second: &str, #[case] problem: &str) {
    let text = SMALLEST.replace("self::uspec\"}", &format!("self::uspec\", second: \"{second}\"}}"));
    let problems = EutProfile::parse("x.yaml", &text, Path::new("")).unwrap_err().to_string();
    assert!(problems.contains(problem), "{problems}");
}

#[test]
fn everything_is_read_and_files_are_relative_to_the_profile() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["own.pem", "own.key", "device.pem", "power.sh"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let path = folder.path().join("eut.yaml");
    fs::write(&path, FULL).unwrap();
    let profile = EutProfile::load(&path).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(profile.eut_endpoint_id.as_deref(), Some("os::012345-0001"));
    assert_eq!(profile.second_endpoint_id, "self::other");
    let Transport::WebSocket(listening) = &profile.mtps[0].transport else { panic!("not WebSocket") };
    assert_eq!(listening.role, Role::EutConnects);
    let Some(Tls::Files(tls)) = &listening.tls else { panic!("{listening:?}") };
    assert_eq!(tls.identity, Some((folder.path().join("own.pem"), folder.path().join("own.key"))));
    assert_eq!(tls.trust, Some(folder.path().join("device.pem")));
    let Transport::WebSocket(connecting) = &profile.mtps[1].transport else { panic!("not WebSocket") };
    assert_eq!((connecting.address.host.as_str(), connecting.address.port), ("::1", 80));
    assert_eq!(connecting.address.to_string(), "[::1]:80");
    assert_eq!(profile.features, FeaturePolicy::Auto { claim: vec![24], deny: vec![9] });
    assert_eq!(profile.usp_versions, ["1.3", "1.4"]);
    assert_eq!(profile.element_variables()["element.nested_table"], "MTP.");
    let Some(Means::Program { argv, within }) = profile.control.means(EutAction::PowerCycle) else { panic!() };
    assert_eq!(argv[1], "off and on");
    assert!(Path::new(&argv[0]).is_file(), "{argv:?}");
    assert_eq!(*within, Duration::from_secs(60));
    let program = Means::Program { argv: vec!["agent".to_owned()], within: DEFAULT_PROGRAM };
    assert_eq!(profile.control.means(EutAction::Start), Some(&program));
    assert_eq!((profile.timing.response, profile.timing.boot), (Duration::from_millis(500), Duration::from_secs(3600)));
    assert_eq!(profile.known_failing[0].until, Some(date(2027, 1, 31)));
}

#[test]
fn a_file_that_is_not_there_is_a_diagnostic() {
    let problems = EutProfile::load(Path::new("no/such/profile.yaml")).unwrap_err();
    assert!(problems.to_string().contains("cannot be read"), "{problems}");
}

fn result(case: &str, mtp: &str, outcome: CaseOutcome) -> CaseResult {
    CaseResult {
        case: case.parse().unwrap(),
        title: String::new(),
        suite: "tp469".to_owned(),
        mtp: mtp.to_owned(),
        requirements: vec![],
        features: vec![],
        disputed: None,
        alternates: [].into(),
        needs: vec![],
        deprecated: None,
        outcome,
    }
}

fn judged(verdict: Verdict) -> CaseOutcome {
    let judgement = Judgement { verdict, reason: None, metrics: vec![], universal: vec![], clean_up: CleanUp::Clean };
    CaseOutcome::Judged(Box::new(Judged {
        started: jiff::Timestamp::UNIX_EPOCH,
        duration_ms: 0,
        judgement,
        exchange: vec![],
        trace: None,
        earlier: vec![],
    }))
}

fn not_run(kind: NotRunKind) -> CaseOutcome {
    CaseOutcome::NotRun(NotRun { kind, reason: String::new() })
}

#[rstest]
#[case::fails(judged(Verdict::Fail), &[])]
#[case::is_inconclusive(judged(Verdict::Inconclusive), &[])]
#[case::passes(judged(Verdict::Pass), &[KnownFailingProblemKind::Passes("websocket".to_owned())])]
#[case::was_left_out(not_run(NotRunKind::NotSelected), &[])]
#[case::was_not_reached(not_run(NotRunKind::NotReached), &[])]
#[case::does_not_apply(not_run(NotRunKind::NotApplicable), &[KnownFailingProblemKind::MatchesNothing])]
#[case::is_not_automated(not_run(NotRunKind::NotAutomated), &[KnownFailingProblemKind::MatchesNothing])]
fn an_entry_must_stay_true(#[case] outcome: CaseOutcome, #[case] expected: &[KnownFailingProblemKind]) {
    let entry = KnownFailing {
        case: "1.1".parse::<CaseId>().unwrap(),
        mtp: Some("websocket".to_owned()),
        reason: "tracked".to_owned(),
        until: Some(date(2027, 1, 31)),
    };
    let results = [result("1.2", "websocket", judged(Verdict::Pass)), result("1.1", "websocket", outcome)];
    let kinds = |today| {
        check_known_failing(std::slice::from_ref(&entry), &results, today)
            .into_iter()
            .map(|it| it.kind)
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds(date(2027, 1, 31)), expected);
    let later = kinds(date(2027, 2, 1));
    assert_eq!(later.first(), Some(&KnownFailingProblemKind::Expired));
    assert_eq!(&later[1..], expected);
}

#[test]
fn an_entry_excuses_a_fail_until_its_day_and_never_an_error() {
    let entry =
        KnownFailing { case: "1.1".parse().unwrap(), mtp: None, reason: String::new(), until: Some(date(2027, 1, 31)) };
    let fail = result("1.1", "any", judged(Verdict::Fail));
    assert!(entry.excuses(&fail, date(2027, 1, 31)));
    assert!(!entry.excuses(&fail, date(2027, 2, 1)));
    assert!(!entry.excuses(&result("1.1", "any", judged(Verdict::Error)), date(2027, 1, 1)));
    assert!(!entry.excuses(&result("1.2", "any", judged(Verdict::Fail)), date(2027, 1, 1)));
}

#[test]
fn the_checked_in_profiles_are_right() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/eut");
    let files: Vec<_> = fs::read_dir(folder).unwrap().map(|it| it.unwrap().path()).collect();
    let profiles: Vec<_> = files.iter().filter(|it| it.extension().is_some_and(|it| it == "yaml")).collect();
    assert!(!profiles.is_empty(), "the profiles are gone");
    for path in profiles {
        if let Err(problems) = EutProfile::load(path) {
            panic!("{problems}");
        }
    }
}

#[test]
fn tls_may_come_from_an_authority_or_from_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["ca.pem", "ca.key"] {
        fs::write(folder.path().join(name), "").unwrap();
    }
    let text = r#"
format: 1
name: A device
eut: {endpoint_id: any}
controller: {endpoint_id: "self::uspec"}
plan: "1.0.3"
mtps:
  - websocket: {role: eut_connects, address: 127.0.0.1:0, tls: {ca: {certificate: ca.pem, key: ca.key}}}
  - websocket: {name: made, role: we_connect, address: "127.0.0.1:80", tls: generate}
  - websocket: {name: plain, role: we_connect, address: "127.0.0.1:80"}
"#;
    let profile = EutProfile::parse("x.yaml", text, folder.path()).unwrap_or_else(|problems| panic!("{problems}"));
    assert_eq!(profile.plan.as_deref(), Some("1.0.3"));
    let tls = profile.mtps.iter().map(|mtp| {
        let Transport::WebSocket(websocket) = &mtp.transport else { panic!("not WebSocket") };
        websocket.tls.clone()
    });
    let authority = Some((folder.path().join("ca.pem"), folder.path().join("ca.key")));
    let files = TlsFiles { identity: None, trust: None, authority };
    assert_eq!(tls.collect::<Vec<_>>(), [Some(Tls::Files(files)), Some(Tls::Generate), None]);
    let facts: Vec<_> = profile.mtps.iter().map(|mtp| (mtp.facts().role.unwrap(), mtp.facts().tls)).collect();
    let expected = [(Role::EutConnects, true), (Role::WeConnect, true), (Role::WeConnect, false)];
    assert_eq!(facts, expected);
}
