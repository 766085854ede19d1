//! Evaluates what a metric demands.

use serde_json::Value;
use uspec_usp::{
    error_code::{self, Place},
    schema::{Content, MessageKind},
};

use super::{
    evidence::{Answer, Evidence, describe_error, step_events},
    finding::{met, unknown, unmet, worst},
};
use crate::{
    case::{Action, Check, Codes, Expected, MtpEvent, Party, RecordEvent},
    pattern::{Context, Pattern},
    rule, show, sighting, template,
    trace::{ConnectionState, Direction, Event, StepOutcome, What},
    verdict::{Finding, Outcome},
    view::{RecordSeen, StepSeen},
};

/// How many mismatches of one pattern are reported: the first ones explain it, and a list of thousands would hide them.
const MAX_MISMATCHES: usize = 12;

/// What there is to say about a check; never empty, its outcome is that of the worst finding.
pub(super) fn check(evidence: Evidence<'_>, check: &Check) -> Vec<Finding> {
    match check {
        Check::Response { to, matching } => response(evidence, to, matching.as_ref()),
        Check::Error { to, codes, matching } => error(evidence, to, codes, matching.as_ref()),
        Check::NoResponse { to } => vec![no_response(evidence, to)],
        Check::Received { step, matching } => received(evidence, step, matching.as_ref()),
        Check::NotReceived { step } => vec![not_received(evidence, step)],
        Check::Packet { of, matching } => packet(evidence, of, matching.as_ref()),
        Check::Rule { name, with } => rule::judge(name, with, evidence),
        Check::All(checks) => checks.iter().flat_map(|inner| self::check(evidence, inner)).collect(),
        Check::Any(checks) => any(evidence, checks),
    }
}

fn response(evidence: Evidence<'_>, to: &str, matching: Option<&Pattern>) -> Vec<Finding> {
    match evidence.response(to) {
        Ok(reply) => {
            let name = Content::Response(reply.kind).name();
            held(evidence, matching, reply.body, Some(reply.kind), &name, reply.seq)
        }
        Err(finding) => vec![finding],
    }
}

fn error(evidence: Evidence<'_>, to: &str, codes: &Codes, matching: Option<&Pattern>) -> Vec<Finding> {
    let expected = format!("an Error to `{to}`");
    let Answer { asked, seen } = match evidence.answer(to, &expected) {
        Ok(answer) => answer,
        Err(finding) => return vec![finding],
    };
    let (Some(Content::Error), Some(body)) = (seen.content, seen.body()) else {
        return vec![unmet(expected, format!("{} came", seen.name()), vec![asked.seq, seen.seq])];
    };
    let kind = asked.request().or_else(|| evidence.kind(to));
    let mut findings = error_codes(body, codes, kind, seen.seq);
    findings.extend(held(evidence, matching, body, kind, "Error", seen.seq));
    findings
}

