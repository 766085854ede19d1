//! The UNIX domain socket MTP as its peers see it: both ends against each other, and each against a peer that speaks octets.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod bounds;
mod errors;
mod handshake;
mod kit;
mod malformed;
mod misbehaviour;
mod reconnect;
mod records;
mod sockets;
