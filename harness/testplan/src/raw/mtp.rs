//! Steps about the MTP and our Controllers, and conditions on the MTP, as written.

use schemars::JsonSchema;
use serde::Deserialize;

use super::text::{Lapse, Octets, Pattern};
use crate::{
    case::{CertificateKind, Ending, EutAction, Extension, FrameKind},
    profile::WebSocketRole,
};

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
    /// Ends the TCP connection.
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
}

/// The answer to connection attempts.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Refuse {
    /// The HTTP status.
    #[schemars(range(min = 200, max = 599))]
    pub(crate) http_status: u16,
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

/// An event of the MTP: a word, or a frame.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MtpEvent {
    /// One word.
    Word(EventWord),
    /// A frame.
    Frame(FrameEvent),
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

/// A frame of the EUT.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct FrameEvent {
    /// What kind.
    pub(crate) frame: FrameKind,
    /// A pattern on what the frame shows.
    #[serde(default, rename = "where")]
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

/// A condition on the MTP of a result: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct MtpCondition {
    /// The kind of MTP.
    #[serde(default)]
    pub(crate) mtp: Option<MtpKinds>,
    /// Which side connects.
    #[serde(default)]
    pub(crate) role: Option<WebSocketRole>,
    /// Whether TLS protects it.
    #[serde(default)]
    pub(crate) tls: Option<bool>,
}

/// What the bench must offer for a case: at least one key.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("minProperties" = 1))]
pub(crate) struct Needs {
    /// The kind of MTP.
    #[serde(default)]
    pub(crate) mtp: Option<MtpKinds>,
    /// Which side connects.
    #[serde(default)]
    pub(crate) role: Option<WebSocketRole>,
    /// Whether TLS protects it.
    #[serde(default)]
    pub(crate) tls: Option<bool>,
    /// What must be possible with the device.
    #[serde(default)]
    #[schemars(length(min = 1))]
    pub(crate) control: Vec<EutAction>,
}

/// One kind of MTP or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum MtpKinds {
    /// Only this.
    One(MtpKind),
    /// Any of these.
    Several(#[schemars(length(min = 1))] Vec<MtpKind>),
}

/// A kind of MTP.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum MtpKind {
    /// WebSocket.
    Websocket,
    /// MQTT.
    Mqtt,
    /// STOMP.
    Stomp,
    /// UNIX domain sockets.
    Uds,
}

impl MtpKind {
    /// Its word.
    const fn name(self) -> &'static str {
        match self {
            Self::Websocket => "websocket",
            Self::Mqtt => "mqtt",
            Self::Stomp => "stomp",
            Self::Uds => "uds",
        }
    }
}

impl MtpKinds {
    /// Their words.
    pub(crate) fn names(&self) -> Vec<String> {
        let kinds = match self {
            Self::One(kind) => std::slice::from_ref(kind),
            Self::Several(kinds) => kinds,
        };
        kinds.iter().map(|kind| kind.name().to_owned()).collect()
    }
}
