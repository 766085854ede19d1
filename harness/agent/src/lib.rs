//! The reference Agent: a USP 1.4 Agent (TR-369) with which the harness validates itself.
//!
//! One decision behind it: the engine ([`core::Core`]) knows no socket and no task. It takes Records and the time and returns
//! [`core::Action`]s, so that everything it does can be tested without I/O; the endpoint around it ties it to the MTP.
//! It shares with the harness the schema and the framing, and no opinion about what a right answer is.

pub mod commands;
pub mod config;
pub mod core;
pub mod endpoint;
pub mod errors;
pub mod faults;
pub mod messages;
pub mod model;
pub mod path;
pub mod permissions;
mod random;
pub mod store;
pub mod subscriptions;
pub mod trust;

pub use config::{
    AgentConfig, ControllerConfig, Identity, ListenConfig, MqttSubscription, MqttTarget, MqttVersion, Pem, Persistence,
    StompTarget, TlsIdentity, UdsListenConfig, UdsTarget, WebSocketTarget,
};
pub use endpoint::{Agent, AgentError, run};
pub use faults::{Fault, FaultSet};
