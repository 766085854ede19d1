//! What came of a TLS handshake, in words that a test case can compare.

use std::fmt;
use std::io;

use bytes::Bytes;
use rustls::{CertificateError, Error};
use serde::{Deserialize, Serialize};

use super::PeerCertificate;

/// Why TLS could not be established.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TlsFailure {
    /// The TLS library's words, for a person.
    pub error: String,
    /// The fatal alert that the peer sent, by its name in RFC 8446 section 6 without underscores (`CertificateExpired`, `UnknownCA`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alert: Option<String>,
    /// What was wrong with the peer's certificate, if it was we who refused it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<CertificateProblem>,
    /// The peer's own certificate, if it came so far.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_certificate: Option<PeerCertificate>,
    /// The server name that the client asked for, when we are the server; a client that calls an IP address asks for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server_name: Option<String>,
    /// The first octets that the peer sent, at most [`SHOWN_OCTETS`](crate::event::SHOWN_OCTETS): they show a peer that speaks no TLS.
    #[serde(default, with = "crate::event::octets", skip_serializing_if = "Bytes::is_empty")]
    pub received: Bytes,
}

impl TlsFailure {
    /// A failure of which nothing more is known.
    pub(crate) fn new(error: impl Into<String>) -> Box<Self> {
        Box::new(Self { error: error.into(), ..Self::default() })
    }

    /// A failure as the stream reported it.
    pub(crate) fn from_io(error: &io::Error) -> Box<Self> {
        let mut failure = Self::new(error.to_string());
        failure.alert = alert_in(error);
        failure
    }
}

/// The fatal alert of the peer that an error of a stream stands for.
pub(crate) fn alert_in(error: &io::Error) -> Option<String> {
    match error.get_ref()?.downcast_ref::<Error>()? {
        Error::AlertReceived(alert) => Some(format!("{alert:?}")),
        _ => None,
    }
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
        /// Why verification failed, in the TLS library's words.
        in_spite_of: String,
        /// The same in one word.
        problem: CertificateProblem,
    },
}

/// What is wrong with a certificate. A certificate with several faults has the one that was found first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CertificateProblem {
    /// There was none, and one is demanded.
    Missing,
    /// Its validity is over.
    Expired,
    /// Its validity has not begun.
    NotYetValid,
    /// It is signed with its own key, and is not trusted itself.
    SelfSigned,
    /// No trust anchor vouches for it.
    UnknownIssuer,
    /// It claims an issuer that has not signed it.
    BadSignature,
    /// It does not name the host that was called (a server's certificate only).
    WrongHost,
    /// Its extendedKeyUsage does not allow this use.
    WrongUse,
    /// It has been revoked.
    Revoked,
    /// There is no trust anchor to verify it against.
    NoTrustAnchor,
    /// It cannot be read, or has another fault; the TLS library's words stand beside this.
    Other,
}

impl CertificateProblem {
    /// Sorts the verifier's error.
    pub(super) fn of(error: &Error, certificate: &PeerCertificate) -> Self {
        let Error::InvalidCertificate(error) = error else {
            return Self::Other;
        };
        match error {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => Self::Expired,
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => Self::NotYetValid,
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => Self::WrongHost,
            CertificateError::InvalidPurpose | CertificateError::InvalidPurposeContext { .. } => Self::WrongUse,
            CertificateError::Revoked => Self::Revoked,
            _ if certificate.self_signed => Self::SelfSigned,
            CertificateError::UnknownIssuer => Self::UnknownIssuer,
            CertificateError::BadSignature => Self::BadSignature,
            _ => Self::Other,
        }
    }
}

impl fmt::Display for CertificateProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Missing => "no certificate",
            Self::Expired => "expired",
            Self::NotYetValid => "not yet valid",
            Self::SelfSigned => "self-signed and not trusted",
            Self::UnknownIssuer => "issued by nobody who is trusted",
            Self::BadSignature => "not signed by the issuer that it claims",
            Self::WrongHost => "for another host",
            Self::WrongUse => "not for this use",
            Self::Revoked => "revoked",
            Self::NoTrustAnchor => "not to be verified without a trust anchor",
            Self::Other => "not usable",
        })
    }
}
