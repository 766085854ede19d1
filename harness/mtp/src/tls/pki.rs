//! A whole PKI for a bench: one authority, and identities that are right or wrong in one chosen way.

use std::fmt;
use std::path::Path;
use std::str::FromStr;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::generate::{CertificateAuthority, CertificateRequest};
use super::material::{TlsError, TlsMaterial};

const DAY: Duration = Duration::from_secs(24 * 3600);

/// Distance of a wrong validity from now: far enough for a device whose clock is some days wrong.
const FAR_OFF: Duration = Duration::from_secs(30 * DAY.as_secs());

/// The Endpoint ID in a certificate of the kinds `wrong_name` and `wrong_host`: nobody on a bench has it.
const SOMEBODY_ELSE: &str = "proto::uspec-somebody-else";

/// The host in a certificate of the kind `wrong_host`: no bench has it (RFC 6761 section 6.4).
const ELSEWHERE: &str = "elsewhere.invalid";

/// One authority that the EUT trusts, another that nobody trusts, and what they issue. Nothing touches the disk.
#[derive(Debug)]
pub struct Pki {
    authority: CertificateAuthority,
    stranger: CertificateAuthority,
}

/// What an identity is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum IdentityKind {
    /// Issued by the authority, and right in every respect.
    Trusted,
    /// The same, but no longer valid since a month.
    Expired,
    /// The same, but valid only in a month from now.
    NotYetValid,
    /// The same, but with another Endpoint ID in subjectAltName (R-SEC.0a); the host's names are right.
    WrongName,
    /// The same, but with another Endpoint ID and another host's names.
    WrongHost,
    /// Issued by an authority that nobody trusts.
    Untrusted,
    /// Signed with its own key (R-SEC.5).
    SelfSigned,
    /// One more self-signed one, for a credential that replaces another. Every one that is issued is new.
    Alternate,
}

impl IdentityKind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Trusted,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::WrongHost,
        Self::Untrusted,
        Self::SelfSigned,
        Self::Alternate,
    ];

    /// Its name in test cases, profiles and file names.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trusted => "trusted",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::WrongName => "wrong_name",
            Self::WrongHost => "wrong_host",
            Self::Untrusted => "untrusted",
            Self::SelfSigned => "self_signed",
            Self::Alternate => "alternate",
        }
    }
}

impl fmt::Display for IdentityKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for IdentityKind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            let names: Vec<_> = Self::ALL.iter().map(|kind| kind.name()).collect();
            format!("\"{name}\" is no kind of certificate; there are {}", names.join(", "))
        })
    }
}

impl Pki {
    /// A PKI with an authority of its own, which lives as long as this value.
    ///
    /// # Errors
    /// [`TlsError::Generate`].
    pub fn generate() -> Result<Self, TlsError> {
        Self::around(CertificateAuthority::generate("uspec test authority")?)
    }

    /// A PKI around an authority that the EUT trusts already: its certificate, followed by those above it if it is no root, and its key.
    ///
    /// # Errors
    /// As [`CertificateAuthority::from_pem`].
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, TlsError> {
        Self::around(CertificateAuthority::from_pem(certificate, key)?)
    }

    /// The same from files.
    ///
    /// # Errors
    /// As [`CertificateAuthority::from_pem`], and [`TlsError::Authority`] for a file that cannot be read.
    pub fn from_pem_files(certificate: &Path, key: &Path) -> Result<Self, TlsError> {
        let read = |path: &Path| {
            std::fs::read_to_string(path).map_err(|error| TlsError::Authority(format!("{}: {error}", path.display())))
        };
        let named = |error: TlsError| match error {
            TlsError::Authority(text) => TlsError::Authority(format!("{}: {text}", certificate.display())),
            other => TlsError::Authority(format!("{} with {}: {other}", certificate.display(), key.display())),
        };
        let (certificate_pem, key_pem) = (read(certificate)?, read(key)?);
        Self::from_pem(&certificate_pem, &key_pem).map_err(named)
    }

