//! Controllers behind a broker. One client reaches all of them, and for the engine each has a connection of its own: a seat.

use super::{EndId, below, connection_id, enabled, enabled_controller, now, referred};
use crate::core::{Action, Arrival, Channel, ConnectionId, Core, Source};
use crate::faults::{Fault, FaultSet};
use crate::model::Protocol;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use uspec_mtp::MtpError;
use uspec_mtp::event::Route;
use uspec_mtp::tls::{TlsSession, Verification};
use uspec_usp::decode::decode_record;

/// Most seats of Endpoints that the data model does not know on this end. The one that was not heard of for longest goes for one more.
const MOST_GUESTS: usize = 8;

/// Why the Agent leaves a Controller that stays behind the broker.
const NOT_WANTED: &str = "this MTP is not used for the Controller any more";

/// A Controller that is reached over the client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Peer {
    /// Its Endpoint ID.
    pub(super) endpoint_id: String,
    /// Its own topic or destination; may be empty.
    pub(super) address: String,
}

/// The Agent's own MTP that refers to a connection.
pub(super) fn own(store: &Store, protocol: Protocol, connection: &RowKey) -> Option<RowKey> {
    enabled(store, "Device.LocalAgent.MTP.{i}.", protocol.name()).into_iter().find(|own| {
        let details = below(store, own, protocol.name());
        details.and_then(|details| referred(store, &details, "Reference")).as_ref() == Some(connection)
    })
}

/// The Controllers that are reached over a connection to which `own`, an MTP of the Agent, refers. A Controller says over which one in
/// `AgentMTPReference` or, as it was before, `Reference`; without either, the first one of the Agent's is meant.
pub(super) fn peers(
    store: &Store,
    protocol: Protocol,
    address: &str,
    (connection, own): (&RowKey, &RowKey),
) -> Vec<Peer> {
    let first = enabled(store, "Device.LocalAgent.MTP.{i}.", protocol.name()).into_iter().next();
    let describe = |mtp: RowKey| {
        let controller = enabled_controller(store, &mtp)?;
        let details = below(store, &mtp, protocol.name())?;
        let by_mtp = referred(store, &details, "AgentMTPReference").map(|mtp| mtp == *own);
        let by_connection = referred(store, &details, "Reference").map(|row| row == *connection);
        let meant = by_mtp.or(by_connection).unwrap_or_else(|| first.as_ref() == Some(own));
        let endpoint_id = store.text(&controller, "EndpointID").to_owned();
        meant.then(|| Peer { endpoint_id, address: store.text(&details, address).to_owned() })
    };
    let mtps = enabled(store, "Device.LocalAgent.Controller.{i}.MTP.{i}.", protocol.name());
    mtps.into_iter().filter_map(describe).collect()
}

/// What is the same for all seats of a session.
#[derive(Debug, Clone)]
pub(super) struct Session {
    /// What Connect Records say.
    pub(super) channel: Channel,
    /// What the broker's TLS showed.
    pub(super) tls: Option<Box<TlsSession>>,
}

#[derive(Debug)]
struct Seat {
    /// None for an Endpoint that the data model does not know on this end.
    peer: Option<Peer>,
    /// The Endpoint ID that its Records carry.
    endpoint_id: String,
    /// Where the last of its Records wanted the answer.
    heard_at: Option<String>,
}

/// The seats of one client.
#[derive(Debug)]
pub(super) struct Seats {
    end: EndId,
    next: u32,
    session: Option<Session>,
    taken: BTreeMap<ConnectionId, Seat>,
    /// Whether a fault sends answers to where Controllers are configured to be.
    ignores_reply_to: bool,
    /// Whether a fault takes Records of which MQTT 3.1.1 does not say where an answer is wanted.
    takes_mismatches: bool,
}

impl Seats {
    /// Of an end without a session.
    pub(super) fn new(end: EndId, faults: &FaultSet) -> Self {
        let ignoring = [Fault::MqttAnswersToConfiguredTopic, Fault::StompAnswersToConfiguredDestination];
        let ignores_reply_to = ignoring.into_iter().any(|fault| faults.has(fault));
        let takes_mismatches = faults.has(Fault::MqttTakesRecordsWithoutReplyTo);
        Self { end, next: 0, session: None, taken: BTreeMap::new(), ignores_reply_to, takes_mismatches }
    }

    /// Whether there is a session.
    pub(super) fn is_open(&self) -> bool {
        self.session.is_some()
    }

