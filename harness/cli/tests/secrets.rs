//! What is secret stands in the evidence, marked, and in no report: not as text, not as hex, not as base64.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)] // a test may stop on the first surprise

mod page;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use prost::Message as _;
use std::{fs, path::Path};
use uspec_cli::{
    bundled::{Bundled, Where},
    campaign::Event,
    files::write_reports,
    load,
};
use uspec_runner::bring_up::BRING_UP;
use uspec_testplan::{
    case::Check,
    catalogue::{Catalogue, Source},
    exchange,
    judge::judge,
    pattern::Pattern,
    profile::{EutProfile, Transport},
    run_report::{CaseOutcome, CaseResult, Judged, RunReport},
    secrets::{MASK, mark, masked},
    selection::Selection,
    trace::{Direction, Trace, What},
    verdict::Verdict,
};
use uspec_usp::{
    msg::{Msg, body::MsgBody, response::RespType},
    record::{Record, record::RecordType},
};

/// As the profile has it, and the EUT must send it.
const OF_THE_PROFILE: &str = "from-the-profile-4711";
/// As the EUT tells it by itself.
const OF_THE_EUT: &str = "told by the EUT & nobody else";

/// The bundled Agent, which must say who it is.
fn profile() -> EutProfile {
    let mut profile = load::profile(None).unwrap();
    profile.mtps.retain(|mtp| ["mqtt5", "mqtt311", "stomp"].contains(&mtp.name.as_str()));
    for mtp in &mut profile.mtps {
        let (username, password) = match &mut mtp.transport {
            Transport::Mqtt(it) => (&mut it.username, &mut it.password),
            Transport::Stomp(it) => (&mut it.username, &mut it.password),
            other => panic!("{other:?}"),
        };
        *username = Some("somebody".to_owned());
        *password = Some(OF_THE_PROFILE.to_owned());
    }
    profile
}

/// Runs cases; gives back the report and every Trace, those of bring-up first.
fn run(catalogue: &Catalogue, profile: &EutProfile, cases: &[&str], faults: &[&str]) -> (RunReport, Vec<Trace>) {
    let selection = cases.iter().fold(Selection::all(), |all, case| all.id(case).unwrap());
    let faults: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let mut traces = Vec::new();
    let report = Bundled::new(profile, &faults, Where::Memory).unwrap().judge(catalogue, &selection, &mut |event| {
        match event {
            Event::BroughtUp { trace, .. } | Event::Judged { trace, .. } => traces.push(trace.clone()),
            _ => {}
        }
        None
    });
    (report.unwrap(), traces)
}

/// Writes every report, with these Traces behind it, and looks for the secret in each, in every form.
fn assert_no_report_shows(report: &RunReport, traces: &[Trace], secret: &str) {
    let folder = tempfile::tempdir().unwrap();
    let mut report = report.clone();
    fs::create_dir(folder.path().join("traces")).unwrap();
    for trace in traces.iter().filter(|trace| trace.header.case.to_string() != BRING_UP) {
        let name = format!("traces/{}-{}.jsonl", trace.header.case, trace.header.mtp);
        fs::write(folder.path().join(&name), trace.to_json_lines().unwrap()).unwrap();
        judged(&mut report, trace).trace = Some(name);
    }
    let report = &report;
    write_reports(folder.path(), "", report).unwrap();
    for file in ["junit.xml", "run.json", "report.html"] {
        assert_free_of(&fs::read_to_string(folder.path().join(file)).unwrap(), secret, Path::new(file));
    }
    let page = fs::read_to_string(folder.path().join("report.html")).unwrap();
    let details = page::details(&page);
    assert_eq!(details.len(), report.results.iter().filter(|it| it.verdict().is_some()).count());
    for detail in details {
        assert_free_of(&detail, secret, Path::new("a detail of report.html"));
    }
    assert_free_of(&uspec_report::summary::render(report), secret, Path::new("the summary"));
}

fn assert_free_of(text: &str, secret: &str, place: &Path) {
    let escaped = [secret.to_owned(), secret.replace('&', "&amp;"), secret.replace('&', "&#38;")];
    let base64 = [0, 1, 2].map(|shift| {
        let digits = STANDARD.encode([&b"abc"[..shift], secret.as_bytes(), b"abc"].concat());
        digits[4..digits.len() - 8].to_owned()
    });
    for form in escaped.into_iter().chain([hex::encode(secret), hex::encode_upper(secret)]).chain(base64) {
        let at = text.find(&form);
        assert!(at.is_none(), "{} shows `{form}`: {}", place.display(), around(text, at.unwrap_or_default()));
    }
}

fn around(text: &str, at: usize) -> String {
    let before: String = text[..at].chars().rev().take(80).collect::<Vec<_>>().into_iter().rev().collect();
    before + &text[at..].chars().take(80).collect::<String>()
}

