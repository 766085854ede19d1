//! The connections, and who is at their other ends.

use super::{Action, ConnectionId, Core, NORMAL};
use crate::faults::Fault;
use crate::store::RowKey;
use crate::trust::authentication::{self, Standing};
use std::time::Duration;
use tokio::time::Instant;
use uspec_mtp::tls::TlsSession;
use uspec_usp::record::{
    MqttConnectRecord, StompConnectRecord, UdsConnectRecord, WebSocketConnectRecord, mqtt_connect_record::MqttVersion,
    record::RecordType, stomp_connect_record::StompVersion,
};

/// How long after the session has opened the fault sends the Connect Record.
const FAULTY_GREETING: Duration = Duration::from_secs(35);

/// A version of STOMP that is none.
const UNKNOWN_VERSION: i32 = 1;

/// What the Connect Record says of a connection (R-MTP.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Channel {
    /// Over WebSocket: nothing.
    #[default]
    WebSocket,
    /// Over a UNIX domain socket: nothing.
    Uds,
    /// Over MQTT.
    Mqtt {
        /// Whether it is MQTT 5.0, and not 3.1.1.
        v5: bool,
        /// The topic at which the Agent is reached; without it there is no Connect Record.
        topic: Option<String>,
    },
    /// Over STOMP.
    Stomp {
        /// The destination at which the Agent is reached; without it there is no Connect Record.
        destination: Option<String>,
    },
}

impl Channel {
    /// Whether a server stands between the Agent and its Controllers.
    pub fn is_brokered(&self) -> bool {
        matches!(self, Self::Mqtt { .. } | Self::Stomp { .. })
    }
}

/// A connection that came up.
#[derive(Debug, Clone, Default)]
pub struct Arrival {
    /// The Endpoint ID at the other end, when the MTP knows it.
    pub peer: Option<String>,
    /// What TLS showed; none in clear text.
    pub tls: Option<Box<TlsSession>>,
    /// What the Connect Record will say.
    pub channel: Channel,
}

impl Arrival {
    /// Of a connection over WebSocket.
    pub fn of(peer: Option<&str>, tls: Option<Box<TlsSession>>) -> Self {
        Self { peer: peer.map(str::to_owned), tls, channel: Channel::WebSocket }
    }
}

/// A connection.
#[derive(Debug, Clone, Default)]
pub(super) struct Link {
    /// The Endpoint ID that the other end gave, or that it was connected to for.
    pub(super) peer: Option<String>,
    /// What TLS showed; none in clear text.
    tls: Option<Box<TlsSession>>,
    /// What the Connect Record says.
    pub(super) channel: Channel,
    /// Whether the other end is a Controller that was sent a Connect Record.
    greeted: bool,
    /// When the Connect Record that a fault holds back goes out.
    overdue: Option<Instant>,
    /// Whether it is being closed because its Controller is not served any more.
    leaving: bool,
}

impl Core {
    /// A connection came up. The Connect Record goes first (R-MTP.6), then what was waiting.
    pub fn opened(&mut self, now: Instant, connection: ConnectionId, arrival: Arrival) -> Vec<Action> {
        let Arrival { peer, tls, channel } = arrival;
        let link = Link { peer: peer.clone(), tls, channel, ..Link::default() };
        self.links.insert(connection, link);
        if let Some(peer) = peer {
            self.identify(now, connection, &peer, false);
        }
        let mut actions = self.greet(now);
        actions.append(&mut self.tick(now));
        actions
    }

    /// The Agent is reached elsewhere over a connection from now on, and says so.
    pub fn moved(&mut self, now: Instant, connection: ConnectionId, channel: Channel) -> Vec<Action> {
        match self.links.get_mut(&connection) {
            Some(link) if link.channel != channel => {
                link.channel = channel;
                link.greeted = false;
                self.greet(now)
            }
            _ => Vec::new(),
        }
    }

    /// A connection went down.
    pub fn closed(&mut self, connection: ConnectionId) {
        self.links.remove(&connection);
    }

    /// The row of the Controller with that Endpoint ID at the other end of a connection; none when nothing of it is to be processed.
    /// One that sends a Message and has a certificate that the Agent accepts is entered (`asks`).
    pub(super) fn identify(
        &mut self,
        now: Instant,
        connection: ConnectionId,
        endpoint_id: &str,
        asks: bool,
    ) -> Option<RowKey> {
        let tls = self.links.get(&connection).and_then(|link| link.tls.clone());
        let before = self.store.clone();
        let faults = self.config.faults.clone();
        let row = match authentication::standing(&self.store, &faults, endpoint_id, tls.as_deref()) {
            Standing::Known(row) => row,
            Standing::New if asks => authentication::welcome(&mut self.store, &faults, endpoint_id, tls.as_deref()?)?,
            Standing::New | Standing::Refused => return None,
        };
        if let Some(tls) = tls {
            authentication::determine_roles(&mut self.store, &faults, &row, &tls);
            self.settle(now, &before, Vec::new());
        }
        Some(row)
    }

