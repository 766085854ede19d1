//! Controls an Agent that runs as a task of this process, and ends it when nobody controls it any more.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};
use tokio_util::sync::CancellationToken;
use uspec_agent::{AgentConfig, endpoint};
use uspec_mtp::network::Network;
use uspec_runner::{ControlFault, EutControl, Method, control::ControlFuture};
use uspec_testplan::case::EutAction;

/// Controls an Agent that runs as a task of this process.
pub(super) struct InProcess {
    config: AgentConfig,
    network: Arc<dyn Network>,
    running: Mutex<Option<CancellationToken>>,
}

impl InProcess {
    /// The Agent of this configuration, not started yet.
    pub(super) fn new(config: AgentConfig, network: Arc<dyn Network>) -> Self {
        Self { config, network, running: Mutex::new(None) }
    }

    /// Starts it; one that runs is stopped.
    pub(super) fn start(&self) {
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

impl Drop for InProcess {
    fn drop(&mut self) {
        self.stop();
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
