//! What has happened at our end of the MTP, as far as a diagnosis rests on it.
//!
//! One decision behind it: events are folded as they come and nothing of them is kept that no diagnosis needs, so that a peer that floods
//! us fills neither the memory nor the report.

use crate::arrival::{Arrival, Carried};
use serde_json::Value;
use std::collections::BTreeMap;
use uspec_mtp::{
    event::{
        Closing, ConnectionId, Direction, EndedBy, Failure, FailureKind, HttpHead, MtpEvent, MtpHappening, OpenSession,
        PacketSeen, SHOWN_OCTETS,
    },
    network::Address,
    tls::{TlsFailure, TlsSession},
};
use uspec_testplan::secrets;

/// Connections that are kept. An Agent has one or two; the rest is strangers, which are counted.
const CONNECTIONS: usize = 32;

/// Things of one kind that are kept of a connection. The first tell what is wrong; later ones repeat them.
const KEPT: usize = 32;

/// Everything that has happened, in short.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// Where we listen.
    pub(super) listening: Option<Address>,
    /// Connections that there were, with those that are not kept.
    pub(super) streams: u64,
    /// Failures of our own end, not of one connection.
    pub(super) end_failures: Vec<Failure>,
    connections: BTreeMap<ConnectionId, Seen>,
}

/// What is known of one connection.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) peer: Option<Address>,
    /// Whether we have said something, so that there was a stream.
    pub(super) spoke: bool,
    /// The first octets that came: in clear text, or in place of TLS.
    pub(super) first: Vec<u8>,
    pub(super) tls: Option<TlsSession>,
    pub(super) tls_failure: Option<TlsFailure>,
    /// Request and answer of a WebSocket upgrade.
    pub(super) upgrade: Option<(HttpHead, Option<HttpHead>)>,
    /// The frame with which the peer introduces itself: CONNECT, STOMP, HANDSHAKE; its fields.
    pub(super) opening: Option<Value>,
    /// Whether our broker has let the client in.
    pub(super) admitted: bool,
    /// What it subscribes to.
    pub(super) subscriptions: Vec<String>,
    /// What it published, and where.
    pub(super) published: Vec<Published>,
    pub(super) open: Option<OpenSession>,
    pub(super) failures: Vec<Failure>,
    /// The Records that came for us.
    pub(super) heard: Vec<Heard>,
    pub(super) closed: Option<Closing>,
    pub(super) ended: Option<EndedBy>,
}

/// A message to a broker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Published {
    /// Its topic or destination.
    pub(super) to: String,
    /// The Record in it, if it is one.
    pub(super) record: Option<Heard>,
}

/// A Record that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Heard {
    pub(super) from: String,
    pub(super) to: String,
    /// The Record's `version`.
    pub(super) version: String,
    /// Whether it announces the EUT.
    pub(super) is_connect: bool,
    /// What it answers, if it does.
    pub(super) answers: Option<Answer>,
    /// The topic or destination that it came on.
    pub(super) on: Option<String>,
    /// Where it asks to be answered.
    pub(super) reply_to: Option<String>,
}

/// A Response or an Error.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) msg_id: String,
    pub(super) body: Value,
    pub(super) is_error: bool,
}

impl Evidence {
    /// Takes in what has happened. `ours` tells whether a topic or destination is our Controller's own.
    pub(super) fn take(&mut self, event: &MtpEvent, ours: impl Fn(&str) -> bool) {
        match &event.what {
            MtpHappening::Listening { address } => self.listening = Some(address.clone()),
            MtpHappening::Failed(failure) if event.connection == ConnectionId::END => {
                keep(&mut self.end_failures, failure.clone());
            }
            what if event.connection != ConnectionId::END => {
                if matches!(what, MtpHappening::Attempt { .. }) {
                    self.streams = self.streams.saturating_add(1);
                }
                self.connections.entry(event.connection).or_default().take(what, ours);
                self.forget();
            }
            _ => {}
        }
    }

