//! The STOMP MTP.

mod stub;

pub use self::stub::{StompAgentConfig, StompAgentEnd, StompFarConfig, StompFarSide, StompHandle};
