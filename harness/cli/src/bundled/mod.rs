//! The reference Agent in this process: judged in memory under a paused clock, or over loopback sockets in real time.
//!
//! One decision behind it: in memory, protocol time is the clock of a runtime that is paused whenever nothing is left to do, so that
//! minutes of waiting cost nothing and every run gives the same result. A paused clock is never combined with real sockets.

mod agent;
mod in_process;

pub use agent::agent_config;

use crate::{
    campaign::{Bench, Campaign, Equipment, HARNESS, Manner, Watch},
    command::run::cancel_on_ctrl_c,
    outcome::Error,
};
use in_process::InProcess;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uspec_agent::{Fault, FaultSet, Pem, TlsIdentity};
use uspec_mtp::{
    network::{MemoryNetwork, Network, RealNetwork},
    tls::{IdentityKind, KeyLogSink, Pki, TlsError},
};
use uspec_runner::{SessionConfig, TlsSupply};
use uspec_testplan::{
    catalogue::Catalogue,
    profile::{Broker, EutProfile, Mqtt, Mtp, Stomp, Tls, Transport},
    run_report::RunReport,
    selection::Selection,
};

/// Where the reference Agent is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Where {
    /// In memory, under a paused clock.
    Memory,
    /// Over loopback sockets, in real time.
    Loopback,
}

/// What is judged in memory, in [`Manner::options`]: the same in a moment whenever it is wanted.
pub const IN_MEMORY: &str = "the bundled Agent in memory";

/// What is judged over loopback sockets.
pub const OVER_LOOPBACK: &str = "the bundled Agent over loopback sockets";

/// The port that is put in the place of the profile's own in memory, where any is free.
const MEMORY_PORT: u16 = 8080;

/// A reference Agent to be judged: a fresh one for each MTP of the profile, which has that MTP alone.
#[derive(Debug)]
pub struct Bundled {
    profile: EutProfile,
    faults: FaultSet,
    place: Where,
    manner: Manner,
    cancel: CancellationToken,
    key_log: Option<KeyLogSink>,
}

impl Bundled {
    /// The Agent that the profile describes, with these faults.
    ///
    /// # Errors
    /// A fault that does not exist, or no port to listen on.
    pub fn new(profile: &EutProfile, faults: &[String], place: Where) -> Result<Self, Error> {
        let faults = faults.iter().map(|name| fault(name)).collect::<Result<FaultSet, _>>()?;
        let mut profile = profile.clone();
        for mtp in &mut profile.mtps {
            settle_place(mtp, place)?;
        }
        Ok(Self { profile, faults, place, manner: Manner::default(), cancel: CancellationToken::new(), key_log: None })
    }

    /// Whether contradictions between profile and device keep the cases from being run.
    #[must_use]
    pub fn strict_profile(mut self, strict_profile: bool) -> Self {
        self.manner.strict_profile = strict_profile;
        self
    }

    /// How its cases are run.
    #[must_use]
    pub fn manner(self, manner: Manner) -> Self {
        Self { manner, ..self }
    }

    /// What ends the run early and in order.
    #[must_use]
    pub fn cancel(self, cancel: CancellationToken) -> Self {
        Self { cancel, ..self }
    }

    /// Who takes the secrets of every TLS session.
    #[must_use]
    pub fn key_log(self, key_log: Option<KeyLogSink>) -> Self {
        Self { key_log, ..self }
    }

    /// The profile by which it is judged, with the ports that were taken.
    pub fn profile(&self) -> &EutProfile {
        &self.profile
    }

    /// Runs the selected cases against it.
    ///
    /// # Errors
    /// As [`Campaign::run`].
    pub fn judge(
        &self,
        catalogue: &Catalogue,
        selection: &Selection,
        watch: &mut Watch<'_>,
    ) -> Result<RunReport, Error> {
        self.runtime()?.block_on(async {
            let cancel = self.cancel.clone();
            cancel_on_ctrl_c(cancel.clone());
            let bench = InProcessBench { agent: self, catalogue };
            let (profile, manner) = (&self.profile, &self.manner);
            Campaign { catalogue, profile, selection, bench: &bench, manner, cancel }.run(watch).await
        })
    }
}

