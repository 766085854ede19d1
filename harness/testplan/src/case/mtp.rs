//! What a case does with our side of the MTP, and what it sees of the EUT's.

use serde::{Deserialize, Serialize};
use uspec_usp::decode::RecordKind;

use super::Lapse;
use crate::pattern::Pattern;

/// An action of our side of the MTP. What it changes lasts until it is changed back, or the case is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MtpAction {
    /// Every later connection attempt is answered with this HTTP status.
    Refuse {
        /// The status, such as 503.
        http_status: u16,
    },
    /// Later connection attempts are answered as they should be.
    Accept,
    /// Ends the TCP connection without a word of the MTP.
    Drop(Ending),
    /// Sends a WebSocket Close frame.
    Close {
        /// Its status code, such as 1000.
        code: u16,
    },
    /// Sends a Ping frame with this text (a template).
    Ping(String),
    /// Sends a Pong frame with this text (a template).
    Pong(String),
    /// Sends a frame.
    Frame {
        /// What kind.
        opcode: FrameKind,
        /// Whether it ends its message.
        fin: bool,
        /// Its payload.
        payload: FramePayload,
    },
    /// Sends these octets on the stream, in place of a frame.
    Octets(Vec<u8>),
    /// How later handshakes are answered, or asked when we connect.
    Handshake {
        /// The subprotocol; as it should be when left out.
        subprotocol: Option<Subprotocol>,
        /// The extension header; as it should be when left out.
        extension: Option<Extension>,
    },
    /// Sends later Records in fragments of so many octets; `None`: whole again.
    Fragment(Option<usize>),
    /// Sends everything later by that much.
    Delay(Lapse),
    /// Opens one more connection to the EUT as the same Controller.
    SecondConnection,
    /// Takes back whatever was changed.
    Normal,
}

/// How a TCP connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// By a reset (RST).
    Reset,
    /// In order (FIN).
    Close,
}

/// The kind of a WebSocket frame; the Trace has the same words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FrameKind {
    /// Goes on with a fragmented message.
    Continuation,
    /// Text.
    Text,
    /// Octets.
    Binary,
    /// Ends the session.
    Close,
    /// Asks for a Pong.
    Ping,
    /// Answers a Ping.
    Pong,
}

/// The payload of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FramePayload {
    /// A text, in which variables may stand.
    Text(String),
    /// Octets.
    Octets(Vec<u8>),
}

/// The subprotocol of a handshake.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Subprotocol {
    /// The header is left out.
    Omit,
    /// Another name.
    Named(String),
}

/// The `bbf-usp-protocol` extension of a handshake.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extension {
    /// The header is left out.
    Omit,
    /// The header is there, with our Endpoint ID.
    Send,
}

/// An action of a Controller beside what it sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ControllerAction {
    /// The second Controller begins, with this certificate where the MTP has TLS.
    StartSecond(CertificateKind),
    /// The second Controller ends.
    StopSecond,
    /// The first Controller shows this certificate in later connections.
    Certificate(CertificateKind),
}

/// What a certificate of ours is like.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CertificateKind {
    /// Right, and from the authority that the EUT trusts.
    #[default]
    Trusted,
    /// Signed by itself.
    SelfSigned,
    /// From an authority that the EUT does not know.
    Untrusted,
    /// Not valid any more.
    Expired,
    /// Not valid yet.
    NotYetValid,
    /// For another Endpoint ID.
    WrongName,
    /// Signed by itself, and fresh in this run: the one behind the variable `alternate.certificate`.
    Alternate,
}

/// An event of the MTP that is awaited, or must not come.
#[derive(Debug, Clone, PartialEq)]
pub enum MtpEvent {
    /// The EUT tries to connect, whatever becomes of that.
    ConnectionAttempt,
    /// A connection of the EUT is open.
    Connected,
    /// A connection of the EUT ended.
    Disconnected,
    /// The EUT sent a frame.
    Frame {
        /// What kind.
        kind: FrameKind,
        /// A pattern on the frame as the Trace's [sighting](crate::sighting) shows it.
        matching: Option<Pattern>,
    },
}

/// A Record that is awaited, or must not come.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordEvent {
    /// Which member of `record_type` it has.
    pub kind: RecordKind,
    /// A pattern on the Record.
    pub matching: Option<Pattern>,
}

impl FrameKind {
    /// Its word, in cases and Traces.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Continuation => "continuation",
            Self::Text => "text",
            Self::Binary => "binary",
            Self::Close => "close",
            Self::Ping => "ping",
            Self::Pong => "pong",
        }
    }
}

impl CertificateKind {
    /// Its word, in cases.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::SelfSigned => "self_signed",
            Self::Untrusted => "untrusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongName => "wrong_name",
            Self::Alternate => "alternate",
        }
    }
}
