//! What the server sends (STOMP 1.2, "Server Frames").

use bytes::Bytes;

use super::{Client, Phase};
use crate::end::{Finish, Port, StreamEnd};
use crate::event::{Closing, Direction, EndedBy, Failure, FailureKind, MtpHappening, Route};
use crate::stomp::violation::Violation;
use crate::stomp::{ERROR_CONTENT_TYPE, REPLY_TO, StompFrame, packet};

impl Client<'_> {
    pub(super) async fn on_frame(&mut self, port: &mut Port, frame: StompFrame, head: &Bytes) -> Option<Finish> {
        self.look_at(port, &frame).await;
        if port.log.is_whole() {
            port.log.emit(packet::seen(Direction::Received, &frame)).await;
        }
        match (&self.phase, frame.command.as_str()) {
            (_, "ERROR") => Some(self.on_error(port, &frame, head).await),
            (Phase::Opening, "CONNECTED") => self.on_connected(port, &frame).await,
            (Phase::Connected | Phase::Farewell(_), "MESSAGE") => {
                self.on_message(port, frame).await;
                None
            }
            (Phase::Farewell(closing), "RECEIPT") if frame.header("receipt-id") == Some(&self.farewell()) => {
                self.phase = Phase::Leaving { closing: closing.clone(), peer_first: false };
                None
            }
            (Phase::Connected | Phase::Farewell(_), "RECEIPT") => None,
            (_, command) => {
                let text = format!("{command} has no place here");
                Some(self.violated(port, &Violation::new("STOMP 1.2 Connecting", text, head)).await)
            }
        }
    }

    /// The server ends the connection with an `ERROR`; what follows is another try (R-STOMP.7, R-STOMP.25).
    async fn on_error(&mut self, port: &mut Port, frame: &StompFrame, head: &Bytes) -> Finish {
        let message = frame.header("message").unwrap_or("no message");
        let place = if matches!(self.phase, Phase::Opening) { "R-STOMP.7" } else { "R-STOMP.25" };
        let text = format!("the server sent ERROR: {message}");
        port.fail(Failure::against(place, FailureKind::Refused { reason: 0 }, text).with_octets(head)).await;
        let closing = Closing { by: EndedBy::Peer, code: None, reason: message.to_owned(), clean: false };
        // The server ends the stream (STOMP 1.2, "ERROR").
        self.finish(closing, StreamEnd::InOrder { peer_first: true, done: None })
    }

    async fn on_message(&mut self, port: &mut Port, frame: StompFrame) {
        self.acknowledge(port, &frame);
        let (direction, bytes) = (Direction::Received, frame.body.clone());
        // An error of the time before USP 1.2 is no Record (R-STOMP.23a).
        if frame.header("content-type") == Some(ERROR_CONTENT_TYPE) {
            port.log.emit(MtpHappening::Text { direction, bytes }).await;
            return;
        }
        let header = |name| frame.header(name).map(str::to_owned);
        let route = Route { to: header("destination"), reply_to: header(REPLY_TO) };
        if let Some(reply_to) = &route.reply_to {
            self.learn(reply_to);
        }
        self.open(port).await;
        port.log.emit(MtpHappening::Record { direction, bytes, frames: 1, route }).await;
    }

    /// Acknowledges a message, which no USP Endpoint may do (R-STOMP.27).
    fn acknowledge(&mut self, port: &mut Port, message: &StompFrame) {
        let id = message.header("ack").or_else(|| message.header("message-id"));
        if let Some(id) = id.filter(|_| self.client(|changes| changes.acknowledge)) {
            let frame = StompFrame::new("ACK").with("id", id);
            self.put(port, &frame, None);
        }
    }
}
