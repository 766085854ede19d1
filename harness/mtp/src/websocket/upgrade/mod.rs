//! The opening handshake (RFC 6455 section 4, R-WS.7 to R-WS.12a).

mod client;
mod extension;
mod head;
mod server;

use bytes::BytesMut;

use crate::event::{Failure, FailureKind, OpenSession};

pub(super) use self::client::request;
pub(super) use self::server::answer;

/// What a handshake ended with, if it succeeded.
#[derive(Debug)]
pub(super) struct Upgraded {
    /// What the peer sent behind its part of the handshake: frames already.
    pub(super) rest: BytesMut,
    /// What the handshake told.
    pub(super) open: OpenSession,
}

/// What a handshake ended with, if it did not.
#[derive(Debug)]
pub(super) enum Refused {
    /// Something was wrong, or we answered that it was.
    Failure(Failure),
    /// Nothing is to be answered, and the stream stays.
    Silence,
    /// Nothing is to be answered, and the stream is to end.
    HangUp,
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

fn stream_broke(error: &std::io::Error) -> Failure {
    Failure::new(FailureKind::StreamEnded, format!("the stream broke during the opening handshake: {error}"))
}
