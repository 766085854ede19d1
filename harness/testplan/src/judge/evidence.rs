//! What a Trace says about the steps of a case: what each asked, and what came in answer.
//!
//! The outcome of a question that was not answered as it should be is settled here, for metrics and rules alike: a step that
//! was not reached leaves it unknown, an EUT that was asked and did not answer in time, or with something else, is unmet.

use serde_json::Value;
use uspec_usp::{
    error_code,
    schema::{Content, MessageKind},
};

use super::finding::{unknown, unmet};
use crate::{
    case::{Action, ControllerAction, Expected, MqttAction, MtpAction, Step, StompAction, TestCase, UdsAction},
    show,
    trace::{Phase, StepOutcome, StepRef, What},
    verdict::Finding,
    view::{PacketSeen, RecordSeen, StepSeen, View, phase_name, steps_of_case},
};

/// A case and the Trace of one run of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Evidence<'a> {
    /// The case.
    pub(crate) case: &'a TestCase,
    /// The Trace.
    pub(crate) view: &'a View<'a>,
}

/// What came in answer to a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Answer<'a> {
    /// The Record that asked.
    pub(crate) asked: &'a RecordSeen<'a>,
    /// The Record that answered first.
    pub(crate) seen: &'a RecordSeen<'a>,
}

/// The right Response to a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reply<'a> {
    /// The kind of Request.
    pub(crate) kind: MessageKind,
    /// The Request's fields, as they were sent.
    pub(crate) request: &'a Value,
    /// The Response's fields.
    pub(crate) body: &'a Value,
    /// The event of the Response.
    pub(crate) seq: u64,
}

impl<'a> Evidence<'a> {
    /// The step with this label that exists over the MTP of the Trace, as the case has it and as the Trace shows it.
    pub(crate) fn step(&self, label: &str) -> (Option<&'a Step>, Option<&'a StepSeen<'a>>) {
        let seen = |(phase, index, step)| (step, self.view.step(phase, index, Some(label)));
        let steps: Vec<_> = steps_of_case(self.case, label).map(seen).collect();
        // What ran exists, whatever the Trace says of its MTP.
        let ran = steps.iter().find(|(_, ran)| ran.is_some());
        match ran.or_else(|| steps.iter().find(|(step, _)| self.exists(step))) {
            Some((step, ran)) => (Some(step), *ran),
            None => (None, None),
        }
    }

    /// Whether a step that did not run exists over the MTP of the Trace.
    pub(crate) fn exists(&self, step: &Step) -> bool {
        match &self.view.trace.header.mtp_facts {
            Some(facts) => step.exists_over(facts),
            None => step.when.is_none(),
        }
    }

    /// The step as the Trace shows it, or a finding that it did not run.
    pub(crate) fn ran(&self, label: &str, expected: &str) -> Result<&'a StepSeen<'a>, Finding> {
        let (step, ran) = self.step(label);
        ran.ok_or_else(|| {
            let why = if step.is_none() && steps_of_case(self.case, label).next().is_some() {
                format!("the step `{label}` does not exist over the MTP {}", self.view.trace.header.mtp)
            } else {
                format!("the step `{label}` did not run")
            };
            unknown(expected, why, Vec::new())
        })
    }

    /// The Record that a step sent.
    pub(crate) fn asked(&self, label: &str, expected: &str) -> Result<&'a RecordSeen<'a>, Finding> {
        let step = self.ran(label, expected)?;
        self.view.sent_by(step).next().ok_or_else(|| {
            let why = match step.outcome {
                Some(StepOutcome::NotReached { reason }) => {
                    format!("the step {} was not reached: {reason}", step.name())
                }
                Some(StepOutcome::Fault { causes }) => {
                    format!("the harness failed at step {}: {}", step.name(), causes.join(": "))
                }
                _ => format!("the Trace holds nothing that the step {} sent", step.name()),
            };
            unknown(expected, show::cut(&why), step_events(step))
        })
    }

