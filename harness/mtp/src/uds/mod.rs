//! The UNIX domain socket MTP (TR-369, "UNIX Domain Socket Binding").
//!
//! A frame is a header and TLVs; both sides introduce themselves, the client first, and exchange Records from then on. The one decision
//! behind it: an end of either role is the same code, because TR-369 lets Agent and Controller be either of them and asks the same of both.
//!
//! R-UDS.19 wants "an unexpected UNIX domain socket Frame that contains a Type 2 (Handshake) TLV field" ignored. A Handshake has Type 1; an
//! Error, which has Type 2, must end the connection whenever it comes (R-UDS.25). So it is a second Handshake that is ignored here.

mod agent;
mod behaviour;
mod end;
mod far;
mod frame;
#[cfg(any(test, feature = "fuzzing"))]
pub(crate) mod fuzzing;
mod handle;
mod handshake;
#[cfg(test)]
mod properties;
mod seen;
mod session;
mod tlv;
mod write;

pub use self::agent::{UdsAgentConfig, UdsAgentEnd};
pub use self::behaviour::{
    BadHandshake, HANDSHAKE_LIMIT, HandshakeSent, SecondHandshake, TlvTypes, UdsBehaviour, UdsRefusal, UnknownTlvs,
};
pub use self::end::UdsRole;
pub use self::far::{UdsFarConfig, UdsFarSide};
pub use self::handle::UdsHandle;
pub use self::tlv::{TYPE_ERROR, TYPE_HANDSHAKE, TYPE_RECORD, Tlv};
pub use self::write::{FrameChanges, LengthChange};

/// Largest Record taken unless configured otherwise, in octets. TR-369 sets none; a GetResponse of a whole data model is about 1 MiB.
pub const DEFAULT_MAX_RECORD: usize = 16 * 1024 * 1024;
