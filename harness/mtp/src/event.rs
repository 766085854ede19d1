//! What happened on an MTP, as it happened: the raw material of a trace.
//!
//! The one decision behind it: an end reports and does not judge. What violates a requirement is reported as [`Failure`] with the
//! requirement's number, the octets stand beside it, and the verdict is somebody else's.

mod agent;
mod failure;
mod http;
pub(crate) mod octets;
mod weight;

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use crate::network::Address;
use crate::tls::{EndpointMatch, TlsFailure, TlsSession};

pub use self::agent::{AgentHappening, AgentMtpEvent};
pub use self::failure::{Failure, FailureKind, SHOWN_OCTETS};
pub use self::http::{HttpHead, HttpHeader, StartLine};
pub use self::weight::EVENT_OCTETS;

pub(crate) use self::weight::{Budget, Weight};

/// How many events may wait for their consumer. Every Record makes three to four, so that this is a few hundred Records; a consumer that
/// lets more pile up slows the peer down through TCP instead of filling the memory. [`EVENT_OCTETS`] bounds large ones.
pub const EVENT_QUEUE: usize = 1024;

/// One thing that happened on one connection.
///
/// A large one counts against [`EVENT_OCTETS`] until it is dropped: whoever wants to keep events keeps copies, which do not count.
#[derive(Debug, Clone, PartialEq)]
pub struct MtpEvent {
    /// When, on tokio's clock.
    pub at: Instant,
    /// Where; [`ConnectionId::END`] for what concerns no single connection.
    pub connection: ConnectionId,
    /// What.
    pub what: MtpHappening,
    weight: Weight,
}

impl MtpEvent {
    /// An event that counts against no budget, as a test of a consumer makes it.
    pub fn new(at: Instant, connection: ConnectionId, what: MtpHappening) -> Self {
        Self { at, connection, what, weight: Weight::default() }
    }

    /// An event with its share of the budget.
    pub(crate) fn weighed(at: Instant, connection: ConnectionId, what: MtpHappening, weight: Weight) -> Self {
        Self { at, connection, what, weight }
    }
}

/// Number of a connection (or of an attempt to have one), counted from 1 within one end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConnectionId(pub u32);

impl ConnectionId {
    /// The end itself, for events such as [`MtpHappening::Listening`].
    pub const END: Self = Self(0);
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What can happen, in the order in which a connection usually meets it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MtpHappening {
    /// Connections are accepted from now on.
    Listening {
        /// The address with its real port.
        address: Address,
    },
    /// Connections are refused from now on.
    ListeningStopped,
    /// This end will open a connection after a wait (for an Agent R-WS.19).
    Waiting {
        /// Retries since the last open session, this one included.
        retry: u32,
        /// How long it will wait.
        wait: Duration,
    },
    /// A stream is being opened (by us) or was opened (by the peer).
    Attempt {
        /// Who opens it.
        opener: Party,
        /// The other side's address.
        peer: Address,
    },
    /// TLS is in place; nothing of the MTP was exchanged before.
    TlsEstablished(Box<TlsSession>),
    /// TLS could not be established, or the peer took its consent back (a fatal alert during the opening handshake).
    TlsFailed(Box<TlsFailure>),
    /// The opening handshake, as far as it came (RFC 6455 section 4).
    Handshake {
        /// The client's request, as received or as sent.
        request: HttpHead,
        /// The server's response, as sent or as received; absent if it never came or was not HTTP.
        response: Option<HttpHead>,
    },
    /// Records can be exchanged.
    Open(OpenSession),
    /// A newer session of the same peer is open beside this one and is now the current one (compare R-WS.4).
    Superseded {
        /// The newer connection.
        by: ConnectionId,
    },
    /// Octets of the connection in clear text, cut as they were written or read.
    Octets {
        /// Which way.
        direction: Direction,
        /// The octets.
        #[serde(with = "octets")]
        bytes: Bytes,
    },
    /// One WebSocket frame, unmasked.
    Frame {
        /// Which way.
        direction: Direction,
        /// The frame.
        frame: FrameSeen,
    },
    /// One MQTT packet, STOMP frame or UDS frame; what it carries is reported behind it.
    Packet {
        /// Which way.
        direction: Direction,
        /// The packet.
        packet: PacketSeen,
    },
    /// One whole USP Record as it stood in the MTP's message, which says nothing about its validity.
    Record {
        /// Which way.
        direction: Direction,
        /// The Record.
        #[serde(with = "octets")]
        bytes: Bytes,
        /// Number of frames that carried it (R-WS.14a).
        frames: u32,
        /// Where it was sent to, and where an answer is wanted; empty for an MTP that has no such thing.
        #[serde(default, skip_serializing_if = "Route::is_direct")]
        route: Route,
    },
    /// One whole text message, which cannot carry a Record (R-WS.14).
    Text {
        /// Which way.
        direction: Direction,
        /// The text's octets, not checked for being UTF-8.
        #[serde(with = "octets")]
        bytes: Bytes,
    },
    /// The peer announced or sent more than this end takes; what exceeds is not read.
    Oversized {
        /// The limit in octets.
        limit: usize,
        /// What was announced or would have come together, in octets.
        announced: u64,
    },
    /// Something was not as it must be.
    Failed(Failure),
    /// The session is over: Records can no longer be exchanged.
    Closed(Closing),
    /// The stream below the session is gone. Last event of every connection whose stream was open.
    StreamEnded {
        /// Who ended it.
        by: EndedBy,
    },
}

/// Which way something went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// From this end to the peer.
    Sent,
    /// From the peer to this end.
    Received,
}

