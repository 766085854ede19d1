//! How the second Controller is started, and which certificates our Controllers can show.

mod place;

use crate::{
    config::SessionConfig,
    tls::{self, hosts, identity_kind, is_everywhere},
};
use place::Place;
use std::sync::Arc;
use uspec_mtp::{
    FarConfig, Handle, MtpError,
    network::Network,
    tls::{IdentityKind, Pki, TlsError, TlsMaterial},
};
use uspec_testplan::case::{CertificateKind, Party};

/// Where we are reached when the profile does not say.
const LOOPBACK: &str = "127.0.0.1";

/// The second Controller's plan, and the certificates of both.
#[derive(Debug)]
pub(crate) struct Second {
    /// Its Endpoint ID.
    pub(crate) endpoint_id: String,
    /// The first Controller's Endpoint ID.
    first: String,
    /// Where it is, beside the first one.
    place: Place,
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
    /// The first Controller's end, which it shares, is of another MTP or gone.
    #[error("the first Controller's end of the MTP is not there")]
    Ended,
}

impl Second {
    /// Finds out where the second Controller will listen, and makes the certificates that variables show.
    ///
    /// # Errors
    /// No port is free, or a certificate cannot be made.
    pub(crate) async fn prepare(config: &SessionConfig, network: &dyn Network) -> Result<Self, MtpError> {
        let place = Place::beside(&config.mtp, config.second.port, network).await?;
        let host = place.listens_at().map_or(LOOPBACK, |address| address.host()).to_owned();
        let own = Pki::generate()?;
        let named = if is_everywhere(&host) { LOOPBACK.to_owned() } else { host };
        let alternate = own.issue(IdentityKind::Alternate, &config.controller_endpoint_id, &hosts(&[&named]))?;
        Ok(Self {
            endpoint_id: config.second.endpoint_id.clone(),
            first: config.controller_endpoint_id.clone(),
            place,
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

    /// The port at which the second Controller listens where the EUT connects; 0 for an MTP without ports.
    pub(crate) fn port(&self) -> u16 {
        self.place.port()
    }

    /// The path of its WebSocket, or of its socket's file.
    pub(crate) fn path(&self) -> &str {
        self.place.path()
    }

    /// Its topic or destination, over a broker.
    pub(crate) fn topic(&self) -> Option<&str> {
        self.place.topic()
    }

    /// Whether it opens its connection itself.
    pub(crate) fn connects(&self) -> bool {
        self.place.connects()
    }

    /// The port at which the EUT listens, where we connect.
    pub(crate) fn called_port(&self) -> Option<u16> {
        self.place.called_port()
    }

    /// Its right certificate as PEM.
    pub(crate) fn certificate(&mut self) -> Result<String, TlsError> {
        self.right().map(TlsMaterial::chain_pem)
    }

    /// The alternate certificate as PEM.
    pub(crate) fn alternate(&self) -> String {
        self.alternate.chain_pem()
    }

    /// What its own end is started with, beside the first one's.
    pub(crate) fn far(&mut self, kind: CertificateKind, first: &Handle) -> Result<FarConfig, CertificateError> {
        let material = self.identity(Party::Second, kind)?;
        self.place.far(&self.endpoint_id, material, first).ok_or(CertificateError::Ended)
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
                let id = if party == Party::First { &self.first } else { &self.endpoint_id };
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

    /// The first Controller's own certificate, or that of the broker that carries its Records.
    fn first(&self) -> Option<&TlsMaterial> {
        self.place.identity()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::{SecondController, Timing};
    use rstest::rstest;
    use std::collections::BTreeMap;
    use tokio::sync::mpsc;
    use uspec_mtp::{
        network::{Address, MemoryNetwork},
        tls::TlsServer,
        websocket::{WsFarConfig, WsRole},
    };
    use uspec_testplan::{profile::Role, trace::MtpFacts};

    fn config(pki: Option<Arc<Pki>>, tls: bool) -> SessionConfig {
        let material = || Pki::generate().unwrap().issue(IdentityKind::Trusted, "self::us", &["bench"]).unwrap();
        let role = WsRole::Listen {
            address: Address::tcp("bench", 8080),
            path: "/usp".into(),
            tls: tls.then(|| TlsServer::new(material())),
        };
        SessionConfig {
            mtp: FarConfig::WebSocket(WsFarConfig::new(role, "self::us")),
            facts: MtpFacts::direct("websocket", Some(Role::EutConnects), tls),
            mtp_name: "websocket".into(),
            eut_endpoint_id: None,
            controller_endpoint_id: "self::us".into(),
            second: SecondController::default(),
            pki,
            timing: Timing::default(),
            variables: BTreeMap::new(),
            catalogue: String::new(),
            harness: String::new(),
            secrets: Vec::new(),
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
        let (events, _receiver) = mpsc::channel(16);
        let first = config(None, false).mtp.start(Arc::new(network.clone()), events).await.unwrap();
        let far = second.far(CertificateKind::Trusted, &first).unwrap();
        let FarConfig::WebSocket(far) = far else { panic!("not WebSocket") };
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
