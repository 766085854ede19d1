//! Plays one case: setup, procedure, clean-up. Acts and records; whether any of it is good is for the judge.

mod eut;
mod limits;
mod text;
mod wait;

use crate::{
    bounds::after,
    capture,
    controller::{
        Controller, SendFailure, Sent,
        inbox::{Addressing, AnswerSeen},
    },
    outgoing::{BuildError, Envelope, build_send, joined},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;
use uspec_testplan::{
    case::{Action, Send, Step, TestCase},
    pattern::Context,
    template::{placeholders_in, substitute_in},
    trace::{Phase, StepOutcome, StepRef, What},
};
use uspec_usp::{json::encode_body, schema::MessageKind};

pub(crate) use limits::{case_bound, phase_bound};

/// One case being played.
#[derive(Debug)]
pub(crate) struct Play<'a> {
    controller: &'a mut Controller,
    case: &'a TestCase,
    /// What labelled steps have sent.
    asked: BTreeMap<String, Asked>,
    /// Why a variable has no value.
    missing: BTreeMap<String, String>,
    /// When the last step that acts began: what an `absent` step forbids must not come from then on.
    acted: Instant,
    /// The steps that began.
    begun: BTreeSet<(Phase, usize)>,
}

/// What a labelled step has sent.
#[derive(Debug, Clone)]
struct Asked {
    msg_id: String,
    sent: Option<Sent>,
}

/// How a step ended, and what came in answer.
#[derive(Debug)]
struct Ended {
    outcome: StepOutcome,
    answer: Option<(bool, Value)>,
}

impl<'a> Play<'a> {
    /// A case that has not begun.
    pub(crate) fn new(controller: &'a mut Controller, case: &'a TestCase) -> Self {
        Self {
            controller,
            case,
            asked: BTreeMap::new(),
            missing: BTreeMap::new(),
            acted: Instant::now(),
            begun: BTreeSet::new(),
        }
    }

    /// The Controller that plays it.
    pub(crate) fn controller(&mut self) -> &mut Controller {
        self.controller
    }

    /// Plays setup and procedure. The procedure of a case whose setup was not reached says nothing, and does not run.
    pub(crate) async fn setup_and_procedure(&mut self) {
        let case = self.case;
        for (index, step) in case.setup.iter().enumerate() {
            if let Err(why) = self.set_up(index, step).await {
                self.skip_rest(&format!("the setup was not reached: step {} {why}", index.saturating_add(1)));
                return;
            }
        }
        for (index, step) in case.procedure.iter().enumerate() {
            self.run(Phase::Procedure, index, step).await;
        }
    }

    /// Plays the clean-up. A step that refers to what never came about has nothing to clean up and leaves no trace.
    pub(crate) async fn clean_up(&mut self) {
        let case = self.case;
        for (index, step) in case.cleanup.iter().enumerate() {
            if self.undefined_in(step).is_none() {
                self.run(Phase::CleanUp, index, step).await;
            }
        }
    }

    /// Ends what is under way and writes down that the steps before the clean-up that have not begun will not.
    pub(crate) fn skip_rest(&mut self, reason: &str) {
        self.controller.recorder.interrupt(reason);
        let case = self.case;
        for (phase, steps) in [(Phase::Setup, &case.setup), (Phase::Procedure, &case.procedure)] {
            self.skip(phase, steps, reason);
        }
    }

    /// The same for the clean-up.
    pub(crate) fn skip_clean_up(&mut self, reason: &str) {
        self.controller.recorder.interrupt(reason);
        let case = self.case;
        self.skip(Phase::CleanUp, &case.cleanup, reason);
    }

    fn skip(&mut self, phase: Phase, steps: &[Step], reason: &str) {
        for (index, step) in steps.iter().enumerate() {
            let needless = phase == Phase::CleanUp && self.undefined_in(step).is_some();
            if needless || !self.begun.insert((phase, index)) {
                continue;
            }
            let place = step_ref(phase, index, step);
            self.controller.recorder.step_started(&place, text::action(step));
            self.controller.recorder.step_ended(&place, not_reached(reason));
        }
    }

