//! What an end does that a test case, or a fault of the reference Agent, may want otherwise.

use std::time::Duration;

/// What an end does. The default conforms to STOMP 1.2 and TR-369; every other value is there to provoke the peer, or to be an Agent with a
/// known fault. It can be changed at run time and then counts from the next frame on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StompBehaviour {
    /// As server: what an opening frame is answered with instead of `CONNECTED`; the stream ends then.
    pub refuse: Option<StompRefusal>,
    /// As server: what stands in `CONNECTED`.
    pub connected: ConnectedChanges,
    /// As server: what stands in a `MESSAGE` that carries a Record of ours.
    pub message: MessageChanges,
    /// As server: answers a `receipt` header with a `RECEIPT`.
    pub receipts: bool,
    /// Sends the heart-beats that were agreed on (R-STOMP.11).
    pub send_beats: bool,
    /// Everything that is sent above TLS goes out that much later, in its order. What breaks or ends the stream does not wait.
    pub send_delay: Duration,
    /// As client: what an Agent does.
    pub client: ClientChanges,
}

impl Default for StompBehaviour {
    fn default() -> Self {
        Self {
            refuse: None,
            connected: ConnectedChanges::default(),
            message: MessageChanges::default(),
            receipts: true,
            send_beats: true,
            send_delay: Duration::ZERO,
            client: ClientChanges::default(),
        }
    }
}

/// What a server answers an opening frame with, if not `CONNECTED`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StompRefusal {
    /// An `ERROR` frame with that `message` header; then the stream ends.
    Error(String),
    /// The stream ends without an answer.
    HangUp,
    /// Nothing: the stream stays open until the client gives up.
    Silence,
}

/// What stands in a server's `CONNECTED`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectedChanges {
    /// The `subscribe-dest` header (R-STOMP.6); absent if none.
    pub subscribe_dest: Option<String>,
    /// The `heart-beat` header in milliseconds: how often we can send, how often we want to receive. None gives the client what it asks for.
    pub heart_beat: Option<(u32, u32)>,
    /// The `version` header; 1.2 if none.
    pub version: Option<String>,
    /// Headers in addition.
    pub extra_headers: Vec<(String, String)>,
}

/// What stands in a `MESSAGE` that carries a Record of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageChanges {
    /// Where it goes, instead of where the Agent is reached.
    pub destination: Option<String>,
    /// The `reply-to-dest` header (R-STOMP.21, R-STOMP.23).
    pub reply_to: HeaderChange,
    /// The `content-type` header (R-STOMP.20).
    pub content_type: HeaderChange,
    /// Sends the `content-length` header (R-STOMP.19). Without it a Record with a NUL is cut off there.
    pub content_length: bool,
    /// Headers in addition.
    pub extra_headers: Vec<(String, String)>,
}

impl Default for MessageChanges {
    fn default() -> Self {
        Self {
            destination: None,
            reply_to: HeaderChange::Keep,
            content_type: HeaderChange::Keep,
            content_length: true,
            extra_headers: Vec::new(),
        }
    }
}

/// What becomes of one header.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum HeaderChange {
    /// It is as it must be.
    #[default]
    Keep,
    /// It is left out.
    Omit,
    /// It has that value.
    Set(String),
}

impl HeaderChange {
    /// The value that goes out, `usual` being the right one.
    pub(super) fn apply<'a>(&'a self, usual: Option<&'a str>) -> Option<&'a str> {
        match self {
            Self::Keep => usual,
            Self::Omit => None,
            Self::Set(value) => Some(value),
        }
    }
}

/// What an Agent does as client.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(clippy::struct_excessive_bools)] // independent switches, not states of one machine
pub struct ClientChanges {
    /// The command of the opening frame: `STOMP` (R-STOMP.2).
    pub opening_command: String,
    /// The `endpoint-id` header of the opening frame (R-STOMP.4).
    pub endpoint_id: HeaderChange,
    /// The `host` header of the opening frame (R-STOMP.5).
    pub host: HeaderChange,
    /// The `login` header of the opening frame (R-STOMP.3).
    pub login: HeaderChange,
    /// The `passcode` header of the opening frame (R-STOMP.3).
    pub passcode: HeaderChange,
    /// The `heart-beat` header of the opening frame (R-STOMP.8 to R-STOMP.10).
    pub heart_beat: HeaderChange,
    /// Subscribes to the destination in `subscribe-dest` (R-STOMP.6, R-STOMP.14); otherwise to the configured one.
    pub use_subscribe_dest: bool,
    /// Subscribes at all (R-STOMP.12).
    pub subscribe: bool,
    /// The `ack` header of `SUBSCRIBE`: `auto` (R-STOMP.17).
    pub ack: String,
    /// Without a destination it goes away and tries again later (R-STOMP.16); otherwise it stays without a subscription.
    pub leave_without_destination: bool,
    /// Unsubscribes before it subscribes to another destination (R-STOMP.29).
    pub unsubscribe: bool,
    /// Subscribes to another destination at once, not at the next connection only (R-STOMP.29).
    pub resubscribe: bool,
    /// Sends heart-beats as it has offered them, whatever the server wants (against R-STOMP.11).
    pub ignore_server_beats: bool,
    /// The `content-length` header of `SEND` (R-STOMP.19).
    pub content_length: HeaderChange,
    /// The `content-type` header of `SEND` (R-STOMP.20).
    pub content_type: HeaderChange,
    /// The `reply-to-dest` header of `SEND` (R-STOMP.21).
    pub reply_to: HeaderChange,
    /// Wraps every `SEND` in a transaction (against R-STOMP.26).
    pub transactions: bool,
    /// Answers every `MESSAGE` with an `ACK` (against R-STOMP.27).
    pub acknowledge: bool,
    /// Says goodbye with `DISCONNECT`, and waits for its receipt (R-STOMP.28).
    pub say_goodbye: bool,
}

impl Default for ClientChanges {
    fn default() -> Self {
        Self {
            opening_command: "STOMP".to_owned(),
            endpoint_id: HeaderChange::Keep,
            host: HeaderChange::Keep,
            login: HeaderChange::Keep,
            passcode: HeaderChange::Keep,
            heart_beat: HeaderChange::Keep,
            use_subscribe_dest: true,
            subscribe: true,
            ack: "auto".to_owned(),
            leave_without_destination: true,
            unsubscribe: true,
            resubscribe: true,
            ignore_server_beats: false,
            content_length: HeaderChange::Keep,
            content_type: HeaderChange::Keep,
            reply_to: HeaderChange::Keep,
            transactions: false,
            acknowledge: false,
            say_goodbye: true,
        }
    }
}