#[test]
fn what_the_profile_keeps_secret_stands_in_no_report() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    // Some in which the EUT connects anew and its CONNECT is judged, and one that fails.
    let cases = ["1.1", "6.8", "11.2", "11.8", "R-MQTT.4", "R-STOMP.3"];
    let (mut report, traces) = run(&catalogue, &profile(), &cases, &["mqtt-omits-request-response-information"]);
    assert!(report.results.iter().any(|it| it.verdict() == Some(Verdict::Fail)));
    assert_no_report_shows(&report, &traces, OF_THE_PROFILE);
    // A case that wants another password has to say which one it saw.
    let mut case = catalogue.get(&"11.2".parse().unwrap()).unwrap().case.clone().unwrap();
    let wanted = Pattern::compile(&serde_json::json!({"password": "another"})).unwrap();
    case.metrics[0].check = Check::Received { step: "opening".to_owned(), matching: Some(wanted) };
    for trace in traces.iter().filter(|trace| trace.header.case == case.id) {
        let judgement = judge(&case, trace);
        let findings = serde_json::to_string(&judgement.metrics[0]).unwrap();
        assert!(findings.contains("another") && findings.contains(MASK), "{findings}");
        judged(&mut report, trace).judgement = judgement;
    }
    assert_no_report_shows(&report, &traces, OF_THE_PROFILE);
    let mut marked = 0;
    for trace in &traces {
        let text = trace.to_json_lines().unwrap();
        let there = text.contains(&hex::encode(OF_THE_PROFILE)) || text.contains(OF_THE_PROFILE);
        let secrets = trace.header.secrets.as_ref().unwrap();
        let named = secrets.iter().any(|secret| secret.value == OF_THE_PROFILE.as_bytes());
        assert_eq!(there, named, "a Trace marks what stands in it: {:?}", trace.header.case);
        marked += usize::from(named);
        assert_free_of(&masked(trace).to_json_lines().unwrap(), OF_THE_PROFILE, Path::new("a masked Trace"));
    }
    assert!(marked > 0);
}

#[test]
fn what_the_eut_tells_of_its_secrets_stands_in_no_report() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let (mut report, mut traces) = run(&catalogue, &profile(), &["1.1"], &[]);
    let trace = traces.iter().find(|trace| trace.header.case.to_string() == "1.1").unwrap();
    let mut trace = telling(trace.clone());
    mark(&mut trace, &mut Vec::new());
    let case = catalogue.get(&trace.header.case).unwrap().case.as_ref().unwrap();
    let judgement = judge(case, &trace);
    assert_eq!(judgement.verdict, Verdict::Fail, "it was told in the place of a value that the case looks at");
    let judged = judged(&mut report, &trace);
    judged.judgement = judgement;
    judged.exchange = exchange::lines(&trace);
    let text = serde_json::to_string(&judged).unwrap();
    assert!(text.contains(MASK), "{text}");
    traces.retain(|it| (&it.header.case, &it.header.mtp) != (&trace.header.case, &trace.header.mtp));
    traces.push(trace);
    assert_no_report_shows(&report, &traces, OF_THE_EUT);
}

#[test]
fn a_message_that_cannot_be_decoded_stands_in_no_report() {
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let (mut report, mut traces) = run(&catalogue, &profile(), &["1.1"], &[]);
    let trace = traces.iter().find(|trace| trace.header.case.to_string() == "1.1").unwrap();
    let mut trace = telling(trace.clone());
    // The last octet of each Record of the EUT is lost: of those with a Message, it is cut.
    for event in &mut trace.events {
        if let What::Record { direction: Direction::Received, bytes, .. } = &mut event.what {
            bytes.pop();
        }
    }
    mark(&mut trace, &mut Vec::new());
    let case = catalogue.get(&trace.header.case).unwrap().case.as_ref().unwrap();
    let judged = judged(&mut report, &trace);
    judged.judgement = judge(case, &trace);
    judged.exchange = exchange::lines(&trace);
    traces.retain(|it| (&it.header.case, &it.header.mtp) != (&trace.header.case, &trace.header.mtp));
    let marked = trace.header.secrets.as_ref().unwrap();
    assert!(marked.iter().any(|secret| secret.value == OF_THE_EUT.as_bytes()), "{marked:?}");
    traces.push(trace);
    assert_no_report_shows(&report, &traces, OF_THE_EUT);
}

/// The result of the case of this Trace.
fn judged<'r>(report: &'r mut RunReport, trace: &Trace) -> &'r mut Judged {
    let of = |it: &&mut CaseResult| it.case == trace.header.case && it.mtp == trace.header.mtp;
    match &mut report.results.iter_mut().find(of).unwrap().outcome {
        CaseOutcome::Judged(judged) => judged,
        CaseOutcome::NotRun(why) => panic!("{why:?}"),
    }
}

/// The same Trace, in which each object of a GetResp tells a password, and says it again where `ID` is due.
fn telling(mut trace: Trace) -> Trace {
    for event in &mut trace.events {
        let What::Record { direction: Direction::Received, bytes, decoded, .. } = &mut event.what else { continue };
        let mut record = Record::decode(bytes.as_slice()).unwrap();
        let Some(RecordType::NoSessionContext(context)) = &mut record.record_type else { continue };
        let mut message = Msg::decode(context.payload.as_slice()).unwrap();
        let Some(MsgBody::Response(response)) = message.body.as_mut().and_then(|body| body.msg_body.as_mut()) else {
            continue;
        };
        let Some(RespType::GetResp(got)) = &mut response.resp_type else { continue };
        for object in got.req_path_results.iter_mut().flat_map(|it| &mut it.resolved_path_results) {
            object.result_params.insert("X_Password".to_owned(), OF_THE_EUT.to_owned());
            if let Some(id) = object.result_params.get_mut("ID") {
                OF_THE_EUT.clone_into(id);
            }
        }
        context.payload = message.encode_to_vec();
        *bytes = record.encode_to_vec();
        // As in a Trace whose decoded form was left out.
        *decoded = serde_json::Value::Null;
    }
    trace
}
