//! What several tests of this crate need.

use std::collections::BTreeMap;
use uspec_testplan::{
    case::{Action, Answer, Applies, CaseId, Expected, Needs, Step, TestCase},
    trace::{Header, TRACE_FORMAT},
};

pub(crate) fn header() -> Header {
    Header {
        format: TRACE_FORMAT,
        case: CaseId::Plan { chapter: 1, number: 1 },
        mtp: "websocket".into(),
        catalogue: String::new(),
        harness: String::new(),
        started: jiff::Timestamp::UNIX_EPOCH,
        eut_endpoint_id: "self::eut".into(),
        controller_endpoint_id: "self::us".into(),
        second_endpoint_id: String::new(),
        mtp_facts: None,
        usp_versions: Vec::new(),
        variables: BTreeMap::new(),
        secrets: None,
    }
}

pub(crate) fn case(id: &str, procedure: Vec<Step>) -> TestCase {
    TestCase {
        id: id.parse().unwrap(),
        plan: "TP-469 1.4.0".into(),
        title: "A case".into(),
        requirements: Vec::new(),
        tags: Vec::new(),
        applies: Applies::Mandatory,
        needs: Needs::default(),
        since: None,
        until: None,
        disputed: None,
        setup: Vec::new(),
        procedure,
        metrics: Vec::new(),
        cleanup: Vec::new(),
        file: format!("{id}.yaml"),
    }
}

pub(crate) fn step(action: Action) -> Step {
    Step::new(action)
}

fn notify(subscription: &str) -> Expected {
    Expected::Notify { subscription_id: Some(subscription.into()), matching: None }
}

pub(crate) fn await_notify(subscription: &str, answer: Answer) -> Step {
    step(Action::Await { what: notify(subscription), answer })
}

pub(crate) fn absent_notify(subscription: &str) -> Step {
    step(Action::Absent { what: notify(subscription), lasting: None })
}