    /// A session has begun: every Controller gets its seat.
    pub(super) fn open(&mut self, core: &mut Core, session: Session, peers: &[Peer]) -> Vec<Action> {
        self.close(core);
        self.session = Some(session);
        peers.iter().flat_map(|peer| self.seat(core, peer, peers)).collect()
    }

    /// The session is over.
    pub(super) fn close(&mut self, core: &mut Core) {
        self.session = None;
        for connection in std::mem::take(&mut self.taken).into_keys() {
            core.closed(connection);
        }
    }

    /// The data model knows other Controllers by now, or others of their topics.
    pub(super) fn adjust(&mut self, core: &mut Core, peers: &[Peer]) -> Vec<Action> {
        if self.session.is_none() {
            return Vec::new();
        }
        let same = |seat: &Seat, peer: &Peer| seat.endpoint_id == peer.endpoint_id;
        let mut gone = Vec::new();
        for (connection, seat) in &mut self.taken {
            match peers.iter().find(|peer| same(seat, peer)) {
                Some(peer) => seat.peer = Some(peer.clone()),
                None if seat.peer.is_some() => gone.push(*connection),
                None => {}
            }
        }
        let mut actions = Vec::new();
        for connection in gone {
            actions.extend(core.farewell_over(connection, NOT_WANTED).map(|farewell| self.directed(farewell)));
            self.leave(core, connection);
        }
        let new: Vec<&Peer> = peers.iter().filter(|peer| !self.taken.values().any(|seat| same(seat, peer))).collect();
        actions.extend(new.into_iter().flat_map(|peer| self.seat(core, peer, peers)));
        actions
    }

    /// The Agent is reached elsewhere by now.
    pub(super) fn moved(&mut self, core: &mut Core, channel: &Channel) -> Vec<Action> {
        let Some(session) = &mut self.session else { return Vec::new() };
        session.channel = channel.clone();
        let seats: Vec<ConnectionId> = self.taken.keys().copied().collect();
        seats.into_iter().flat_map(|connection| core.moved(now(), connection, channel.clone())).collect()
    }

    /// A Record came in. Whose it is says its `from_id`; one that cannot be decoded is taken for that of the Controller who wants the
    /// answer where it does, and else of the first.
    pub(super) fn heard(&mut self, core: &mut Core, bytes: &[u8], route: Route) -> Vec<Action> {
        let Route { reply_to, .. } = route;
        // Who published it speaks another version of MQTT, and must mend that first (R-MQTT.26a).
        let is_v311 = self.session.as_ref().is_some_and(|it| matches!(it.channel, Channel::Mqtt { v5: false, .. }));
        if is_v311 && reply_to.is_none() && !self.takes_mismatches {
            return Vec::new();
        }
        let from = decode_record(bytes).value.map(|record| record.from_id);
        let mut actions = Vec::new();
        let connection = match from {
            Some(from) => {
                let known = self.of(|seat| seat.endpoint_id == from);
                if known.is_none() {
                    let (guest, mut more) = self.guest(core, from);
                    actions.append(&mut more);
                    guest
                } else {
                    known
                }
            }
            None => self.of(|seat| reply_to.is_some() && seat.heard_at == reply_to).or_else(|| self.of(|_| true)),
        };
        let Some(connection) = connection else { return actions };
        if let Some(seat) = self.taken.get_mut(&connection).filter(|_| reply_to.is_some()) {
            seat.heard_at.clone_from(&reply_to);
        }
        actions.append(&mut core.handle_record(now(), Source { connection, reply_to }, bytes));
        actions
    }

    /// Gives a seat up; the session goes on.
    pub(super) fn leave(&mut self, core: &mut Core, connection: ConnectionId) {
        self.taken.remove(&connection);
        core.closed(connection);
    }

    /// Where a Record goes: to where its answer is wanted, else to the Controller's own topic or destination, else to where the last answer
    /// was wanted.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`]: nobody is there, or nobody knows where.
    pub(super) fn address(&self, connection: ConnectionId, to: Option<String>) -> Result<String, MtpError> {
        let to = to.filter(|_| !self.ignores_reply_to);
        to.or_else(|| self.known_address(connection)).ok_or(MtpError::NotOpen)
    }

    /// Where a Controller is reached that has not just asked.
    fn known_address(&self, connection: ConnectionId) -> Option<String> {
        let seat = self.taken.get(&connection)?;
        let own = seat.peer.as_ref().map(|peer| peer.address.clone()).filter(|address| !address.is_empty());
        own.or_else(|| seat.heard_at.clone())
    }

    /// The same action with the place that it goes to, so that it does not need the seat any more.
    fn directed(&self, action: Action) -> Action {
        match action {
            Action::Send { connection, to, record } => {
                Action::Send { connection, to: to.or_else(|| self.known_address(connection)), record }
            }
            other => other,
        }
    }

