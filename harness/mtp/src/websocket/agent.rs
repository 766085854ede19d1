//! The Agent's end of the MTP.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::end::{self, EndConfig};
use super::{DEFAULT_MAX_RECORD, KeepAlive, Retry, RetryParameters, SecondSession, WsBehaviour, WsHandle, WsRole};
use crate::error::MtpError;
use crate::event::{AgentMtpEvent, EVENT_QUEUE};
use crate::log::Sink;
use crate::network::Network;

/// The keep-alive interval that TR-181 gives `WebSocket.KeepAliveInterval` as its default.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(30);

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct WsAgentConfig {
    /// Client (R-WS.5) or server (R-WS.6), where, and with what TLS.
    pub role: WsRole,
    /// Own Endpoint ID, the Agent's.
    pub endpoint_id: String,
    /// Largest Record, and largest frame, taken, in octets.
    pub max_record: usize,
    /// Keep-alive (R-WS.17, R-WS.18).
    pub keep_alive: Option<KeepAlive>,
    /// As client: when it connects again (R-WS.19).
    pub retry: Retry,
    /// What it does in handshakes and sessions.
    pub behaviour: WsBehaviour,
}

impl WsAgentConfig {
    /// An Agent's end that conforms to TR-369, with the factory defaults of retry and keep-alive.
    ///
    /// A session that breaks is noticed within two keep-alive intervals. Of a Controller's two sessions the first is closed (R-WS.4).
    pub fn new(role: WsRole, endpoint_id: impl Into<String>) -> Self {
        let keep_alive = KeepAlive { interval: KEEP_ALIVE_INTERVAL, answer_within: Some(KEEP_ALIVE_INTERVAL) };
        Self {
            role,
            endpoint_id: endpoint_id.into(),
            max_record: DEFAULT_MAX_RECORD,
            keep_alive: Some(keep_alive),
            retry: Retry::agent(RetryParameters::default, 0),
            behaviour: WsBehaviour { second_session: SecondSession::CloseFirst, ..WsBehaviour::default() },
        }
    }
}

/// The Agent's end of the WebSocket MTP.
#[derive(Debug)]
pub struct WsAgentEnd;

impl WsAgentEnd {
    /// Starts it, and gives back the events, which must be read at all times.
    ///
    /// # Errors
    /// Whatever can be known beforehand: a port in use, unusable TLS material, a path that is none. Nothing runs then.
    pub async fn start(
        config: WsAgentConfig,
        network: Arc<dyn Network>,
    ) -> Result<(WsHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let config = EndConfig {
            role: config.role,
            endpoint_id: config.endpoint_id,
            max_record: config.max_record,
            keep_alive: config.keep_alive,
            retry: config.retry,
            behaviour: config.behaviour,
        };
        let handle = end::start(config, network, Sink::Agent(events)).await?;
        Ok((handle, receiver))
    }
}
