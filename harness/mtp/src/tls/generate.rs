//! Certificates made on the fly, for runs that bring no PKI of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
    SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

use super::material::{TlsError, TlsMaterial};

/// What precedes the Endpoint ID in a certificate's subjectAltName (R-SEC.0a).
pub(super) const ENDPOINT_URN: &str = "urn:bbf:usp:id:";

/// Clocks of devices under test are often a little slow; a certificate valid from an hour ago on satisfies them.
const VALID_SINCE: Duration = Duration::from_secs(3600);

/// A year: longer than a campaign, shorter than what strict verifiers refuse (398 days).
const VALID_FOR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A certificate authority that lives as long as this value.
#[derive(Debug)]
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
}

impl CertificateAuthority {
    /// A new authority with a key of its own (ECDSA P-256), valid for a year.
    ///
    /// # Errors
    /// [`TlsError::Generate`].
    pub fn generate(common_name: &str) -> Result<Self, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(DnType::CommonName, common_name);
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let now = SystemTime::now();
        params.not_before = (now - VALID_SINCE).into();
        params.not_after = (now + VALID_FOR).into();
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate })
    }

    /// The authority's certificate as PEM, to be installed as trust anchor.
    pub fn certificate_pem(&self) -> String {
        super::material::pem_section("CERTIFICATE", &self.certificate)
    }

    /// Issues a certificate with a key of its own.
    ///
    /// # Errors
    /// [`TlsError::Generate`], for instance for a DNS name that is not ASCII.
    pub fn issue(&self, request: &CertificateRequest) -> Result<TlsMaterial, TlsError> {
        let key = KeyPair::generate()?;
        let certificate = request.params()?.signed_by(&key, &self.issuer)?;
        Ok(TlsMaterial {
            chain: vec![certificate.der().clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            trust: vec![self.certificate.clone()],
        })
    }
}

/// What is to stand in a certificate.
#[derive(Debug, Clone)]
pub struct CertificateRequest {
    /// Endpoint ID, put into subjectAltName as URN (R-SEC.0a); none leaves it out.
    pub endpoint_id: Option<String>,
    /// DNS names in subjectAltName.
    pub dns_names: Vec<String>,
    /// IP addresses in subjectAltName.
    pub addresses: Vec<IpAddr>,
    /// First moment of validity.
    pub not_before: SystemTime,
    /// Last moment of validity.
    pub not_after: SystemTime,
}

impl CertificateRequest {
    /// A certificate for that Endpoint, on this very host, from an hour ago until in a year.
    pub fn for_endpoint(endpoint_id: impl Into<String>) -> Self {
        let now = SystemTime::now();
        Self {
            endpoint_id: Some(endpoint_id.into()),
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            not_before: now - VALID_SINCE,
            not_after: now + VALID_FOR,
        }
    }

    /// The same with one more host, given as DNS name or IP address.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        match host.parse() {
            Ok(address) => self.addresses.push(address),
            Err(_) => self.dns_names.push(host.to_owned()),
        }
        self
    }

    fn params(&self) -> Result<CertificateParams, TlsError> {
        let mut params = CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        // A common name has at most 64 characters, an Endpoint ID may have more: it stands in subjectAltName only.
        params.distinguished_name.push(DnType::CommonName, "USP Endpoint");
        if let Some(id) = &self.endpoint_id {
            params.subject_alt_names.push(SanType::URI(Ia5String::try_from(format!("{ENDPOINT_URN}{id}"))?));
        }
        for name in &self.dns_names {
            params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(name.as_str())?));
        }
        params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
        params.use_authority_key_identifier_extension = true;
        params.not_before = self.not_before.into();
        params.not_after = self.not_after.into();
        Ok(params)
    }
}

impl TlsMaterial {
    /// A certificate of `authority` for that Endpoint on this very host, trusting the same authority.
    ///
    /// # Errors
    /// [`TlsError::Generate`].
    pub fn generate(endpoint_id: &str, authority: &CertificateAuthority) -> Result<Self, TlsError> {
        authority.issue(&CertificateRequest::for_endpoint(endpoint_id))
    }
}