    fn of(&self, which: impl Fn(&Seat) -> bool) -> Option<ConnectionId> {
        self.taken.iter().find(|(_, seat)| which(seat)).map(|(connection, _)| *connection)
    }

    fn seat(&mut self, core: &mut Core, peer: &Peer, all: &[Peer]) -> Vec<Action> {
        let Some(session) = &self.session else { return Vec::new() };
        let tls = session.tls.clone().filter(|tls| !is_vouched_for(tls, &peer.endpoint_id, all));
        let arrival = Arrival { peer: Some(peer.endpoint_id.clone()), tls, channel: session.channel.clone() };
        let seat = Seat { peer: Some(peer.clone()), endpoint_id: peer.endpoint_id.clone(), heard_at: None };
        let connection = self.number();
        self.taken.insert(connection, seat);
        core.opened(now(), connection, arrival)
    }

    /// A seat for an Endpoint that has none: what becomes of its Records decides the engine.
    fn guest(&mut self, core: &mut Core, endpoint_id: String) -> (Option<ConnectionId>, Vec<Action>) {
        let guests = self.taken.iter().filter(|(_, seat)| seat.peer.is_none()).map(|(connection, _)| *connection);
        let guests: Vec<ConnectionId> = guests.collect();
        if let Some(oldest) = guests.first().filter(|_| guests.len() >= MOST_GUESTS) {
            self.leave(core, *oldest);
        }
        let Some(session) = &self.session else { return (None, Vec::new()) };
        let all: Vec<Peer> = self.taken.values().filter_map(|seat| seat.peer.clone()).collect();
        let tls = session.tls.clone().filter(|tls| !is_vouched_for(tls, &endpoint_id, &all));
        let arrival = Arrival { peer: None, tls, channel: session.channel.clone() };
        let connection = self.number();
        self.taken.insert(connection, Seat { peer: None, endpoint_id, heard_at: None });
        let actions = core.opened(now(), connection, arrival);
        (Some(connection), actions)
    }

    fn number(&mut self) -> ConnectionId {
        self.next = self.next.saturating_add(1);
        connection_id(self.end, self.next)
    }
}