/// One of the two sides of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// This end.
    Us,
    /// The other end.
    Peer,
}

/// How a stream came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBy {
    /// This end ended it.
    Us,
    /// The peer ended it in order.
    Peer,
    /// It broke: reset, timeout, or TLS ended without notice.
    Broken,
}

/// What the opening handshake told about the peer.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenSession {
    /// The peer's Endpoint ID from the query of its request, decoded (R-WS.10b). A server has none there.
    pub eid_in_query: Option<String>,
    /// The peer's Endpoint ID from its `bbf-usp-protocol` extension (R-WS.10a, R-WS.11a).
    pub eid_in_extension: Option<String>,
    /// The subprotocol that the server answered (R-WS.9).
    pub subprotocol: Option<String>,
    /// The `Sec-WebSocket-Extensions` header of the server's answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extension: Option<String>,
    /// What TLS agreed on and showed; none in clear text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Box<TlsSession>>,
    /// Whether the peer's certificate stands for the Endpoint ID that the peer named in the handshake (R-SEC.0a); none without both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<EndpointMatch>,
    /// The peer's Endpoint ID, as an MTP other than WebSocket tells it: MQTT's `usp-endpoint-id` (R-MQTT.13), STOMP's `endpoint-id`
    /// (R-STOMP.4), the handshake of UDS (R-UDS.16, R-UDS.17).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub eid: Option<String>,
    /// The MQTT client's identifier: the peer's, or at an Agent's end the own one, which the server may have assigned (R-MQTT.9).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// The topic filters, or destinations, that are subscribed to and granted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subscriptions: Vec<String>,
    /// At an Agent's end: the topic or destination where it can be reached, without wildcards.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reached_at: Option<String>,
    /// At an Agent's end: what the server told it to be reached at, as MQTT's Response Information (R-MQTT.21) or STOMP's `subscribe-dest`
    /// (R-STOMP.6).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub told_by_server: Option<String>,
}

/// Where a Record travels to in a brokered MTP.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Route {
    /// The topic or destination that it was sent to, without the reply-to part of MQTT 3.1.1 (R-MQTT.24).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The topic or destination to which an answer is to be sent (R-MQTT.22, R-STOMP.21).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reply_to: Option<String>,
}

impl Route {
    /// Whether there is nothing to tell, as in MTPs without a broker.
    pub fn is_direct(&self) -> bool {
        self.to.is_none() && self.reply_to.is_none()
    }
}

/// One MQTT packet, STOMP frame or UDS frame, decoded. Its octets stand in the [`MtpHappening::Octets`] events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PacketSeen {
    /// Its kind in the protocol's own word: `CONNECT`, `PUBLISH`, `SEND`, `HANDSHAKE`.
    pub kind: String,
    /// Everything that it says but its body, by names in snake case; what was not there is absent.
    pub fields: serde_json::Value,
    /// Its body: an MQTT application message, the body of a STOMP frame, the value of a UDS frame's first field.
    #[serde(with = "octets")]
    pub body: Bytes,
}

impl OpenSession {
    /// The peer's Endpoint ID, wherever it stood; WebSocket's query counts first.
    pub fn peer_eid(&self) -> Option<&str> {
        self.eid_in_query.as_deref().or(self.eid_in_extension.as_deref()).or(self.eid.as_deref())
    }

    /// Adds what the stream below has shown.
    pub(crate) fn over(mut self, tls: Option<Box<TlsSession>>) -> Self {
        self.certificate = self.peer_eid().zip(tls.as_ref()).and_then(|(eid, tls)| tls.stands_for(eid));
        self.tls = tls;
        self
    }
}

/// One WebSocket frame, unmasked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameSeen {
    /// Last frame of its message.
    pub fin: bool,
    /// The three reserved bits as a number, RSV1 being 4; 0 unless an extension was agreed on.
    pub rsv: u8,
    /// Whether the payload was masked (RFC 6455 section 5.3).
    pub masked: bool,
    /// Kind of frame.
    pub opcode: Opcode,
    /// The payload, unmasked.
    #[serde(with = "octets")]
    pub payload: Bytes,
}

/// Kind of a WebSocket frame (RFC 6455 section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Opcode {
    /// 0: goes on with the message begun before.
    Continuation,
    /// 1: a text message, which cannot carry a Record.
    Text,
    /// 2: a binary message, the carrier of Records (R-WS.14).
    Binary,
    /// 8
    Close,
    /// 9
    Ping,
    /// 10
    Pong,
    /// 3 to 7 and 11 to 15: nobody may send these. Only the low four bits count.
    Reserved(u8),
}

/// How a session came to its end.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closing {
    /// Whose Close frame came first, or that there was none.
    pub by: EndedBy,
    /// The code in that Close frame; absent if it had none, or if there was no frame.
    pub code: Option<u16>,
    /// The reason in that Close frame, or why the stream broke.
    pub reason: String,
    /// Both sides sent a Close frame.
    pub clean: bool,
}
