//! How the second Controller is started, and which certificates our Controllers can show.

use crate::{
    config::SessionConfig,
    tls::{self, hosts, identity_kind, is_everywhere},
};
use std::sync::Arc;
use uspec_mtp::{
    FarConfig, MtpError,
    network::{Address, Network},
    tls::{IdentityKind, Pki, TlsClient, TlsError, TlsMaterial, TlsServer},
    websocket::{WsFarConfig, WsRole},
};
use uspec_testplan::case::{CertificateKind, Party};

/// Where the second Controller would listen when the first one does not.
const LOOPBACK: &str = "127.0.0.1";

/// The second Controller's plan, and the certificates of both.
#[derive(Debug)]
pub(crate) struct Second {
    /// Its Endpoint ID.
    pub(crate) endpoint_id: String,
    /// The first Controller's end, after which its own is made.
    far: WsFarConfig,
    /// Where it listens, with the real port.
    address: Address,
    /// The name under which the EUT reaches us.
    host: String,
    /// The authority that the EUT trusts, when we have it.
    trusted: Option<Arc<Pki>>,
    /// One that nobody trusts, for what need not be trusted.
    own: Pki,
    /// The second Controller's right certificate.
    right: Option<TlsMaterial>,
    /// The certificate that the variable `alternate.certificate` shows.
    alternate: TlsMaterial,
}

