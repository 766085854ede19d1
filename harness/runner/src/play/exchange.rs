//! `request` and `send`.

use super::{Asked, Ended, Play, done, fault, limits, not_reached, timed_out};
use crate::{
    bounds::after,
    controller::{
        SendFailure, Sent,
        inbox::{Addressing, AnswerSeen},
    },
    outgoing::{BuildError, Envelope, RECORD_TYPES, build_send, joined},
};
use serde_json::Value;
use tokio::time::Instant;
use uspec_testplan::{
    case::{Send, Step},
    template::substitute_in,
    trace::{StepOutcome, StepRef},
};
use uspec_usp::{json::encode_body, schema::MessageKind};

impl Play<'_> {
    pub(super) async fn request(&mut self, place: &StepRef, step: &Step, kind: MessageKind, body: &Value) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        let body = match substitute_in(body, &self.controller.variables) {
            Ok(body) => body,
            Err(undefined) => return plain(not_reached(&self.why_undefined(&undefined.name))),
        };
        let within = match self.resolved(step.within.as_ref()) {
            Ok(within) => within,
            Err(outcome) => return plain(outcome),
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
        let limit = limits::answer_limit(within, &self.controller.timing);
        let ended = self.answered(&msg_id, sent, sent.at, after(sent.at, limit)).await;
        if let Some((false, answer)) = &ended.answer {
            self.created.note(kind, answer);
        }
        ended
    }

    /// Waits for an answer, from `begun` to `limit`.
    pub(super) async fn answered(&mut self, msg_id: &str, sent: Sent, begun: Instant, limit: Instant) -> Ended {
        if let Some(AnswerSeen { seq, body, is_error }) = self.controller.answer(msg_id, sent, limit).await {
            return Ended { outcome: done(Some(seq)), answer: Some((is_error, body)) };
        }
        self.note_lost_connection(sent);
        Ended { outcome: timed_out(begun), answer: None }
    }

    pub(super) async fn send(&mut self, place: &StepRef, step: &Step, send: &Send) -> StepOutcome {
        let msg_id = self.controller.next_msg_id();
        let variables = self.controller.variables.clone();
        let build = |envelope: &Envelope| build_send(send, &msg_id, envelope, &variables);
        match self.hand_over(place, step, &msg_id, Addressing::Any, build).await {
            Ok(_) => {
                if let Some((kind, body)) = send.message.as_ref().filter(|_| reaches(send)) {
                    // It was built with these variables, so that they are all there.
                    let body = substitute_in(body, &variables).unwrap_or_default();
                    self.restart_if_it_ends(*kind, &body);
                }
                done(None)
            }
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
        self.controller.side_mut(step.by).plays = true;
        let record = build(&self.controller.envelope(step.by)).map_err(|error| match error {
            BuildError::Undefined(undefined) => not_reached(&self.why_undefined(&undefined.name)),
            BuildError::Unfit(text) => fault(["the Record cannot be built".to_owned(), text]),
        })?;
        self.controller.expect(step.by, msg_id, addressing);
        match self.controller.send(step.by, place, record).await {
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
}

/// Whether the Message of what is sent may reach the EUT: it is whole, and nothing in the Record keeps it from being read.
fn reaches(send: &Send) -> bool {
    let hidden = |name: &String| name == "to_id" || RECORD_TYPES.contains(&name.as_str());
    send.bytes.is_none() && send.truncate.is_none() && !send.record.keys().any(hidden)
}