    /// One step of the setup; the error says why the state in which the procedure may begin is not reached.
    async fn set_up(&mut self, index: usize, step: &Step) -> Result<(), String> {
        let Ended { outcome, answer } = self.run(Phase::Setup, index, step).await;
        match outcome {
            StepOutcome::Done { matched: Some(_) } if matches!(step.action, Action::Absent { .. }) => {
                return Err("saw what must not come".to_owned());
            }
            StepOutcome::Done { .. } => {}
            StepOutcome::TimedOut { .. } => return Err("waited in vain".to_owned()),
            StepOutcome::NotReached { reason } => return Err(format!("was not reached ({reason})")),
            StepOutcome::Fault { causes } => return Err(format!("could not be done ({})", causes.join(": "))),
        }
        if let Some(lost) = step.capture.iter().find_map(|capture| self.missing.get(&capture.name)) {
            return Err(lost.clone());
        }
        let Some((is_error, body)) = answer else { return Ok(()) };
        if is_error {
            return Err("was answered with an Error".to_owned());
        }
        let Action::Request { kind, .. } = &step.action else { return Ok(()) };
        let context = Context { variables: &self.controller.variables, answered: Some(*kind) };
        match &step.matching {
            Some(pattern) if !pattern.is_match(&body, &context) => {
                Err("was answered otherwise than it needs".to_owned())
            }
            _ => Ok(()),
        }
    }

    async fn run(&mut self, phase: Phase, index: usize, step: &Step) -> Ended {
        let place = step_ref(phase, index, step);
        self.begun.insert((phase, index));
        self.controller.recorder.step_started(&place, text::action(step));
        let ended = self.act(&place, step).await;
        self.controller.inbox.done((phase, index));
        if let Some((_, body)) = &ended.answer {
            self.capture(&place, step, body);
        } else {
            let why = format!("step {} yielded no answer to take it from", text::place(&place));
            self.without_captures(step, &why);
        }
        self.controller.recorder.step_ended(&place, ended.outcome.clone());
        ended
    }

