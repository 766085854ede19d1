//! What each side of a TLS connection shows and demands.

use std::io;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::sign::CertifiedKey;
use rustls::{ClientConfig, CommonState, Error, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::key_log::KeyLogSink;
use super::material::{TlsError, TlsMaterial, roots};
use super::verify::{Findings, Shown, Verifier};
use super::{CertificateProblem, TlsFailure, TlsSession, Verification};
use crate::network::{BoxStream, ByteStream};
use crate::tls::first::FirstOctets;

/// The server's side of TLS.
#[derive(Debug, Clone)]
pub struct TlsServer {
    /// Own certificate and key, and what clients are verified against.
    pub material: TlsMaterial,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Which versions are spoken.
    pub versions: TlsVersions,
    /// Takes the secrets of every session.
    pub key_log: Option<KeyLogSink>,
    /// Verifies certificates without regard to the time, as an Endpoint must that has no accurate absolute time (R-WS.23, R-SEC.19).
    pub ignores_time: bool,
}

/// The client's side of TLS.
#[derive(Debug, Clone)]
pub struct TlsClient {
    /// Own certificate and key, shown when the server asks, and what the server is verified against. Without a certificate none is shown.
    pub material: TlsMaterial,
    /// Shows no certificate even when the server asks.
    pub anonymous: bool,
    /// What is asked of the server.
    pub verification: ServerVerification,
    /// The host that the server's certificate must name, and that is sent as server name; the address's host if absent.
    pub server_name: Option<String>,
    /// Which versions are spoken.
    pub versions: TlsVersions,
    /// Takes the secrets of every session.
    pub key_log: Option<KeyLogSink>,
    /// Verifies certificates without regard to the time, as an Endpoint must that has no accurate absolute time (R-WS.23, R-SEC.19).
    pub ignores_time: bool,
}

/// What a server asks of its clients.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ClientAuth {
    /// No certificate is asked for.
    #[default]
    Off,
    /// A certificate is asked for, verified, and accepted whatever comes of it; none is accepted as well.
    Record,
    /// A certificate is demanded and must verify.
    Require,
}

/// What a client asks of its server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ServerVerification {
    /// The certificate must chain to a trust anchor, be valid now and name the host.
    #[default]
    Full,
    /// The certificate is verified, and accepted whatever comes of it.
    AcceptAny,
}

/// TLS versions that a side speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum TlsVersions {
    /// 1.2 and 1.3.
    #[default]
    Both,
    /// 1.2 alone.
    Only12,
    /// 1.3 alone.
    Only13,
}

impl TlsServer {
    /// A server that asks nothing of its clients.
    pub fn new(material: TlsMaterial) -> Self {
        Self {
            material,
            client_auth: ClientAuth::default(),
            versions: TlsVersions::default(),
            key_log: None,
            ignores_time: false,
        }
    }

    /// Checks everything that can be checked before the first connection.
    pub(crate) fn ready(&self) -> Result<ReadyServer, TlsError> {
        ReadyServer::new(self.clone())
    }
}

impl TlsClient {
    /// A client that shows its certificate and verifies its server fully.
    pub fn new(material: TlsMaterial) -> Self {
        Self {
            material,
            anonymous: false,
            verification: ServerVerification::default(),
            server_name: None,
            versions: TlsVersions::default(),
            key_log: None,
            ignores_time: false,
        }
    }

    /// Checks everything that can be checked before the first connection.
    pub(crate) fn ready(&self, host: &str) -> Result<ReadyClient, TlsError> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::ServerName { host: host.to_owned() })?;
        ReadyClient::new(self.clone(), name)
    }
}

/// A server's side whose material has been found usable.
#[derive(Debug, Clone)]
pub(crate) struct ReadyServer {
    settings: Arc<TlsServer>,
    provider: Arc<CryptoProvider>,
}

impl ReadyServer {
    fn new(settings: TlsServer) -> Result<Self, TlsError> {
        let ready = Self { settings: Arc::new(settings), provider: provider() };
        ready.config(&Findings::default())?;
        Ok(ready)
    }

    /// The same with another certificate and key.
    pub(crate) fn showing(&self, identity: TlsMaterial) -> Result<Self, TlsError> {
        let mut settings = (*self.settings).clone();
        settings.material = TlsMaterial { trust: settings.material.trust, ..identity };
        Self::new(settings)
    }

