//! What an end does that a test case, or a fault of the reference Agent, may want otherwise.

use std::time::Duration;

use bytes::Bytes;

use super::tlv::{TYPE_ERROR, TYPE_HANDSHAKE, TYPE_RECORD};
use super::write::FrameChanges;

/// How long a client waits for the server's Handshake (R-UDS.18).
pub const HANDSHAKE_LIMIT: Duration = Duration::from_secs(30);

/// What an end does in handshakes and sessions. The default conforms to TR-369; every other value is there to provoke the peer, or to be
/// an Agent with a known fault. It can be changed at run time and then counts from the next frame on.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent switches, not states of one machine
pub struct UdsBehaviour {
    /// How it introduces itself (R-UDS.16, R-UDS.17).
    pub handshake: HandshakeSent,
    /// As server: introduces itself as soon as the connection is there, before the client has (against R-UDS.17).
    pub handshake_first: bool,
    /// Records that it sends as soon as the connection is there, before any Handshake. The peer must ignore them (R-UDS.20).
    pub early_records: Vec<Bytes>,
    /// What a peer's first Handshake is answered with instead; the handshake is never done then.
    pub refuse: Option<UdsRefusal>,
    /// As client: how long it waits for the server's Handshake before it ends the connection (R-UDS.18); none waits for ever.
    pub handshake_limit: Option<Duration>,
    /// What it does about a Handshake that it cannot process (R-UDS.21).
    pub bad_handshake: BadHandshake,
    /// What it does about a Handshake on a connection whose handshake is done (R-UDS.19).
    pub second_handshake: SecondHandshake,
    /// Takes Records before the handshake is done (against R-UDS.20).
    pub take_early_records: bool,
    /// What it does about TLVs of types that nobody has defined (R-UDS.15).
    pub unknown_tlvs: UnknownTlvs,
    /// Sends an Error about what it cannot process or parse (R-UDS.21, R-UDS.23, R-UDS.24).
    pub send_errors: bool,
    /// Ends the connection once it has sent such an Error, or would have to (R-UDS.23, R-UDS.24). Otherwise the connection stays: what cannot
    /// be parsed makes it deaf, as nothing behind it can be understood.
    pub end_after_error: bool,
    /// Ends the connection when an Error comes (R-UDS.25).
    pub obey_errors: bool,
    /// The types that it gives its TLVs.
    pub types: TlvTypes,
    /// What is made otherwise in the frames that it makes itself, that is, all but those of `send_frame`.
    pub frames: FrameChanges,
    /// Everything that is sent goes out that much later, in its order. What ends or breaks the stream does not wait.
    pub send_delay: Duration,
}

impl Default for UdsBehaviour {
    fn default() -> Self {
        Self {
            handshake: HandshakeSent::Own,
            handshake_first: false,
            early_records: Vec::new(),
            refuse: None,
            handshake_limit: Some(HANDSHAKE_LIMIT),
            bad_handshake: BadHandshake::Refuse,
            second_handshake: SecondHandshake::Ignore,
            take_early_records: false,
            unknown_tlvs: UnknownTlvs::Ignore,
            send_errors: true,
            end_after_error: true,
            obey_errors: true,
            types: TlvTypes::default(),
            frames: FrameChanges::default(),
            send_delay: Duration::ZERO,
        }
    }
}

/// How an end introduces itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HandshakeSent {
    /// With its own Endpoint ID.
    Own,
    /// Not at all: for it the handshake is never done.
    Withheld,
    /// With another Endpoint ID.
    Other(String),
    /// With octets that need not be an Endpoint ID, nor a text.
    Octets(Bytes),
}

/// How an end refuses a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UdsRefusal {
    /// It sends an Error with that text and ends the connection.
    Error(String),
    /// It ends the stream in order without a word.
    HangUp,
}

/// What an end does about a Handshake that it cannot process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadHandshake {
    /// It says so in an Error and ends the connection.
    Refuse,
    /// It acts as if none had come.
    Ignore,
    /// It goes on as if it were a good one.
    Take,
}

/// What an end does about a Handshake on a connection whose handshake is done. TR-369 wants it ignored: R-UDS.19 says "Type 2 (Handshake)",
/// and its name and place tell that Type 1 is meant, as Type 2 is the Error that must end the connection (R-UDS.25).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecondHandshake {
    /// It is ignored: the peer stays who it was.
    Ignore,
    /// It is answered with a Handshake.
    Answer,
    /// It is answered with an Error, and the connection ends.
    Refuse,
}

/// What an end does about TLVs of types that nobody has defined.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnknownTlvs {
    /// They are ignored, and the others in the same frame count.
    Ignore,
    /// They are answered with an Error, and the connection ends.
    Refuse,
    /// Their values are taken for Records.
    TakeAsRecords,
    /// Their whole frame is ignored.
    IgnoreFrame,
}

/// The types that an end gives its TLVs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TlvTypes {
    /// Of its Handshakes (R-UDS.12).
    pub handshake: u8,
    /// Of its Errors (R-UDS.13).
    pub error: u8,
    /// Of its Records (R-UDS.14, R-UDS.22).
    pub record: u8,
}

impl Default for TlvTypes {
    fn default() -> Self {
        Self { handshake: TYPE_HANDSHAKE, error: TYPE_ERROR, record: TYPE_RECORD }
    }
}