    async fn act(&mut self, place: &StepRef, step: &Step) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        match &step.action {
            Action::Request { kind, body } => {
                self.acted = Instant::now();
                self.request(place, step, *kind, body).await
            }
            Action::Send(send) => {
                self.acted = Instant::now();
                plain(self.send(place, step, send).await)
            }
            Action::Await { what, .. } => self.await_what(place, what, step.within).await,
            Action::Absent { what, lasting } => plain(self.absent(what, *lasting).await),
            Action::Wait(duration) => {
                self.controller.idle_until(after(Instant::now(), *duration)).await;
                plain(done(None))
            }
            Action::Eut(action) => {
                self.acted = Instant::now();
                plain(self.eut(place, *action).await)
            }
        }
    }

    async fn request(&mut self, place: &StepRef, step: &Step, kind: MessageKind, body: &Value) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        let body = match substitute_in(body, &self.controller.variables) {
            Ok(body) => body,
            Err(undefined) => return plain(not_reached(&self.why_undefined(&undefined.name))),
        };
        let msg_id = self.controller.next_msg_id();
        let message = match encode_body(kind, &msg_id, &body) {
            Ok(message) => message,
            Err(errors) => return plain(fault(["the Request cannot be built".to_owned(), joined(&errors)])),
        };
        let sent = match self
            .hand_over(place, step, &msg_id, Addressing::Strict, |envelope| Ok(envelope.wrap(message.clone())))
            .await
        {
            Ok(sent) => sent,
            Err(outcome) => return plain(outcome),
        };
        self.restart_if_it_ends(kind, &body);
        let limit = limits::answer_limit(step, &self.controller.timing);
        self.answered(&msg_id, sent, sent.at, after(sent.at, limit)).await
    }

    /// Waits for an answer, from `begun` to `limit`.
    async fn answered(&mut self, msg_id: &str, sent: Sent, begun: Instant, limit: Instant) -> Ended {
        if let Some(AnswerSeen { seq, body, is_error }) = self.controller.answer(msg_id, sent, limit).await {
            return Ended { outcome: done(Some(seq)), answer: Some((is_error, body)) };
        }
        self.note_lost_connection(sent);
        Ended { outcome: timed_out(begun), answer: None }
    }

    async fn send(&mut self, place: &StepRef, step: &Step, send: &Send) -> StepOutcome {
        let msg_id = self.controller.next_msg_id();
        let variables = self.controller.variables.clone();
        let build = |envelope: &Envelope| build_send(send, &msg_id, envelope, &variables);
        match self.hand_over(place, step, &msg_id, Addressing::Any, build).await {
            Ok(_) => done(None),
            Err(outcome) => outcome,
        }
    }

    /// Paces, waits for the EUT's connection, builds the Record and sends it.
    async fn hand_over(
        &mut self,
        place: &StepRef,
        step: &Step,
        msg_id: &str,
        addressing: Addressing,
        build: impl Fn(&Envelope) -> Result<Vec<u8>, BuildError>,
    ) -> Result<Sent, StepOutcome> {
        let remember = |play: &mut Self, sent| {
            if let Some(label) = &step.label {
                play.asked.insert(label.clone(), Asked { msg_id: msg_id.to_owned(), sent });
            }
        };
        remember(self, None);
        self.controller.pause().await;
        let record = build(&self.controller.envelope()).map_err(|error| match error {
            BuildError::Undefined(undefined) => not_reached(&self.why_undefined(&undefined.name)),
            BuildError::Unfit(text) => fault(["the Record cannot be built".to_owned(), text]),
        })?;
        self.controller.expect(msg_id, addressing);
        match self.controller.send(place, record).await {
            Ok(sent) => {
                remember(self, Some(sent));
                Ok(sent)
            }
            Err(SendFailure::NotConnected(reason) | SendFailure::Lost(reason)) => Err(not_reached(&reason)),
        }
    }

    fn note_lost_connection(&mut self, sent: Sent) {
        if self.controller.is_open(sent.connection) {
            return;
        }
        let back = if self.controller.current().is_some() {
            "; the EUT came back on another, but did not answer there"
        } else {
            ""
        };
        let text = format!("connection {} ended before an answer came on it{back}", sent.connection);
        self.controller.recorder.note(text);
    }

    fn capture(&mut self, place: &StepRef, step: &Step, body: &Value) {
        for wanted in &step.capture {
            match capture::take(body, &wanted.path) {
                Ok(value) => {
                    self.missing.remove(&wanted.name);
                    if let Some(instance) = capture::instance(&value) {
                        self.define(format!("{}.instance", wanted.name), instance);
                    }
                    self.define(wanted.name.clone(), value);
                }
                Err(why) => {
                    let why =
                        format!("step {} did not yield `{}`: {why} in its answer", text::place(place), wanted.name);
                    self.controller.recorder.note(why.clone());
                    self.undefine(&wanted.name, &why);
                }
            }
        }
    }

    fn without_captures(&mut self, step: &Step, why: &str) {
        for wanted in &step.capture {
            self.undefine(&wanted.name, why);
        }
    }

    fn define(&mut self, name: String, value: String) {
        self.controller.recorder.now(What::Captured { name: name.clone(), value: value.clone() });
        self.controller.variables.insert(name, value);
    }

    /// A value from before must not stand in for one that did not come.
    fn undefine(&mut self, name: &str, why: &str) {
        self.controller.variables.remove(name);
        self.controller.variables.remove(&format!("{name}.instance"));
        self.missing.insert(name.to_owned(), why.to_owned());
    }

    fn why_undefined(&self, name: &str) -> String {
        let captured = name.strip_suffix(".instance").unwrap_or(name);
        match self.missing.get(captured) {
            Some(why) if captured == name => why.clone(),
            Some(why) => format!("`{name}` has no value: {why}"),
            None => format!("`{name}` has no value: {}", self.controller.no_value_reason(captured)),
        }
    }

    /// The first variable of a step that has no value.
    fn undefined_in(&self, step: &Step) -> Option<String> {
        let names = match &step.action {
            Action::Request { body, .. } => placeholders_in(body),
            Action::Send(send) => {
                let bodies = send.message.iter().flat_map(|(_, body)| placeholders_in(body));
                bodies.chain(send.record.values().flat_map(placeholders_in)).collect()
            }
            Action::Await { .. } | Action::Absent { .. } | Action::Wait(_) | Action::Eut(_) => Vec::new(),
        };
        names.into_iter().find(|name| !self.controller.variables.contains_key(name))
    }
}

fn step_ref(phase: Phase, index: usize, step: &Step) -> StepRef {
    StepRef { phase, index, label: step.label.clone() }
}

fn done(matched: Option<u64>) -> StepOutcome {
    StepOutcome::Done { matched }
}

fn not_reached(reason: &str) -> StepOutcome {
    StepOutcome::NotReached { reason: reason.to_owned() }
}

fn fault<T: Into<String>>(causes: impl IntoIterator<Item = T>) -> StepOutcome {
    StepOutcome::Fault { causes: causes.into_iter().map(Into::into).collect() }
}

fn timed_out(since: Instant) -> StepOutcome {
    StepOutcome::TimedOut { waited_ms: millis(since.elapsed()) }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
