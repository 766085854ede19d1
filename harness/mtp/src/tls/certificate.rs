//! The peer's certificate, as a trace shows it.

use std::net::IpAddr;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uspec_usp::endpoint_id::URN_PREFIX;
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
    /// IP addresses of subjectAltName.
    #[serde(default)]
    pub addresses: Vec<String>,
    /// First second of validity, RFC 2822 style, in UTC.
    pub not_before: String,
    /// Last second of validity, RFC 2822 style, in UTC.
    pub not_after: String,
    /// It is signed with its own key (R-SEC.5).
    #[serde(default)]
    pub self_signed: bool,
    /// Subjects of the certificates that were sent with it, in their order: the rest of its chain, at most [`LONGEST_CHAIN`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain: Vec<String>,
}

/// Certificates above the peer's own that are shown. No chain of a bench is as long.
pub(super) const LONGEST_CHAIN: usize = 8;

/// Whether a certificate stands for an Endpoint ID (R-SEC.0a), and by what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndpointMatch {
    /// The URN form stands in subjectAltName.
    Urn,
    /// The Endpoint ID has the scheme `fqdn`, and its instance-id stands in subjectAltName as DNS name.
    DnsName,
    /// A URN whose instance-id has a wildcard, as a certificate that several Agents share has (R-SEC.11, R-SEC.12), fits it. Nobody is
    /// bound to support it.
    Wildcard,
    /// The certificate stands for other Endpoint IDs, and not for this one.
    Other,
    /// The certificate stands for no Endpoint ID at all.
    Nobody,
}

impl EndpointMatch {
    /// Whether the certificate authenticates the Endpoint without any wildcard.
    pub fn is_exact(self) -> bool {
        matches!(self, Self::Urn | Self::DnsName)
    }
}

impl PeerCertificate {
    /// Reads what a trace shows out of a DER certificate. Whatever the octets are, something comes of it.
    pub fn read(der: &[u8]) -> Self {
        let mut seen = Self { der: Bytes::copy_from_slice(der), ..Self::default() };
        let Ok((_, certificate)) = X509Certificate::from_der(der) else {
            return seen;
        };
        seen.subject = certificate.subject().to_string();
        seen.issuer = certificate.issuer().to_string();
        seen.not_before = certificate.validity().not_before.to_string();
        seen.not_after = certificate.validity().not_after.to_string();
        seen.self_signed = certificate.subject() == certificate.issuer() && certificate.verify_signature(None).is_ok();
        if let Ok(Some(names)) = certificate.subject_alternative_name() {
            for name in &names.value.general_names {
                match name {
                    GeneralName::URI(uri) => seen.uris.push((*uri).to_owned()),
                    GeneralName::DNSName(dns) => seen.dns_names.push((*dns).to_owned()),
                    GeneralName::IPAddress(octets) => seen.addresses.extend(address(octets)),
                    _ => {}
                }
            }
        }
        seen
    }

    /// The same with what was sent behind it.
    pub(super) fn read_chain<'a>(der: &[u8], above: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let chain = above.into_iter().take(LONGEST_CHAIN).map(|der| Self::read(der).subject).collect();
        Self { chain, ..Self::read(der) }
    }

    /// The Endpoint IDs that the certificate stands for, taken from its URNs (R-SEC.0a).
    pub fn endpoint_ids(&self) -> impl Iterator<Item = &str> {
        self.uris.iter().filter_map(|uri| match uri.split_at_checked(URN_PREFIX.len()) {
            // A URN's scheme and namespace are compared without regard to case (RFC 2141).
            Some((prefix, id)) if prefix.eq_ignore_ascii_case(URN_PREFIX) => Some(id),
            _ => None,
        })
    }

    /// Whether it stands for that Endpoint ID (R-SEC.0a).
    pub fn stands_for(&self, endpoint_id: &str) -> EndpointMatch {
        if self.endpoint_ids().any(|id| id == endpoint_id) {
            return EndpointMatch::Urn;
        }
        let domain = endpoint_id.strip_prefix("fqdn::");
        if domain.is_some_and(|domain| self.dns_names.iter().any(|name| name.eq_ignore_ascii_case(domain))) {
            return EndpointMatch::DnsName;
        }
        if self.endpoint_ids().any(|pattern| fits(pattern, endpoint_id)) {
            return EndpointMatch::Wildcard;
        }
        if self.endpoint_ids().next().is_some() { EndpointMatch::Other } else { EndpointMatch::Nobody }
    }
}

