//! A bench in memory: an Agent that is configured as the test says, and an examination with the profile's settings.

use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;
use uspec_agent::{AgentConfig, FaultSet, Pem, TlsIdentity, endpoint};
use uspec_cli::{bundled::agent_config, load};
use uspec_mtp::{
    FarConfig,
    mqtt::MqttPlace,
    network::{MemoryNetwork, Network},
    stomp::StompPlace,
    tls::{IdentityKind, Pki, TlsMaterial},
    websocket::WsRole,
};
use uspec_runner::{
    SessionConfig, TlsSupply,
    doctor::{Examination, Fault, Progress, Side, Stage, examine},
};
use uspec_testplan::profile::{EutProfile, Mtp};

/// How long an EUT that connects is waited for.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// Both sides of a bring-up, right in every respect until a test makes a mistake.
pub(crate) struct Setup {
    pub(crate) profile: EutProfile,
    pub(crate) mtp: Mtp,
    pub(crate) agent: AgentConfig,
    /// What our end shows, where TLS is used.
    pub(crate) shown: Option<TlsMaterial>,
    pub(crate) pki: Arc<Pki>,
}

impl Setup {
    /// The bundled Agent and its profile, over this MTP of it.
    pub(crate) fn of(name: &str) -> Self {
        let profile = load::profile(None).unwrap();
        let mtp = profile.mtps.iter().find(|mtp| mtp.name == name).unwrap().clone();
        let pki = Arc::new(Pki::generate().unwrap());
        let mut agent = agent_config(&profile, &mtp, FaultSet::default());
        if mtp.transport.tls().is_some() {
            agent.tls = Some(identity(&pki, IdentityKind::Trusted, &agent.endpoint_id));
        }
        Self { profile, mtp, agent, shown: None, pki }
    }

    /// The same, with a mistake.
    pub(crate) fn with(name: &str, mistake: impl FnOnce(&mut Self)) -> Self {
        let mut setup = Self::of(name);
        mistake(&mut setup);
        setup
    }

    /// Our own certificate is of this kind.
    pub(crate) fn show(&mut self, kind: IdentityKind) {
        let issued = self.pki.issue(kind, &self.profile.controller_endpoint_id, &["127.0.0.1", "localhost"]).unwrap();
        self.shown = Some(issued);
    }

    /// The Agent's certificate is of this kind.
    pub(crate) fn agent_shows(&mut self, kind: IdentityKind) {
        self.agent.tls = Some(identity(&self.pki, kind, &self.agent.endpoint_id));
    }

    /// What a session would be opened with.
    pub(crate) fn config(&self) -> SessionConfig {
        let supply = TlsSupply { pki: Some(Arc::clone(&self.pki)), key_log: None };
        let mut config = SessionConfig::from_profile(&self.profile, &self.mtp, &supply, "", "test").unwrap();
        if let Some(shown) = &self.shown {
            show(&mut config.mtp, shown);
        }
        config
    }

    /// Brings the Agent up, and tells what was told meanwhile.
    pub(crate) async fn examine(&self) -> (Examination, Vec<String>) {
        let network: Arc<dyn Network> = Arc::new(MemoryNetwork::default());
        let stop = CancellationToken::new();
        let agent = tokio::spawn(endpoint::run(self.agent.clone(), Arc::clone(&network), stop.clone()));
        let examined = self.alone(network).await;
        stop.cancel();
        agent.await.unwrap().unwrap();
        examined
    }

    /// The same, with whatever else is on the network.
    pub(crate) async fn alone(&self, network: Arc<dyn Network>) -> (Examination, Vec<String>) {
        let mut told = Vec::new();
        let examination = Box::pin(examine(self.config(), network, PATIENCE, &mut |progress| match progress {
            Progress::Decided(step) => told.push(format!("{step:?}")),
            Progress::Waiting(text) => told.push(text.to_owned()),
        }))
        .await;
        (examination, told)
    }
}

fn identity(pki: &Pki, kind: IdentityKind, endpoint_id: &str) -> TlsIdentity {
    let issued = pki.issue(kind, endpoint_id, &["127.0.0.1"]).unwrap();
    TlsIdentity {
        certificate: Pem::Text(issued.chain_pem()),
        key: Pem::Text(issued.key_pem()),
        trust: Some(Pem::Text(pki.authority().certificate_pem())),
    }
}

fn show(far: &mut FarConfig, identity: &TlsMaterial) {
    let material = match far {
        FarConfig::WebSocket(far) => match &mut far.role {
            WsRole::Listen { tls, .. } => tls.as_mut().map(|tls| &mut tls.material),
            WsRole::Connect { tls, .. } => tls.as_mut().map(|tls| &mut tls.material),
        },
        FarConfig::Mqtt(far) => match &mut far.place {
            MqttPlace::Broker { tls, .. } => tls.as_mut().map(|tls| &mut tls.material),
            _ => None,
        },
        FarConfig::Stomp(far) => match &mut far.place {
            StompPlace::Broker { tls, .. } => tls.as_mut().map(|tls| &mut tls.material),
            _ => None,
        },
        FarConfig::Uds(_) => None,
    };
    let material = material.unwrap();
    *material = identity.clone().trusting_pem(&material.trust_pem()).unwrap();
}

/// The broken step and its fault.
pub(crate) fn broken(examination: &Examination) -> (Stage, Fault) {
    let (step, fault) = examination.broken().unwrap_or_else(|| panic!("nothing is broken: {examination:#?}"));
    (step.stage, fault.clone())
}

/// Whether one of the remedies is on this side and says this.
pub(crate) fn is_to_change(fault: &Fault, side: Side, words: &str) -> bool {
    fault.remedies.iter().any(|remedy| remedy.side == side && remedy.change.contains(words))
}
