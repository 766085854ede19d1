//! What the caller of an end can get wrong, or can no longer have.

use crate::network::NetworkError;
use crate::tls::TlsError;

/// Why an end could not be started, or could not do what it was asked for. What the peer does wrong is never an error but an event.
#[derive(Debug, thiserror::Error)]
pub enum MtpError {
    /// The address cannot be listened at.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// A certificate, key or trust anchor is not usable.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// The configuration contradicts itself or the MTP.
    #[error("{0}")]
    Config(String),
    /// There is no open session to do it on.
    #[error("no session is open")]
    NotOpen,
    /// The session ended before it was done.
    #[error("the session ended before this could be sent")]
    Lost,
    /// The end was shut down.
    #[error("this end has been shut down")]
    Stopped,
}
