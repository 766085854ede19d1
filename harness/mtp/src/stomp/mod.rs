//! The STOMP MTP (TR-369, "STOMP Binding"; STOMP 1.2).
//!
//! The one decision behind it: the far side is a STOMP server of its own with the Controller built in, because what a broker answers, withholds and
//! alters is what test cases ask for, and what an Agent sends must be seen before a broker has rewritten it. Frames are read and written by hand
//! for the same reason. Beside a broker of somebody else's the Controller is a client like the Agent, with the same code.

mod agent;
mod behaviour;
mod broker;
mod client;
mod decoder;
mod end;
mod escape;
mod far;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod guest;
mod handle;
mod heartbeat;
mod packet;
#[cfg(test)]
mod properties;
mod pulse;
mod retry;
mod rules;
mod server;
mod settings;
mod violation;

pub use self::agent::{StompAgentConfig, StompAgentEnd};
pub use self::behaviour::{
    ClientChanges, ConnectedChanges, HeaderChange, MessageChanges, StompBehaviour, StompRefusal,
};
pub use self::far::{StompFarConfig, StompFarSide, StompPlace};
pub use self::frame::StompFrame;
pub use self::handle::StompHandle;
pub use self::retry::ServerRetry;
pub use self::settings::Login;

/// The `content-type` of a Record (R-STOMP.20).
pub const CONTENT_TYPE: &str = "application/vnd.bbf.usp.msg";

/// The `content-type` of an error as it was reported before USP 1.2 (R-STOMP.23a, deprecated); its body is no Record.
const ERROR_CONTENT_TYPE: &str = "application/vnd.bbf.usp.error";

/// The header that tells where answers are to go (R-STOMP.21).
pub const REPLY_TO: &str = "reply-to-dest";

/// The header in which a server tells a client its destination (R-STOMP.6).
pub const SUBSCRIBE_DEST: &str = "subscribe-dest";

/// The header that tells a client's Endpoint ID (R-STOMP.4).
pub const ENDPOINT_ID: &str = "endpoint-id";

/// The version of STOMP that is spoken.
pub const VERSION: &str = "1.2";

/// Largest Record taken unless configured otherwise, in octets; the same as over WebSocket.
pub const DEFAULT_MAX_RECORD: usize = crate::websocket::DEFAULT_MAX_RECORD;

/// Clients that a far side serves at a time unless configured otherwise: the EUT, its second connection, and what a person brings along.
pub const DEFAULT_MAX_CLIENTS: usize = 64;
