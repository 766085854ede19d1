//! Requests of the runner's own: bring-up, snapshots, leftovers.

use crate::bounds::after;
use crate::controller::{
    Controller,
    inbox::{Addressing, AnswerSeen},
};
use crate::outgoing::joined;
use serde_json::Value;
use std::time::Duration;
use uspec_testplan::{
    case::Party,
    trace::{StepOutcome, StepRef},
};
use uspec_usp::{json::encode_body, schema::MessageKind};

/// Why an exchange of the runner's own yielded no Response.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum ExchangeError {
    /// The Request could not be sent.
    #[error("{0}")]
    Unsent(String),
    /// No answer came in time.
    #[error("the EUT did not answer {kind} within {limit:?}")]
    Unanswered {
        /// What was asked.
        kind: MessageKind,
        /// How long was waited.
        limit: Duration,
    },
    /// An Error came.
    #[error("the EUT answered {kind} with an Error {code} {text:?}")]
    Refused {
        /// What was asked.
        kind: MessageKind,
        /// Its code.
        code: u64,
        /// Its words.
        text: String,
    },
}

impl Controller {
    /// Sends a Request of the runner's own and waits for its Response.
    pub(crate) async fn exchange(
        &mut self,
        step: &StepRef,
        kind: MessageKind,
        body: &Value,
    ) -> Result<AnswerSeen, ExchangeError> {
        self.exchange_within(step, kind, body, self.timing.response).await
    }

    /// Like [`Controller::exchange`] with a limit of its own.
    pub(crate) async fn exchange_within(
        &mut self,
        step: &StepRef,
        kind: MessageKind,
        body: &Value,
        limit: Duration,
    ) -> Result<AnswerSeen, ExchangeError> {
        let msg_id = self.next_msg_id();
        let message = encode_body(kind, &msg_id, body).map_err(|errors| ExchangeError::Unsent(joined(&errors)))?;
        self.pause().await;
        self.expect(Party::First, &msg_id, Addressing::Strict);
        let record = self.envelope(Party::First).wrap(message);
        let sent = self
            .send(Party::First, step, record)
            .await
            .map_err(|failure| ExchangeError::Unsent(failure.to_string()))?;
        match self.answer(&msg_id, sent, after(sent.at, limit)).await {
            None => Err(ExchangeError::Unanswered { kind, limit }),
            Some(answer) if answer.is_error => Err(refused(kind, &answer.body)),
            Some(answer) => Ok(answer),
        }
    }

    /// Like [`Controller::exchange_within`], with the step in the Trace: that it began, and how it ended.
    pub(crate) async fn exchange_as_step(
        &mut self,
        step: &StepRef,
        kind: MessageKind,
        body: &Value,
        limit: Duration,
    ) -> Result<AnswerSeen, ExchangeError> {
        self.recorder.step_started(step, format!("request {kind}"));
        let outcome = self.exchange_within(step, kind, body, limit).await;
        let ended = match &outcome {
            Ok(answer) => StepOutcome::Done { matched: Some(answer.seq) },
            Err(ExchangeError::Unanswered { limit, .. }) => {
                StepOutcome::TimedOut { waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
            }
            Err(error @ ExchangeError::Unsent(_)) => StepOutcome::NotReached { reason: error.to_string() },
            Err(ExchangeError::Refused { .. }) => StepOutcome::Done { matched: None },
        };
        self.recorder.step_ended(step, ended);
        outcome
    }
}

fn refused(kind: MessageKind, body: &Value) -> ExchangeError {
    let code = body.get("err_code").and_then(Value::as_u64).unwrap_or(0);
    let text: String = body.get("err_msg").and_then(Value::as_str).unwrap_or_default().chars().take(200).collect();
    ExchangeError::Refused { kind, code, text }
}