/// Whether a broker vouches for the Endpoint: its certificate is verified and stands for another Controller behind it, and not for this
/// one. A broker that stands for nobody vouches for nobody (R-SEC.4a), so that its certificate is compared with the Endpoint ID.
fn is_vouched_for(tls: &TlsSession, endpoint_id: &str, all: &[Peer]) -> bool {
    let Some(certificate) = &tls.peer_certificate else { return false };
    let stands_for = |endpoint_id: &str| certificate.stands_for(endpoint_id).is_exact();
    tls.verification == Verification::Verified
        && !stands_for(endpoint_id)
        && all.iter().any(|peer| stands_for(&peer.endpoint_id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{AgentConfig, ControllerConfig, MqttTarget};
    use prost::Message as _;
    use tokio::time::Instant;
    use uspec_usp::msg::{self, Msg, body::MsgBody, request::ReqType};
    use uspec_usp::record::{NoSessionContextRecord, Record, record::RecordType};

    const AGENT: &str = "proto::agent";

    fn core(controllers: &[&str]) -> Core {
        let controller = |id: &&str| ControllerConfig {
            endpoint_id: (*id).to_owned(),
            mqtt: Some(MqttTarget::default()),
            ..ControllerConfig::default()
        };
        let config = AgentConfig {
            endpoint_id: AGENT.to_owned(),
            controllers: controllers.iter().map(controller).collect(),
            ..AgentConfig::default()
        };
        Core::boot(config, None, Instant::now(), Instant::now()).unwrap()
    }

    fn peer(id: &str) -> Peer {
        Peer { endpoint_id: id.to_owned(), address: format!("usp/{id}") }
    }

    fn channel(topic: &str) -> Channel {
        Channel::Mqtt { v5: true, topic: Some(topic.to_owned()) }
    }

    fn open(core: &mut Core, peers: &[Peer]) -> (Seats, Vec<Action>) {
        let mut seats = Seats::new(7, &FaultSet::default());
        let session = Session { channel: channel("usp/agent"), tls: None };
        let actions = seats.open(core, session, peers);
        (seats, actions)
    }

    fn record(from: &str) -> Vec<u8> {
        let get = msg::Get { param_paths: vec!["Device.LocalAgent.EndpointID".to_owned()], max_depth: 0 };
        let body = MsgBody::Request(msg::Request { req_type: Some(ReqType::Get(get)) });
        let header = msg::Header { msg_id: "1".to_owned(), msg_type: 1 };
        let message = Msg { header: Some(header), body: Some(msg::Body { msg_body: Some(body) }) };
        let record_type =
            Some(RecordType::NoSessionContext(NoSessionContextRecord { payload: message.encode_to_vec() }));
        let (version, to_id, from_id) = ("1.4".to_owned(), AGENT.to_owned(), from.to_owned());
        Record { version, to_id, from_id, record_type, ..Record::default() }.encode_to_vec()
    }

    /// Where each Record goes, to whom, and whether it is a Connect Record, a Disconnect Record or carries a Message.
    fn sent(seats: &Seats, actions: &[Action]) -> Vec<(String, String, &'static str)> {
        let of = |action: &Action| {
            let Action::Send { connection, to, record } = action else { panic!("{action:?}") };
            let record = Record::decode(record.as_slice()).unwrap();
            let kind = match record.record_type.unwrap() {
                RecordType::MqttConnect(_) => "connect",
                RecordType::Disconnect(_) => "disconnect",
                _ => "message",
            };
            (seats.address(*connection, to.clone()).unwrap(), record.to_id, kind)
        };
        actions.iter().map(of).collect()
    }

    fn at(topic: &str, to: &str, kind: &'static str) -> (String, String, &'static str) {
        (topic.to_owned(), to.to_owned(), kind)
    }

    #[test]
    fn each_controller_is_greeted_at_its_topic() {
        let mut core = core(&["self::a", "self::b"]);
        let (seats, actions) = open(&mut core, &[peer("self::a"), peer("self::b")]);
        assert_eq!(
            sent(&seats, &actions),
            [at("usp/self::a", "self::a", "connect"), at("usp/self::b", "self::b", "connect")]
        );
    }

    #[test]
    fn answers_go_where_they_are_wanted() {
        let mut core = core(&["self::a", "self::b"]);
        let (mut seats, _) = open(&mut core, &[peer("self::a"), peer("self::b")]);
        let route = Route { to: None, reply_to: Some("elsewhere".to_owned()) };
        let actions = seats.heard(&mut core, &record("self::b"), route);
        assert_eq!(sent(&seats, &actions), [at("elsewhere", "self::b", "message")]);
        let actions = seats.heard(&mut core, &record("self::b"), Route::default());
        assert_eq!(sent(&seats, &actions), [at("usp/self::b", "self::b", "message")]);
    }

    #[test]
    fn who_has_no_topic_in_the_data_model_is_greeted_where_it_was_heard() {
        let mut core = core(&["self::a", "self::b"]);
        let (mut seats, _) = open(&mut core, &[peer("self::a")]);
        let route = Route { to: None, reply_to: Some("usp/heard".to_owned()) };
        let actions = seats.heard(&mut core, &record("self::b"), route.clone());
        assert_eq!(
            sent(&seats, &actions),
            [at("usp/heard", "self::b", "connect"), at("usp/heard", "self::b", "message")]
        );
        for stranger in 0..20 {
            assert_eq!(seats.heard(&mut core, &record(&format!("self::{stranger}")), route.clone()), []);
        }
        assert_eq!(seats.taken.len(), 1 + MOST_GUESTS);
    }

    #[test]
    fn a_controller_that_goes_is_told_and_one_that_comes_is_greeted() {
        let mut core = core(&["self::a", "self::b"]);
        let (mut seats, _) = open(&mut core, &[peer("self::a")]);
        let actions = seats.adjust(&mut core, &[peer("self::b")]);
        assert_eq!(
            sent(&seats, &actions),
            [at("usp/self::a", "self::a", "disconnect"), at("usp/self::b", "self::b", "connect")]
        );
        assert_eq!(core.connections().count(), 1);
        seats.close(&mut core);
        assert_eq!(core.connections().count(), 0);
    }

    #[test]
    fn who_is_reached_elsewhere_says_so() {
        let mut core = core(&["self::a"]);
        let (mut seats, _) = open(&mut core, &[peer("self::a")]);
        assert_eq!(seats.moved(&mut core, &channel("usp/agent")), []);
        let actions = seats.moved(&mut core, &channel("usp/other"));
        assert_eq!(sent(&seats, &actions), [at("usp/self::a", "self::a", "connect")]);
    }

    #[test]
    fn what_cannot_be_decoded_is_dropped() {
        let mut core = core(&["self::a"]);
        let (mut seats, _) = open(&mut core, &[peer("self::a")]);
        assert_eq!(seats.heard(&mut core, b"\xff\xff\xff", Route::default()), []);
    }
}
