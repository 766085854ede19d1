//! Requests of the runner's own: bring-up, snapshots, leftovers.

use crate::bounds::after;
use crate::controller::{
    Controller,
    inbox::{Addressing, AnswerSeen},
};
use crate::outgoing::joined;
use serde_json::Value;
use std::time::Duration;
use uspec_testplan::{case::Party, trace::StepRef};
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
}

fn refused(kind: MessageKind, body: &Value) -> ExchangeError {
    let code = body.get("err_code").and_then(Value::as_u64).unwrap_or(0);
    let text: String = body.get("err_msg").and_then(Value::as_str).unwrap_or_default().chars().take(200).collect();
    ExchangeError::Refused { kind, code, text }
}
