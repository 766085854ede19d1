//! What a case does with our side of the MTP, and what it sees of the EUT's.

mod mqtt;
mod packet;
mod stomp;
mod uds;

use serde::{Deserialize, Serialize};
use uspec_usp::decode::RecordKind;

use super::Lapse;
use crate::{pattern::Pattern, template};
pub use mqtt::{ConnackChanges, MqttAction, PublishChanges};
pub(crate) use packet::CARRIERS;
pub use packet::{PacketKind, Sender};
pub use stomp::{ConnectedChanges, MessageChanges, StompAction};
pub use uds::{HandshakeChange, TlvPayload, UdsAction};

/// An action of our side of the MTP. What it changes lasts until it is changed back, or the case is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MtpAction {
    /// Every later connection attempt is answered so.
    Refuse(Refusal),
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
    /// Something of MQTT alone.
    Mqtt(MqttAction),
    /// Something of STOMP alone.
    Stomp(StompAction),
    /// Something of UNIX domain sockets alone.
    Uds(UdsAction),
}

/// The answer to connection attempts that are refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// WebSocket: this HTTP status, such as 503.
    HttpStatus(u16),
    /// MQTT: a CONNACK with this reason code (5.0) or return code (3.1.1).
    Connack(u8),
    /// STOMP: an ERROR frame with this `message` header (a template).
    Error(String),
    /// Any MTP: the stream ends as soon as the packet came that opens a session. Without that packet it stays open.
    HangUp,
}

/// What becomes of a header or property that is otherwise as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// It is left out.
    Omit,
    /// It has this value (a template).
    Set(String),
}

impl Change {
    /// Its text, when it has one.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Omit => None,
            Self::Set(text) => Some(text),
        }
    }
}

/// How a connection ends.
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
    /// For another Endpoint ID and another host.
    WrongHost,
    /// None at all, where we are the client of TLS.
    None,
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
    /// The EUT sent a packet of MQTT, a frame of STOMP or of a UNIX domain socket.
    Packet {
        /// What kind.
        kind: PacketKind,
        /// A pattern on the packet as the Trace's [sighting](crate::sighting) shows it.
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
            Self::WrongHost => "wrong_host",
            Self::None => "none",
            Self::Alternate => "alternate",
        }
    }
}

impl MtpAction {
    /// The kinds of MTP that it is for; empty when it is for every one.
    pub const fn kinds(&self) -> &'static [&'static str] {
        match self {
            Self::Refuse(Refusal::HttpStatus(_))
            | Self::Close { .. }
            | Self::Ping(_)
            | Self::Pong(_)
            | Self::Frame { .. }
            | Self::Handshake { .. }
            | Self::Fragment(_) => &["websocket"],
            Self::SecondConnection => &["websocket", "uds"],
            Self::Refuse(Refusal::Connack(_)) | Self::Mqtt(_) => &["mqtt"],
            Self::Refuse(Refusal::Error(_)) | Self::Stomp(_) => &["stomp"],
            Self::Uds(_) => &["uds"],
            Self::Refuse(Refusal::HangUp)
            | Self::Accept
            | Self::Drop(_)
            | Self::Octets(_)
            | Self::Delay(_)
            | Self::Normal => &[],
        }
    }

    /// The variables in its texts, each once.
    pub fn placeholders(&self) -> Vec<String> {
        let mut texts: Vec<&str> = Vec::new();
        match self {
            Self::Delay(lapse) => return lapse.placeholders(),
            Self::Refuse(Refusal::Error(text))
            | Self::Ping(text)
            | Self::Pong(text)
            | Self::Frame { payload: FramePayload::Text(text), .. } => texts.push(text),
            Self::Mqtt(action) => action.texts(&mut texts),
            Self::Stomp(action) => action.texts(&mut texts),
            Self::Uds(action) => action.texts(&mut texts),
            _ => {}
        }
        template::placeholders(&texts.join(" "))
    }

    /// Whether only a broker of ours can do it, where there is a broker: a client beside another one cannot touch the EUT's connection.
    pub const fn needs_our_broker(&self) -> bool {
        !matches!(
            self,
            Self::Mqtt(MqttAction::Publish(_)) | Self::Stomp(StompAction::Message(_)) | Self::Delay(_) | Self::Normal
        )
    }
}

impl MtpEvent {
    /// The kinds of MTP that have it; empty when every one has.
    pub fn kinds(&self) -> &'static [&'static str] {
        match self {
            Self::ConnectionAttempt | Self::Connected | Self::Disconnected => &[],
            Self::Frame { .. } => &["websocket"],
            Self::Packet { kind, .. } => kind.of_eut(),
        }
    }

    /// Whether only a broker of ours sees it, where there is a broker.
    pub fn needs_our_broker(&self) -> bool {
        match self {
            Self::ConnectionAttempt | Self::Connected | Self::Disconnected | Self::Frame { .. } => true,
            Self::Packet { kind, .. } => !kind.carries_records(),
        }
    }
}
