//! What the server sends of itself: the Controller's Records, and what other clients have sent.

use std::sync::atomic::Ordering;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::time::Instant;

use super::{Server, Subscription};
use crate::end::Port;
use crate::event::{Direction, Failure, FailureKind, MtpHappening, Route};
use crate::stomp::broker::Delivery;
use crate::stomp::guest::Guest;
use crate::stomp::{CONTENT_TYPE, REPLY_TO, StompFrame, packet};

impl Server<'_> {
    /// Sends a Record of a Controller. Without any subscription there is no way to do so, and who ordered it hears that it is lost.
    pub(super) async fn put_record(
        &mut self,
        port: &mut Port,
        record: Bytes,
        to: Option<String>,
        from: Option<&Guest>,
        done: oneshot::Sender<()>,
    ) {
        let changes = self.behaviour(|behaviour| behaviour.message.clone());
        let wanted = changes.destination.or(to).or_else(|| self.reached_at());
        let Some((destination, subscription)) = wanted.and_then(|to| Some((to.clone(), self.subscription(&to)?)))
        else {
            return;
        };
        let own = from.map_or(self.controller.destination, |guest| guest.destination.as_str());
        let reply_to = changes.reply_to.apply(Some(own)).map(str::to_owned);
        let message = self.message_id();
        let mut frame = StompFrame::new("MESSAGE")
            .with("subscription", subscription.id.as_str())
            .with("message-id", message.as_str())
            .with("destination", destination.as_str())
            .with_some("ack", subscription.acknowledged.then_some(message.as_str()))
            .with_some("content-type", changes.content_type.apply(Some(CONTENT_TYPE)))
            .with_some("content-length", changes.content_length.then(|| record.len().to_string()))
            .with_some(REPLY_TO, reply_to.as_deref());
        frame.headers.extend(changes.extra_headers);
        let route = Route { to: Some(destination), reply_to };
        if let Some(guest) = from {
            // Told before it is written: the answer must not be told first.
            let (direction, bytes, route) = (Direction::Sent, record.clone(), route.clone());
            guest.record(self.id, MtpHappening::Record { direction, bytes, frames: 1, route }).await;
        }
        let frame = frame.with_body(record);
        self.pulse.sent(Instant::now());
        packet::put(port, &frame, from.is_none().then_some(route), Some(done));
    }

    /// Sends what another client has sent, with the headers that it gave it (STOMP 1.2, "MESSAGE").
    pub(super) async fn put_delivery(&mut self, port: &mut Port, delivery: &Delivery) {
        let lost = self.lost.swap(0, Ordering::Relaxed);
        if lost > 0 {
            let text = format!("{lost} messages for this client are lost: it does not read them fast enough");
            port.fail(Failure::new(FailureKind::Timeout, text)).await;
        }
        let found = self.subscriptions.iter().find(|subscription| subscription.id == delivery.subscription);
        // It may have unsubscribed since.
        let Some(subscription) = found.cloned() else {
            return;
        };
        let message = self.message_id();
        let mut frame = StompFrame::new("MESSAGE")
            .with("subscription", subscription.id.as_str())
            .with("message-id", message.as_str())
            .with_some("ack", subscription.acknowledged.then_some(message.as_str()))
            .with("content-length", delivery.frame.body.len().to_string());
        let not_ours = |name: &str| {
            !matches!(name, "subscription" | "message-id" | "ack" | "content-length" | "receipt" | "transaction")
        };
        frame.headers.extend(delivery.frame.headers.iter().filter(|(name, _)| not_ours(name)).cloned());
        let frame = frame.with_body(delivery.frame.body.clone());
        self.put(port, &frame, None);
    }

    /// Where the client is reached: where it last said, where it is configured to be, or where it listens; of these the first that it has
    /// subscribed to.
    fn reached_at(&self) -> Option<String> {
        let first = self.subscriptions.first().map(|subscription| subscription.destination.as_str());
        let places = [self.reply_to.as_deref(), self.controller.agent_destination, first];
        let listens = |place: &str| self.subscriptions.iter().any(|subscription| subscription.destination == place);
        let places = || places.into_iter().flatten();
        places().find(|place| listens(place)).or_else(|| places().next()).map(str::to_owned)
    }

    /// The subscription that gets what is sent there: the one to that destination, or any, when a test case wants it wrong.
    fn subscription(&self, destination: &str) -> Option<Subscription> {
        let exact = self.subscriptions.iter().find(|subscription| subscription.destination == destination);
        exact.or_else(|| self.subscriptions.first()).cloned()
    }

    fn message_id(&self) -> String {
        format!("uspec-{}", self.controller.broker.next_message())
    }
}
