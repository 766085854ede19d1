//! CONNECT: who is let in.

use std::time::Duration;

use bytes::Bytes;
use tokio::sync::oneshot;

use super::connack;
use super::session::{Client, Phase, Session};
use super::store::{Live, MOST_UNDER_WAY, Stage};
use crate::end::{Finish, Port};
use crate::event::{Failure, FailureKind, MtpHappening, OpenSession};
use crate::mqtt::behaviour::MqttRefusal;
use crate::mqtt::command::Command;
use crate::mqtt::packet::{Ack, Connect, MAX_REMAINING, Packet, PropertyId, Section};
use crate::mqtt::{ENDPOINT_ID, MqttVersion, reason};

/// CONNECT comes once.
const ONCE: Section = Section::both("3.1");

impl Session<'_> {
    /// A client asks for a session.
    pub(super) async fn on_connect(&mut self, port: &mut Port, connect: Connect, octets: &Bytes) -> Option<Finish> {
        if self.client.is_some() {
            self.accuse(port, ONCE, "a second CONNECT on the same connection", octets).await;
            return Some(self.malformed(port, reason::PROTOCOL_ERROR, "a second CONNECT").await);
        }
        let Some(version) = connect.version() else {
            return Some(
                self.refuse(port, MqttVersion::V311, reason::UNSUPPORTED_VERSION, "a version that is none").await,
            );
        };
        self.version = version;
        self.decoder.set_version(version);
        if !self.hub.config.versions.contains(&version) {
            let why = format!("MQTT {version} is not taken here");
            return Some(self.refuse(port, version, reason::UNSUPPORTED_VERSION, &why).await);
        }
        match self.behaviour(|behaviour| behaviour.refuse) {
            Some(MqttRefusal::Connack(code)) => {
                return Some(self.refuse(port, version, code, "this end was told to refuse").await);
            }
            Some(MqttRefusal::HangUp) => return Some(self.hang_up("this end was told to hang up")),
            Some(MqttRefusal::Silence) => {
                self.fall_silent();
                return None;
            }
            None => {}
        }
        if !self.knows(&connect) {
            let code = reason::BAD_USER_NAME_OR_PASSWORD;
            return Some(self.refuse(port, version, code, "another User Name or Password was expected").await);
        }
        if connect.client_id.is_empty() && version == MqttVersion::V311 && !connect.clean_start {
            let code = reason::CLIENT_IDENTIFIER_NOT_VALID;
            return Some(self.refuse(port, version, code, "an empty Client Identifier without Clean Session").await);
        }
        self.admit(port, &connect).await;
        None
    }

    fn knows(&self, connect: &Connect) -> bool {
        let Some((name, word)) = &self.hub.config.credentials else {
            return true;
        };
        connect.username.as_ref() == Some(name) && connect.password.as_deref() == Some(word.as_bytes())
    }

    async fn refuse(&mut self, port: &mut Port, version: MqttVersion, code: u8, why: &str) -> Finish {
        self.version = version;
        let ack = connack::refusal(version, code);
        let failure = Failure::new(FailureKind::RefusedByUs { status: u16::from(ack.reason) }, why);
        port.fail(failure).await;
        self.put(port, &Packet::ConnAck(ack), None);
        port.last_words().await;
        self.hang_up(why)
    }

    async fn admit(&mut self, port: &mut Port, connect: &Connect) {
        let changes = self.behaviour(|behaviour| behaviour.connack.clone());
        let assigned = connect
            .client_id
            .is_empty()
            .then(|| changes.assigned_client_id.clone().unwrap_or_else(|| self.hub.new_client_id()));
        let id = assigned.clone().unwrap_or_else(|| connect.client_id.clone());
        let live = Live { id: self.id, orders: self.orders.clone() };
        let admitted = self.hub.admit(&id, connect.clean_start, live);
        if let Some(former) = admitted.former {
            // A full queue means that the connection is stuck; its own timers end it then.
            let _ = former.orders.try_send((Command::TakenOver, oneshot::channel().0));
        }
        let is_v5 = self.version == MqttVersion::V5;
        let keep_alive = changes.server_keep_alive.filter(|_| is_v5).unwrap_or(connect.keep_alive);
        let expiry = changes.session_expiry_interval.filter(|_| is_v5);
        self.client = Some(Client {
            endpoint_id: connect.properties.user(ENDPOINT_ID).next().map(str::to_owned),
            patience: (keep_alive > 0).then(|| Duration::from_millis(u64::from(keep_alive) * 1500)),
            keep: kept_for(connect, expiry),
            will: connect.will.clone(),
            window: number(connect, PropertyId::ReceiveMaximum).unwrap_or(MOST_UNDER_WAY),
            max_packet: number(connect, PropertyId::MaximumPacketSize).unwrap_or(MAX_REMAINING),
            reply_to: None,
            id,
        });
        self.phase = Phase::Connected;
        self.heard();
        let ack = connack::success(connect, &changes, admitted.session_present, assigned.as_deref());
        self.put(port, &Packet::ConnAck(ack), None);
        self.resume(port, admitted.unfinished);
        self.open_if_subscribed(port).await;
    }

    /// Sends again what was not acknowledged when the last connection ended (section 4.4).
    fn resume(&self, port: &mut Port, unfinished: Vec<(u16, Stage)>) {
        for (packet_id, stage) in unfinished {
            let packet = match stage {
                Stage::Sent(mut publish) => {
                    publish.dup = true;
                    Packet::Publish(*publish)
                }
                Stage::Releasing => Packet::PubRel(Ack::of(packet_id)),
            };
            self.put(port, &packet, None);
        }
    }

    /// Opens the session if something is subscribed to.
    pub(super) async fn open_if_subscribed(&mut self, port: &mut Port) {
        let Some(client) = self.client.as_ref().filter(|_| !self.is_open) else {
            return;
        };
        let filters = self.hub.with(&client.id, |store| store.filters().next().is_some());
        if filters == Some(true) {
            self.open(port).await;
        }
    }

    /// Records can be sent from now on.
    pub(super) async fn open(&mut self, port: &mut Port) {
        let Some(client) = self.client.as_ref().filter(|_| !self.is_open) else {
            return;
        };
        self.is_open = true;
        let subscriptions = self.hub.with(&client.id, |store| store.filters().cloned().collect()).unwrap_or_default();
        let open = OpenSession {
            eid: client.endpoint_id.clone(),
            client_id: Some(client.id.clone()),
            subscriptions,
            ..OpenSession::default()
        };
        let open = open.over(self.tls.clone());
        self.hub.opened(self.id, open.clone());
        let peer = Some(client.id.clone());
        if let Some(former) = self.end.registry.enter(self.id, peer, self.orders.clone(), port.log.clone()) {
            former.log.emit(MtpHappening::Superseded { by: self.id }).await;
        }
        port.log.emit(MtpHappening::Open(open.clone())).await;
        for seat in self.hub.guests() {
            seat.log(self.id).emit(MtpHappening::Open(open.clone())).await;
        }
    }
}

/// How long a session is kept without a connection: for ever without a limit.
fn kept_for(connect: &Connect, expiry: Option<u32>) -> Option<Duration> {
    let seconds = match connect.version() {
        Some(MqttVersion::V5) => {
            expiry.or_else(|| connect.properties.number(PropertyId::SessionExpiryInterval)).unwrap_or_default()
        }
        _ if connect.clean_start => 0,
        _ => u32::MAX,
    };
    (seconds != u32::MAX).then(|| Duration::from_secs(u64::from(seconds)))
}

fn number(connect: &Connect, id: PropertyId) -> Option<usize> {
    connect.properties.number(id).and_then(|value| usize::try_from(value).ok()).filter(|value| *value > 0)
}
