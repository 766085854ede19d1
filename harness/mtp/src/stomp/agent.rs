//! The Agent's end of the MTP.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::{DEFAULT_MAX_RECORD, Login, ServerRetry, StompBehaviour, StompHandle, end};
use crate::end::Retry;
use crate::error::MtpError;
use crate::event::{AgentMtpEvent, EVENT_QUEUE};
use crate::log::Sink;
use crate::network::{Address, Network};
use crate::tls::TlsClient;

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct StompAgentConfig {
    /// The server's address.
    pub address: Address,
    /// TLS, if it is to be.
    pub tls: Option<TlsClient>,
    /// What it logs in with (R-STOMP.3).
    pub login: Option<Login>,
    /// Own Endpoint ID, the Agent's.
    pub endpoint_id: String,
    /// The `host` header (R-STOMP.5, `VirtualHost`); the address's host if absent.
    pub host: Option<String>,
    /// The configured destination (R-STOMP.15); the server's `subscribe-dest` counts before it.
    pub destination: Option<String>,
    /// How often heart-beats can be sent, and how often they are wanted, in milliseconds (R-STOMP.10); none offers none (R-STOMP.9).
    pub heart_beat: Option<(u32, u32)>,
    /// When it connects again (R-STOMP.7, R-STOMP.25).
    pub retry: Retry,
    /// Largest Record, and largest body, taken, in octets.
    pub max_record: usize,
    /// What it does.
    pub behaviour: StompBehaviour,
}

impl StompAgentConfig {
    /// An Agent's end that conforms to TR-369, in clear text, without a login or a destination, and with the factory defaults of retry.
    pub fn new(address: Address, endpoint_id: impl Into<String>) -> Self {
        Self {
            address,
            tls: None,
            login: None,
            endpoint_id: endpoint_id.into(),
            host: None,
            destination: None,
            heart_beat: None,
            retry: ServerRetry::retry(ServerRetry::default, 0),
            max_record: DEFAULT_MAX_RECORD,
            behaviour: StompBehaviour::default(),
        }
    }
}

/// The Agent's end of the STOMP MTP.
#[derive(Debug)]
pub struct StompAgentEnd;

impl StompAgentEnd {
    /// Starts it, and gives back the events, which must be read at all times.
    ///
    /// # Errors
    /// Whatever can be known beforehand: unusable TLS material. Nothing runs then.
    #[allow(clippy::unused_async)] // as of every MTP
    pub async fn start(
        config: StompAgentConfig,
        network: Arc<dyn Network>,
    ) -> Result<(StompHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let handle = end::call(config, network, Sink::Agent(events))?;
        Ok((handle, receiver))
    }
}
