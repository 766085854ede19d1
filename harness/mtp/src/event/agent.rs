//! What an Agent needs to know of its MTP: the same happenings, without the log.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::{Closing, ConnectionId, Direction, Failure, FailureKind, MtpHappening, OpenSession, Route};
use crate::network::Address;

/// One thing that an Agent's end reports.
#[derive(Debug, Clone, PartialEq)]
pub struct AgentMtpEvent {
    /// When, on tokio's clock.
    pub at: Instant,
    /// Where; [`ConnectionId::END`] for what concerns no single connection.
    pub connection: ConnectionId,
    /// What.
    pub what: AgentHappening,
}

/// What an Agent's end reports.
#[derive(Debug, Clone, PartialEq)]
pub enum AgentHappening {
    /// Controllers can connect from now on.
    Listening {
        /// The address with its real port.
        address: Address,
    },
    /// A connection will be opened after a wait (R-WS.19).
    Retrying {
        /// Retries since the last open session, this one included.
        retry: u32,
        /// How long it will wait.
        wait: Duration,
    },
    /// Records can be exchanged. It tells what the opening exchange told: the Controller's Endpoint ID and certificate (R-SEC.0a), or over a
    /// broker where this end can be reached.
    Opened(Box<OpenSession>),
    /// A whole Record came in. What is to be done about one that cannot be decoded depends on the MTP (R-WS.16, R-UDS.23, R-MTP.5).
    Record {
        /// The Record.
        bytes: Bytes,
        /// Where an answer is to go, in a brokered MTP.
        route: Route,
    },
    /// A text message came in, which is to be answered with `close(1003)` (R-WS.16).
    Text(Bytes),
    /// The peer did not do what it must, or could not be reached.
    Failed(Failure),
    /// Records can no longer be exchanged.
    Closed(Closing),
}

impl AgentHappening {
    /// The Agent's view of a happening; none if it has no interest in it.
    pub(crate) fn from_happening(what: MtpHappening) -> Option<Self> {
        match what {
            MtpHappening::Listening { address } => Some(Self::Listening { address }),
            MtpHappening::Waiting { retry, wait } => Some(Self::Retrying { retry, wait }),
            MtpHappening::Open(open) => Some(Self::Opened(Box::new(open))),
            MtpHappening::Record { direction: Direction::Received, bytes, route, .. } => {
                Some(Self::Record { bytes, route })
            }
            MtpHappening::Text { direction: Direction::Received, bytes } => Some(Self::Text(bytes)),
            MtpHappening::TlsFailed(failure) => Some(Self::Failed(Failure::new(FailureKind::Tls, failure.error))),
            MtpHappening::Failed(failure) => Some(Self::Failed(failure)),
            MtpHappening::Closed(closing) => Some(Self::Closed(closing)),
            MtpHappening::ListeningStopped
            | MtpHappening::Attempt { .. }
            | MtpHappening::TlsEstablished(_)
            | MtpHappening::Handshake { .. }
            | MtpHappening::Superseded { .. }
            | MtpHappening::Octets { .. }
            | MtpHappening::Frame { .. }
            | MtpHappening::Packet { .. }
            | MtpHappening::Record { .. }
            | MtpHappening::Text { .. }
            | MtpHappening::Oversized { .. }
            | MtpHappening::StreamEnded { .. } => None,
        }
    }
}
