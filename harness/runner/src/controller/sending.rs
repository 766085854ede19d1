//! Sending Records, and waiting for their answers.

use super::{
    Controller,
    connections::Change,
    inbox::{Addressing, AnswerSeen},
    side::party_of,
};
use crate::{
    bounds::{ANSWERS_FIRST, PENDING_ANSWERS, RECONNECT_GRACE, RELAY_LIMIT, SEND_LIMIT, after, overslept},
    outgoing::Envelope,
};
use bytes::Bytes;
use tokio::time::{Instant, timeout};
use uspec_mtp::{MtpError, event::ConnectionId};
use uspec_testplan::{case::Party, trace::StepRef};

/// Why a Record could not be handed to the EUT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendFailure {
    /// It was not there in time.
    #[error("{0}")]
    NotConnected(String),
    /// It went away, or took nothing, while the Record was being sent.
    #[error("{0}")]
    Lost(String),
}

/// A Record that went out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// On which connection.
    pub(crate) connection: ConnectionId,
    /// When it was written.
    pub(crate) at: Instant,
}

impl Controller {
    /// A msg_id that this run has not used.
    pub(crate) fn next_msg_id(&mut self) -> String {
        self.sent += 1;
        format!("{}-{}", self.run, self.sent)
    }

    /// Who that Controller is and whom it talks to.
    pub(crate) fn envelope(&self, party: Party) -> Envelope {
        let from = self.side(party).id.clone();
        Envelope { version: self.version.clone(), to: self.eut.clone().unwrap_or_default(), from }
    }

    /// An answer to this msg_id is expected by that Controller.
    pub(crate) fn expect(&mut self, party: Party, msg_id: &str, addressing: Addressing) {
        self.inbox.ask(party, msg_id, addressing);
    }

    /// Waits for a session to speak on, as long as the profile allows from when it went away; not at all when it has been waited for
    /// in vain. A second Controller without a session of its own speaks on the first one's.
    pub(crate) async fn connected(&mut self, party: Party) -> Result<ConnectionId, SendFailure> {
        let own = |it: &mut Self| it.current_of(party).or_else(|| it.current());
        let wait = self.timing.connect;
        let limit = if self.first.gave_up { Instant::now() } else { after(Instant::now(), wait) };
        if let Some(connection) = self.until(limit, own).await {
            return Ok(connection);
        }
        let again = self.first.gave_up;
        let waited = if again { "it did not come back before".to_owned() } else { format!("waited {wait:?}") };
        self.first.gave_up = true;
        Err(SendFailure::NotConnected(format!("the EUT is not connected ({waited})")))
    }

    /// Sends bytes as one Record of `step`.
    pub(crate) async fn send(&mut self, party: Party, step: &StepRef, bytes: Vec<u8>) -> Result<Sent, SendFailure> {
        let bytes = Bytes::from(bytes);
        let mut tries = 0;
        loop {
            let connection = self.connected(party).await?;
            let Some(target) = self.side(party_of(connection)).at(connection) else {
                return Err(SendFailure::Lost("our end of the MTP has ended".to_owned()));
            };
            let limit = after(Instant::now(), SEND_LIMIT.saturating_add(self.delay));
            self.handed_over.push_back((bytes.clone(), step.clone()));
            let outcome = self.drive(Box::pin(target.send_record(bytes.clone())), limit).await;
            let at = Instant::now();
            self.drain();
            if matches!(outcome, Some(Ok(()))) {
                self.written(step).await;
            }
            self.handed_over.retain(|(_, owner)| owner != step);
            tries += 1;
            match outcome {
                Some(Ok(())) => return Ok(Sent { connection, at }),
                // It went away before anything was written: the next one may take it.
                Some(Err(MtpError::NotOpen)) if tries == 1 => self.ended_unseen(connection),
                Some(Err(error)) => {
                    return Err(SendFailure::Lost(format!("the connection was lost while sending: {error}")));
                }
                None => {
                    let _ = self.drive(target.drop_connection(), Instant::now() + SEND_LIMIT).await;
                    let text = format!("the EUT took nothing for {SEND_LIMIT:?}; its connection was broken off");
                    return Err(SendFailure::Lost(text));
                }
            }
        }
    }

    /// Waits until the Trace holds what that step has sent: the second Controller's events come by a way of their own, and a Record whose
    /// event is still under way would be one of no step.
    async fn written(&mut self, step: &StepRef) {
        let limit = Instant::now() + RELAY_LIMIT;
        self.until(limit, |it| (!it.handed_over.iter().any(|(_, owner)| owner == step)).then_some(())).await;
    }

    /// Waits for the answer to what was sent. When its connection has ended and the EUT is back on another, not much longer.
    pub(crate) async fn answer(&mut self, msg_id: &str, sent: Sent, limit: Instant) -> Option<AnswerSeen> {
        let (mut limit, mut again) = (limit, true);
        loop {
            if let Some(answer) = self.inbox.answer(msg_id) {
                return Some(answer.clone());
            }
            let back = self.up_since().filter(|_| again && !self.is_open(sent.connection));
            let grace = back.map(|since| since.max(sent.at) + RECONNECT_GRACE);
            let now = grace.map_or(limit, |grace| grace.min(limit));
            if self.pump(now).await {
                continue;
            }
            match overslept(now).filter(|_| again) {
                Some(later) => (limit, again) = (later, false),
                None => return self.inbox.answer(msg_id).cloned(),
            }
        }
    }

    /// Sends what no step asked for. The events go on being read meanwhile, so that it cannot be waited for here.
    pub(super) fn reply(&mut self, party: Party, connection: ConnectionId, message: Vec<u8>) {
        if self.side(party_of(connection)).replies.len() >= PENDING_ANSWERS {
            self.recorder
                .note(format!("a Notify is not answered: the EUT has {PENDING_ANSWERS} answers to read first"));
            return;
        }
        let Some(target) = self.side(party_of(connection)).at(connection) else { return };
        let record = self.envelope(party).wrap(message);
        let limit = SEND_LIMIT.saturating_add(self.delay);
        self.side_mut(party_of(connection)).replies.spawn(async move {
            // A session that has ended takes no answer; the EUT sends its Notify again.
            let _ = timeout(limit, target.send_record(record)).await;
        });
    }

    /// Lets the answers that this Controller's end has still to send go out before its Close frame, behind which nothing may follow
    /// (RFC 6455 section 5.5.1). An EUT that does not read does not get them.
    pub(crate) async fn answers_first(&mut self, party: Party) {
        self.drain();
        let limit = after(Instant::now(), ANSWERS_FIRST.saturating_add(self.delay));
        while !self.side(party).replies.is_empty() {
            let mut replies = std::mem::take(&mut self.side_mut(party).replies);
            let sent = self.drive(async { while replies.join_next().await.is_some() {} }, limit).await;
            if sent.is_none() {
                let left = replies.len();
                self.recorder.note(format!(
                    "{left} Notify Responses were not sent before our end closed: the EUT reads nothing"
                ));
                return;
            }
        }
    }

    fn ended_unseen(&mut self, connection: ConnectionId) {
        let change = Change { at: Instant::now(), seq: None };
        let eut = self.eut.clone();
        self.side_mut(party_of(connection)).connections.close(connection, eut.as_deref(), change);
    }
}