    /// The same with other trust anchors.
    pub(crate) fn trusting(&self, anchors: &str, accept_any: bool) -> Result<Self, TlsError> {
        let mut settings = (*self.settings).clone();
        settings.material = settings.material.trusting_pem(anchors)?;
        settings.client_auth = if accept_any { ClientAuth::Record } else { ClientAuth::Require };
        Self::new(settings)
    }

    /// Answers a client's handshake.
    pub(crate) async fn accept(&self, stream: BoxStream) -> Result<(BoxStream, TlsSession), Box<TlsFailure>> {
        let findings = Findings::default();
        let config = self.config(&findings).map_err(|error| TlsFailure::new(error.to_string()))?;
        let (stream, first) = FirstOctets::of(stream);
        let accepted = TlsAcceptor::from(Arc::new(config)).accept(stream).await;
        let stream = accepted.map_err(|error| failure(&error, &findings, &first))?;
        let session = describe(stream.get_ref().1, &findings);
        Ok((Box::new(TlsStream::from(stream)), session))
    }

    /// A configuration for one connection: a session is never resumed, so that a changed identity counts from the next connection on.
    fn config(&self, findings: &Findings) -> Result<ServerConfig, TlsError> {
        let TlsServer { material, client_auth, versions, key_log, ignores_time } = &*self.settings;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions.supported())
            .map_err(TlsError::Pair)?;
        let verifier = |inner, accepts_any| Verifier::<dyn ClientCertVerifier> {
            inner,
            trust: material.trust.clone(),
            accepts_any,
            ignores_time: *ignores_time,
            provider: Arc::clone(&self.provider),
            findings: findings.clone(),
        };
        let builder = match client_auth {
            ClientAuth::Off => builder.with_no_client_auth(),
            ClientAuth::Require => {
                let inner = self.client_verifier()?.ok_or(TlsError::NoTrust)?;
                builder.with_client_cert_verifier(Arc::new(verifier(Some(inner), false)))
            }
            ClientAuth::Record => builder.with_client_cert_verifier(Arc::new(verifier(self.client_verifier()?, true))),
        };
        let chain = material.chain.clone();
        let identity =
            CertifiedKey::from_der(chain, material.key.clone_key(), &self.provider).map_err(TlsError::Pair)?;
        let shown = Shown { identity: Arc::new(identity), findings: findings.clone() };
        let mut config = builder.with_cert_resolver(Arc::new(shown));
        if let Some(sink) = key_log {
            config.key_log = Arc::new(sink.clone());
        }
        Ok(config)
    }

    fn client_verifier(&self) -> Result<Option<Arc<dyn ClientCertVerifier>>, TlsError> {
        let trust = &self.settings.material.trust;
        if trust.is_empty() {
            return Ok(None);
        }
        let roots = Arc::new(roots(trust)?);
        Ok(Some(WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build()?))
    }
}

/// A client's side whose material has been found usable.
#[derive(Debug, Clone)]
pub(crate) struct ReadyClient {
    settings: Arc<TlsClient>,
    provider: Arc<CryptoProvider>,
    name: ServerName<'static>,
}

impl ReadyClient {
    fn new(settings: TlsClient, name: ServerName<'static>) -> Result<Self, TlsError> {
        let ready = Self { settings: Arc::new(settings), provider: provider(), name };
        ready.config(&Findings::default())?;
        Ok(ready)
    }

    /// The same with another certificate and key.
    pub(crate) fn showing(&self, identity: TlsMaterial) -> Result<Self, TlsError> {
        let mut settings = (*self.settings).clone();
        settings.material = TlsMaterial { trust: settings.material.trust, ..identity };
        Self::new(settings, self.name.clone())
    }

    /// The same with other trust anchors.
    pub(crate) fn trusting(&self, anchors: &str, accept_any: bool) -> Result<Self, TlsError> {
        let mut settings = (*self.settings).clone();
        settings.material = settings.material.trusting_pem(anchors)?;
        settings.verification = if accept_any { ServerVerification::AcceptAny } else { ServerVerification::Full };
        Self::new(settings, self.name.clone())
    }

