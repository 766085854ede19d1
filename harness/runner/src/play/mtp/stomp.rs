//! What only our STOMP server can do, or our Controller as its client.

use super::{Done, OnTheWire, other_mtp};
use crate::play::Play;
use std::collections::BTreeMap;
use uspec_mtp::{
    MtpError,
    stomp::{ConnectedChanges, HeaderChange, MessageChanges, StompHandle, StompRefusal},
};
use uspec_testplan::{
    case::{self, MtpAction, Refusal, StompAction},
    trace::StepOutcome,
};

/// What goes out to a STOMP client.
#[derive(Debug)]
pub(super) enum Out {
    /// An ERROR frame with this message; the connection ends.
    Error(String),
}

impl Play<'_> {
    pub(super) fn stomp(&mut self, end: &StompHandle, action: &MtpAction) -> Result<Done, StepOutcome> {
        match action {
            MtpAction::Refuse(Refusal::Error(message)) => {
                let message = self.filled(message)?;
                end.change_behaviour(|behaviour| behaviour.refuse = Some(StompRefusal::Error(message)));
            }
            MtpAction::Refuse(Refusal::HangUp) => {
                end.change_behaviour(|behaviour| behaviour.refuse = Some(StompRefusal::HangUp));
            }
            MtpAction::Accept => end.change_behaviour(|behaviour| behaviour.refuse = None),
            MtpAction::Stomp(StompAction::Connected(changes)) => {
                let connected = self.connected(changes)?;
                end.change_behaviour(|behaviour| behaviour.connected = connected);
            }
            MtpAction::Stomp(StompAction::Message(changes)) => {
                let message = self.message(changes)?;
                end.change_behaviour(|behaviour| behaviour.message = message);
            }
            MtpAction::Stomp(StompAction::WithholdReceipts) => {
                end.change_behaviour(|behaviour| behaviour.receipts = false);
            }
            MtpAction::Stomp(StompAction::WithholdBeats) => {
                end.change_behaviour(|behaviour| behaviour.send_beats = false);
            }
            MtpAction::Stomp(StompAction::Error(message)) => {
                return Ok(Done::OnTheWire(OnTheWire::Stomp(Out::Error(self.filled(message)?))));
            }
            _ => return Err(other_mtp()),
        }
        Ok(Done::Now)
    }

    fn connected(&self, changes: &case::ConnectedChanges) -> Result<ConnectedChanges, StepOutcome> {
        let case::ConnectedChanges { subscribe_dest, heart_beat, version, headers } = changes;
        Ok(ConnectedChanges {
            subscribe_dest: self.filled_if_any(subscribe_dest.as_ref())?,
            heart_beat: *heart_beat,
            version: version.clone(),
            extra_headers: self.headers(headers)?,
        })
    }

    fn message(&self, changes: &case::MessageChanges) -> Result<MessageChanges, StepOutcome> {
        let case::MessageChanges { destination, content_type, reply_to, headers } = changes;
        Ok(MessageChanges {
            destination: self.filled_if_any(destination.as_ref())?,
            content_type: changed(self.filled_change(content_type.as_ref())?),
            reply_to: changed(self.filled_change(reply_to.as_ref())?),
            extra_headers: self.headers(headers)?,
            ..MessageChanges::default()
        })
    }

    fn headers(&self, headers: &BTreeMap<String, String>) -> Result<Vec<(String, String)>, StepOutcome> {
        headers.iter().map(|(name, value)| Ok((name.clone(), self.filled(value)?))).collect()
    }
}

impl Out {
    pub(super) async fn perform(self, end: &StompHandle) -> Result<(), MtpError> {
        match self {
            Self::Error(message) => end.error(&message, Vec::new()).await,
        }
    }
}

fn changed(change: Option<case::Change>) -> HeaderChange {
    match change {
        None => HeaderChange::Keep,
        Some(case::Change::Omit) => HeaderChange::Omit,
        Some(case::Change::Set(value)) => HeaderChange::Set(value),
    }
}