    fn around(authority: CertificateAuthority) -> Result<Self, TlsError> {
        Ok(Self { authority, stranger: CertificateAuthority::generate("uspec untrusted authority")? })
    }

    /// The authority that is to be trusted.
    pub fn authority(&self) -> &CertificateAuthority {
        &self.authority
    }

    /// The authority that nobody trusts.
    pub fn stranger(&self) -> &CertificateAuthority {
        &self.stranger
    }

    /// Issues an identity for an Endpoint on these hosts (DNS names or IP addresses), with a new key each time.
    ///
    /// Whatever its kind, its owner trusts the PKI's authority.
    ///
    /// # Errors
    /// [`TlsError::Generate`], for instance for a host or an Endpoint ID that is not ASCII.
    pub fn issue<S: AsRef<str>>(
        &self,
        kind: IdentityKind,
        endpoint_id: &str,
        hosts: &[S],
    ) -> Result<TlsMaterial, TlsError> {
        let wrong = matches!(kind, IdentityKind::WrongName | IdentityKind::WrongHost);
        let request = CertificateRequest::nowhere(if wrong { SOMEBODY_ELSE } else { endpoint_id });
        let mut request = match kind {
            IdentityKind::WrongHost => request.host(ELSEWHERE),
            _ => hosts.iter().fold(request, |request, host| request.host(host.as_ref())),
        };
        let now = SystemTime::now();
        match kind {
            IdentityKind::Trusted | IdentityKind::WrongName | IdentityKind::WrongHost => self.authority.issue(&request),
            IdentityKind::Expired => {
                request.not_before = now - 2 * FAR_OFF;
                request.not_after = now - FAR_OFF;
                self.authority.issue(&request)
            }
            IdentityKind::NotYetValid => {
                request.not_before = now + FAR_OFF;
                request.not_after = now + 2 * FAR_OFF;
                self.authority.issue(&request)
            }
            IdentityKind::Untrusted => {
                let issued = self.stranger.issue(&request)?;
                Ok(TlsMaterial { trust: vec![self.authority.certificate_der().to_vec().into()], ..issued })
            }
            IdentityKind::SelfSigned | IdentityKind::Alternate => self.authority.self_signed(&request),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tls::{EndpointMatch, PeerCertificate};
    use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, KeyUsagePurpose};
    use rstest::rstest;

    fn authority_params(name: &str) -> CertificateParams {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params
    }

    #[test]
    fn an_authority_survives_its_files() {
        let pki = Pki::generate().unwrap();
        let again = Pki::from_pem(&pki.authority().certificate_pem(), &pki.authority().key_pem()).unwrap();
        assert_eq!(again.authority().certificate_der(), pki.authority().certificate_der());
        let issued = again.issue(IdentityKind::Trusted, "self::x", &["localhost"]).unwrap();
        let seen = PeerCertificate::read(issued.certificate_der());
        assert_eq!(seen.issuer, PeerCertificate::read(pki.authority().certificate_der()).subject);
        assert_eq!(issued.chain_pem().matches("BEGIN").count(), 1, "a root is not sent along");
        let pem = [issued.chain_pem(), issued.trust_pem(), issued.key_pem()].concat();
        assert!(!pem.contains('\r') && pem.ends_with("-----\n"), "{pem}");
        assert_eq!(issued.trust_pem(), pki.authority().certificate_pem());
    }

    #[test]
    fn an_authority_below_a_root_is_sent_along_and_the_root_is_trusted() {
        let (root_key, key) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let root = authority_params("root").self_signed(&root_key).unwrap();
        let above = Issuer::new(authority_params("root"), root_key);
        let middle = authority_params("middle").signed_by(&key, &above).unwrap();
        let pki = Pki::from_pem(&format!("{}{}", middle.pem(), root.pem()), &key.serialize_pem()).unwrap();
        let issued = pki.issue(IdentityKind::Trusted, "self::x", &["localhost"]).unwrap();
        assert_eq!(
            issued.chain_pem().matches("BEGIN").count(),
            2,
            "itself and the one that issued it, without the root"
        );
        assert_eq!(pki.authority().certificate_der(), &**root.der());
    }

    #[test]
    fn what_is_no_authority_is_refused() {
        let pki = Pki::generate().unwrap();
        let leaf = pki.issue(IdentityKind::Trusted, "self::x", &["localhost"]).unwrap();
        let authority = pki.authority();
        let cases = [
            (leaf.chain_pem(), leaf.key_pem(), "basicConstraints"),
            (authority.certificate_pem(), leaf.key_pem(), "does not belong"),
            (authority.certificate_pem(), "no key".to_owned(), "certificate could not be made"),
            ("no certificate".to_owned(), authority.key_pem(), "certificate of the authority"),
        ];
        for (certificate, key, part) in cases {
            let error = Pki::from_pem(&certificate, &key).unwrap_err().to_string();
            assert!(error.contains(part), "{error}");
        }
        let missing = Path::new("no such file.pem");
        let error = Pki::from_pem_files(missing, missing).unwrap_err().to_string();
        assert!(error.contains("no such file.pem"), "{error}");
    }

    #[rstest]
    #[case("os::012345-1%21", EndpointMatch::Urn, &["localhost"])]
    #[case("fqdn::www.example.org", EndpointMatch::Urn, &["www.example.org", "localhost"])]
    fn subject_alternative_names(#[case] id: &str, #[case] stands: EndpointMatch, #[case] names: &[&str]) {
        let pki = Pki::generate().unwrap();
        let hosts = ["localhost", "192.0.2.1", "localhost", "192.0.2.1", "2001:db8::1"];
        let issued = pki.issue(IdentityKind::Trusted, id, &hosts).unwrap();
        let seen = PeerCertificate::read(issued.certificate_der());
        assert_eq!(seen.uris, [format!("urn:bbf:usp:id:{id}")]);
        assert_eq!(seen.stands_for(id), stands);
        assert_eq!(seen.dns_names, names);
        assert_eq!(seen.addresses, ["192.0.2.1", "2001:db8::1"]);
    }

    #[test]
    fn a_certificate_of_another_host_names_neither_host_nor_endpoint() {
        let pki = Pki::generate().unwrap();
        let issued = pki.issue(IdentityKind::WrongHost, "self::x", &["localhost", "127.0.0.1"]).unwrap();
        let seen = PeerCertificate::read(issued.certificate_der());
        assert_eq!((seen.dns_names.as_slice(), seen.addresses.len()), (["elsewhere.invalid".to_owned()].as_slice(), 0));
        assert_eq!(seen.uris, [format!("urn:bbf:usp:id:{SOMEBODY_ELSE}")]);
        assert_eq!(issued.without_certificate().certificate_der(), b"");
    }

    #[test]
    fn names_that_no_certificate_can_have_are_refused() {
        let pki = Pki::generate().unwrap();
        assert!(pki.issue(IdentityKind::Trusted, "self::ä", &["localhost"]).is_err());
        assert!(pki.issue(IdentityKind::Trusted, "self::a", &["münchen.example"]).is_err());
    }

    #[test]
    fn every_kind_is_issued_anew_and_has_a_name() {
        let pki = Pki::generate().unwrap();
        for kind in IdentityKind::ALL {
            assert_eq!(kind.name().parse(), Ok(kind));
            let [one, other] = [(), ()].map(|()| pki.issue(kind, "self::x", &["localhost"]).unwrap());
            assert_ne!(one.certificate_der(), other.certificate_der());
            assert_eq!(one.trust_pem(), pki.authority().certificate_pem(), "{kind}");
        }
        assert!("none".parse::<IdentityKind>().unwrap_err().contains("self_signed"));
    }
}
