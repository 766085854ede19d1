//! The opening handshake (RFC 6455 section 4, R-WS.7 to R-WS.12a).

mod client;
mod extension;
#[cfg(any(test, feature = "fuzzing"))]
pub(super) mod fuzzing;
mod head;
#[cfg(test)]
mod properties;
mod server;

use bytes::BytesMut;

use crate::event::{Failure, FailureKind, OpenSession};
use crate::tls::{TlsFailure, alert_in};

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
    /// The peer ended TLS with a fatal alert.
    Tls(Box<TlsFailure>),
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

fn stream_broke(error: &std::io::Error) -> Refused {
    // A client of TLS 1.3 learns only here that the server does not take its certificate.
    if alert_in(error).is_some() {
        return Refused::Tls(TlsFailure::from_io(error));
    }
    let text = format!("the stream broke during the opening handshake: {error}");
    Refused::Failure(Failure::new(FailureKind::StreamEnded, text))
}