    /// Opens a handshake with a server.
    pub(crate) async fn connect(&self, stream: BoxStream) -> Result<(BoxStream, TlsSession), Box<TlsFailure>> {
        let findings = Findings::default();
        let config = self.config(&findings).map_err(|error| TlsFailure::new(error.to_string()))?;
        let (stream, first) = FirstOctets::of(stream);
        let connected = TlsConnector::from(Arc::new(config)).connect(self.name.clone(), stream).await;
        let stream = connected.map_err(|error| failure(&error, &findings, &first))?;
        let session = describe(stream.get_ref().1, &findings);
        Ok((Box::new(TlsStream::from(stream)), session))
    }

    fn config(&self, findings: &Findings) -> Result<ClientConfig, TlsError> {
        let TlsClient { material, anonymous, verification, versions, key_log, ignores_time, .. } = &*self.settings;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions.supported())
            .map_err(TlsError::Pair)?
            .dangerous();
        let inner = self.server_verifier()?;
        let accepts_any = *verification == ServerVerification::AcceptAny;
        if inner.is_none() && !accepts_any {
            return Err(TlsError::NoTrust);
        }
        let builder = builder.with_custom_certificate_verifier(Arc::new(Verifier::<dyn ServerCertVerifier> {
            inner,
            trust: material.trust.clone(),
            accepts_any,
            ignores_time: *ignores_time,
            provider: Arc::clone(&self.provider),
            findings: findings.clone(),
        }));
        let mut config = if *anonymous || material.chain.is_empty() {
            builder.with_no_client_auth()
        } else {
            let chain = material.chain.clone();
            builder.with_client_auth_cert(chain, material.key.clone_key()).map_err(TlsError::Pair)?
        };
        if let Some(sink) = key_log {
            config.key_log = Arc::new(sink.clone());
        }
        Ok(config)
    }

    fn server_verifier(&self) -> Result<Option<Arc<dyn ServerCertVerifier>>, TlsError> {
        let trust = &self.settings.material.trust;
        if trust.is_empty() {
            return Ok(None);
        }
        let roots = Arc::new(roots(trust)?);
        Ok(Some(WebPkiServerVerifier::builder_with_provider(roots, Arc::clone(&self.provider)).build()?))
    }
}

impl TlsVersions {
    fn supported(self) -> &'static [&'static SupportedProtocolVersion] {
        static ONLY_12: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS12];
        static ONLY_13: [&SupportedProtocolVersion; 1] = [&rustls::version::TLS13];
        match self {
            Self::Both => rustls::ALL_VERSIONS,
            Self::Only12 => &ONLY_12,
            Self::Only13 => &ONLY_13,
        }
    }
}

impl ByteStream for TlsStream<BoxStream> {
    fn break_on_drop(&mut self) {
        match self {
            Self::Client(stream) => stream.get_mut().0.break_on_drop(),
            Self::Server(stream) => stream.get_mut().0.break_on_drop(),
        }
    }
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

fn describe(connection: &CommonState, findings: &Findings) -> TlsSession {
    let finding = findings.get();
    let verification = match &finding {
        None => Verification::NoCertificate,
        Some(finding) => match finding.problem.clone() {
            None => Verification::Verified,
            Some((problem, in_spite_of)) => Verification::Accepted { in_spite_of, problem },
        },
    };
    TlsSession {
        version: connection.protocol_version().map_or_else(|| "unknown".to_owned(), |version| format!("{version:?}")),
        cipher_suite: connection
            .negotiated_cipher_suite()
            .map_or_else(|| "unknown".to_owned(), |suite| format!("{:?}", suite.suite())),
        peer_certificate: finding.map(|finding| finding.certificate),
        verification,
        server_name: findings.server_name(),
    }
}

fn failure(error: &io::Error, findings: &Findings, first: &FirstOctets) -> Box<TlsFailure> {
    let mut failure = TlsFailure::from_io(error);
    failure.server_name = findings.server_name();
    failure.received = first.octets();
    let missing = error.get_ref().and_then(|inner| inner.downcast_ref()) == Some(&Error::NoCertificatesPresented);
    if missing {
        failure.problem = Some(CertificateProblem::Missing);
    }
    if let Some(finding) = findings.get() {
        failure.peer_certificate = Some(finding.certificate);
        if finding.refused {
            failure.problem = finding.problem.map(|(problem, _)| problem);
        }
    }
    failure
}