    /// The connection that came farthest, and of several the newest: the EUT's, if it is there at all.
    pub(super) fn best(&self, eut: Option<&str>) -> Option<(ConnectionId, &Seen)> {
        self.connections.iter().max_by_key(|(id, seen)| (seen.rank(eut), **id)).map(|(id, seen)| (*id, seen))
    }

    /// A session that Records can be sent on, the EUT's rather than another's.
    pub(super) fn session(&self, eut: Option<&str>) -> Option<ConnectionId> {
        let open = self.connections.iter().filter(|(_, seen)| seen.open.is_some() && !seen.is_over());
        open.max_by_key(|(id, seen)| (seen.rank(eut), **id)).map(|(id, _)| *id)
    }

    /// The answer to what was asked, on whatever connection, and the Record it stood in.
    pub(super) fn answer(&self, msg_id: &str) -> Option<(ConnectionId, &Heard)> {
        self.connections.iter().find_map(|(id, seen)| {
            let heard = seen.heard.iter().find(|heard| heard.is_answer_to(msg_id))?;
            Some((*id, heard))
        })
    }

    /// The topic or destination to which an answer went that is not ours.
    pub(super) fn strayed(&self, msg_id: &str) -> Option<&str> {
        let mut published = self.connections.values().flat_map(|seen| &seen.published);
        let stray = |one: &&Published| one.record.as_ref().is_some_and(|heard| heard.is_answer_to(msg_id));
        published.find(stray).map(|one| one.to.as_str())
    }

    /// The USP version of the EUT's own Records, in which ours are sent; the first one until some came.
    pub(super) fn version(&self) -> String {
        let heard = self.connections.values().rev().flat_map(|seen| &seen.heard);
        let known = |heard: &&Heard| heard.version.strip_prefix("1.").is_some_and(|minor| minor.parse::<u16>().is_ok());
        heard.into_iter().find(known).map_or_else(|| "1.0".to_owned(), |heard| heard.version.clone())
    }

    /// Every connection that is kept, the oldest first.
    pub(super) fn all(&self) -> impl DoubleEndedIterator<Item = &Seen> {
        self.connections.values()
    }

    /// Forgets the connection that tells least, and of several the oldest.
    fn forget(&mut self) {
        if self.connections.len() > CONNECTIONS {
            let least = self.connections.iter().min_by_key(|(id, seen)| (seen.rank(None), **id)).map(|(id, _)| *id);
            if let Some(least) = least {
                self.connections.remove(&least);
            }
        }
    }
}

impl Seen {
    fn take(&mut self, what: &MtpHappening, ours: impl Fn(&str) -> bool) {
        match what {
            MtpHappening::Attempt { peer, .. } => self.peer = Some(peer.clone()),
            MtpHappening::TlsEstablished(tls) => self.tls = Some((**tls).clone()),
            MtpHappening::TlsFailed(failure) => {
                if self.first.is_empty() {
                    self.first = failure.received.to_vec();
                }
                self.tls_failure = Some((**failure).clone());
            }
            MtpHappening::Handshake { request, response } => self.upgrade = Some((request.clone(), response.clone())),
            MtpHappening::Open(open) => {
                self.admitted = true;
                self.open = Some(open.clone());
            }
            MtpHappening::Octets { direction: Direction::Received, bytes } => {
                let left = SHOWN_OCTETS.saturating_sub(self.first.len());
                self.first.extend_from_slice(bytes.get(..left).unwrap_or(bytes));
            }
            MtpHappening::Octets { direction: Direction::Sent, .. } => self.spoke = true,
            MtpHappening::Packet { direction, packet } => self.packet(*direction, packet, ours),
            MtpHappening::Record { direction: Direction::Received, bytes, route, .. } => {
                keep(&mut self.heard, Heard::read(bytes, route.to.clone(), route.reply_to.clone()));
            }
            MtpHappening::Failed(failure) => keep(&mut self.failures, failure.clone()),
            MtpHappening::Closed(closing) => self.closed = Some(closing.clone()),
            MtpHappening::StreamEnded { by } => self.ended = Some(*by),
            _ => {}
        }
    }

