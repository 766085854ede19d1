//! What was not as it must be.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What was not as it must be, with the requirement that says so.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// What kind of failure.
    pub kind: FailureKind,
    /// What was seen, for a person.
    pub text: String,
    /// TR-369 requirement (`R-WS.12a`) or place in an RFC (`RFC 6455 5.2`), if one is concerned.
    pub requirement: Option<String>,
}

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
    /// The peer's frames are not WebSocket (RFC 6455 section 5).
    ProtocolViolation,
    /// More connections than this end takes at a time.
    TooManyConnections,
    /// The listening place broke.
    ListenerBroken,
}

impl Failure {
    /// A failure that concerns no requirement.
    pub fn new(kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), requirement: None }
    }

    /// A failure that violates `requirement`.
    pub fn against(requirement: &str, kind: FailureKind, text: impl Into<String>) -> Self {
        Self { kind, text: text.into(), requirement: Some(requirement.to_owned()) }
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
