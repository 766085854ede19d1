//! TLS for every MTP: certificate material, what each side demands of the other, and what a handshake showed.
//!
//! The one decision behind it: verification is never skipped in silence. Where a certificate is accepted in spite of a failed
//! verification, because the caller said so, the reason stands in the [`TlsSession`].

mod certificate;
mod config;
mod first;
mod generate;
mod key_log;
mod material;
mod outcome;
mod pki;
mod verify;

pub use self::certificate::{EndpointMatch, PeerCertificate};
pub use self::config::{ClientAuth, ServerVerification, TlsClient, TlsServer, TlsVersions};
pub use self::generate::{CertificateAuthority, CertificateRequest};
pub use self::key_log::KeyLogSink;
pub use self::material::{TlsError, TlsMaterial};
pub use self::outcome::{CertificateProblem, TlsFailure, Verification};
pub use self::pki::{IdentityKind, Pki};

pub(crate) use self::config::{ReadyClient, ReadyServer};
pub(crate) use self::outcome::alert_in;

use serde::{Deserialize, Serialize};

/// What a TLS handshake agreed on and showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsSession {
    /// `TLSv1_2` or `TLSv1_3`.
    pub version: String,
    /// Cipher suite by its IANA name.
    pub cipher_suite: String,
    /// The peer's own certificate; absent if it sent none.
    pub peer_certificate: Option<PeerCertificate>,
    /// What came of verifying that certificate.
    pub verification: Verification,
    /// The server name that the client asked for, when we are the server; a client that calls an IP address asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
}

impl TlsSession {
    /// Whether the peer's certificate stands for that Endpoint ID (R-SEC.0a); none without a certificate.
    pub fn stands_for(&self, endpoint_id: &str) -> Option<EndpointMatch> {
        self.peer_certificate.as_ref().map(|certificate| certificate.stands_for(endpoint_id))
    }
}
