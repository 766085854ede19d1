//! What a session is opened with.

mod far;

use std::{collections::BTreeMap, sync::Arc, time::Duration};
use uspec_mtp::{
    FarConfig,
    tls::{KeyLogSink, Pki, TlsError},
};
use uspec_testplan::{
    profile::{self, EutProfile},
    secrets::Secret,
    trace::MtpFacts,
};

/// Everything a run over one MTP must know beforehand.
#[derive(Debug, Clone)]
pub struct SessionConfig {
    /// Our end of the MTP.
    pub mtp: FarConfig,
    /// What the MTP is, as cases and judge must know it.
    pub facts: MtpFacts,
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
    /// Secrets of the profile, which no report may show.
    pub secrets: Vec<Secret>,
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
        let controller = &profile.controller_endpoint_id;
        let (far, pki) = far::of(&mtp.transport, controller, supply)?;
        let mut variables = profile.element_variables();
        if let Some(topic) = far::topic(&far) {
            variables.insert(TOPIC.to_owned(), topic.to_owned());
        }
        variables.insert(TOLERANCE.to_owned(), format!("{}ms", profile.timing.tolerance.as_millis()));
        Ok(Self {
            facts: mtp.facts(),
            mtp: far,
            mtp_name: mtp.name.clone(),
            eut_endpoint_id: profile.eut_endpoint_id.clone(),
            controller_endpoint_id: controller.clone(),
            second: SecondController { endpoint_id: profile.second_endpoint_id.clone(), port: 0 },
            pki,
            timing: Timing::from(profile.timing),
            variables,
            catalogue: catalogue.to_owned(),
            harness: harness.to_owned(),
            secrets: mtp.transport.secrets(),
        })
    }
}

impl Default for SecondController {
    fn default() -> Self {
        Self { endpoint_id: profile::DEFAULT_SECOND.to_owned(), port: 0 }
    }
}

/// The variable for our topic or destination, over a broker.
const TOPIC: &str = "controller.topic";

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
    /// `tls: generate` is for an EUT in this very process.
    #[error("`tls: generate` is for the bundled Agent: a device cannot trust what is made for this run")]
    NoPki,
}