/// Whether the Error's own code is acceptable; unless any code is, those of its `param_errs` are held against TR-369.
fn error_codes(body: &Value, codes: &Codes, kind: Option<MessageKind>, seq: u64) -> Vec<Finding> {
    let code_of =
        |value: &Value| value.get("err_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
    let described = |code: Option<u32>| code.map_or_else(|| "no code".to_owned(), error_code::describe);
    let top = code_of(body);
    let mut findings = Vec::new();
    match (codes, kind) {
        (Codes::Any, _) => return vec![met("an Error, whatever its code", describe_error(body), vec![seq])],
        (Codes::OneOf(codes), _) => {
            let listed: Vec<_> = codes.iter().map(|code| error_code::describe(*code)).collect();
            let expected = format!("the code {}", listed.join(" or "));
            let holds = top.is_some_and(|code| codes.contains(&code));
            let finding = if holds { met } else { unmet }(expected, describe_error(body), vec![seq]);
            findings.push(finding.at("err_code"));
        }
        (Codes::Applicable, Some(kind)) => {
            findings.push(applicable(kind, top, Place::ErrorMessage, "err_code".to_owned(), seq));
        }
        (Codes::Applicable, None) => {
            let why = "what it answers cannot be read, so which codes suit it is not known";
            findings.push(unknown("a code that TR-369 allows", why, vec![seq]).at("err_code"));
        }
    }
    let params = body.get("param_errs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    for (index, param) in params.iter().enumerate().take(MAX_MISMATCHES) {
        let path = format!("param_errs[{index}].err_code");
        match kind {
            Some(kind) => findings.push(applicable(kind, code_of(param), Place::ParamError, path, seq)),
            None => findings.push(unknown("a code that TR-369 allows", described(code_of(param)), vec![seq]).at(path)),
        }
    }
    findings
}

fn applicable(kind: MessageKind, code: Option<u32>, place: Place, path: String, seq: u64) -> Finding {
    let holds = code.is_some_and(|code| error_code::applicable(kind, code, place));
    let expected =
        format!("a code that TR-369 allows for {kind} here: {}", error_code::describe_applicable(kind, place));
    let seen = code.map_or_else(|| "no code".to_owned(), error_code::describe);
    if holds { met(expected, seen, vec![seq]).at(path) } else { unmet(expected, seen, vec![seq]).at(path) }
}

/// A pattern on what came; a summary when it holds.
fn held(
    evidence: Evidence<'_>,
    matching: Option<&Pattern>,
    body: &Value,
    answered: Option<MessageKind>,
    name: &str,
    seq: u64,
) -> Vec<Finding> {
    let Some(pattern) = matching else { return vec![met(name, format!("{name} came"), vec![seq])] };
    let context = Context { variables: &evidence.view.variables, answered };
    let mut findings = pattern.matches(body, &context);
    if findings.is_empty() {
        let source = template::substitute_known_in(pattern.source(), context.variables);
        return vec![met(format!("{name} with {}", show::value(&source)), format!("{name} that matches"), vec![seq])];
    }
    // The worst stay when some must go.
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.outcome));
    findings.truncate(MAX_MISMATCHES);
    for finding in &mut findings {
        finding.events.push(seq);
        finding.path = Some(match finding.path.take() {
            Some(path) => format!("{name}.{path}"),
            None => name.to_owned(),
        });
    }
    findings
}

/// The packet that carried what the EUT sent in answer to a step, or what a step awaited.
fn packet(evidence: Evidence<'_>, of: &str, matching: Option<&Pattern>) -> Vec<Finding> {
    let seen = match evidence.carrier(of) {
        Ok(seen) => seen,
        Err(finding) => return vec![finding],
    };
    let shown = sighting::packet(seen.kind, seen.fields, seen.body);
    held(evidence, matching, &shown, None, seen.kind, seen.seq)
}

fn no_response(evidence: Evidence<'_>, to: &str) -> Finding {
    let expected = format!("no answer to `{to}`");
    let asked = match evidence.asked(to, &expected) {
        Ok(asked) => asked,
        Err(finding) => return finding,
    };
    if let Some(seen) = evidence.answers_to(asked).first() {
        let text = match (seen.content, seen.body()) {
            (Some(Content::Error), Some(body)) => describe_error(body),
            _ => seen.name(),
        };
        return unmet(expected, format!("{text} came"), vec![asked.seq, seen.seq]);
    }
    let step = match evidence.ran(to, &expected) {
        Ok(step) => step,
        Err(finding) => return finding,
    };
    match evidence.silence_ms(to, step) {
        Some(waited) => met(expected, format!("none within {}", show::seconds(waited)), vec![asked.seq]),
        None => unknown(expected, "none, but no step waited to the end", vec![asked.seq]),
    }
}