    /// The first answer to what a step sent, in time.
    pub(crate) fn answer(&self, label: &str, expected: &str) -> Result<Answer<'a>, Finding> {
        let asked = self.asked(label, expected)?;
        let step = self.ran(label, expected)?;
        let end = match step.outcome {
            Some(StepOutcome::TimedOut { .. }) => step.ended.map(|ended| ended.index),
            _ => None,
        };
        let answers = self.answers_to(asked);
        match answers.iter().find(|seen| end.is_none_or(|end| seen.index < end)) {
            Some(seen) => Ok(Answer { asked, seen }),
            None => Err(self.unanswered(label, step, asked, expected)),
        }
    }

    /// Everything that answers a Record. Of malformed bytes no msg_id is left to compare: whatever answers nothing else answers
    /// them.
    pub(crate) fn answers_to(&self, asked: &RecordSeen<'a>) -> Vec<&'a RecordSeen<'a>> {
        if asked.msg_id().is_some_and(|id| !id.is_empty()) {
            return self.view.answers(asked);
        }
        let later = self.view.received().filter(|seen| seen.index > asked.index && seen.is_answer());
        later.filter(|seen| self.is_stray(seen)).collect()
    }

    /// Whether an answer belongs to nothing that we sent before it and whose msg_id is known.
    fn is_stray(&self, answer: &RecordSeen<'_>) -> bool {
        let id = answer.msg_id();
        !self.view.sent().any(|sent| sent.index < answer.index && sent.request().is_some() && sent.msg_id() == id)
    }

    /// The right Response to a step, or why there is none.
    pub(crate) fn response(&self, label: &str) -> Result<Reply<'a>, Finding> {
        let kind = self.kind(label);
        let expected = kind.map_or_else(|| "a Response".to_owned(), |kind| format!("{}", Content::Response(kind)));
        let expected = format!("{expected} to `{label}`");
        let answer = self.answer(label, &expected)?;
        let wrong = |seen: String| unmet(expected.as_str(), seen, vec![answer.asked.seq, answer.seen.seq]);
        let (Some(kind), Some(request)) = (answer.asked.request(), answer.asked.body()) else {
            let why = format!("what the step `{label}` sent is no Request");
            return Err(unknown(expected.as_str(), why, vec![answer.asked.seq]));
        };
        match (answer.seen.content, answer.seen.body()) {
            (Some(Content::Response(answered)), Some(body)) if answered == kind => {
                Ok(Reply { kind, request, body, seq: answer.seen.seq })
            }
            (Some(Content::Error), Some(body)) => Err(wrong(describe_error(body))),
            _ => Err(wrong(format!("{} came", answer.seen.name()))),
        }
    }

    /// The packet that carried the answer to a step, or the Record that a step awaited; or why there is none.
    pub(crate) fn carrier(&self, label: &str) -> Result<&'a PacketSeen<'a>, Finding> {
        let expected = format!("the packet that carried the answer to `{label}`");
        let awaits = matches!(self.step(label).0.map(|step| &step.action), Some(Action::Await { .. }));
        let record = if awaits {
            let expected = format!("the packet that carried what `{label}` awaits");
            self.awaited_record(label, &expected)?
        } else {
            self.answer(label, &expected)?.seen
        };
        self.view.carrier(record).ok_or_else(|| {
            unknown(expected, "the Trace does not hold the packet that carried the Record", vec![record.seq])
        })
    }

    /// The Record that a step awaited and that came.
    fn awaited_record(&self, label: &str, expected: &str) -> Result<&'a RecordSeen<'a>, Finding> {
        let step = self.ran(label, expected)?;
        match step.outcome {
            Some(StepOutcome::Done { matched: Some(seq) }) => self
                .view
                .record_at(*seq)
                .ok_or_else(|| unknown(expected, "the Trace does not hold the Record that came", vec![*seq])),
            Some(StepOutcome::TimedOut { waited_ms }) => {
                if let Some((why, events)) = self.unprovoked(step) {
                    return Err(unknown(expected, format!("it did not come, but {why}"), events));
                }
                let seen = format!("it did not come within {}", show::seconds(*waited_ms));
                Err(unmet(expected, seen, step_events(step)))
            }
            _ => Err(unknown(expected, format!("the step {} did not come to its end", step.name()), step_events(step))),
        }
    }

    /// What a step of the case does; `None` for the runner's own.
    pub(crate) fn action(&self, step: &StepRef) -> Option<&'a Action> {
        let steps = match step.phase {
            Phase::BringUp => return None,
            Phase::Setup => &self.case.setup,
            Phase::Procedure => &self.case.procedure,
            Phase::CleanUp => &self.case.cleanup,
        };
        steps.get(step.index).filter(|found| found.label == step.label).map(|found| &found.action)
    }

    /// What kind of Request a step sends.
    pub(crate) fn kind(&self, label: &str) -> Option<MessageKind> {
        let (step, seen) = self.step(label);
        let sent = seen.and_then(|step| self.view.sent_by(step).next()).and_then(RecordSeen::request);
        sent.or_else(|| match &step?.action {
            Action::Request { kind, .. } => Some(*kind),
            Action::Send(record) => record.message.as_ref().map(|(kind, _)| *kind),
            _ => None,
        })
    }

    /// Why nothing had to come while a step awaited or forbade an event: the last step before it that acts, and from which on the event
    /// counts, did not come to act. Then the EUT was never put into the situation, and silence says nothing. With the events that show it.
    pub(crate) fn unprovoked(&self, step: &StepSeen<'_>) -> Option<(String, Vec<u64>)> {
        let (Action::Await { what, .. } | Action::Absent { what, .. }) = self.action(step.step)? else { return None };
        let counts = |it: &Step| match what {
            // What was sent is named, so that the steps between do not matter.
            Expected::ResponseTo(_) => false,
            Expected::Notify { .. } => it.action.may_notify(),
            Expected::Connected | Expected::Disconnected | Expected::Mtp(_) | Expected::Record(_) => it.action.acts(),
        };
        let phases = [(Phase::Setup, &self.case.setup), (Phase::Procedure, &self.case.procedure)];
        let place = (step.step.phase, step.step.index);
        let before = phases.into_iter().flat_map(|(phase, steps)| {
            steps.iter().enumerate().map(move |(index, step)| (phase, index, step, self.step_at(phase, index, step)))
        });
        let before = before.filter(|(phase, index, ..)| (*phase, *index) < place);
        let mut there = before.filter(|(_, _, it, seen)| counts(it) && (seen.is_some() || self.exists(it)));
        let (phase, index, last, seen) = there.next_back()?;
        let Some(seen) = seen else {
            let nth = index.saturating_add(1);
            return Some((format!("{} step {nth}, which acts, did not run", phase_name(phase)), step_events(step)));
        };
        let why = self.not_acted(&last.action, seen)?;
        Some((show::cut(&format!("the step {} {why}", seen.name())), step_events(seen)))
    }

    fn step_at(&self, phase: Phase, index: usize, step: &Step) -> Option<&'a StepSeen<'a>> {
        self.view.step(phase, index, step.label.as_deref())
    }

    /// Why a step that acts did not come to act; `None` when it did. A Record that went out did, whatever came of it.
    fn not_acted(&self, action: &Action, step: &StepSeen<'_>) -> Option<String> {
        match step.outcome {
            Some(StepOutcome::Fault { causes }) => {
                Some(format!("failed because of the harness: {}", causes.join(": ")))
            }
            Some(StepOutcome::Done { .. } | StepOutcome::TimedOut { .. }) => None,
            _ if matches!(action, Action::Request { .. } | Action::Send(_))
                && self.view.sent_by(step).next().is_some() =>
            {
                None
            }
            Some(StepOutcome::NotReached { reason }) => Some(format!("was not reached: {reason}")),
            None => Some("does not end in the Trace".to_owned()),
        }
    }

    /// The steps that waited for an answer to `label`, or saw to it that none comes, other than itself.
    pub(crate) fn waited_for(&self, label: &str) -> Vec<&'a StepSeen<'a>> {
        let waits = |step: &Step| match &step.action {
            Action::Await { what: Expected::ResponseTo(of), .. }
            | Action::Absent { what: Expected::ResponseTo(of), .. } => of == label,
            _ => false,
        };
        let phases = [(Phase::Setup, &self.case.setup), (Phase::Procedure, &self.case.procedure)];
        let steps = phases.into_iter().flat_map(|(phase, steps)| {
            steps.iter().enumerate().filter(|(_, step)| waits(step)).map(move |(index, step)| (phase, index, step))
        });
        steps.filter_map(|(phase, index, step)| self.view.step(phase, index, step.label.as_deref())).collect()
    }

    /// How long it was seen that no answer to `label` comes, in milliseconds; `None` when nobody waited to the end.
    pub(crate) fn silence_ms(&self, label: &str, step: &StepSeen<'_>) -> Option<u64> {
        let own = match step.outcome {
            Some(StepOutcome::TimedOut { waited_ms }) => Some(*waited_ms),
            _ => None,
        };
        let done = |step: &StepSeen<'_>| {
            matches!(step.outcome, Some(StepOutcome::TimedOut { .. } | StepOutcome::Done { matched: None }))
        };
        let others = self.waited_for(label).into_iter().filter(|step| done(step)).filter_map(StepSeen::lasted_ms);
        own.into_iter().chain(others).max()
    }

    fn unanswered(&self, label: &str, step: &StepSeen<'_>, asked: &RecordSeen<'_>, expected: &str) -> Finding {
        let late = self.view.answers(asked).first().map(|seen| seen.seq);
        let closed = self.closed_after(asked);
        if let Some(waited) = self.silence_ms(label, step) {
            let mut seen = format!("no answer within {}", show::seconds(waited));
            let mut events = vec![asked.seq];
            if let Some(late) = late {
                seen.push_str("; one came later");
                events.push(late);
            } else if let Some((how, at)) = closed {
                seen = format!("{seen}; the connection was {how}");
                events.push(at);
            } else if let Some(odd) = self.undecodable_after(asked, step) {
                seen = format!("{seen}; what came is a {}", odd.name());
                events.push(odd.seq);
            }
            return unmet(expected, seen, events);
        }
        match (step.outcome, closed) {
            (Some(StepOutcome::NotReached { .. }), Some((how, at))) => {
                unmet(expected, format!("no answer: the connection was {how}"), vec![asked.seq, at])
            }
            (Some(StepOutcome::NotReached { reason }), None) => unknown(
                expected,
                show::cut(&format!("the wait for the answer was cut short: {reason}")),
                vec![asked.seq],
            ),
            (Some(StepOutcome::Fault { causes }), _) => {
                unknown(expected, show::cut(&format!("the harness failed: {}", causes.join(": "))), vec![asked.seq])
            }
            (Some(_), _) => unknown(expected, "no step waited for an answer", vec![asked.seq]),
            (None, _) => unknown(expected, "the Trace ends before an answer could come", vec![asked.seq]),
        }
    }

    /// Whether the connection that carried a Record ended afterwards, and was not ended by a step of ours.
    fn closed_after(&self, asked: &RecordSeen<'_>) -> Option<(&'static str, u64)> {
        let connection = self.view.connection(asked.connection)?;
        let (index, event) = connection.closed().filter(|(index, _)| *index > asked.index)?;
        let ours = self.view.trace.events.get(asked.index..index).unwrap_or_default().iter();
        let by_us = ours.clone().any(|event| match &event.what {
            What::Eut { .. } => true,
            What::StepStarted { step, .. } => self.action(step).is_some_and(ends_connections),
            _ => false,
        });
        let state = match &event.what {
            What::Connection { state, .. } => *state,
            _ => return None,
        };
        let how = if state == crate::trace::ConnectionState::Failed { "broken" } else { "closed" };
        (!by_us).then_some((how, event.seq))
    }

    fn undecodable_after(&self, asked: &RecordSeen<'_>, step: &StepSeen<'_>) -> Option<&'a RecordSeen<'a>> {
        let broken = |seen: &&RecordSeen<'_>| {
            seen.record.value.is_none() || seen.message.as_ref().is_some_and(|message| message.value.is_none())
        };
        self.view.received().filter(|seen| seen.index > asked.index && step.spans(seen.index)).find(broken)
    }
}

