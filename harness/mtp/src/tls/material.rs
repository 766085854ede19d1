//! A certificate, its key and what its owner trusts.

use std::path::{Path, PathBuf};

use rustls::RootCertStore;
use rustls_pki_types::pem::{self, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

/// Why TLS material is not usable.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read, or has no such PEM section.
    #[error("{what} {}: {source}", .path.display())]
    File {
        /// What was expected in it.
        what: &'static str,
        /// Which file.
        path: PathBuf,
        /// Why not.
        source: pem::Error,
    },
    /// A file has no certificate in it.
    #[error("{what} {}: no certificate in it", .path.display())]
    Empty {
        /// What was expected in it.
        what: &'static str,
        /// Which file.
        path: PathBuf,
    },
    /// A text is not PEM, or has no such section.
    #[error("{what}: {source}")]
    Pem {
        /// What was expected in it.
        what: &'static str,
        /// Why not.
        source: pem::Error,
    },
    /// A trust anchor cannot be used.
    #[error("trust anchor is not usable: {0}")]
    Anchor(rustls::Error),
    /// Certificate and key do not make a usable pair, or the protocol versions leave nothing.
    #[error("certificate and key are not usable: {0}")]
    Pair(rustls::Error),
    /// The peer is to be verified, and there is nothing to verify it against.
    #[error("the peer's certificate is to be verified, but there is no trust anchor")]
    NoTrust,
    /// The verifier refused its own configuration.
    #[error("the peer's certificate cannot be verified: {0}")]
    Verifier(#[from] rustls::server::VerifierBuilderError),
    /// The host is neither a DNS name nor an IP address.
    #[error("\"{host}\" is neither a DNS name nor an IP address")]
    ServerName {
        /// The host as given.
        host: String,
    },
    /// A certificate could not be made.
    #[error("a certificate could not be made: {0}")]
    Generate(#[from] rcgen::Error),
    /// A certificate authority cannot issue anything.
    #[error("certificate authority: {0}")]
    Authority(String),
    /// An end without TLS has no identity to be changed.
    #[error("this end does not use TLS")]
    NotInUse,
}

/// A certificate chain with its key, and the trust anchors of its owner.
#[derive(Debug)]
pub struct TlsMaterial {
    pub(super) chain: Vec<CertificateDer<'static>>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) trust: Vec<CertificateDer<'static>>,
}

impl Clone for TlsMaterial {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), trust: self.trust.clone() }
    }
}

impl TlsMaterial {
    /// Reads PEM files: the own certificate followed by its intermediates, its key (PKCS#8, PKCS#1 or SEC1), and the trust anchors.
    ///
    /// # Errors
    /// [`TlsError::File`] and [`TlsError::Empty`], which name the file.
    pub fn from_pem_files(certificate: &Path, key: &Path, trust: Option<&Path>) -> Result<Self, TlsError> {
        let chain = certificates("certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::File {
            what: "private key",
            path: key.to_owned(),
            source,
        })?;
        let trust = match trust {
            Some(path) => certificates("trust anchors", path)?,
            None => Vec::new(),
        };
        Ok(Self { chain, key, trust })
    }

    /// The same from PEM texts.
    ///
    /// # Errors
    /// [`TlsError::Pem`], which names what could not be read.
    pub fn from_pem(certificate: &str, key: &str, trust: Option<&str>) -> Result<Self, TlsError> {
        let chain = certificates_in("certificate", certificate)?;
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
            .map_err(|source| TlsError::Pem { what: "private key", source })?;
        let trust = match trust {
            Some(text) => certificates_in("trust anchors", text)?,
            None => Vec::new(),
        };
        Ok(Self { chain, key, trust })
    }

    /// The same without a certificate of its own: a client that has none to show (R-MTP.1).
    #[must_use]
    pub fn without_certificate(self) -> Self {
        Self { chain: Vec::new(), ..self }
    }

    /// The own certificate alone, DER; empty when there is none.
    pub fn certificate_der(&self) -> &[u8] {
        self.chain.first().map(|one| &**one).unwrap_or_default()
    }

    /// The certificate chain as PEM, own certificate first.
    pub fn chain_pem(&self) -> String {
        self.chain.iter().map(|one| pem_section("CERTIFICATE", one)).collect()
    }

    /// The trust anchors as PEM.
    pub fn trust_pem(&self) -> String {
        self.trust.iter().map(|one| pem_section("CERTIFICATE", one)).collect()
    }

    /// The key as PEM.
    pub fn key_pem(&self) -> String {
        let label = match &self.key {
            PrivateKeyDer::Pkcs1(_) => "RSA PRIVATE KEY",
            PrivateKeyDer::Sec1(_) => "EC PRIVATE KEY",
            _ => "PRIVATE KEY",
        };
        pem_section(label, self.key.secret_der())
    }

    /// The same certificate and key, trusting the anchors of `trust` (PEM file) instead.
    ///
    /// # Errors
    /// [`TlsError::File`] and [`TlsError::Empty`], which name the file.
    pub fn trusting_pem_file(mut self, trust: &Path) -> Result<Self, TlsError> {
        self.trust = certificates("trust anchors", trust)?;
        Ok(self)
    }

    /// The same certificate and key, trusting the anchors of `trust` (PEM text) instead.
    ///
    /// # Errors
    /// [`TlsError::Pem`].
    pub fn trusting_pem(mut self, trust: &str) -> Result<Self, TlsError> {
        self.trust = certificates_in("trust anchors", trust)?;
        Ok(self)
    }

    /// The same certificate and key, trusting nobody.
    #[must_use]
    pub fn trusting_nobody(mut self) -> Self {
        self.trust.clear();
        self
    }
}

/// Reads the certificates of one PEM file.
pub(super) fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::File { what, path: path.to_owned(), source };
    let found = CertificateDer::pem_file_iter(path).map_err(wrong)?.collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if found.is_empty() {
        return Err(TlsError::Empty { what, path: path.to_owned() });
    }
    Ok(found)
}

/// Reads the certificates of one PEM text; at least one.
pub(super) fn certificates_in(what: &'static str, text: &str) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let wrong = |source| TlsError::Pem { what, source };
    let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(wrong)?;
    if found.is_empty() {
        return Err(wrong(pem::Error::NoItemsFound));
    }
    Ok(found)
}

/// Trust anchors as rustls wants them.
pub(super) fn roots(trust: &[CertificateDer<'static>]) -> Result<RootCertStore, TlsError> {
    let mut store = RootCertStore::empty();
    for anchor in trust {
        store.add(anchor.clone()).map_err(TlsError::Anchor)?;
    }
    Ok(store)
}

/// One PEM section (RFC 7468).
pub(super) fn pem_section(label: &str, der: &[u8]) -> String {
    // Line feeds alone, as nearly every tool writes them: some Agents look for them in a certificate that they are given.
    let lines = ::pem::EncodeConfig::new().set_line_ending(::pem::LineEnding::LF);
    ::pem::encode_config(&::pem::Pem::new(label, der), lines)
}