fn address(octets: &[u8]) -> Option<String> {
    let address = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    Some(address.to_string())
}

/// Whether an Endpoint ID fits one with a wildcard in its instance-id, where it is allowed to have one (R-SEC.12).
fn fits(pattern: &str, endpoint_id: &str) -> bool {
    let mut parts = pattern.splitn(3, ':');
    let (Some(scheme), Some(authority), Some(instance)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Some((before, after)) = instance.split_once('*') else {
        return false;
    };
    let allowed = match scheme {
        "oui" | "cid" | "pen" => true,
        // What stands before the first hyphen is the OUI of the assigning entity.
        "os" | "ops" => before.contains('-'),
        _ => false,
    };
    let prefix = format!("{scheme}:{authority}:{before}");
    let rest = endpoint_id.strip_prefix(&prefix);
    allowed && !after.contains('*') && rest.is_some_and(|rest| rest.ends_with(after))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case(&["urn:bbf:usp:id:os::012345-A"], &[], "os::012345-A", EndpointMatch::Urn)]
    #[case(&["URN:BBF:usp:id:os::012345-A"], &[], "os::012345-A", EndpointMatch::Urn)]
    #[case(&["urn:bbf:usp:id:os::012345-a"], &[], "os::012345-A", EndpointMatch::Other)]
    #[case(&["urn:bbf:usp:id:doc::a%21"], &[], "doc::a%21", EndpointMatch::Urn)]
    #[case(&["urn:bbf:usp:id:doc::a%2521"], &[], "doc::a%21", EndpointMatch::Other)]
    #[case(&["os::012345-A"], &[], "os::012345-A", EndpointMatch::Nobody)]
    #[case(&[], &["WWW.example.org"], "fqdn::www.example.org", EndpointMatch::DnsName)]
    #[case(&[], &["www.example.org"], "self::www.example.org", EndpointMatch::Nobody)]
    #[case(&[], &["*.example.org"], "fqdn::www.example.org", EndpointMatch::Nobody)]
    #[case(&["urn:bbf:usp:id:os::012345-*"], &[], "os::012345-A", EndpointMatch::Wildcard)]
    #[case(&["urn:bbf:usp:id:os::*"], &[], "os::012345-A", EndpointMatch::Other)]
    #[case(&["urn:bbf:usp:id:oui:00256D:x*z"], &[], "oui:00256D:xyz", EndpointMatch::Wildcard)]
    #[case(&["urn:bbf:usp:id:oui:00256D:xy*yz"], &[], "oui:00256D:xyz", EndpointMatch::Other)]
    #[case(&["urn:bbf:usp:id:self::*"], &[], "self::x", EndpointMatch::Other)]
    #[case(&["urn:bbf:usp:id:"], &[], "", EndpointMatch::Urn)]
    fn stands_for(
        #[case] uris: &[&str],
        #[case] dns: &[&str],
        #[case] endpoint_id: &str,
        #[case] expected: EndpointMatch,
    ) {
        let owned = |list: &[&str]| list.iter().map(|&one| one.to_owned()).collect();
        let certificate = PeerCertificate { uris: owned(uris), dns_names: owned(dns), ..PeerCertificate::default() };
        assert_eq!(certificate.stands_for(endpoint_id), expected);
    }

    #[test]
    fn octets_that_are_no_certificate_are_kept() {
        let seen = PeerCertificate::read(b"no certificate");
        assert_eq!(seen, PeerCertificate { der: Bytes::from_static(b"no certificate"), ..PeerCertificate::default() });
    }
}