/// Whether an action of ours can end connections: by itself, or because a right EUT then does.
pub(crate) fn ends_connections(action: &Action) -> bool {
    match action {
        Action::Eut(_) | Action::Controller(_) => true,
        // Where and how a Record of ours is published is no reason to end a connection.
        Action::Mtp(action) => !matches!(
            action,
            MtpAction::Ping(_)
                | MtpAction::Pong(_)
                | MtpAction::Accept
                | MtpAction::Delay(_)
                | MtpAction::Mqtt(MqttAction::Publish(_))
                | MtpAction::Stomp(StompAction::Message(_))
        ),
        Action::Request { .. } | Action::Send(_) | Action::Await { .. } | Action::Absent { .. } | Action::Wait(_) => {
            false
        }
    }
}

/// Whether what an action of ours changes lasts, so that a right EUT may end connections that open later.
pub(crate) fn disturbs_later_connections(action: &Action) -> bool {
    match action {
        Action::Controller(ControllerAction::Certificate(_)) => true,
        Action::Mtp(action) => match action {
            MtpAction::Refuse(_) | MtpAction::Handshake { .. } | MtpAction::Fragment(_) => true,
            MtpAction::Mqtt(action) => {
                matches!(action, MqttAction::Connack(_) | MqttAction::Suback(_) | MqttAction::Withhold(_))
            }
            MtpAction::Stomp(action) => {
                matches!(action, StompAction::Connected(_) | StompAction::WithholdReceipts | StompAction::WithholdBeats)
            }
            MtpAction::Uds(action) => matches!(action, UdsAction::Handshake(_)),
            _ => false,
        },
        _ => false,
    }
}

/// The events that show a step.
pub(crate) fn step_events(step: &StepSeen<'_>) -> Vec<u64> {
    let mut events = vec![step.started.seq];
    events.extend(step.ended.map(|ended| ended.seq).filter(|seq| *seq != step.started.seq));
    events
}

/// An Error's fields in one line: its code with its name, its text, and its `param_errs`.
pub(crate) fn describe_error(body: &Value) -> String {
    let code = |value: &Value| {
        let code = value.get("err_code").and_then(Value::as_u64).and_then(|code| u32::try_from(code).ok());
        code.map_or_else(|| "without a code".to_owned(), error_code::describe)
    };
    let text = |value: &Value| value.get("err_msg").and_then(Value::as_str).map(show::quoted).unwrap_or_default();
    let mut line = format!("Error {} {}", code(body), text(body));
    for param in body.get("param_errs").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default() {
        let path = param.get("param_path").and_then(Value::as_str).unwrap_or_default();
        line = format!("{line}; {}: {} {}", show::cut(path), code(param), text(param));
    }
    show::cut(&line)
}