/// Why a Controller cannot show such a certificate.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CertificateError {
    /// Nobody whom the EUT trusts can issue it.
    #[error("the profile names no authority (`tls: {{ca: …}}`) that could issue a certificate of the kind `{0}`")]
    NoAuthority(&'static str),
    /// The library refused it.
    #[error("a certificate of the kind `{0}` cannot be made: {1}")]
    Tls(&'static str, TlsError),
}

impl Second {
    /// Finds out where the second Controller will listen, and makes the certificates that variables show.
    ///
    /// # Errors
    /// No port is free, or a certificate cannot be made.
    pub(crate) async fn prepare(config: &SessionConfig, network: &dyn Network) -> Result<Self, MtpError> {
        let FarConfig::WebSocket(far) = &config.mtp else {
            return Err(MtpError::Config("a second Controller is possible over WebSocket alone".to_owned()));
        };
        let host = match &far.role {
            WsRole::Listen { address, .. } => address.host().to_owned(),
            WsRole::Connect { .. } => LOOPBACK.to_owned(),
        };
        let address = reserve(network, Address::tcp(&host, config.second.port)).await?;
        let own = Pki::generate()?;
        let named = if is_everywhere(&host) { LOOPBACK.to_owned() } else { host };
        let alternate = own.issue(IdentityKind::Alternate, &config.controller_endpoint_id, &hosts(&[&named]))?;
        Ok(Self {
            endpoint_id: config.second.endpoint_id.clone(),
            far: far.clone(),
            address,
            host: named,
            trusted: config.pki.clone(),
            own,
            right: None,
            alternate,
        })
    }

    /// The EUT reaches us under this name.
    pub(crate) fn reached_as(&mut self, host: &str) {
        if self.host != host {
            host.clone_into(&mut self.host);
            self.right = None;
        }
    }

    /// The name under which the EUT reaches us.
    pub(crate) fn host(&self) -> &str {
        &self.host
    }

    /// The port at which the second Controller listens where the EUT connects.
    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// The path of its WebSocket.
    pub(crate) fn path(&self) -> &str {
        match &self.far.role {
            WsRole::Listen { path, .. } | WsRole::Connect { path, .. } => path,
        }
    }

    /// Whether it opens its connection itself.
    pub(crate) fn connects(&self) -> bool {
        matches!(self.far.role, WsRole::Connect { .. })
    }

    /// The port at which the EUT listens, where we connect.
    pub(crate) fn called_port(&self) -> Option<u16> {
        match &self.far.role {
            WsRole::Listen { .. } => None,
            WsRole::Connect { address, .. } => Some(address.port()),
        }
    }

    /// Its right certificate as PEM.
    pub(crate) fn certificate(&mut self) -> Result<String, TlsError> {
        self.right().map(TlsMaterial::chain_pem)
    }

    /// The alternate certificate as PEM.
    pub(crate) fn alternate(&self) -> String {
        self.alternate.chain_pem()
    }

    /// What its own end is started with.
    pub(crate) fn far(&mut self, kind: CertificateKind) -> Result<FarConfig, CertificateError> {
        let material = self.identity(Party::Second, kind)?;
        let role = match self.far.role.clone() {
            WsRole::Listen { path, tls, .. } => WsRole::Listen {
                address: self.address.clone(),
                path,
                tls: tls.zip(material).map(|(tls, material)| TlsServer { material, ..tls }),
            },
            WsRole::Connect { address, path, host, tls } => WsRole::Connect {
                address,
                path,
                host,
                tls: tls.zip(material).map(|(tls, material)| TlsClient { material, ..tls }),
            },
        };
        let mut far = WsFarConfig::new(role, &self.endpoint_id);
        far.max_record = self.far.max_record;
        Ok(FarConfig::WebSocket(far))
    }

    /// A certificate of that kind for that Controller; `None` when the MTP has no TLS.
    pub(crate) fn identity(
        &mut self,
        party: Party,
        kind: CertificateKind,
    ) -> Result<Option<TlsMaterial>, CertificateError> {
        let Some(first) = self.first().cloned() else { return Ok(None) };
        let made = |error| CertificateError::Tls(kind.name(), error);
        let material = match (party, kind) {
            (Party::First, CertificateKind::Trusted) => return Ok(Some(first)),
            (_, CertificateKind::None) => return Ok(Some(first.without_certificate())),
            (Party::First, CertificateKind::Alternate) => self.alternate.clone(),
            (Party::Second, CertificateKind::Trusted) if self.trusted.is_some() => self.right().map_err(made)?.clone(),
            _ => {
                let id = if party == Party::First { &self.far.endpoint_id } else { &self.endpoint_id };
                let issuer = match (kind, &self.trusted) {
                    (_, Some(trusted)) => trusted,
                    (CertificateKind::SelfSigned | CertificateKind::Untrusted | CertificateKind::Alternate, None) => {
                        &self.own
                    }
                    (_, None) => return Err(CertificateError::NoAuthority(kind.name())),
                };
                issuer.issue(identity_kind(kind), id, &hosts(&[&self.host])).map_err(made)?
            }
        };
        tls::trusting_as(material, &first).map(Some).map_err(made)
    }

    fn right(&mut self) -> Result<&TlsMaterial, TlsError> {
        let right = if let Some(right) = self.right.take() {
            right
        } else {
            let issuer = self.trusted.as_deref().unwrap_or(&self.own);
            issuer.issue(IdentityKind::Trusted, &self.endpoint_id, &hosts(&[&self.host]))?
        };
        Ok(self.right.insert(right))
    }

    /// The first Controller's own certificate.
    fn first(&self) -> Option<&TlsMaterial> {
        match &self.far.role {
            WsRole::Listen { tls, .. } => tls.as_ref().map(|tls| &tls.material),
            WsRole::Connect { tls, .. } => tls.as_ref().map(|tls| &tls.material),
        }
    }
}

/// A real port in the place of 0: it is free at this moment, and asked for again when the second Controller begins.
async fn reserve(network: &dyn Network, address: Address) -> Result<Address, MtpError> {
    if address.port() != 0 {
        return Ok(address);
    }
    Ok(network.listen(&address).await?.address())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SecondController, Timing};
    use rstest::rstest;
    use std::collections::BTreeMap;
    use uspec_mtp::network::MemoryNetwork;

    fn config(pki: Option<Arc<Pki>>, tls: bool) -> SessionConfig {
        let material = || Pki::generate().unwrap().issue(IdentityKind::Trusted, "self::us", &["bench"]).unwrap();
        let role = WsRole::Listen {
            address: Address::tcp("bench", 8080),
            path: "/usp".into(),
            tls: tls.then(|| TlsServer::new(material())),
        };
        SessionConfig {
            mtp: FarConfig::WebSocket(WsFarConfig::new(role, "self::us")),
            mtp_name: "websocket".into(),
            eut_endpoint_id: None,
            controller_endpoint_id: "self::us".into(),
            second: SecondController::default(),
            pki,
            timing: Timing::default(),
            variables: BTreeMap::new(),
            catalogue: String::new(),
            harness: String::new(),
        }
    }

    async fn second(pki: Option<Arc<Pki>>, tls: bool) -> Second {
        Second::prepare(&config(pki, tls), &MemoryNetwork::new()).await.unwrap()
    }

    #[tokio::test]
    async fn the_port_is_known_beforehand_and_free_later() {
        let network = MemoryNetwork::new();
        let mut second = Second::prepare(&config(None, false), &network).await.unwrap();
        assert_ne!(second.port(), 0);
        let FarConfig::WebSocket(far) = second.far(CertificateKind::Trusted).unwrap() else { panic!("not WebSocket") };
        let WsRole::Listen { address, .. } = far.role else { panic!() };
        assert!(network.listen(&address).await.is_ok());
    }

    #[rstest]
    #[case(CertificateKind::Trusted, false)]
    #[case(CertificateKind::Expired, false)]
    #[case(CertificateKind::WrongName, false)]
    #[case(CertificateKind::WrongHost, false)]
    #[case(CertificateKind::SelfSigned, true)]
    #[case(CertificateKind::Untrusted, true)]
    #[tokio::test]
    async fn without_an_authority_only_what_need_not_be_trusted_is_made(
        #[case] kind: CertificateKind,
        #[case] made: bool,
    ) {
        assert_eq!(second(None, true).await.identity(Party::Second, kind).is_ok(), made);
    }

    #[tokio::test]
    async fn the_variables_show_what_is_shown() {
        let mut second = second(Some(Arc::new(Pki::generate().unwrap())), true).await;
        second.reached_as("bench.example");
        let pem = second.certificate().unwrap();
        let shown = second.identity(Party::Second, CertificateKind::Trusted).unwrap().unwrap();
        assert_eq!(shown.chain_pem(), pem);
        let alternate = second.identity(Party::First, CertificateKind::Alternate).unwrap().unwrap();
        assert_eq!(alternate.chain_pem(), second.alternate());
    }

    #[tokio::test]
    async fn in_clear_text_nobody_shows_anything() {
        let mut second = second(None, false).await;
        assert!(second.identity(Party::First, CertificateKind::Expired).unwrap().is_none());
        assert!(second.certificate().is_ok(), "the variable is there all the same");
    }
}
