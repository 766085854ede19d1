//! The Agent's end of the MTP.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::end::{self, EndConfig};
use super::{DEFAULT_MAX_RECORD, UdsBehaviour, UdsHandle, UdsRole};
use crate::end::Retry;
use crate::error::MtpError;
use crate::event::{AgentMtpEvent, EVENT_QUEUE};
use crate::log::Sink;
use crate::network::Network;

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct UdsAgentConfig {
    /// Server or client, and where.
    pub role: UdsRole,
    /// Own Endpoint ID, the Agent's.
    pub endpoint_id: String,
    /// Largest Record taken, in octets.
    pub max_record: usize,
    /// As client: when it connects again (R-UDS.5).
    pub retry: Retry,
    /// What it does in handshakes and sessions.
    pub behaviour: UdsBehaviour,
}

impl UdsAgentConfig {
    /// An Agent's end that conforms to TR-369.
    pub fn new(role: UdsRole, endpoint_id: impl Into<String>) -> Self {
        Self {
            role,
            endpoint_id: endpoint_id.into(),
            max_record: DEFAULT_MAX_RECORD,
            retry: end::retry(),
            behaviour: UdsBehaviour::default(),
        }
    }
}

/// The Agent's end of the UNIX domain socket MTP.
#[derive(Debug)]
pub struct UdsAgentEnd;

impl UdsAgentEnd {
    /// Starts it, and gives back the events, which must be read at all times. A Record that cannot be decoded is to be answered with
    /// [`UdsHandle::error`] (R-UDS.23).
    ///
    /// # Errors
    /// Whatever can be known beforehand: a path at which somebody listens, or at which nobody can. Nothing runs then.
    pub async fn start(
        config: UdsAgentConfig,
        network: Arc<dyn Network>,
    ) -> Result<(UdsHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let UdsAgentConfig { role, endpoint_id, max_record, retry, behaviour } = config;
        let config = EndConfig { role, endpoint_id, max_record, retry, behaviour };
        let handle = end::start(config, network, Sink::Agent(events)).await?;
        Ok((handle, receiver))
    }
}