fn received(evidence: Evidence<'_>, label: &str, matching: Option<&Pattern>) -> Vec<Finding> {
    let what = expected_of(evidence, label);
    let expected = what
        .map_or_else(|| format!("what `{label}` awaits"), |what| format!("{} (`{label}`)", describe(evidence, what)));
    let step = match evidence.ran(label, &expected) {
        Ok(step) => step,
        Err(finding) => return vec![finding],
    };
    let matched = match step.outcome {
        Some(StepOutcome::Done { matched }) => *matched,
        Some(StepOutcome::TimedOut { waited_ms }) => {
            if let Some((why, events)) = evidence.unprovoked(step) {
                return vec![unknown(expected, format!("it did not come, but {why}"), events)];
            }
            let seen = format!("it did not come within {}", show::seconds(*waited_ms));
            return vec![unmet(expected, seen, step_events(step))];
        }
        Some(StepOutcome::NotReached { reason }) => {
            let seen = format!("the step was not reached: {reason}");
            return vec![unknown(expected, show::cut(&seen), step_events(step))];
        }
        Some(StepOutcome::Fault { causes }) => {
            let seen = format!("the harness failed: {}", causes.join(": "));
            return vec![unknown(expected, show::cut(&seen), step_events(step))];
        }
        None => return vec![unknown(expected, "the Trace ends before the step does", step_events(step))],
    };
    let Some(what) = what else {
        return vec![unknown(expected, "the step awaits nothing", step_events(step))];
    };
    came(evidence, what, matched, matching, &expected, step)
}

/// What a step that ended well received, held against what it awaited: bytes are the evidence, not the step's word.
fn came(
    evidence: Evidence<'_>,
    what: &Expected,
    matched: Option<u64>,
    matching: Option<&Pattern>,
    expected: &str,
    step: &StepSeen<'_>,
) -> Vec<Finding> {
    let record = match what {
        // A connection that was there already has no event.
        Expected::Connected | Expected::Disconnected if matched.is_none() && matching.is_none() => {
            return vec![met(expected, "it came", step_events(step))];
        }
        Expected::Connected | Expected::Disconnected | Expected::Mtp(_) | Expected::Record(_) => {
            return sighted(evidence, what, matched, matching, expected, step);
        }
        Expected::ResponseTo(_) | Expected::Notify { .. } => matched.and_then(|seq| evidence.view.record_at(seq)),
    };
    let Some(record) = record else {
        return vec![unknown(expected, "the Trace does not hold the Record that came", step_events(step))];
    };
    let Some(body) = record.body().filter(|_| is_what(evidence, what, record)) else {
        let seen = format!("the Record that the step took for it is {}", record.name());
        return vec![unknown(expected, seen, vec![record.seq])];
    };
    let answered = match what {
        Expected::ResponseTo(of) => evidence.kind(of),
        _ => Some(MessageKind::Notify),
    };
    held(evidence, matching, body, answered, &record.name(), record.seq)
}

/// The same for an event of the MTP, or a Record whatever it carries.
fn sighted(
    evidence: Evidence<'_>,
    what: &Expected,
    matched: Option<u64>,
    matching: Option<&Pattern>,
    expected: &str,
    step: &StepSeen<'_>,
) -> Vec<Finding> {
    let events = &evidence.view.trace.events;
    let index = matched.and_then(|seq| events.iter().position(|event| event.seq == seq));
    let Some((index, event)) = index.and_then(|index| Some((index, events.get(index)?))) else {
        return vec![unknown(expected, "the Trace does not hold the event that came", step_events(step))];
    };
    let tls = evidence.view.trace.header.mtp_facts.as_ref().is_some_and(|facts| facts.tls);
    let shown = sighting::sighting(events, index, tls).filter(|shown| is_event(evidence, what, event, shown));
    let Some(shown) = shown else {
        return vec![unknown(expected, "the event that the step took for it is another", vec![event.seq])];
    };
    let name = match what {
        Expected::Mtp(MtpEvent::ConnectionAttempt) => "attempt",
        Expected::Connected | Expected::Mtp(MtpEvent::Connected) => "connection",
        Expected::Disconnected | Expected::Mtp(MtpEvent::Disconnected) => "end of the connection",
        Expected::Mtp(MtpEvent::Frame { .. }) => "frame",
        Expected::Mtp(MtpEvent::Packet { kind, .. }) => kind.name(),
        _ => "Record",
    };
    held(evidence, matching, &shown, None, name, event.seq)
}

