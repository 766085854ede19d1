//! Both ends of the WebSocket MTP, against each other, against tungstenite, and against peers that send whatever they like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod closing;
mod frames;
mod handshake;
mod kit;
mod misbehaviour;
mod properties;
mod reconnect;
mod tls;
mod tls_outcomes;