    /// Sends the Connect Record on connections whose other end has turned out to be a Controller.
    pub(super) fn greet(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = Vec::new();
        for (connection, peer) in self.served(|link| !link.greeted) {
            let late = self.faults().has(Fault::ConnectRecordComesLate);
            if let Some(link) = self.links.get_mut(&connection) {
                link.greeted = true;
                link.overdue = late.then(|| now.checked_add(FAULTY_GREETING)).flatten();
            }
            if !late {
                actions.extend(self.greeting(connection, &peer));
            }
            self.outbox.connected(&peer, now);
        }
        actions
    }

    /// Sends the Connect Records that a fault has held back until `now`.
    pub(super) fn late_greetings(&mut self, now: Instant) -> Vec<Action> {
        let mut peers = Vec::new();
        for (connection, link) in &mut self.links {
            if link.overdue.is_some_and(|overdue| overdue <= now) {
                link.overdue = None;
                peers.extend(link.peer.clone().map(|peer| (*connection, peer)));
            }
        }
        peers.into_iter().filter_map(|(connection, peer)| self.greeting(connection, &peer)).collect()
    }

    /// The Connect Record of a connection; none when what it has to say is not known.
    fn greeting(&self, connection: ConnectionId, peer: &str) -> Option<Action> {
        if self.faults().has(Fault::NoConnectRecord) {
            return None;
        }
        let record_type = self.connect_record_type(&self.links.get(&connection)?.channel)?;
        Some(self.send(connection, peer, record_type))
    }

    /// The encoded Connect Record to a Controller; none when what it has to say is not known.
    pub fn connect_record(&self, channel: &Channel, peer: &str) -> Option<Vec<u8>> {
        Some(self.encode(peer, self.connect_record_type(channel)?))
    }

    fn connect_record_type(&self, channel: &Channel) -> Option<RecordType> {
        let faults = self.faults();
        if faults.has(Fault::ConnectRecordOfAnotherMtp) {
            return Some(RecordType::WebsocketConnect(WebSocketConnectRecord {}));
        }
        let wrong_version = faults.has(Fault::ConnectRecordWrongVersion);
        let named = |place: &Option<String>| {
            let place = place.clone()?;
            Some(match [Fault::ConnectRecordWrongTopic, Fault::ConnectRecordOmitsTopic].map(|it| faults.has(it)) {
                [true, _] => format!("{place}-other"),
                [false, true] => String::new(),
                [false, false] => place,
            })
        };
        Some(match channel {
            Channel::WebSocket => RecordType::WebsocketConnect(WebSocketConnectRecord {}),
            Channel::Uds => RecordType::UdsConnect(UdsConnectRecord {}),
            Channel::Mqtt { v5, topic } => {
                let version = if *v5 == wrong_version { MqttVersion::V311 } else { MqttVersion::V5 };
                let (version, subscribed_topic) = (version.into(), named(topic)?);
                RecordType::MqttConnect(MqttConnectRecord { version, subscribed_topic })
            }
            Channel::Stomp { destination } => {
                let version = if wrong_version { UNKNOWN_VERSION } else { StompVersion::V12.into() };
                let subscribed_destination = named(destination)?;
                RecordType::StompConnect(StompConnectRecord { version, subscribed_destination })
            }
        })
    }

    /// When [`Core::late_greetings`] has something to send again.
    pub(super) fn next_greeting(&self) -> Option<Instant> {
        self.links.values().filter_map(|link| link.overdue).min()
    }

    /// Closes the connections of Controllers that were served and are not any more: disabled, deleted or banned (TR-181 Enable).
    pub(super) fn part(&mut self) -> Vec<Action> {
        let served: Vec<ConnectionId> = self.served(|link| link.greeted).into_iter().map(|(id, _)| id).collect();
        let reason = "the Controller is not served any more";
        let (mut left, mut actions) = (Vec::new(), Vec::new());
        for (id, link) in &mut self.links {
            if link.greeted && !link.leaving && !served.contains(id) {
                link.leaving = true;
                left.push((*id, link.channel.is_brokered()));
            }
        }
        for (connection, brokered) in left {
            // Behind a broker nothing else tells the Controller (R-MTP.7).
            actions.extend(if brokered { self.farewell_over(connection, reason) } else { None });
            actions.push(Action::Close { connection, code: NORMAL, reason });
        }
        actions
    }

    /// The connections that satisfy `which` and whose other end is a Controller that the Agent serves.
    fn served(&self, which: impl Fn(&Link) -> bool) -> Vec<(ConnectionId, String)> {
        let wanted = self.links.iter().filter(|(_, link)| which(link));
        let peers = wanted.filter_map(|(id, link)| Some((*id, link.peer.clone()?, link.tls.as_deref())));
        let known = peers.filter(|(_, peer, tls)| {
            matches!(authentication::standing(&self.store, self.faults(), peer, *tls), Standing::Known(_))
        });
        known.map(|(id, peer, _)| (id, peer)).collect()
    }

    /// Whether there is a connection to a Controller.
    pub(super) fn is_connected(&self, endpoint_id: &str) -> bool {
        self.connection_to(endpoint_id).is_some()
    }

    /// The latest connection to a Controller.
    pub(super) fn connection_to(&self, endpoint_id: &str) -> Option<ConnectionId> {
        let usable = |link: &Link| link.greeted && !link.leaving && link.peer.as_deref() == Some(endpoint_id);
        self.links.iter().rev().find(|(_, link)| usable(link)).map(|(connection, _)| *connection)
    }
}