    fn packet(&mut self, direction: Direction, packet: &PacketSeen, ours: impl Fn(&str) -> bool) {
        let PacketSeen { kind, fields, body } = packet;
        match (direction, kind.as_str()) {
            (Direction::Received, "CONNECT" | "STOMP" | "HANDSHAKE") => self.opening = Some(secrets::without(fields)),
            (_, "CONNACK") => self.admitted = fields.get("reason").and_then(Value::as_u64) == Some(0),
            (_, "CONNECTED") => self.admitted = true,
            (Direction::Received, "SUBSCRIBE") => {
                for place in places(fields) {
                    keep(&mut self.subscriptions, place);
                }
            }
            (Direction::Received, "PUBLISH" | "SEND") => {
                let to = text(fields, "/topic").or_else(|| text(fields, "/headers/destination")).unwrap_or_default();
                if !ours(&to) {
                    let heard = Heard::read(body, Some(to.clone()), None);
                    let record = (!heard.from.is_empty()).then_some(heard);
                    keep(&mut self.published, Published { to, record });
                }
            }
            _ => {}
        }
    }

    /// Whom the peer says it is: in its handshake, or in its first Record.
    pub(super) fn peer_id(&self) -> Option<&str> {
        let records = self.heard.iter().map(|heard| heard.from.as_str());
        let said = records.chain(self.published.iter().filter_map(|one| Some(one.record.as_ref()?.from.as_str())));
        self.open.as_ref().and_then(OpenSession::peer_eid).or_else(|| said.into_iter().find(|from| !from.is_empty()))
    }

    /// Whether nothing more can come of it.
    pub(super) fn is_over(&self) -> bool {
        let refused = |failure: &Failure| failure.kind == FailureKind::TooManyConnections;
        self.closed.is_some() || self.ended.is_some() || self.failures.iter().any(refused)
    }

    /// How far it came, and whether it is the EUT's.
    fn rank(&self, eut: Option<&str>) -> u8 {
        let is_eut = eut.is_some() && self.peer_id() == eut;
        let steps = [
            !self.first.is_empty(),
            self.tls_failure.as_ref().is_some_and(|failure| failure.alert.is_some() || failure.problem.is_some()),
            self.tls.is_some(),
            self.upgrade.is_some() || self.opening.is_some(),
            self.admitted,
            self.open.is_some(),
            !self.heard.is_empty(),
        ];
        let reached = steps.iter().rposition(|reached| *reached).map_or(0, |place| place + 1);
        u8::try_from(reached).unwrap_or(u8::MAX).saturating_add(if is_eut { 100 } else { 0 })
    }
}

impl Heard {
    fn read(bytes: &[u8], on: Option<String>, reply_to: Option<String>) -> Self {
        let Arrival { from, to, version, content, .. } = Arrival::read(bytes);
        let is_connect = content == Carried::Connect;
        let answers = match content {
            Carried::Answer { msg_id, body, is_error } => Some(Answer { msg_id, body, is_error }),
            _ => None,
        };
        Self { from, to, version, is_connect, answers, on, reply_to }
    }

    fn is_answer_to(&self, msg_id: &str) -> bool {
        self.answers.as_ref().is_some_and(|answer| answer.msg_id == msg_id)
    }
}

/// The filters of a SUBSCRIBE, or the one destination of STOMP's.
fn places(fields: &Value) -> Vec<String> {
    let filters = fields.get("subscriptions").and_then(Value::as_array).into_iter().flatten();
    let filters = filters.filter_map(|one| text(one, "/filter"));
    filters.chain(text(fields, "/headers/destination")).collect()
}

/// A text in a tree of fields.
pub(super) fn text(fields: &Value, pointer: &str) -> Option<String> {
    fields.pointer(pointer).and_then(Value::as_str).map(str::to_owned)
}

fn keep<T>(list: &mut Vec<T>, one: T) {
    if list.len() < KEPT {
        list.push(one);
    }
}