impl Bundled {
    /// Starts a fresh Agent over one MTP, and does with it what is wanted.
    ///
    /// # Errors
    /// Whatever keeps the Agent from being started, and what the work gives back.
    pub fn meet<T, F>(&self, catalogue: &Catalogue, mtp: &Mtp, work: impl FnOnce(Equipment) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        self.runtime()?.block_on(async { work(InProcessBench { agent: self, catalogue }.equip(mtp)?).await })
    }

    fn runtime(&self) -> Result<tokio::runtime::Runtime, Error> {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.place == Where::Memory)
            .build()
            .map_err(|cause| Error::new("the runtime cannot be started", &cause))
    }
}

/// Starts a fresh Agent for each MTP.
#[derive(Debug)]
struct InProcessBench<'a> {
    agent: &'a Bundled,
    catalogue: &'a Catalogue,
}

impl Bench for InProcessBench<'_> {
    fn equip(&self, mtp: &Mtp) -> Result<Equipment, Error> {
        let Bundled { profile, faults, place, .. } = self.agent;
        let network: Arc<dyn Network> = match place {
            Where::Memory => Arc::new(MemoryNetwork::default()),
            Where::Loopback => Arc::new(RealNetwork),
        };
        let mut config = agent_config(profile, mtp, faults.clone());
        let mut supply = TlsSupply { pki: None, key_log: self.agent.key_log.clone() };
        if let Some(host) = generated_tls(mtp) {
            let made = |cause| Error::new(&mtp.name, &cause);
            let pki = Pki::generate().map_err(made)?;
            config.tls = Some(identity(&pki, &config.endpoint_id, host).map_err(made)?);
            supply.pki = Some(Arc::new(pki));
        }
        let session = SessionConfig::from_profile(profile, mtp, &supply, &self.catalogue.hash, HARNESS)
            .map_err(|cause| Error::new(&mtp.name, &cause))?;
        let control = Arc::new(InProcess::new(config, Arc::clone(&network)));
        control.start();
        Ok(Equipment { network, control, session })
    }
}

/// The host of an MTP whose certificates are to be made for this run.
fn generated_tls(mtp: &Mtp) -> Option<&str> {
    let host = match &mtp.transport {
        Transport::WebSocket(it) => &it.address.host,
        Transport::Mqtt(it) => &it.address.host,
        Transport::Stomp(it) => &it.address.host,
        Transport::Uds(_) => return None,
    };
    matches!(mtp.transport.tls(), Some(Tls::Generate)).then_some(host.as_str())
}

/// What the Agent shows, and whom it trusts.
fn identity(pki: &Pki, endpoint_id: &str, host: &str) -> Result<TlsIdentity, TlsError> {
    let issued = pki.issue(IdentityKind::Trusted, endpoint_id, &[host])?;
    Ok(TlsIdentity {
        certificate: Pem::Text(issued.chain_pem()),
        key: Pem::Text(issued.key_pem()),
        trust: Some(Pem::Text(pki.authority().certificate_pem())),
    })
}

/// The fault with this name.
///
/// # Errors
/// A name that no fault has.
pub fn fault(name: &str) -> Result<Fault, Error> {
    name.parse().map_err(|_| {
        Error::Message(format!(
            "error: the bundled Agent has no fault `{name}`; `uspec agent --list-faults` lists them"
        ))
    })
}

/// Puts a place in that of the profile's that is free, so that both sides know it.
fn settle_place(mtp: &mut Mtp, place: Where) -> Result<(), Error> {
    let port = match &mut mtp.transport {
        Transport::WebSocket(it) => &mut it.address.port,
        // Another broker is where it is.
        Transport::Mqtt(Mqtt { broker: Broker::Beside, .. })
        | Transport::Stomp(Stomp { broker: Broker::Beside, .. }) => {
            return Ok(());
        }
        Transport::Mqtt(it) => &mut it.address.port,
        Transport::Stomp(it) => &mut it.address.port,
        Transport::Uds(it) => {
            if place == Where::Loopback {
                it.path = std::env::temp_dir().join(format!("uspec-{}-{}.sock", std::process::id(), mtp.name));
            }
            return Ok(());
        }
    };
    *port = match place {
        Where::Memory => MEMORY_PORT,
        Where::Loopback => free_port()?,
    };
    Ok(())
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, Error> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Error::new("no port is free", &cause))
}
