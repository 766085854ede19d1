//! Verifiers that do the usual verification, remember what came of it, and accept what they are told to accept.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::verify_server_name;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::server::{ClientHello, ParsedCertificate, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{CertificateProblem, PeerCertificate};

/// What a verifier has found out about the peer's certificate.
#[derive(Debug, Clone)]
pub(super) struct Finding {
    pub(super) certificate: PeerCertificate,
    /// What is wrong with it, in one word and in the library's words.
    pub(super) problem: Option<(CertificateProblem, String)>,
    /// The handshake ends because of it.
    pub(super) refused: bool,
}

/// Where the verifier of one connection leaves its finding.
#[derive(Debug, Clone, Default)]
pub(super) struct Findings(Arc<Mutex<Found>>);

#[derive(Debug, Clone, Default)]
struct Found {
    certificate: Option<Finding>,
    server_name: Option<String>,
}

impl Findings {
    /// What has been found; none when no certificate has come.
    pub(super) fn get(&self) -> Option<Finding> {
        self.found().certificate.clone()
    }

    /// The server name that the client asked for.
    pub(super) fn server_name(&self) -> Option<String> {
        self.found().server_name.clone()
    }

    fn note(&self, finding: Finding) {
        self.found().certificate = Some(finding);
    }

    fn found(&self) -> MutexGuard<'_, Found> {
        // What stands in it is replaced as a whole, so that a poisoned lock still guards something sound.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Shows a server's one certificate, and remembers for which name it was asked.
#[derive(Debug)]
pub(super) struct Shown {
    pub(super) identity: Arc<CertifiedKey>,
    pub(super) findings: Findings,
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.findings.found().server_name = hello.server_name().map(str::to_owned);
        Some(Arc::clone(&self.identity))
    }
}

/// A verifier of servers' or of clients' certificates. Signatures of the handshake are verified in any case, so that the peer has at
/// least the key of the certificate that it shows.
pub(super) struct Verifier<V: ?Sized> {
    /// Absent without trust anchors: then nothing can verify.
    pub(super) inner: Option<Arc<V>>,
    /// The trust anchors. A peer may show one of them itself, as one that is trusted on first use does.
    pub(super) trust: Vec<CertificateDer<'static>>,
    /// Accepts whatever comes of it, and for a client's certificate, none at all.
    pub(super) accepts_any: bool,
    /// Verifies as if the time were one at which the certificate is valid (R-WS.23, R-SEC.19).
    pub(super) ignores_time: bool,
    pub(super) provider: Arc<CryptoProvider>,
    pub(super) findings: Findings,
}

impl<V: ?Sized> Verifier<V> {
    /// Verifies, notes what came of it, and says whether the handshake may go on.
    fn verify<T>(
        &self,
        chain: (&CertificateDer<'_>, &[CertificateDer<'_>]),
        host: Option<&ServerName<'_>>,
        now: UnixTime,
        accepted: fn() -> T,
        ask: impl FnOnce(&V, UnixTime) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (end_entity, intermediates) = chain;
        let now = if self.ignores_time { moment_of_validity(end_entity, intermediates, now) } else { now };
        let certificate = PeerCertificate::read_chain(end_entity, intermediates.iter().map(AsRef::as_ref));
        let (verified, problem) = if let Some(inner) = &self.inner {
            let is_anchor = self.trust.iter().any(|anchor| anchor == end_entity);
            let verified = if is_anchor { alone(end_entity, host, now).map(|()| accepted()) } else { ask(inner, now) };
            let problem = verified.as_ref().err().map(|error| CertificateProblem::of(error, &certificate));
            (verified, problem)
        } else {
            let error = Error::General("there is no trust anchor".to_owned());
            (Err(error), Some(CertificateProblem::NoTrustAnchor))
        };
        let text = verified.as_ref().err().map(ToString::to_string);
        let refused = verified.is_err() && !self.accepts_any;
        self.findings.note(Finding { certificate, problem: problem.zip(text), refused });
        if self.accepts_any { Ok(accepted()) } else { verified }
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

impl<V: ?Sized> fmt::Debug for Verifier<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("accepts_any", &self.accepts_any).finish_non_exhaustive()
    }
}

impl ServerCertVerifier for Verifier<dyn ServerCertVerifier> {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let chain = (end_entity, intermediates);
        self.verify(chain, Some(server_name), now, ServerCertVerified::assertion, |inner, now| {
            inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Verifier<dyn ClientCertVerifier> {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.as_ref().map_or(&[], |inner| inner.root_hint_subjects())
    }

    fn client_auth_mandatory(&self) -> bool {
        !self.accepts_any
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.verify((end_entity, intermediates), None, now, ClientCertVerified::assertion, |inner, now| {
            inner.verify_client_cert(end_entity, intermediates, now)
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, cert, dss, &self.provider.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

/// Verifies a certificate that is trusted itself: only its time and its host can be wrong. As a whole chain it might be refused, because
/// many self-signed certificates say that they are an authority's.
fn alone(certificate: &CertificateDer<'_>, host: Option<&ServerName<'_>>, now: UnixTime) -> Result<(), Error> {
    let unreadable = || Error::InvalidCertificate(CertificateError::BadEncoding);
    let (_, read) = X509Certificate::from_der(certificate).map_err(|_| unreadable())?;
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    if now > read.validity().not_after.timestamp() {
        return Err(Error::InvalidCertificate(CertificateError::Expired));
    }
    if now < read.validity().not_before.timestamp() {
        return Err(Error::InvalidCertificate(CertificateError::NotValidYet));
    }
    match host {
        Some(host) => verify_server_name(&ParsedCertificate::try_from(certificate)?, host),
        None => Ok(()),
    }
}

/// A moment at which every certificate of the chain is valid, if there is one: when the latest of them begins to be.
fn moment_of_validity(end_entity: &CertificateDer<'_>, above: &[CertificateDer<'_>], now: UnixTime) -> UnixTime {
    let beginnings = std::iter::once(end_entity).chain(above).filter_map(|der| {
        let (_, certificate) = X509Certificate::from_der(der).ok()?;
        u64::try_from(certificate.validity().not_before.timestamp()).ok()
    });
    beginnings.max().map_or(now, |begin| UnixTime::since_unix_epoch(Duration::from_secs(begin)))
}
