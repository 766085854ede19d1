//! Each MTP's frames and both of its ends, over any byte stream.
//!
//! The far side plays a Controller's end towards an Agent under test and reports every octet; the Agent's end is what the reference
//! Agent uses. Both are the same code, so that the framing is shared, and nothing but the framing. The one decision behind it: an
//! end acts and reports, it never judges.
//!
//! - [`network`]: where streams come from, the real network or one in memory;
//! - [`tls`]: certificates and what each side demands;
//! - [`event`]: what is reported;
//! - `end`: what the ends of every MTP have in common;
//! - [`websocket`], [`mqtt`], [`stomp`], [`uds`]: the MTPs. A further one is a folder beside them and one line in [`side`].

mod end;
pub mod error;
pub mod event;
#[cfg(any(test, feature = "fuzzing"))]
pub mod fuzzing;
mod log;
pub mod mqtt;
pub mod network;
pub mod side;
pub mod stomp;
pub mod tls;
pub mod uds;
pub mod websocket;
mod wire;

pub use self::error::MtpError;
pub use self::side::{AgentConfig, FarConfig, Handle, Mtp};
