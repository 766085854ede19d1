//! From the opening frame to the subscription (R-STOMP.2 to R-STOMP.17, R-STOMP.29).

use tokio::time::Instant;

use super::{Client, FAREWELL_LIMIT, OPENING_LIMIT, Phase, Subscription};
use crate::end::{Finish, Port, StreamEnd};
use crate::event::{EndedBy, Failure, FailureKind, OpenSession};
use crate::stomp::end::ClientRole;
use crate::stomp::heartbeat::{Agreed, Offer};
use crate::stomp::{ENDPOINT_ID, HeaderChange, SUBSCRIBE_DEST, StompFrame, VERSION};

impl Client<'_> {
    /// Sends the opening frame.
    pub(super) fn open_session(&mut self, port: &mut Port) {
        let changes = self.client(Clone::clone);
        let login = self.end.login.as_ref();
        let usual = self.end.settings.borrow().heart_beat.map(|offer| Offer::from(offer).text());
        let frame = StompFrame::new(changes.opening_command.as_str())
            .with("accept-version", VERSION)
            .with_some("host", changes.host.apply(Some(self.host)))
            .with_some("login", changes.login.apply(login.map(|login| login.username.as_str())))
            .with_some("passcode", changes.passcode.apply(login.map(|login| login.password.as_str())))
            .with_some("heart-beat", changes.heart_beat.apply(usual.as_deref()))
            .with_some(ENDPOINT_ID, changes.endpoint_id.apply(Some(&self.end.endpoint_id)));
        self.put(port, &frame, None);
        self.until = Some(Instant::now() + self.send_delay + OPENING_LIMIT);
        self.phase = Phase::Opening;
    }

    /// The server lets us in: heart-beats begin, and the destination is subscribed to.
    pub(super) async fn on_connected(&mut self, port: &mut Port, frame: &StompFrame) -> Option<Finish> {
        self.until = None;
        let version = frame.header("version").unwrap_or_default();
        if version != VERSION {
            let text = format!("version {VERSION} was expected; {version:?} was seen");
            port.fail(Failure::against("STOMP 1.2 Protocol Negotiation", FailureKind::ProtocolViolation, text)).await;
            let closing = self.ended(EndedBy::Us, "the server speaks another version");
            return Some(self.finish(closing, StreamEnd::InOrder { peer_first: false, done: None }));
        }
        let theirs = frame.header("heart-beat").map_or(Offer::default(), |value| Offer::read(value).0);
        let stubborn = self.client(|changes| changes.ignore_server_beats);
        let theirs = if stubborn { Offer { wants: self.offered().sends, ..theirs } } else { theirs };
        self.pulse.agree(Agreed::from(self.offered(), theirs), Instant::now());
        self.told = frame.header(SUBSCRIBE_DEST).map(str::to_owned);
        self.phase = Phase::Connected;
        if self.client(|changes| changes.subscribe) {
            match self.destination() {
                Some(destination) => self.subscribe(port, destination),
                None if self.client(|changes| changes.leave_without_destination) => {
                    let text = "there is no destination: neither a subscribe-dest nor a configured one";
                    port.fail(Failure::against("R-STOMP.16", FailureKind::NothingSubscribed, text)).await;
                    self.say_goodbye(port, text, FAREWELL_LIMIT, None);
                    return None;
                }
                None => {}
            }
        }
        if matches!(self.role, ClientRole::Agent) || self.agent_destination().is_some() {
            self.open(port).await;
        }
        None
    }

    /// Records can be exchanged from now on.
    pub(super) async fn open(&mut self, port: &mut Port) {
        if std::mem::replace(&mut self.opened, true) {
            return;
        }
        let destination = self.subscription.as_ref().map(|subscription| subscription.destination.clone());
        let open = OpenSession {
            eid: self.peer.clone(),
            subscriptions: destination.iter().cloned().collect(),
            reached_at: destination,
            told_by_server: self.told.clone(),
            ..OpenSession::default()
        };
        let open = match self.role {
            ClientRole::Agent => open.over(self.tls.clone()),
            // The certificate is the server's, and stands for no Endpoint.
            ClientRole::Controller { .. } => OpenSession { tls: self.tls.clone(), ..open },
        };
        self.end.registry.enter(self.id, self.peer.clone(), self.orders.clone(), port.log.clone());
        port.log.emit(crate::event::MtpHappening::Open(open)).await;
    }

    /// The configured destination is another one: the subscription goes there, unless the server says where it is (R-STOMP.29).
    pub(super) fn move_subscription(&mut self, port: &mut Port) {
        let (resubscribe, unsubscribe) = self.client(|changes| (changes.resubscribe, changes.unsubscribe));
        let wanted = self.destination();
        let present = self.subscription.as_ref().map(|subscription| &subscription.destination);
        if !resubscribe || !self.client(|changes| changes.subscribe) || present == wanted.as_ref() {
            return;
        }
        if let Some(former) = self.subscription.take().filter(|_| unsubscribe) {
            self.put(port, &StompFrame::new("UNSUBSCRIBE").with("id", former.id), None);
        }
        if let Some(destination) = wanted {
            self.subscribe(port, destination);
        }
    }

    fn subscribe(&mut self, port: &mut Port, destination: String) {
        let id = self.subscriptions.to_string();
        self.subscriptions = self.subscriptions.saturating_add(1);
        let frame = StompFrame::new("SUBSCRIBE")
            .with("id", id.as_str())
            .with("destination", destination.as_str())
            .with("ack", self.client(|changes| changes.ack.clone()));
        self.put(port, &frame, None);
        self.subscription = Some(Subscription { id, destination });
    }

    /// What is to be subscribed to: what the server says (R-STOMP.14), or what is configured (R-STOMP.15).
    fn destination(&self) -> Option<String> {
        let told = self.told.clone().filter(|_| self.client(|changes| changes.use_subscribe_dest));
        told.or_else(|| self.configured.clone()).filter(|destination| !destination.is_empty())
    }

    /// The heart-beats that the opening frame has offered.
    fn offered(&self) -> Offer {
        let settings = self.end.settings.borrow();
        match &settings.behaviour.client.heart_beat {
            HeaderChange::Keep => settings.heart_beat.map_or(Offer::default(), Offer::from),
            HeaderChange::Omit => Offer::default(),
            HeaderChange::Set(value) => Offer::read(value).0,
        }
    }
}