/// Whether an event of the EUT is what a step awaits.
fn is_event(evidence: Evidence<'_>, what: &Expected, event: &Event, shown: &Value) -> bool {
    let came = |pattern: &Option<Pattern>| {
        let context = Context { variables: &evidence.view.variables, answered: None };
        pattern.as_ref().is_none_or(|pattern| pattern.is_match(shown, &context))
    };
    match (what, &event.what) {
        (Expected::Mtp(MtpEvent::ConnectionAttempt), What::Connection { state, .. }) => {
            *state == ConnectionState::Attempt
        }
        (Expected::Connected | Expected::Mtp(MtpEvent::Connected), What::Connection { state, .. }) => {
            *state == ConnectionState::Open
        }
        (Expected::Disconnected | Expected::Mtp(MtpEvent::Disconnected), What::Connection { state, .. }) => {
            matches!(state, ConnectionState::Closed | ConnectionState::Failed)
        }
        (Expected::Mtp(MtpEvent::Frame { kind, matching }), What::Frame { direction, kind: seen, .. }) => {
            *direction == Direction::Received && seen == kind.name() && came(matching)
        }
        (Expected::Mtp(MtpEvent::Packet { kind, matching }), What::Packet { direction, kind: seen, .. }) => {
            *direction == Direction::Received && seen == kind.name() && came(matching)
        }
        (Expected::Record(RecordEvent { kind, matching }), What::Record { direction, .. }) => {
            let record = evidence.view.record_at(event.seq);
            *direction == Direction::Received && record.is_some_and(|it| it.kind == Some(*kind)) && came(matching)
        }
        _ => false,
    }
}

/// Whether a Record is what a step awaits. An undefined variable makes it nothing.
fn is_what(evidence: Evidence<'_>, what: &Expected, record: &RecordSeen<'_>) -> bool {
    match what {
        Expected::ResponseTo(of) => {
            let asked = evidence.step(of).1.and_then(|step| evidence.view.sent_by(step).next());
            record.is_answer() && asked.is_some_and(|asked| asked.msg_id().is_none_or(|id| record.msg_id() == Some(id)))
        }
        Expected::Notify { subscription_id, matching } => {
            let Some(body) = record.body().filter(|_| record.content == Some(Content::Request(MessageKind::Notify)))
            else {
                return false;
            };
            let variables = &evidence.view.variables;
            let right_id = subscription_id.as_ref().is_none_or(|id| {
                template::substitute(id, variables)
                    .is_ok_and(|id| body.get("subscription_id") == Some(&Value::String(id)))
            });
            let context = Context { variables, answered: Some(MessageKind::Notify) };
            right_id && matching.as_ref().is_none_or(|pattern| pattern.is_match(body, &context))
        }
        Expected::Connected | Expected::Disconnected | Expected::Mtp(_) | Expected::Record(_) => false,
    }
}

fn not_received(evidence: Evidence<'_>, label: &str) -> Finding {
    let what = expected_of(evidence, label);
    let expected = what.map_or_else(
        || format!("what `{label}` forbids does not come"),
        |what| format!("no {} (`{label}`)", describe(evidence, what)),
    );
    let step = match evidence.ran(label, &expected) {
        Ok(step) => step,
        Err(finding) => return finding,
    };
    let Some(what) = what else {
        return unknown(expected, "the step forbids nothing", step_events(step));
    };
    let (by, awaits) = evidence
        .step(label)
        .0
        .map_or((Party::First, false), |step| (step.by, matches!(step.action, Action::Await { .. })));
    let here = |it: &&RecordSeen<'_>| step.spans(it.index) && evidence.view.party(it) == by;
    if let Some(record) = evidence.view.received().filter(here).find(|it| is_what(evidence, what, it)) {
        return unmet(expected, format!("{} came", record.name()), vec![record.seq]);
    }
    match step.outcome {
        Some(StepOutcome::Done { matched: None }) if awaits => unmet(expected, "it was there", step_events(step)),
        Some(StepOutcome::Done { matched: Some(seq) }) => unmet(expected, "it came", vec![*seq]),
        Some(StepOutcome::Done { matched: None } | StepOutcome::TimedOut { .. }) if was_deaf(evidence, what, step) => {
            unknown(expected, "there was no connection over which it could have come", step_events(step))
        }
        Some(StepOutcome::Done { matched: None } | StepOutcome::TimedOut { .. }) => {
            if let Some((why, events)) = evidence.unprovoked(step) {
                return unknown(expected, format!("it did not come, but {why}"), events);
            }
            let seen = format!("none within {}", show::seconds(step.lasted_ms().unwrap_or_default()));
            met(expected, seen, step_events(step))
        }
        Some(StepOutcome::NotReached { reason }) => {
            unknown(expected, show::cut(&format!("the step was not reached: {reason}")), step_events(step))
        }
        Some(StepOutcome::Fault { causes }) => {
            unknown(expected, show::cut(&format!("the harness failed: {}", causes.join(": "))), step_events(step))
        }
        None => unknown(expected, "the Trace ends before the step does", step_events(step)),
    }
}

