//! What a session is opened with.

use crate::tls;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uspec_mtp::{
    FarConfig,
    network::Address,
    tls::{KeyLogSink, Pki, TlsError},
    websocket::{WsFarConfig, WsRole},
};
use uspec_testplan::{
    profile::{self, EutProfile, Role, Transport},
    trace::MtpFacts,
};

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
    /// Our second Controller.
    pub second: SecondController,
    /// Issues the certificates of the second Controller, and the wrong ones that cases ask for; without it such a step is our fault.
    pub pki: Option<Arc<Pki>>,
    /// Limits and pauses.
    pub timing: Timing,
    /// Further variables of every case, with their whole names: `element.sync_command` and the like.
    pub variables: BTreeMap<String, String>,
    /// Hash of the catalogue, for the Traces' headers.
    pub catalogue: String,
    /// Version of the harness, for the Traces' headers.
    pub harness: String,
}

/// Our second Controller: where the EUT connects it listens beside the first one, where we connect it opens a connection of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SecondController {
    /// Its Endpoint ID.
    pub endpoint_id: String,
    /// The port at which it listens; 0 for any free one, which is found out when the session opens.
    pub port: u16,
}

/// What of TLS does not stand in the profile.
#[derive(Debug, Clone, Default)]
pub struct TlsSupply {
    /// Issues every certificate of ours where the profile says `tls: generate`. Whoever hands it in makes the EUT trust it.
    pub pki: Option<Arc<Pki>>,
    /// Takes the secrets of every TLS session, as NSS key log lines.
    pub key_log: Option<KeyLogSink>,
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
    /// A certificate, key or trust anchor that cannot be read, or a profile that says `tls: generate` without a [`TlsSupply::pki`].
    pub fn from_profile(
        profile: &EutProfile,
        mtp: &profile::Mtp,
        supply: &TlsSupply,
        catalogue: &str,
        harness: &str,
    ) -> Result<Self, ConfigError> {
        let Transport::WebSocket(websocket) = &mtp.transport else {
            return Err(ConfigError::NotPlayed(mtp.kind()));
        };
        let controller = &profile.controller_endpoint_id;
        let (role, pki) = web_socket_role(websocket, controller, supply)?;
        let mut variables = profile.element_variables();
        variables.insert(TOLERANCE.to_owned(), format!("{}ms", profile.timing.tolerance.as_millis()));
        Ok(Self {
            mtp: FarConfig::WebSocket(WsFarConfig::new(role, controller)),
            mtp_name: mtp.name.clone(),
            eut_endpoint_id: profile.eut_endpoint_id.clone(),
            controller_endpoint_id: controller.clone(),
            second: SecondController { endpoint_id: profile.second_endpoint_id.clone(), port: 0 },
            pki,
            timing: Timing::from(profile.timing),
            variables,
            catalogue: catalogue.to_owned(),
            harness: harness.to_owned(),
        })
    }
}

impl SessionConfig {
    /// What the MTP is, as cases and judge must know it.
    pub fn mtp_facts(&self) -> MtpFacts {
        let FarConfig::WebSocket(websocket) = &self.mtp else {
            return MtpFacts::direct(&self.mtp.mtp().to_string().to_lowercase(), None, false);
        };
        let (role, tls) = match &websocket.role {
            WsRole::Listen { tls, .. } => (Role::EutConnects, tls.is_some()),
            WsRole::Connect { tls, .. } => (Role::WeConnect, tls.is_some()),
        };
        MtpFacts::direct("websocket", Some(role), tls)
    }
}

impl Default for SecondController {
    fn default() -> Self {
        Self { endpoint_id: profile::DEFAULT_SECOND.to_owned(), port: 0 }
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
    /// No test equipment for this MTP.
    #[error("the MTP {0} is not played yet")]
    NotPlayed(&'static str),
    /// A certificate, key or trust anchor is not usable.
    #[error("TLS: {0}")]
    Tls(#[from] TlsError),
    /// We listen with TLS and have no certificate.
    #[error("the profile names no certificate and key to listen with")]
    NoIdentity,
    /// `tls: generate` is for an EUT in this very process.
    #[error("`tls: generate` is for the bundled Agent: a device cannot trust what is made for this run")]
    NoPki,
}

fn web_socket_role(
    websocket: &profile::WebSocket,
    controller: &str,
    supply: &TlsSupply,
) -> Result<(WsRole, Option<Arc<Pki>>), ConfigError> {
    let profile::WebSocket { role, address, path, tls } = websocket;
    let means = tls.as_ref().map(|tls| tls::Means::read(tls, supply)).transpose()?;
    let host = &address.host;
    let role = match role {
        Role::EutConnects => WsRole::Listen {
            address: Address::tcp(host, address.port),
            path: path.clone(),
            tls: means.as_ref().map(|means| means.server(controller, host)).transpose()?,
        },
        Role::WeConnect => WsRole::Connect {
            address: Address::tcp(host, address.port),
            path: path.clone(),
            host: None,
            tls: means.as_ref().map(|means| means.client(controller, host)).transpose()?,
        },
    };
    Ok((role, means.and_then(|means| means.pki)))
}
