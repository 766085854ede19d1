//! What a session is opened with.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use uspec_mtp::{
    FarConfig,
    network::Address,
    tls::{CertificateAuthority, ClientAuth, ServerVerification, TlsClient, TlsError, TlsMaterial, TlsServer},
    websocket::{WsFarConfig, WsRole},
};
use uspec_testplan::profile::{self, EutProfile, Transport, WebSocketRole};

/// Everything a run over one MTP must know beforehand.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// The MTP and our end of it.
    pub mtp: FarConfig,
    /// The MTP's name in Traces and reports.
    pub mtp_name: String,
    /// The EUT's Endpoint ID; found out at bring-up when the profile does not name it.
    pub eut_endpoint_id: Option<String>,
    /// Our Controller's Endpoint ID.
    pub controller_endpoint_id: String,
    /// Limits and pauses.
    pub timing: Timing,
    /// Further variables of every case, with their whole names: `element.sync_command` and the like.
    pub variables: BTreeMap<String, String>,
    /// Hash of the catalogue, for the Traces' headers.
    pub catalogue: String,
    /// Version of the harness, for the Traces' headers.
    pub harness: String,
}

/// Limits and pauses of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// How long an answer may take when a step does not say otherwise.
    pub response: Duration,
    /// How long the EUT may take to connect, at first and whenever its connection is gone.
    pub connect: Duration,
    /// How long silence lasts when an `absent` step does not say otherwise.
    pub silence: Duration,
    /// How long the EUT may take from a reboot, power cycle, factory reset or start to its new connection.
    pub boot: Duration,
    /// Pause before each Request.
    pub pace: Duration,
}

impl SessionConfig {
    /// What the profile says about one of its MTPs.
    ///
    /// # Errors
    /// A certificate, key or trust anchor that cannot be read.
    pub fn from_profile(
        profile: &EutProfile,
        mtp: &profile::Mtp,
        catalogue: &str,
        harness: &str,
    ) -> Result<Self, ConfigError> {
        let Transport::WebSocket(websocket) = &mtp.transport;
        let controller = &profile.controller_endpoint_id;
        let role = web_socket_role(websocket, controller)?;
        let mut variables = profile.element_variables();
        variables.insert(TOLERANCE.to_owned(), format!("{}ms", profile.timing.tolerance.as_millis()));
        Ok(Self {
            mtp: FarConfig::WebSocket(WsFarConfig::new(role, controller)),
            mtp_name: mtp.name.clone(),
            eut_endpoint_id: profile.eut_endpoint_id.clone(),
            controller_endpoint_id: controller.clone(),
            timing: Timing::from(profile.timing),
            variables,
            catalogue: catalogue.to_owned(),
            harness: harness.to_owned(),
        })
    }
}

/// The variable that tells rules about time how exact the EUT's clock is.
const TOLERANCE: &str = "timing.tolerance";

impl From<profile::Timing> for Timing {
    fn from(timing: profile::Timing) -> Self {
        let profile::Timing { response, connect, boot, silence, tolerance: _, pace } = timing;
        Self { response, connect, silence, boot, pace }
    }
}

impl Default for Timing {
    fn default() -> Self {
        profile::Timing::default().into()
    }
}

/// Why a profile is no configuration of a session.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// A certificate, key or trust anchor is not usable.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// We listen with TLS and have no certificate.
    #[error("the profile names no certificate and key to listen with")]
    NoIdentity,
}

fn web_socket_role(websocket: &profile::WebSocket, controller: &str) -> Result<WsRole, ConfigError> {
    let profile::WebSocket { role, address, path, tls } = websocket;
    let address = Address::tcp(address.host.clone(), address.port);
    let path = path.clone();
    Ok(match role {
        WebSocketRole::EutConnects => WsRole::Listen { address, path, tls: tls.as_ref().map(server).transpose()? },
        WebSocketRole::WeConnect => {
            let tls = tls.as_ref().map(|tls| client(tls, controller)).transpose()?;
            WsRole::Connect { address, path, host: None, tls }
        }
    })
}

fn server(tls: &profile::Tls) -> Result<TlsServer, ConfigError> {
    let identity = tls.identity.as_ref().ok_or(ConfigError::NoIdentity)?;
    let mut server = TlsServer::new(material(identity, tls.trust.as_ref())?);
    server.client_auth = if tls.trust.is_some() { ClientAuth::Require } else { ClientAuth::Record };
    Ok(server)
}

fn client(tls: &profile::Tls, controller: &str) -> Result<TlsClient, ConfigError> {
    let material = if let Some(identity) = &tls.identity {
        material(identity, tls.trust.as_ref())?
    } else {
        // An Agent demands a certificate of its Controller (R-MTP.1); without one of our own, one is made for the run.
        let authority = CertificateAuthority::generate("uspec")?;
        let made = TlsMaterial::generate(controller, &authority)?;
        match &tls.trust {
            Some(trust) => made.trusting_pem_file(trust)?,
            None => made,
        }
    };
    let mut client = TlsClient::new(material);
    client.verification = if tls.trust.is_some() { ServerVerification::Full } else { ServerVerification::AcceptAny };
    Ok(client)
}

fn material((certificate, key): &(PathBuf, PathBuf), trust: Option<&PathBuf>) -> Result<TlsMaterial, TlsError> {
    TlsMaterial::from_pem_files(certificate, key, trust.map(PathBuf::as_path))
}
