//! The Controller beside a server of somebody else's: it sees the Agent only by its Records, and tells of one session after the other with it as if
//! the Agent's connections were its own.

use std::sync::PoisonError;

use uspec_usp::decode::{RecordKind, decode_record, record_kind};

use super::{Client, Phase};
use crate::end::Port;
use crate::event::{Closing, ConnectionId, EndedBy, MtpHappening};
use crate::stomp::StompFrame;
use crate::stomp::end::ClientRole;
use crate::stomp::packet;
use crate::stomp::violation::Violation;

impl Client<'_> {
    /// Looks at a frame before it is told: the Record in it may name the Agent, or say that the Agent has connected anew. A session that was open has
    /// ended then, and another one begins, as another connection.
    pub(super) async fn look_at(&mut self, port: &mut Port, frame: &StompFrame) {
        let listens = matches!((self.role, &self.phase), (ClientRole::Controller { .. }, Phase::Connected));
        if !listens || frame.command != "MESSAGE" {
            return;
        }
        let Some(record) = decode_record(&frame.body).value else {
            return;
        };
        if self.opened && record_kind(&record) == Some(RecordKind::StompConnect) {
            self.renew(port).await;
        }
        if !record.from_id.is_empty() {
            self.peer = Some(record.from_id);
        }
    }

    async fn renew(&mut self, port: &mut Port) {
        self.end.registry.leave(self.id);
        let reason = "the Agent has connected anew".to_owned();
        let closing = Closing { by: EndedBy::Peer, code: None, reason, clean: false };
        port.log.emit(MtpHappening::Closed(closing)).await;
        port.log.emit(MtpHappening::StreamEnded { by: EndedBy::Peer }).await;
        self.id = self.end.base.next_id();
        port.go_on_as(self.end.base.log(self.id));
        self.opened = false;
    }

    /// Remembers where the Agent is reached, for this connection and those that follow it.
    pub(super) fn learn(&mut self, reply_to: &str) {
        self.reply_to = Some(reply_to.to_owned());
        if matches!(self.role, ClientRole::Controller { .. }) {
            let mut learnt = self.end.learnt.lock().unwrap_or_else(PoisonError::into_inner);
            learnt.clone_from(&self.reply_to);
        }
    }

    /// Reports what the server may not send. Beside a server of somebody else's it concerns no connection of the Agent's.
    pub(super) async fn report(&self, port: &mut Port, violation: &Violation) {
        match self.role {
            ClientRole::Agent => packet::report(port, violation, self.end.max_record).await,
            ClientRole::Controller { .. } => {
                let log = self.end.base.log(ConnectionId::END);
                log.emit(MtpHappening::Failed(packet::failure(violation))).await;
            }
        }
    }
}
