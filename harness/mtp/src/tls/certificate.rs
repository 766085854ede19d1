//! The peer's certificate, as a trace shows it.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

/// The peer's certificate. Fields other than `der` are empty if it could not be parsed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerCertificate {
    /// The certificate as sent, DER.
    #[serde(with = "crate::event::octets")]
    pub der: Bytes,
    /// Subject as a distinguished name.
    pub subject: String,
    /// Issuer as a distinguished name.
    pub issuer: String,
    /// URIs of subjectAltName; an Endpoint ID stands there as `urn:bbf:usp:id:…` (R-SEC.0a).
    pub uris: Vec<String>,
    /// DNS names of subjectAltName.
    pub dns_names: Vec<String>,
    /// First second of validity, RFC 2822 style, in UTC.
    pub not_before: String,
    /// Last second of validity, RFC 2822 style, in UTC.
    pub not_after: String,
}

impl PeerCertificate {
    /// Reads what a trace shows out of a DER certificate.
    pub(crate) fn read(der: &[u8]) -> Self {
        let mut seen = Self { der: Bytes::copy_from_slice(der), ..Self::default() };
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return seen;
        };
        seen.subject = certificate.subject().to_string();
        seen.issuer = certificate.issuer().to_string();
        seen.not_before = certificate.validity().not_before.to_string();
        seen.not_after = certificate.validity().not_after.to_string();
        if let Ok(Some(names)) = certificate.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::URI(uri) => seen.uris.push((*uri).to_owned()),
                    GeneralName::DNSName(dns) => seen.dns_names.push((*dns).to_owned()),
                    _ => {}
                }
            }
        }
        seen
    }

    /// The Endpoint IDs that the certificate stands for, taken from its URNs (R-SEC.0a).
    pub fn endpoint_ids(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().filter_map(|uri| uri.strip_prefix(super::generate::ENDPOINT_URN))
    }
}
