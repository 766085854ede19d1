//! Plays one case: setup, procedure, clean-up. Acts and records; whether any of it is good is for the judge.

mod controller;
mod created;
mod eut;
mod exchange;
mod limits;
mod mtp;
mod text;
mod wait;

use crate::{
    bounds::after,
    capture,
    controller::{Controller, Sent, sightings::Mark},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};
use tokio::time::Instant;
use uspec_mtp::event::ConnectionId;
use uspec_testplan::{
    case::{Action, Lapse, LapseError, Party, Step, TestCase},
    pattern::Context,
    template::{base, placeholders_in, value},
    trace::{Phase, StepOutcome, StepRef, What},
};

pub(crate) use created::Created;
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
    /// When the last step that acts began: a change of the connection that an `absent` step forbids must not come from then on.
    acted: Instant,
    /// The same, among the events of the MTP.
    since: Mark,
    /// The steps that began.
    begun: BTreeSet<(Phase, usize)>,
    /// What the case has created and not deleted again.
    created: Created,
    /// Whose end of the MTP behaves otherwise than usual.
    changed: Vec<Party>,
    /// Connections that a step has opened beside the usual one.
    extra: Vec<ConnectionId>,
    /// The first Controller shows another certificate than its own.
    certificate_changed: bool,
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
            since: Mark::default(),
            begun: BTreeSet::new(),
            created: Created::default(),
            changed: Vec::new(),
            extra: Vec::new(),
            certificate_changed: false,
        }
    }

    /// The Controller that plays it.
    pub(crate) fn controller(&mut self) -> &mut Controller {
        self.controller
    }

    /// What the case has created and not deleted again.
    pub(crate) fn created(&self) -> Created {
        self.created.clone()
    }

    /// Plays setup and procedure. The procedure of a case whose setup was not reached says nothing, and does not run.
    pub(crate) async fn setup_and_procedure(&mut self) {
        let case = self.case;
        for (index, step) in self.there(&case.setup) {
            if let Err(why) = self.set_up(index, step).await {
                self.skip_rest(&format!("the setup was not reached: step {} {why}", index.saturating_add(1)));
                return;
            }
        }
        for (index, step) in self.there(&case.procedure) {
            self.run(Phase::Procedure, index, step).await;
        }
    }

    /// Plays the clean-up. A step that refers to what never came about has nothing to clean up and leaves no trace.
    pub(crate) async fn clean_up(&mut self) {
        let case = self.case;
        for (index, step) in self.there(&case.cleanup) {
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
        for (index, step) in self.there(steps) {
            let needless = phase == Phase::CleanUp && self.undefined_in(step).is_some();
            if needless || !self.begun.insert((phase, index)) {
                continue;
            }
            let place = step_ref(phase, index, step);
            self.controller.recorder.step_started(&place, text::action(step));
            self.controller.recorder.step_ended(&place, not_reached(reason));
        }
    }

    /// The steps that exist over this MTP, each with its place.
    fn there<'s>(&self, steps: &'s [Step]) -> Vec<(usize, &'s Step)> {
        steps.iter().enumerate().filter(|(_, step)| step.exists_over(&self.controller.facts)).collect()
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
        // What has happened already happened before the step.
        self.controller.drain();
        self.controller.recorder.step_started(&place, text::action(step));
        let mut ended = self.act(&place, step).await;
        ended.outcome = self.blamed(ended.outcome);
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

    /// What could not be done while the EUT is away because its program did not start it again is our environment's fault.
    fn blamed(&self, outcome: StepOutcome) -> StepOutcome {
        match (&outcome, &self.controller.start_failure) {
            (StepOutcome::TimedOut { .. } | StepOutcome::NotReached { .. }, Some(failure)) => {
                let first = "the EUT ended by itself and could not be started again".to_owned();
                fault([first].into_iter().chain(failure.causes.iter().cloned()))
            }
            _ => outcome,
        }
    }

    async fn act(&mut self, place: &StepRef, step: &Step) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        if step.action.acts() {
            self.acted = Instant::now();
            self.since = self.controller.inbox.sightings.mark();
        }
        if step.action.may_notify() {
            self.controller.inbox.begin_anew();
        }
        match &step.action {
            Action::Request { kind, body } => self.request(place, step, *kind, body).await,
            Action::Send(send) => plain(self.send(place, step, send).await),
            Action::Await { what, .. } => self.await_what(place, step, what).await,
            Action::Absent { what, lasting } => match self.resolved(lasting.as_ref()) {
                Ok(lasting) => {
                    let lasting = lasting.unwrap_or(self.controller.timing.silence);
                    plain(self.absent(step.by, what, lasting).await)
                }
                Err(outcome) => plain(outcome),
            },
            Action::Wait(lapse) => match self.resolved(Some(lapse)) {
                Ok(duration) => {
                    let limit = after(Instant::now(), duration.unwrap_or_default());
                    self.controller.idle_until(limit).await;
                    plain(done(None))
                }
                Err(outcome) => plain(outcome),
            },
            Action::Eut(action) => plain(self.eut(place, *action).await),
            Action::Mtp(action) => plain(self.mtp(step.by, action).await),
            Action::Controller(action) => plain(self.controllers(*action).await),
        }
    }

    /// How long that is now; an EUT's value that makes it none is why the step is not reached.
    fn resolved(&self, lapse: Option<&Lapse>) -> Result<Option<Duration>, StepOutcome> {
        let resolved = lapse.map(|lapse| lapse.resolve(&self.controller.variables)).transpose();
        resolved.map_err(|error| match error {
            LapseError::Undefined(undefined) => not_reached(&self.why_undefined(&undefined.name)),
            wrong @ LapseError::NoDuration { .. } => not_reached(&wrong.to_string()),
        })
    }

    fn capture(&mut self, place: &StepRef, step: &Step, body: &Value) {
        for wanted in &step.capture {
            match capture::take(body, &wanted.path) {
                Ok(value) => {
                    self.missing.remove(&wanted.name);
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
        self.missing.insert(name.to_owned(), why.to_owned());
    }

    fn why_undefined(&self, name: &str) -> String {
        let captured = base(name);
        match self.missing.get(captured) {
            Some(why) if captured == name => why.clone(),
            Some(why) => format!("`{name}` has no value: {why}"),
            None => format!("`{name}` has no value: {}", self.controller.no_value_reason(captured)),
        }
    }

    /// The first variable of a step that has no value.
    fn undefined_in(&self, step: &Step) -> Option<String> {
        let mut names = match &step.action {
            Action::Request { body, .. } => placeholders_in(body),
            Action::Send(send) => {
                let bodies = send.message.iter().flat_map(|(_, body)| placeholders_in(body));
                bodies.chain(send.record.values().flat_map(placeholders_in)).collect()
            }
            Action::Wait(lapse) => lapse.placeholders(),
            Action::Mtp(action) => action.placeholders(),
            Action::Await { .. } | Action::Absent { .. } | Action::Eut(_) | Action::Controller(_) => Vec::new(),
        };
        names.extend(step.within.iter().flat_map(Lapse::placeholders));
        names.into_iter().find(|name| value(name, &self.controller.variables).is_none())
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
