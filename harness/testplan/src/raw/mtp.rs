//! Steps about the MTP and our Controllers, and conditions on the MTP, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    broker::{EutPacket, MqttStep, StompStep, UdsStep},
    text::{Lapse, Octets, Pattern},
};
use crate::case::{CertificateKind, Ending, Extension, FrameKind};

/// An action of our side of the MTP: a word, or exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MtpStep {
    /// One word.
    Word(MtpWord),
    /// One key.
    Action(Box<MtpAction>),
}

/// The words for an action of our side of the MTP.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MtpWord {
    /// Later connection attempts are answered as they should be.
    Accept,
    /// Opens one more connection to the EUT as the same Controller.
    SecondConnection,
    /// Takes back whatever was changed.
    Normal,
}

/// An action of our side of the MTP: exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct MtpAction {
    /// Every later connection attempt is answered so.
    #[serde(default)]
    pub(crate) refuse: Option<Refuse>,
    /// Ends the connection.
    #[serde(default)]
    pub(crate) drop: Option<Ending>,
    /// Sends a WebSocket Close frame with this code.
    #[serde(default)]
    #[schemars(range(min = 0, max = 65535))]
    pub(crate) close: Option<u16>,
    /// Sends a Ping frame with this text.
    #[serde(default)]
    pub(crate) ping: Option<String>,
    /// Sends a Pong frame with this text.
    #[serde(default)]
    pub(crate) pong: Option<String>,
    /// Sends a frame.
    #[serde(default)]
    pub(crate) frame: Option<Frame>,
    /// Sends these octets on the stream.
    #[serde(default)]
    pub(crate) octets: Option<Octets>,
    /// How later handshakes are answered, or asked when we connect.
    #[serde(default)]
    pub(crate) handshake: Option<Handshake>,
    /// Later Records go in fragments of so many octets, or whole again.
    #[serde(default)]
    pub(crate) fragment: Option<Fragment>,
    /// Everything that we send goes out later by that much.
    #[serde(default)]
    pub(crate) delay: Option<Lapse>,
    /// Something of MQTT alone.
    #[serde(default)]
    pub(crate) mqtt: Option<MqttStep>,
    /// Something of STOMP alone.
    #[serde(default)]
    pub(crate) stomp: Option<StompStep>,
    /// Something of UNIX domain sockets alone.
    #[serde(default)]
    pub(crate) uds: Option<UdsStep>,
}

/// The answer to connection attempts: exactly one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Refuse {
    /// WebSocket: this HTTP status.
    #[serde(default)]
    #[schemars(range(min = 200, max = 599))]
    pub(crate) http_status: Option<u16>,
    /// MQTT: a CONNACK with this reason code (5.0) or return code (3.1.1).
    #[serde(default)]
    #[schemars(range(min = 1, max = 255))]
    pub(crate) connack: Option<u8>,
    /// STOMP: an ERROR frame with this message.
    #[serde(default)]
    pub(crate) error: Option<String>,
    /// Any MTP: the stream ends as soon as the packet came that opens a session.
    #[serde(default)]
    pub(crate) hang_up: Option<bool>,
}

/// A frame that is sent.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Frame {
    /// What kind.
    pub(crate) opcode: FrameKind,
    /// Whether it ends its message; true when left out.
    #[serde(default)]
    pub(crate) fin: Option<bool>,
    /// Its payload as text.
    #[serde(default)]
    pub(crate) payload: Option<String>,
    /// Its payload as octets, in place of the text.
    #[serde(default)]
    pub(crate) octets: Option<Octets>,
}

/// What is not as usual in later handshakes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Handshake {
    /// `omit`, or the name of another subprotocol.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) subprotocol: Option<String>,
    /// Whether the extension header is there.
    #[serde(default)]
    pub(crate) extension: Option<Extension>,
}

/// How Records are cut into frames.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Fragment {
    /// Into so many octets each.
    Octets(#[schemars(range(min = 1, max = 1_000_000))] u32),
    /// One word.
    Word(NoneWord),
}

/// The word for fragments.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum NoneWord {
    /// Not at all.
    None,
}

/// An event of the MTP: a word, or a frame or packet.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MtpEvent {
    /// One word.
    Word(EventWord),
    /// A frame or packet.
    Sent(SentEvent),
}

/// The words for an event of the MTP.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum EventWord {
    /// The EUT tries to connect.
    ConnectionAttempt,
    /// A connection of the EUT is open.
    Connected,
    /// A connection of the EUT ended.
    Disconnected,
}

/// A frame or packet of the EUT: exactly one of `frame` and `packet`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [{"required": ["frame"]}, {"required": ["packet"]}]))]
pub(crate) struct SentEvent {
    /// A WebSocket frame: what kind.
    #[serde(default)]
    pub(crate) frame: Option<FrameKind>,
    /// A packet of MQTT, a frame of STOMP or of a UNIX domain socket: what kind.
    #[serde(default)]
    pub(crate) packet: Option<EutPacket>,
    /// A pattern on what it shows.
    #[serde(default, rename = "where")]
    #[allow(dead_code, reason = "read from the tree, with its places")]
    pub(crate) matching: Option<Pattern>,
}

/// Our second Controller, or a certificate of ours: exactly one key.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1, "maxProperties" = 1))]
pub(crate) struct Controller {
    /// Begins or ends the second Controller.
    #[serde(default)]
    pub(crate) second: Option<Second>,
    /// The first Controller shows this certificate in later connections.
    #[serde(default)]
    pub(crate) certificate: Option<CertificateKind>,
}

/// What becomes of the second Controller.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Second {
    /// One word.
    Word(SecondWord),
    /// It begins in a certain way.
    Start(SecondStart),
}

/// The words for the second Controller.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum SecondWord {
    /// It begins, with a certificate that the EUT trusts.
    Start,
    /// It ends.
    Stop,
}

/// The second Controller begins in a certain way.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SecondStart {
    /// In which.
    pub(crate) start: StartOptions,
}

/// How the second Controller begins.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct StartOptions {
    /// With which certificate, where the MTP has TLS.
    #[serde(default)]
    pub(crate) certificate: CertificateKind,
}
