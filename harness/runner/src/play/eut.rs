//! `eut`: reboots, starts, stops, power-cycles the device, or puts it back to factory settings, and waits until it is back.

use super::{Play, done, fault, not_reached, timed_out};
use crate::{
    bounds::{PROGRAM_LIMIT, after},
    control::{ControlFault, Method, name},
    controller::{
        SendFailure,
        inbox::{Addressing, AnswerSeen},
    },
    outgoing::{joined, operate},
};
use serde_json::Value;
use std::sync::Arc;
use tokio::time::Instant;
use uspec_testplan::{
    case::{EutAction, Party},
    trace::{StepOutcome, StepRef, What},
};
use uspec_usp::{json::encode_body, schema::MessageKind};

impl Play<'_> {
    pub(super) async fn eut(&mut self, place: &StepRef, action: EutAction) -> StepOutcome {
        let begun = Instant::now();
        let was_up = self.controller.current().is_some();
        let acted = match self.controller.control.method(action) {
            Method::Missing => Err(fault([format!("the profile does not say how to do {} on this EUT", name(action))])),
            Method::Direct => self.perform(action).await,
            Method::UspCommand { command, start_after } => self.command(place, action, &command, start_after).await,
        };
        if let Err(outcome) = acted {
            return outcome;
        }
        match action {
            EutAction::Stop => self.until_gone(begun).await,
            // Starting what runs already changes nothing.
            EutAction::Start if was_up => done(None),
            EutAction::Start | EutAction::Reboot | EutAction::PowerCycle | EutAction::FactoryReset => {
                self.until_back(begun).await
            }
        }
    }

    /// The EUT ends after its answer to such a command; the profile's program starts it again.
    pub(super) fn restart_if_it_ends(&mut self, kind: MessageKind, body: &Value) {
        if kind != MessageKind::Operate {
            return;
        }
        let asked = body.get("command").and_then(Value::as_str);
        let ends = [EutAction::Reboot, EutAction::FactoryReset].into_iter().any(|action| {
            matches!(self.controller.control.method(action), Method::UspCommand { command, start_after: true } if asked == Some(&command))
        });
        if ends {
            self.controller.start_when_gone();
        }
    }

    async fn perform(&mut self, action: EutAction) -> Result<(), StepOutcome> {
        let control = Arc::clone(&self.controller.control);
        let limit = Instant::now() + PROGRAM_LIMIT;
        let hung = || Err(ControlFault::new([format!("{} did not end within {PROGRAM_LIMIT:?}", name(action))]));
        let outcome = self.controller.drive(control.perform(action), limit).await.unwrap_or_else(hung);
        let (text, ok) = match &outcome {
            Ok(line) => (line.clone(), true),
            Err(fault) => (fault.to_string(), false),
        };
        self.controller.recorder.now(What::Eut { action: name(action).to_owned(), outcome: text, ok });
        outcome.map(|_| ()).map_err(|control_fault| {
            let mut causes = vec![format!("{} failed", name(action))];
            causes.extend(control_fault.causes);
            fault(causes)
        })
    }

    /// Sends the Operate. Its answer is not insisted on: the EUT may be gone before it is out; that it goes is what counts.
    async fn command(
        &mut self,
        place: &StepRef,
        action: EutAction,
        command: &str,
        start_after: bool,
    ) -> Result<(), StepOutcome> {
        let msg_id = self.controller.next_msg_id();
        let message = encode_body(MessageKind::Operate, &msg_id, &operate(command, &msg_id));
        let message = message.map_err(|errors| fault(["the Operate cannot be built".to_owned(), joined(&errors)]))?;
        self.controller.pause().await;
        self.controller.expect(Party::First, &msg_id, Addressing::Strict);
        let record = self.controller.envelope(Party::First).wrap(message);
        let sent = match self.controller.send(Party::First, place, record).await {
            Ok(sent) => sent,
            Err(SendFailure::NotConnected(reason) | SendFailure::Lost(reason)) => return Err(not_reached(&reason)),
        };
        if start_after {
            self.controller.start_when_gone();
        }
        let limit = after(sent.at, self.controller.timing.response);
        let answered = self.controller.until(limit, |it| {
            let answer = it.inbox.answer(&msg_id).map(|answer| Some(refusal(answer)));
            answer.or_else(|| (!it.is_open(sent.connection)).then_some(None))
        });
        let (outcome, ok) = match answered.await {
            Some(Some(Some(with))) => (format!("the EUT refused {command} with {with}"), false),
            Some(Some(None)) => (format!("the EUT answered {command}"), true),
            Some(None) => (format!("the EUT's connection ended after {command}"), true),
            None => (format!("the EUT did not answer {command}"), true),
        };
        self.controller.recorder.now(What::Eut { action: name(action).to_owned(), outcome: outcome.clone(), ok });
        if ok { Ok(()) } else { Err(not_reached(&outcome)) }
    }

    /// Waits for a session that opened after the step began: a connection cut by a power failure may look open for long.
    async fn until_back(&mut self, begun: Instant) -> StepOutcome {
        let limit = after(Instant::now(), self.controller.timing.boot);
        let back = self.controller.until(limit, |it| {
            if it.start_failure.is_some() {
                return Some(None);
            }
            let (_, seq) = it.last_opened(Party::First).filter(|(at, _)| *at >= begun)?;
            it.current().is_some().then_some(Some(seq))
        });
        match back.await {
            Some(Some(seq)) => done(seq),
            // Nobody starts it any more.
            Some(None) | None => timed_out(begun),
        }
    }

    async fn until_gone(&mut self, begun: Instant) -> StepOutcome {
        let limit = after(Instant::now(), self.controller.timing.connect);
        let gone = self
            .controller
            .until(limit, |it| it.current().is_none().then(|| it.last_closed(Party::First).and_then(|(_, seq)| seq)));
        match gone.await {
            Some(seq) => done(seq),
            None => timed_out(begun),
        }
    }
}

/// With what an Operate was refused; nothing when it was carried out.
fn refusal(answer: &AnswerSeen) -> Option<String> {
    if answer.is_error {
        return Some("an Error".to_owned());
    }
    let failures = answer.body.get("operation_results")?.as_array()?;
    let failure = failures.iter().find_map(|result| result.get("cmd_failure"))?;
    let code = failure.get("err_code").and_then(Value::as_u64).unwrap_or_default();
    Some(format!("a cmd_failure ({code})"))
}
