//! What each frame of a client asks for (STOMP 1.2, "Client Frames").

use bytes::Bytes;

use super::{MAX_WAITING, Phase, Server, Subscription, ended};
use crate::end::{Finish, Port};
use crate::event::{Direction, EndedBy, Failure, FailureKind, MtpHappening, OpenSession, Route};
use crate::stomp::violation::Violation;
use crate::stomp::{ERROR_CONTENT_TYPE, REPLY_TO, StompFrame, packet, rules};

/// Subscriptions that one client may have. An Agent has one.
const MAX_SUBSCRIPTIONS: usize = 64;

impl Server<'_> {
    /// Does what a frame asks for. What it lacks was told already; a frame that cannot be processed is answered with `ERROR`, which ends
    /// the connection (STOMP 1.2, "ERROR").
    pub(super) async fn on_frame(&mut self, port: &mut Port, frame: StompFrame, head: &Bytes) -> Option<Finish> {
        let opening = matches!(frame.command.as_str(), "STOMP" | "CONNECT");
        let receipt = frame.header("receipt").map(str::to_owned);
        match (&self.phase, opening) {
            (Phase::Fresh, true) => return self.on_opening(port, &frame, head).await,
            (Phase::Fresh, false) => {
                let text = format!("STOMP or CONNECT was expected as the first frame; {} was seen", frame.command);
                return Some(
                    self.violated(port, Violation::new("STOMP 1.2 Connecting", text, head), receipt.as_deref()).await,
                );
            }
            (_, true) => {
                let text = format!("the session is open; {} was seen once more", frame.command);
                let violation = Violation::new(rules::section(&frame.command), text, head);
                return Some(self.violated(port, violation, receipt.as_deref()).await);
            }
            (_, false) => {}
        }
        let command = frame.command.clone();
        let finish = match command.as_str() {
            "SEND" => self.on_send(port, frame).await,
            "SUBSCRIBE" => self.on_subscribe(port, &frame, head).await,
            "UNSUBSCRIBE" => self.on_unsubscribe(port, &frame, head).await,
            "DISCONNECT" => {
                self.phase =
                    Phase::Leaving { closing: ended(EndedBy::Peer, "DISCONNECT".to_owned(), true), peer_first: true };
                None
            }
            // Whether it may send these is not asked here (R-STOMP.27). Nothing is sent again, so that nothing depends on them.
            "ACK" | "NACK" => None,
            // No USP Endpoint may use transactions (R-STOMP.26), and a server may refuse any frame.
            _ => Some(self.refuse(port, format!("{command} is not offered by this server"), receipt.as_deref()).await),
        };
        if finish.is_none() {
            return self.acknowledge(port, receipt).await;
        }
        finish
    }

    /// Answers a `receipt` header, unless that is withheld.
    async fn acknowledge(&mut self, port: &mut Port, receipt: Option<String>) -> Option<Finish> {
        let receipt = receipt.filter(|_| self.behaviour(|behaviour| behaviour.receipts))?;
        self.put(port, &StompFrame::new("RECEIPT").with("receipt-id", receipt), None);
        if port.outbox.waiting() > MAX_WAITING {
            port.fail(Failure::new(FailureKind::Timeout, "the client asks for receipts and does not read them")).await;
            let closing = ended(EndedBy::Broken, "the client reads nothing".to_owned(), false);
            return Some(self.finish(closing, crate::end::StreamEnd::Break(None)));
        }
        None
    }

    async fn on_send(&mut self, port: &mut Port, frame: StompFrame) -> Option<Finish> {
        let Some(destination) = frame.header("destination").map(str::to_owned) else {
            return Some(self.cannot_be_processed(port, &frame).await);
        };
        let ours = destination == self.controller.destination;
        let guests = self.controller.broker.guests_at(&destination);
        if ours || !guests.is_empty() {
            if let Some(reply_to) = frame.header(REPLY_TO) {
                self.reply_to = Some(reply_to.to_owned());
            }
            self.open(port).await;
            let what = carried(&frame, destination.clone());
            for guest in guests {
                guest.record(self.id, what.clone()).await;
            }
            if ours {
                port.log.emit(what).await;
            }
        }
        self.controller.broker.deliver(&destination, frame);
        None
    }

    async fn on_subscribe(&mut self, port: &mut Port, frame: &StompFrame, head: &Bytes) -> Option<Finish> {
        let (Some(id), Some(destination)) = (frame.header("id"), frame.header("destination")) else {
            return Some(self.cannot_be_processed(port, frame).await);
        };
        if let Some(former) = self.forget(id) {
            let text = format!("an id that is not in use was expected; {id:?} is in use for {:?}", former.destination);
            let violation = Violation::new("STOMP 1.2 SUBSCRIBE id Header", text, head);
            packet::report(port, &violation, self.end.max_record).await;
        }
        if self.subscriptions.len() >= MAX_SUBSCRIPTIONS {
            let text = format!("more than {MAX_SUBSCRIPTIONS} subscriptions are not offered by this server");
            return Some(self.refuse(port, text, frame.header("receipt")).await);
        }
        self.controller.broker.subscribe(self.id, id, destination);
        self.subscriptions.push(Subscription {
            id: id.to_owned(),
            destination: destination.to_owned(),
            acknowledged: frame.header("ack").is_some_and(|mode| mode != "auto"),
        });
        self.open(port).await;
        None
    }

    async fn on_unsubscribe(&mut self, port: &mut Port, frame: &StompFrame, head: &Bytes) -> Option<Finish> {
        let Some(id) = frame.header("id") else {
            return Some(self.cannot_be_processed(port, frame).await);
        };
        if self.forget(id).is_none() {
            let text = format!("the id of a subscription was expected; {id:?} is none");
            let violation = Violation::new(rules::section("UNSUBSCRIBE"), text, head);
            packet::report(port, &violation, self.end.max_record).await;
        }
        None
    }

    /// Ends a subscription.
    fn forget(&mut self, id: &str) -> Option<Subscription> {
        let place = self.subscriptions.iter().position(|subscription| subscription.id == id)?;
        let former = self.subscriptions.remove(place);
        self.controller.broker.unsubscribe(self.id, &former.id, &former.destination);
        Some(former)
    }

    /// A frame lacks what it needs, which was told already.
    async fn cannot_be_processed(&mut self, port: &mut Port, frame: &StompFrame) -> Finish {
        let text = format!("{} lacks a header that it must have", frame.command);
        self.refuse(port, text, frame.header("receipt")).await
    }

    /// Records can be sent to this client from now on: it has a subscription, or has sent a Record itself.
    async fn open(&mut self, port: &mut Port) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        let open = OpenSession {
            eid: self.peer.clone(),
            subscriptions: self.subscriptions.iter().map(|subscription| subscription.destination.clone()).collect(),
            ..OpenSession::default()
        }
        .over(self.tls.take());
        let former = self.end.registry.enter(self.id, self.peer.clone(), self.orders.clone(), port.log.clone());
        if let Some(former) = former.filter(|_| self.peer.is_some()) {
            former.log.emit(MtpHappening::Superseded { by: self.id }).await;
        }
        port.log.emit(MtpHappening::Open(open.clone())).await;
        for guest in self.controller.broker.open(self.id, open.clone()) {
            guest.opened(self.id, open.clone()).await;
        }
    }
}

/// What a `SEND` to a Controller carries: a Record, unless it says that it is an error of the time before USP 1.2.
fn carried(frame: &StompFrame, destination: String) -> MtpHappening {
    let (direction, bytes) = (Direction::Received, frame.body.clone());
    if frame.header("content-type") == Some(ERROR_CONTENT_TYPE) {
        return MtpHappening::Text { direction, bytes };
    }
    let route = Route { to: Some(destination), reply_to: frame.header(REPLY_TO).map(str::to_owned) };
    MtpHappening::Record { direction, bytes, frames: 1, route }
}
