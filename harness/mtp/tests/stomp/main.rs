//! Both ends of the STOMP MTP, against each other, and against peers that send whatever they like.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

mod agent;
mod beats;
mod beside;
mod broker;
mod kit;
mod misbehaviour;
mod properties;
mod server;
mod sharing;
mod tls;
mod violations;
