//! The Agent as it runs: the engine, its MTP ends, its clock and its memory between restarts.

mod ends;
mod identity;
mod settings;
mod storage;
mod trust;

use crate::config::AgentConfig;
use crate::core::{Action, Core, Saved};
use crate::faults::Fault;
use crate::model::ModelError;
use ends::Ends;
use std::future::pending;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::time::{Instant, sleep, sleep_until};
use tokio_util::sync::CancellationToken;
use uspec_mtp::network::Network;

/// Why an Agent could not start.
#[derive(Debug, thiserror::Error)]
pub enum AgentError {
    /// The built-in data model is not usable.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The saved state could not be read or written.
    #[error("{path}: {source}")]
    Storage {
        /// The file.
        path: PathBuf,
        /// The operating system's report.
        source: std::io::Error,
    },
    /// The saved state is not what this Agent writes.
    #[error("{path}: not a saved state: {source}")]
    State {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A PEM file could not be read.
    #[error("{path}: {source}")]
    Identity {
        /// The file.
        path: PathBuf,
        /// The operating system's report.
        source: std::io::Error,
    },
    /// An MTP end could not be started.
    #[error(transparent)]
    Mtp(#[from] uspec_mtp::MtpError),
}

/// A reference Agent, ready to run.
#[derive(Debug)]
pub struct Agent {
    config: AgentConfig,
}

/// Runs the Agent that `config` describes until `stop` is cancelled.
pub async fn run(config: AgentConfig, network: Arc<dyn Network>, stop: CancellationToken) -> Result<(), AgentError> {
    Agent::new(config).run(network, stop).await
}

/// How a stretch between two boots ended.
enum End {
    Stopped,
    Reboot(Saved),
}

impl Agent {
    /// An Agent with that configuration.
    pub fn new(config: AgentConfig) -> Self {
        Self { config }
    }

    /// Runs until `stop` is cancelled. A reboot ends all connections and, after the configured time, starts over from what
    /// persists; it does not end this.
    pub async fn run(mut self, network: Arc<dyn Network>, stop: CancellationToken) -> Result<(), AgentError> {
        identity::load(&mut self.config).await?;
        let origin = Instant::now();
        let mut saved = storage::load(&self.config.persistence).await?;
        let mut rebooted = false;
        loop {
            let core = Core::boot(self.config.clone(), saved.take(), origin, Instant::now())?;
            match self.live(core, (Arc::clone(&network), rebooted), &stop).await? {
                End::Stopped => return Ok(()),
                End::Reboot(kept) => {
                    storage::save(&self.config.persistence, &kept).await?;
                    saved = Some(kept);
                }
            }
            rebooted = true;
            if self.config.faults.has(Fault::RebootNeverReturns) {
                stop.cancelled().await;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = sleep(self.config.reboot_time()) => {}
            }
        }
    }

    /// From one boot to the next.
    async fn live(
        &self,
        core: Core,
        (network, rebooted): (Arc<dyn Network>, bool),
        stop: &CancellationToken,
    ) -> Result<End, AgentError> {
        let mut life = Life { core, ends: Ends::new(self.config.clone(), network, rebooted) };
        life.ends.adjust(&mut life.core).await;
        let end = loop {
            let deadline = life.core.next_deadline();
            let actions = tokio::select! {
                () = stop.cancelled() => break End::Stopped,
                event = life.ends.next_event() => life.ends.react(&mut life.core, event),
                () = at(deadline) => life.core.tick(Instant::now()),
            };
            if let Some(saved) = life.perform(actions).await? {
                break End::Reboot(saved);
            }
            life.ends.adjust(&mut life.core).await;
        };
        life.leave(if matches!(end, End::Stopped) { "stopped" } else { "rebooting" }).await?;
        if matches!(end, End::Stopped) {
            storage::save(&self.config.persistence, &life.core.saved(None)).await?;
        }
        Ok(end)
    }
}

/// What runs between two boots.
struct Life {
    core: Core,
    ends: Ends,
}

impl Life {
    /// Does what the engine wants, in its order; returns what to restart from when it wants that.
    async fn perform(&mut self, actions: Vec<Action>) -> Result<Option<Saved>, AgentError> {
        for action in actions {
            match action {
                Action::Send { connection, to, record } => self.ends.send(connection, to, record).await,
                Action::Close { connection, code, reason } => {
                    self.ends.close(&mut self.core, connection, code, reason).await;
                }
                Action::Save(saved) => storage::save(&self.core.config().persistence, &saved).await?,
                Action::Reboot(saved) => return Ok(Some(saved)),
            }
        }
        Ok(None)
    }

    async fn leave(&mut self, reason: &str) -> Result<(), AgentError> {
        let farewell = self.core.farewell(reason);
        self.perform(farewell).await?;
        self.ends.shut_down().await;
        Ok(())
    }
}

async fn at(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => sleep_until(deadline).await,
        None => pending().await,
    }
}

#[cfg(test)]
mod tests;
