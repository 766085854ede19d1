//! The UNIX domain socket MTP.

mod stub;

pub use self::stub::{UdsAgentConfig, UdsAgentEnd, UdsFarConfig, UdsFarSide, UdsHandle};
