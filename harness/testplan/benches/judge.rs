//! How long it takes to judge one Trace: decoding its Records from their bytes, metrics and universal rules.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark is no library")]

use divan::{Bencher, black_box};
use prost::Message as _;
use serde_json::{Value, json};
use uspec_testplan::{
    case::{Action, Applies, CaseId, Check, Metric, Needs, Step, TestCase},
    exchange,
    judge::judge,
    pattern::Pattern,
    trace::{Direction, Event, Header, Phase, StepOutcome, StepRef, TRACE_FORMAT, Trace, What},
};
use uspec_usp::{
    json::{build_message, build_record},
    schema::{Content, MessageKind},
};

const EUT: &str = "os::012345-0001";
const US: &str = "self::controller";

/// Rows of the table that a Get of the case yields: one, a usual table, a large one.
const ROWS: [usize; 3] = [1, 20, 500];

fn main() {
    divan::main();
}

#[divan::bench(args = ROWS)]
fn judge_a_trace(bencher: Bencher, rows: usize) {
    let (case, trace) = story(rows);
    assert!(judge(&case, &trace).metrics.iter().all(|metric| metric.outcome == uspec_testplan::verdict::Outcome::Met));
    bencher.bench(|| judge(black_box(&case), black_box(&trace)));
}

#[divan::bench(args = ROWS)]
fn lines_of_a_trace(bencher: Bencher, rows: usize) {
    let (_, trace) = story(rows);
    bencher.bench(|| exchange::lines(black_box(&trace)));
}

#[divan::bench(args = ROWS)]
fn read_a_trace(bencher: Bencher, rows: usize) {
    let text = story(rows).1.to_json_lines().unwrap();
    bencher.bench(|| Trace::from_json_lines(black_box(&text)).unwrap());
}

/// A case that reads a table before and after, as most of the plan's do.
fn story(rows: usize) -> (TestCase, Trace) {
    let path = "Device.LocalAgent.Subscription.";
    let body = json!({"param_paths": [path]});
    let resolved: Vec<_> = (1..=rows)
        .map(|row| {
            let params = json!({"ID": row.to_string(), "Enable": "true", "NotifType": "ValueChange", "Recipient": "Device.LocalAgent.Controller.1"});
            json!({"resolved_path": format!("{path}{row}."), "result_params": params})
        })
        .collect();
    let response = json!({"req_path_results": [{"requested_path": path, "resolved_path_results": resolved}]});
    let mut events = Vec::new();
    let mut steps = Vec::new();
    for label in ["before", "after"] {
        let step = StepRef { phase: Phase::Procedure, index: steps.len(), label: Some(label.into()) };
        steps.push(Step {
            label: Some(label.into()),
            ..Step::new(Action::Request { kind: MessageKind::Get, body: body.clone() })
        });
        push(&mut events, What::StepStarted { step: step.clone(), action: "Get".into() });
        let asked = record(US, EUT, Content::Request(MessageKind::Get), label, &body);
        push(&mut events, crossed(Direction::Sent, Some(step.clone()), asked));
        let answered = record(EUT, US, Content::Response(MessageKind::Get), label, &response);
        let seq = push(&mut events, crossed(Direction::Received, None, answered));
        push(&mut events, What::StepEnded { step, outcome: StepOutcome::Done { matched: Some(seq) } });
    }
    let pattern = json!({"req_path_results": [{"err_code": 0, "resolved_path_results": {"$every": {
        "resolved_path": {"$instance_of": path}, "result_params": {"Enable": {"$boolean": true}, "ID": {"$value": "int"}}
    }}}]});
    let checks = [
        Check::Response { to: "after".into(), matching: Some(Pattern::compile(&pattern).unwrap()) },
        Check::Rule {
            name: "same_instances".into(),
            with: json!({"before": "before", "after": "after", "table": path}),
        },
    ];
    let metrics = (1..).zip(checks).map(|(number, check)| Metric { number, since: None, check }).collect();
    let case = TestCase {
        id: id(),
        plan: "TP-469 1.4.0".into(),
        title: "A table stays as it is".into(),
        requirements: Vec::new(),
        tags: Vec::new(),
        applies: Applies::Mandatory,
        needs: Needs::default(),
        since: None,
        until: None,
        disputed: None,
        setup: Vec::new(),
        procedure: steps,
        metrics,
        cleanup: Vec::new(),
        file: "1.1.yaml".into(),
    };
    (case, Trace { header: header(), events })
}

fn id() -> CaseId {
    CaseId::Plan { chapter: 1, number: 1 }
}

fn header() -> Header {
    Header {
        format: TRACE_FORMAT,
        case: id(),
        mtp: "websocket".into(),
        catalogue: String::new(),
        harness: String::new(),
        started: jiff::Timestamp::UNIX_EPOCH,
        eut_endpoint_id: EUT.into(),
        controller_endpoint_id: US.into(),
        second_endpoint_id: String::new(),
        mtp_facts: None,
        usp_versions: vec!["1.3".into()],
        variables: std::collections::BTreeMap::new(),
        secrets: None,
    }
}

fn push(events: &mut Vec<Event>, what: What) -> u64 {
    let seq = u64::try_from(events.len()).unwrap();
    events.push(Event { seq, at_us: seq * 1000, what });
    seq
}

fn crossed(direction: Direction, step: Option<StepRef>, bytes: Vec<u8>) -> What {
    What::Record { connection: 1, direction, step, bytes, decoded: Value::Null }
}

fn record(from: &str, to: &str, content: Content, id: &str, body: &Value) -> Vec<u8> {
    let payload = hex::encode(build_message(content, id, body).unwrap().encode_to_vec());
    let record = json!({"version": "1.3", "to_id": to, "from_id": from, "no_session_context": {"payload": payload}});
    build_record(&record).unwrap().encode_to_vec()
}
