//! The reference Agent in this process: judged in memory under a paused clock, or over loopback sockets in real time.
//!
//! One decision behind it: in memory, protocol time is the clock of a runtime that is paused whenever nothing is left to do, so that
//! minutes of waiting cost nothing and every run gives the same result. A paused clock is never combined with real sockets.

use crate::{
    campaign::{Campaign, Watch},
    command::run::cancel_on_ctrl_c,
    outcome::Error,
};
use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;
use uspec_agent::{AgentConfig, ControllerConfig, Fault, FaultSet, ListenConfig, WebSocketTarget, endpoint};
use uspec_mtp::network::{MemoryNetwork, Network, RealNetwork};
use uspec_runner::{ControlFault, EutControl, Method, control::ControlFuture};
use uspec_testplan::{
    case::EutAction,
    catalogue::Catalogue,
    profile::{EutProfile, Mtp, Transport, WebSocketRole},
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

/// The port that the profile's 0 stands for in memory, where any is free.
const MEMORY_PORT: u16 = 8080;

/// A reference Agent to be judged.
#[derive(Debug)]
pub struct Bundled {
    profile: EutProfile,
    config: AgentConfig,
    place: Where,
}

impl Bundled {
    /// The Agent that the profile describes, with these faults.
    ///
    /// # Errors
    /// A fault that does not exist, or no port to listen on.
    pub fn new(profile: &EutProfile, faults: &[String], place: Where) -> Result<Self, Error> {
        let faults = faults.iter().map(|name| fault(name)).collect::<Result<Vec<_>, _>>()?;
        let mut profile = profile.clone();
        for mtp in &mut profile.mtps {
            settle_port(mtp, place)?;
        }
        let config = agent_config(&profile, faults.into_iter().collect());
        Ok(Self { profile, config, place })
    }

    /// The profile by which it is judged, with the port that was taken.
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
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .start_paused(self.place == Where::Memory)
            .build()
            .map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
        runtime.block_on(self.run(catalogue, selection, watch))
    }

    async fn run(
        &self,
        catalogue: &Catalogue,
        selection: &Selection,
        watch: &mut Watch<'_>,
    ) -> Result<RunReport, Error> {
        let network: Arc<dyn Network> = match self.place {
            Where::Memory => Arc::new(MemoryNetwork::default()),
            Where::Loopback => Arc::new(RealNetwork),
        };
        let control = Arc::new(InProcess::new(self.config.clone(), Arc::clone(&network)));
        control.start();
        let cancel = CancellationToken::new();
        cancel_on_ctrl_c(cancel.clone());
        let campaign = Campaign {
            catalogue,
            profile: &self.profile,
            selection,
            network,
            control: Arc::clone(&control) as Arc<dyn EutControl>,
            cancel,
        };
        let report = campaign.run(watch).await;
        control.stop();
        report
    }
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

/// Puts a real port in the place of 0, so that both sides know it.
fn settle_port(mtp: &mut Mtp, place: Where) -> Result<(), Error> {
    let Transport::WebSocket(websocket) = &mut mtp.transport;
    if websocket.address.port == 0 {
        websocket.address.port = match place {
            Where::Memory => MEMORY_PORT,
            Where::Loopback => free_port()?,
        };
    }
    Ok(())
}

/// A port that nobody listens on at this moment.
fn free_port() -> Result<u16, Error> {
    std::net::TcpListener::bind(("127.0.0.1", 0))
        .and_then(|listener| listener.local_addr())
        .map(|address| address.port())
        .map_err(|cause| Error::new("no port is free", &cause))
}

fn agent_config(profile: &EutProfile, faults: FaultSet) -> AgentConfig {
    let mut config = AgentConfig { faults, start_time: jiff::Timestamp::now(), ..AgentConfig::default() };
    if let Some(id) = &profile.eut_endpoint_id {
        config.endpoint_id.clone_from(id);
    }
    let mut controller =
        ControllerConfig { endpoint_id: profile.controller_endpoint_id.clone(), ..ControllerConfig::default() };
    for mtp in &profile.mtps {
        let Transport::WebSocket(websocket) = &mtp.transport;
        let (host, port, path) = (websocket.address.host.clone(), websocket.address.port, websocket.path.clone());
        match websocket.role {
            WebSocketRole::EutConnects => {
                controller.websocket = Some(WebSocketTarget { host, port, path, ..WebSocketTarget::default() });
            }
            WebSocketRole::WeConnect => {
                config.listen = Some(ListenConfig { host, port, path, ..ListenConfig::default() });
            }
        }
    }
    config.controllers.push(controller);
    config
}

/// Controls an Agent that runs as a task of this process.
struct InProcess {
    config: AgentConfig,
    network: Arc<dyn Network>,
    running: Mutex<Option<CancellationToken>>,
}

impl InProcess {
    fn new(config: AgentConfig, network: Arc<dyn Network>) -> Self {
        Self { config, network, running: Mutex::new(None) }
    }

    fn start(&self) {
        let stop = CancellationToken::new();
        let agent = endpoint::run(self.config.clone(), Arc::clone(&self.network), stop.clone());
        tokio::spawn(async move {
            if let Err(cause) = agent.await {
                eprintln!("the bundled Agent ended: {cause}");
            }
        });
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(before) = running.replace(stop) {
            before.cancel();
        }
    }

    fn stop(&self) {
        if let Some(stop) = self.running.lock().unwrap_or_else(PoisonError::into_inner).take() {
            stop.cancel();
        }
    }
}

impl fmt::Debug for InProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcess").field("endpoint_id", &self.config.endpoint_id).finish_non_exhaustive()
    }
}

impl EutControl for InProcess {
    fn method(&self, action: EutAction) -> Method {
        match action {
            EutAction::Reboot => Method::UspCommand { command: "Device.Reboot()".to_owned(), start_after: false },
            EutAction::PowerCycle | EutAction::Start | EutAction::Stop => Method::Direct,
            EutAction::FactoryReset => Method::Missing,
        }
    }

    fn perform(&self, action: EutAction) -> ControlFuture<'_> {
        Box::pin(async move {
            match action {
                EutAction::Start => self.start(),
                EutAction::Stop => self.stop(),
                EutAction::PowerCycle => {
                    self.stop();
                    self.start();
                }
                EutAction::Reboot | EutAction::FactoryReset => {
                    return Err(ControlFault::new(["the bundled Agent does this by a USP command only"]));
                }
            }
            Ok(format!("{action:?} done in this process"))
        })
    }
}
