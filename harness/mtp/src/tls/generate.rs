//! Certificates made on the fly, for runs that bring no PKI of their own.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::{Duration, SystemTime};

use rcgen::string::Ia5String;
use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, PublicKeyData, SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use uspec_usp::endpoint_id::{AuthorityScheme, EndpointId, URN_PREFIX};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::material::{TlsError, TlsMaterial, certificates_in, pem_section};

/// Clocks of devices under test are often a little slow; a certificate valid from an hour ago on satisfies them.
const VALID_SINCE: Duration = Duration::from_secs(3600);

/// A year: longer than a campaign, shorter than what strict verifiers refuse (398 days).
const VALID_FOR: Duration = Duration::from_secs(365 * 24 * 3600);

/// A certificate authority: one that lives as long as this value, or one that was brought along.
#[derive(Debug)]
pub struct CertificateAuthority {
    issuer: Issuer<'static, KeyPair>,
    certificate: CertificateDer<'static>,
    /// What the chain of an issued certificate must name besides it: nothing below a root.
    above: Vec<CertificateDer<'static>>,
}

impl CertificateAuthority {
    /// A new authority with a key of its own (ECDSA P-256), valid for a year. A few digits behind its name keep it apart from earlier ones.
    ///
    /// # Errors
    /// [`TlsError::Generate`].
    pub fn generate(common_name: &str) -> Result<Self, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::default();
        params.distinguished_name = named(&format!("{common_name} {}", mark(&key)));
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        let now = SystemTime::now();
        params.not_before = (now - VALID_SINCE).into();
        params.not_after = (now + VALID_FOR).into();
        let certificate = params.self_signed(&key)?.der().clone();
        Ok(Self { issuer: Issuer::new(params, key), certificate, above: Vec::new() })
    }

    /// An authority from its certificate, followed by those above it if it is no root, and its key (PKCS#8, PKCS#1 or SEC1), all PEM.
    ///
    /// # Errors
    /// [`TlsError::Pem`], [`TlsError::Generate`] for an unusable key, [`TlsError::Authority`] for a certificate that is no authority's
    /// or has another key.
    pub fn from_pem(certificate: &str, key: &str) -> Result<Self, TlsError> {
        let chain = certificates_in("certificate of the authority", certificate)?;
        let (first, rest) = chain.split_first().ok_or(TlsError::NoTrust)?;
        let key = KeyPair::from_pem(key)?;
        let wrong = |text: &str| TlsError::Authority(text.to_owned());
        let (_, read) = X509Certificate::from_der(first).map_err(|_| wrong("its certificate cannot be read"))?;
        if !read.is_ca() {
            return Err(wrong("its certificate may not issue others (basicConstraints)"));
        }
        if read.public_key().raw != key.subject_public_key_info() {
            return Err(wrong("the key does not belong to the certificate"));
        }
        let is_root = is_self_issued(first);
        let above = chain.iter().filter(|der| !is_self_issued(der)).cloned().collect();
        let certificate = if is_root { first } else { rest.last().unwrap_or(first) }.clone();
        Ok(Self { issuer: Issuer::from_ca_cert_der(first, key)?, certificate, above })
    }

    /// The certificate to be installed as trust anchor, as PEM: the authority's own, or the last of those that were brought along.
    pub fn certificate_pem(&self) -> String {
        pem_section("CERTIFICATE", &self.certificate)
    }

    /// The same as DER.
    pub fn certificate_der(&self) -> &[u8] {
        &self.certificate
    }

    /// The authority's key as PEM (PKCS#8).
    pub fn key_pem(&self) -> String {
        pem_section("PRIVATE KEY", &self.issuer.key().serialize_der())
    }

    /// Issues a certificate with a key of its own. Its owner trusts this authority.
    ///
    /// # Errors
    /// [`TlsError::Generate`], for instance for a DNS name that is not ASCII.
    pub fn issue(&self, request: &CertificateRequest) -> Result<TlsMaterial, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = request.params(&key)?;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.use_authority_key_identifier_extension = true;
        let certificate = params.signed_by(&key, &self.issuer)?;
        let mut material = self.material(certificate.der(), &key);
        material.chain.extend(self.above.iter().cloned());
        Ok(material)
    }

    /// Makes a certificate that is signed with its own key and is no authority's (R-SEC.5). Its owner trusts this authority.
    ///
    /// # Errors
    /// As [`CertificateAuthority::issue`].
    pub fn self_signed(&self, request: &CertificateRequest) -> Result<TlsMaterial, TlsError> {
        let key = KeyPair::generate()?;
        let mut params = request.params(&key)?;
        // Without keyUsage: with one that leaves out the signing of certificates, OpenSSL does not see that it is self-signed.
        params.is_ca = IsCa::ExplicitNoCa;
        let certificate = params.self_signed(&key)?;
        Ok(self.material(certificate.der(), &key))
    }

    fn material(&self, certificate: &CertificateDer<'static>, key: &KeyPair) -> TlsMaterial {
        TlsMaterial {
            chain: vec![certificate.clone()],
            key: PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der())),
            trust: vec![self.certificate.clone()],
        }
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
        Self {
            dns_names: vec!["localhost".to_owned()],
            addresses: vec![IpAddr::V4(Ipv4Addr::LOCALHOST), IpAddr::V6(Ipv6Addr::LOCALHOST)],
            ..Self::nowhere(endpoint_id)
        }
    }

    /// The same, but for no host at all.
    ///
    /// An Endpoint ID of the scheme `fqdn` brings its DNS name along (R-ARC.4a).
    pub fn nowhere(endpoint_id: impl Into<String>) -> Self {
        let now = SystemTime::now();
        let endpoint_id = endpoint_id.into();
        let dns_names = match EndpointId::parse(&endpoint_id) {
            Ok(id) if id.scheme() == AuthorityScheme::Fqdn => vec![id.instance_id().to_owned()],
            _ => Vec::new(),
        };
        Self {
            endpoint_id: Some(endpoint_id),
            dns_names,
            addresses: Vec::new(),
            not_before: now - VALID_SINCE,
            not_after: now + VALID_FOR,
        }
    }

    /// The same with one more host, given as DNS name or IP address.
    #[must_use]
    pub fn host(mut self, host: &str) -> Self {
        match host.parse() {
            Ok(address) if !self.addresses.contains(&address) => self.addresses.push(address),
            Err(_) if !self.dns_names.iter().any(|name| name == host) => self.dns_names.push(host.to_owned()),
            _ => {}
        }
        self
    }

    fn params(&self, key: &KeyPair) -> Result<CertificateParams, TlsError> {
        let mut params = CertificateParams::default();
        // A common name has at most 64 characters, an Endpoint ID may have more: it stands in subjectAltName only.
        params.distinguished_name = named(&format!("USP Endpoint {}", mark(key)));
        if let Some(id) = &self.endpoint_id {
            // As it is: whatever its syntax (R-ARC.5) does not allow is percent-encoded in it already.
            params.subject_alt_names.push(SanType::URI(Ia5String::try_from(format!("{URN_PREFIX}{id}"))?));
        }
        for name in &self.dns_names {
            params.subject_alt_names.push(SanType::DnsName(Ia5String::try_from(name.as_str())?));
        }
        params.subject_alt_names.extend(self.addresses.iter().copied().map(SanType::IpAddress));
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
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

/// Whether it is a root: nobody above it.
fn is_self_issued(certificate: &CertificateDer<'_>) -> bool {
    X509Certificate::from_der(certificate).is_ok_and(|(_, read)| read.subject() == read.issuer())
}

fn named(common_name: &str) -> DistinguishedName {
    let mut name = DistinguishedName::new();
    name.push(DnType::CommonName, common_name);
    name
}

/// A few digits that differ from key to key, so that no two certificates have the same subject: verifiers look issuers up by it.
fn mark(key: &KeyPair) -> String {
    let raw = key.public_key_raw();
    hex::encode(raw.get(raw.len().saturating_sub(4)..).unwrap_or_default())
}
