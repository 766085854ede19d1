//! What each side of a TLS connection shows and demands.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::ClientCertVerifier;
use rustls::{ClientConfig, CommonState, ServerConfig, SupportedProtocolVersion};
use rustls_pki_types::ServerName;
use tokio_rustls::{TlsAcceptor, TlsConnector, TlsStream};

use super::material::{TlsError, TlsMaterial, roots};
use super::verify::{AcceptingClientVerifier, AcceptingServerVerifier, Findings};
use super::{PeerCertificate, TlsSession, Verification};
use crate::network::{BoxStream, ByteStream};

/// The server's side of TLS.
#[derive(Debug, Clone)]
pub struct TlsServer {
    /// Own certificate and key, and what clients are verified against.
    pub material: TlsMaterial,
    /// What is asked of clients.
    pub client_auth: ClientAuth,
    /// Which versions are spoken.
    pub versions: TlsVersions,
}

/// The client's side of TLS.
#[derive(Debug, Clone)]
pub struct TlsClient {
    /// Own certificate and key, shown when the server asks, and what the server is verified against.
    pub material: TlsMaterial,
    /// What is asked of the server.
    pub verification: ServerVerification,
    /// The host that the server's certificate must name, and that is sent as server name; the address's host if absent.
    pub server_name: Option<String>,
    /// Which versions are spoken.
    pub versions: TlsVersions,
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
        Self { material, client_auth: ClientAuth::default(), versions: TlsVersions::default() }
    }

    /// Checks everything that can be checked before the first connection.
    pub(crate) fn ready(&self) -> Result<ReadyServer, TlsError> {
        let ready = ReadyServer { settings: Arc::new(self.clone()), provider: provider() };
        ready.config(&Findings::default())?;
        Ok(ready)
    }
}

impl TlsClient {
    /// A client that verifies its server fully.
    pub fn new(material: TlsMaterial) -> Self {
        Self {
            material,
            verification: ServerVerification::default(),
            server_name: None,
            versions: TlsVersions::default(),
        }
    }

    /// Checks everything that can be checked before the first connection.
    pub(crate) fn ready(&self, host: &str) -> Result<ReadyClient, TlsError> {
        let host = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(host.to_owned()).map_err(|_| TlsError::ServerName { host: host.to_owned() })?;
        let ready = ReadyClient { settings: Arc::new(self.clone()), provider: provider(), name };
        ready.config(&Findings::default())?;
        Ok(ready)
    }
}

/// A server's side whose material has been found usable.
#[derive(Debug, Clone)]
pub(crate) struct ReadyServer {
    settings: Arc<TlsServer>,
    provider: Arc<CryptoProvider>,
}

impl ReadyServer {
    /// Answers a client's handshake.
    pub(crate) async fn accept(&self, stream: BoxStream) -> Result<(BoxStream, TlsSession), String> {
        let findings = Findings::default();
        let config = self.config(&findings).map_err(|error| error.to_string())?;
        let stream = TlsAcceptor::from(Arc::new(config)).accept(stream).await.map_err(|error| error.to_string())?;
        let session = describe(stream.get_ref().1, &findings);
        Ok((Box::new(TlsStream::from(stream)), session))
    }

    fn config(&self, findings: &Findings) -> Result<ServerConfig, TlsError> {
        let TlsServer { material, client_auth, versions } = &*self.settings;
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions.supported())
            .map_err(TlsError::Pair)?;
        let builder = match client_auth {
            ClientAuth::Off => builder.with_no_client_auth(),
            ClientAuth::Require => builder.with_client_cert_verifier(self.client_verifier()?.ok_or(TlsError::NoTrust)?),
            ClientAuth::Record => builder.with_client_cert_verifier(Arc::new(AcceptingClientVerifier {
                inner: self.client_verifier()?,
                provider: Arc::clone(&self.provider),
                findings: findings.clone(),
            })),
        };
        builder.with_single_cert(material.chain.clone(), material.key.clone_key()).map_err(TlsError::Pair)
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
    /// Opens a handshake with a server.
    pub(crate) async fn connect(&self, stream: BoxStream) -> Result<(BoxStream, TlsSession), String> {
        let findings = Findings::default();
        let config = self.config(&findings).map_err(|error| error.to_string())?;
        let connector = TlsConnector::from(Arc::new(config));
        let stream = connector.connect(self.name.clone(), stream).await.map_err(|error| error.to_string())?;
        let session = describe(stream.get_ref().1, &findings);
        Ok((Box::new(TlsStream::from(stream)), session))
    }

    fn config(&self, findings: &Findings) -> Result<ClientConfig, TlsError> {
        let TlsClient { material, verification, versions, .. } = &*self.settings;
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(versions.supported())
            .map_err(TlsError::Pair)?
            .dangerous();
        let builder = match verification {
            ServerVerification::Full => {
                builder.with_custom_certificate_verifier(self.server_verifier()?.ok_or(TlsError::NoTrust)?)
            }
            ServerVerification::AcceptAny => {
                builder.with_custom_certificate_verifier(Arc::new(AcceptingServerVerifier {
                    inner: self.server_verifier()?,
                    provider: Arc::clone(&self.provider),
                    findings: findings.clone(),
                }))
            }
        };
        builder.with_client_auth_cert(material.chain.clone(), material.key.clone_key()).map_err(TlsError::Pair)
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
    let peer_certificate =
        connection.peer_certificates().and_then(|chain| chain.first()).map(|der| PeerCertificate::read(der));
    let verification = match (&peer_certificate, findings.why_not()) {
        (None, _) => Verification::NoCertificate,
        (Some(_), None) => Verification::Verified,
        (Some(_), Some(in_spite_of)) => Verification::Accepted { in_spite_of },
    };
    TlsSession {
        version: connection.protocol_version().map_or_else(|| "unknown".to_owned(), |version| format!("{version:?}")),
        cipher_suite: connection
            .negotiated_cipher_suite()
            .map_or_else(|| "unknown".to_owned(), |suite| format!("{:?}", suite.suite())),
        peer_certificate,
        verification,
    }
}
