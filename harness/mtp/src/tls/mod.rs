//! TLS for every MTP: certificate material, what each side demands of the other, and what a handshake showed.
//!
//! The one decision behind it: verification is never skipped in silence. Where a certificate is accepted in spite of a failed
//! verification, because the caller said so, the reason stands in the [`TlsSession`].

mod certificate;
mod config;
mod generate;
mod material;
mod verify;

pub use self::certificate::PeerCertificate;
pub use self::config::{ClientAuth, ServerVerification, TlsClient, TlsServer, TlsVersions};
pub use self::generate::{CertificateAuthority, CertificateRequest};
pub use self::material::{TlsError, TlsMaterial};

pub(crate) use self::config::{ReadyClient, ReadyServer};

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
}

/// What came of verifying the peer's certificate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verification {
    /// The peer sent no certificate.
    NoCertificate,
    /// It chains to a trust anchor, is valid now and, for a server, names the host.
    Verified,
    /// It was accepted although verification failed.
    Accepted {
        /// Why verification failed.
        in_spite_of: String,
    },
}
