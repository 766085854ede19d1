//! What can be changed while an end runs, and what its sessions can be told to do.

use std::sync::Arc;

use bytes::Bytes;

use super::broker::Delivery;
use super::guest::Guest;
use super::{StompBehaviour, StompFrame};
use crate::wire::Tls;

/// A user name and password (R-STOMP.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// The `login` header.
    pub username: String,
    /// The `passcode` header.
    pub password: String,
}

impl Login {
    /// That user name with that password.
    pub fn new(username: impl Into<String>, password: impl Into<String>) -> Self {
        Self { username: username.into(), password: password.into() }
    }
}

/// What can be changed while an end runs.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) behaviour: StompBehaviour,
    /// As client: the configured destination.
    pub(super) destination: Option<String>,
    /// As client: the heart-beats offered in later connections, in milliseconds.
    pub(super) heart_beat: Option<(u32, u32)>,
    /// TLS of later connections.
    pub(super) tls: Tls,
}

/// What a session can be told to do.
#[derive(Debug)]
pub(super) enum Command {
    /// Sends a Record, to that destination if any, from that Controller if it is not the end's own.
    Record { bytes: Bytes, to: Option<String>, from: Option<Arc<Guest>> },
    /// Hands over what another client has sent.
    Deliver(Delivery),
    /// Sends one frame as it is.
    Frame(StompFrame),
    /// Sends octets as they are, between two frames.
    Octets(Bytes),
    /// As server: sends an `ERROR` and ends the stream.
    Error { message: String, body: Bytes },
    /// Ends the session in order, as a client with `DISCONNECT`.
    Goodbye,
    /// Ends the stream in order, without a word.
    HangUp,
    /// Breaks the stream.
    Break,
}

/// A command and whom to tell.
pub(super) type Order = crate::end::Order<Command>;
