//! What was not as it must be.

use std::fmt;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::octets;

/// What was not as it must be, with the requirement that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What was seen, for a person.
    pub text: String,
    /// TR-369 requirement (`R-WS.12a`) or place in an RFC (`RFC 6455 5.2`), if one is concerned.
    pub requirement: Option<String>,
    /// The octets in question, at most [`SHOWN_OCTETS`] of them; empty when there are none.
    #[serde(default, with = "octets", skip_serializing_if = "Bytes::is_empty")]
    pub octets: Bytes,
}

/// How many octets a failure shows at most.
pub const SHOWN_OCTETS: usize = 256;

/// Kinds of failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FailureKind {
    /// Nobody listens there, or the network cannot reach it.
    ConnectFailed,
    /// Something did not come in time: the stream, TLS, the opening handshake or an answer to a Ping.
    Timeout,
    /// TLS could not be established.
    Tls,
    /// The stream ended or broke before the session was open.
    StreamEnded,
    /// What came in place of the opening handshake is not HTTP, or no WebSocket upgrade.
    MalformedHandshake,
    /// The handshake asks for another path than the USP Endpoint's (R-WS.2).
    WrongPath,
    /// The handshake does not name the subprotocol `v1.usp` (R-WS.10, R-WS.11, R-WS.12, R-WS.12a).
    MissingSubprotocol,
    /// The server answered the upgrade with another HTTP status than 101.
    UpgradeRefused {
        /// That status.
        status: u16,
    },
    /// We refused the upgrade because we were told to, or because one more session is not wanted.
    RefusedByUs {
        /// The HTTP status that we answered.
        status: u16,
    },
    /// What the peer sent is not as the MTP's protocol has it: frames that are not WebSocket (RFC 6455 section 5), a malformed MQTT packet,
    /// STOMP frame or UDS frame, or one that is out of place.
    ProtocolViolation,
    /// The server refused the session: an MQTT CONNACK with a reason that is no success, or a STOMP ERROR frame in place of CONNECTED.
    Refused {
        /// MQTT's reason or return code; 0 for STOMP, which has none.
        reason: u8,
    },
    /// The session was ended because nothing is subscribed to (R-MQTT.16, R-MQTT.17, R-STOMP.16).
    NothingSubscribed,
    /// A message could not be brought to its receiver, which has not subscribed to it, takes nothing so large, or acknowledges nothing.
    Undelivered,
    /// More connections than this end takes at a time.
    TooManyConnections,
    /// The listening place broke.
    ListenerBroken,
}

impl Failure {
    /// A failure that concerns no requirement.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), requirement: None, octets: Bytes::new() }
    }

    /// A failure that violates `requirement`.
    pub fn against(requirement: &str, kind: FailureKind, text: impl Into<String>) -> Self {
        Self { requirement: Some(requirement.to_owned()), ..Self::new(kind, text) }
    }

    /// The same with the octets in question, cut where there are too many.
    #[must_use]
    pub fn with_octets(self, octets: &[u8]) -> Self {
        let shown = octets.get(..SHOWN_OCTETS).unwrap_or(octets);
        Self { octets: Bytes::copy_from_slice(shown), ..self }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)?;
        match &self.requirement {
            Some(requirement) => write!(f, " ({requirement})"),
            None => Ok(()),
        }
    }
}
