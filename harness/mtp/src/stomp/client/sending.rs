//! Records on their way out (R-STOMP.18 to R-STOMP.23).

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::Client;
use crate::end::Port;
use crate::event::Route;
use crate::stomp::end::ClientRole;
use crate::stomp::{CONTENT_TYPE, HeaderChange, REPLY_TO, StompFrame, packet};

/// The headers of a `SEND` that can be altered.
struct Changes {
    destination: Option<String>,
    content_length: HeaderChange,
    content_type: HeaderChange,
    reply_to: HeaderChange,
    extra: Vec<(String, String)>,
}

impl Client<'_> {
    /// Sends a Record to that destination, or where the last one came from. Without either, who ordered it hears that it is lost.
    pub(super) fn put_record(&mut self, port: &mut Port, record: Bytes, to: Option<String>, done: oneshot::Sender<()>) {
        let changes = self.changes();
        let Some(destination) = changes.destination.or(to).or_else(|| self.agent_destination()) else {
            return;
        };
        let own = self.subscription.as_ref().map(|subscription| subscription.destination.as_str());
        let own = own.or(self.configured.as_deref());
        let reply_to = changes.reply_to.apply(own).map(str::to_owned);
        let length = record.len().to_string();
        let transaction = self.begin_transaction(port);
        let mut frame = StompFrame::new("SEND")
            .with("destination", destination.as_str())
            .with_some("content-length", changes.content_length.apply(Some(&length)))
            .with_some("content-type", changes.content_type.apply(Some(CONTENT_TYPE)))
            .with_some(REPLY_TO, reply_to.as_deref())
            .with_some("transaction", transaction.as_deref());
        frame.headers.extend(changes.extra);
        let frame = frame.with_body(record);
        self.pulse.sent(Instant::now());
        packet::put(port, &frame, Some(Route { to: Some(destination), reply_to }), Some(done));
        if let Some(transaction) = transaction {
            self.put(port, &StompFrame::new("COMMIT").with("transaction", transaction), None);
        }
    }

    /// Where a Record goes unless something else is said: where the last one wanted its answer (R-STOMP.23), or where the Agent is configured to be.
    pub(super) fn agent_destination(&self) -> Option<String> {
        self.reply_to.clone().or_else(|| match self.role {
            ClientRole::Agent => None,
            ClientRole::Controller { agent_destination } => agent_destination.clone(),
        })
    }

    fn changes(&self) -> Changes {
        self.behaviour(|behaviour| match self.role {
            ClientRole::Agent => Changes {
                destination: None,
                content_length: behaviour.client.content_length.clone(),
                content_type: behaviour.client.content_type.clone(),
                reply_to: behaviour.client.reply_to.clone(),
                extra: Vec::new(),
            },
            ClientRole::Controller { .. } => {
                let message = &behaviour.message;
                let content_length = if message.content_length { HeaderChange::Keep } else { HeaderChange::Omit };
                Changes {
                    destination: message.destination.clone(),
                    content_length,
                    content_type: message.content_type.clone(),
                    reply_to: message.reply_to.clone(),
                    extra: message.extra_headers.clone(),
                }
            }
        })
    }

    /// Begins a transaction, which no USP Endpoint may do (R-STOMP.26).
    fn begin_transaction(&mut self, port: &mut Port) -> Option<String> {
        if !self.client(|changes| changes.transactions) {
            return None;
        }
        self.transactions = self.transactions.saturating_add(1);
        let transaction = format!("record-{}", self.transactions);
        self.put(port, &StompFrame::new("BEGIN").with("transaction", transaction.as_str()), None);
        Some(transaction)
    }
}
