//! The WebSocket MTP (TR-369, "WebSocket Binding"; RFC 6455).
//!
//! The one decision behind it: the opening handshake and the frames are handled here and not by a WebSocket library's session, because
//! every header, every fragment and every Ping is something that a test case looks at. Frame headers are still read and written by
//! tungstenite. The Agent's end and the far side are the same code with other settings.

mod agent;
mod behaviour;
mod eid;
mod end;
mod far;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handle;
mod message;
#[cfg(test)]
mod properties;
mod session;
mod settings;
mod upgrade;

pub use self::agent::{WsAgentConfig, WsAgentEnd};
pub use self::behaviour::{EidInQuery, SecondSession, UpgradeAnswer, WsBehaviour};
pub use self::eid::{decode_eid, encode_eid};
pub use self::end::WsRole;
pub use self::far::{WsFarConfig, WsFarSide};
pub use self::frame::RawFrame;
pub use self::handle::WsHandle;
use self::session::Command;
pub use self::settings::KeepAlive;
pub use crate::end::{Retry, RetryParameters, RetryWait};

/// The subprotocol's name for protobuf-encoded Records (R-WS.9).
pub const SUBPROTOCOL: &str = "v1.usp";

/// The WebSocket extension that carries an Endpoint ID (R-WS.10a, R-WS.11a).
pub const EXTENSION: &str = "bbf-usp-protocol";

/// Largest Record taken unless configured otherwise, in octets. TR-369 sets none; a GetResponse of a whole data model is about 1 MiB.
pub const DEFAULT_MAX_RECORD: usize = 16 * 1024 * 1024;

/// Close codes that a USP Endpoint sends (RFC 6455 section 7.4.1).
pub mod close_code {
    /// The purpose is fulfilled.
    pub const NORMAL: u16 = 1000;
    /// The Endpoint goes down.
    pub const GOING_AWAY: u16 = 1001;
    /// The peer's frames are not WebSocket.
    pub const PROTOCOL_ERROR: u16 = 1002;
    /// A Record could not be extracted (R-WS.16).
    pub const UNSUPPORTED_DATA: u16 = 1003;
    /// A message is larger than what this end takes.
    pub const TOO_BIG: u16 = 1009;
}