/// Whether no Notify could have come while a step listened: every connection of the Trace had ended before it began, and no
/// other was opened before it ended. A session older than the Trace counts as open.
fn was_deaf(evidence: Evidence<'_>, what: &Expected, step: &StepSeen<'_>) -> bool {
    let ended = step.ended.map_or(usize::MAX, |ended| ended.index);
    let heard = |connection: &crate::view::ConnectionSeen<'_>| {
        let opened = connection.opened().unwrap_or(0) < ended;
        opened && connection.closed().is_none_or(|(closed, _)| closed > step.started.index)
    };
    let carried = |number: u32| evidence.view.records.iter().any(|record| record.connection == number);
    // What has begun can speak before it comes to a session.
    let begun = |number: u32| evidence.view.packets.iter().any(|packet| packet.connection == number);
    let known = || {
        let all = evidence.view.connections.iter();
        all.filter(|it| it.opened().is_some() || carried(it.number) || begun(it.number))
    };
    let is_sent = matches!(
        what,
        Expected::Notify { .. } | Expected::Record(_) | Expected::Mtp(MtpEvent::Frame { .. } | MtpEvent::Packet { .. })
    );
    is_sent && known().next().is_some() && !known().any(heard)
}

fn any(evidence: Evidence<'_>, checks: &[Check]) -> Vec<Finding> {
    let judged: Vec<_> = checks.iter().map(|inner| check(evidence, inner)).collect();
    let best = judged.iter().map(|findings| worst(findings)).min().unwrap_or(Outcome::Unmet);
    // The alternatives that fall short of the best one do not count, so they are not shown.
    let findings: Vec<_> = judged.into_iter().filter(|findings| worst(findings) == best).flatten().collect();
    if findings.is_empty() { vec![unmet("one of several", "there is none", Vec::new())] } else { findings }
}

/// What an `await` or `absent` step is about.
fn expected_of<'a>(evidence: Evidence<'a>, label: &str) -> Option<&'a Expected> {
    match &evidence.step(label).0?.action {
        Action::Await { what, .. } | Action::Absent { what, .. } => Some(what),
        _ => None,
    }
}

fn describe(evidence: Evidence<'_>, what: &Expected) -> String {
    match what {
        Expected::ResponseTo(of) => format!("answer to `{of}`"),
        Expected::Notify { subscription_id: Some(id), .. } => {
            let id = template::substitute_known(id, &evidence.view.variables);
            format!("Notify of subscription {}", show::quoted(&id))
        }
        Expected::Notify { subscription_id: None, .. } => "Notify".to_owned(),
        Expected::Connected => "connection of the EUT".to_owned(),
        Expected::Disconnected => "end of the EUT's connection".to_owned(),
        Expected::Mtp(MtpEvent::ConnectionAttempt) => "connection attempt of the EUT".to_owned(),
        Expected::Mtp(MtpEvent::Connected) => "new connection of the EUT".to_owned(),
        Expected::Mtp(MtpEvent::Disconnected) => "end of a connection of the EUT".to_owned(),
        Expected::Mtp(MtpEvent::Frame { kind, .. }) => format!("{} frame of the EUT", kind.name()),
        Expected::Mtp(MtpEvent::Packet { kind, .. }) => format!("{} of the EUT", kind.name()),
        Expected::Record(RecordEvent { kind, .. }) => format!("{} Record of the EUT", kind.field()),
    }
}
