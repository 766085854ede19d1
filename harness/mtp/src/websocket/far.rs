//! The far side: what plays the Controller's end of the MTP towards an Agent under test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::end::{self, EndConfig};
use super::{DEFAULT_MAX_RECORD, KeepAlive, Retry, WsBehaviour, WsHandle, WsRole};
use crate::error::MtpError;
use crate::event::{Budget, MtpEvent};
use crate::log::Sink;
use crate::network::Network;

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct WsFarConfig {
    /// Server or client, where, and with what TLS.
    pub role: WsRole,
    /// Own Endpoint ID, the Controller's.
    pub endpoint_id: String,
    /// Largest Record, and largest frame, taken, in octets.
    pub max_record: usize,
    /// Time from one Ping to the next; none sends none.
    pub ping_interval: Option<Duration>,
    /// As client: what it does when its connection has ended or could not be had. Controllers are free in this.
    pub reconnect: Retry,
    /// What it does in handshakes and sessions.
    pub behaviour: WsBehaviour,
}

impl WsFarConfig {
    /// A far side that conforms to TR-369, sends no Pings, and connects again after a second.
    pub fn new(role: WsRole, endpoint_id: impl Into<String>) -> Self {
        Self {
            role,
            endpoint_id: endpoint_id.into(),
            max_record: DEFAULT_MAX_RECORD,
            ping_interval: None,
            reconnect: Retry::After(Duration::from_secs(1)),
            behaviour: WsBehaviour::default(),
        }
    }
}

/// The far side of the WebSocket MTP.
#[derive(Debug)]
pub struct WsFarSide;

impl WsFarSide {
    /// Starts it. As server it listens when this returns; as client it is about to connect.
    ///
    /// Everything that happens goes to `events`, a channel of [`crate::event::EVENT_QUEUE`] places, which must be read at all times.
    /// Events that wait or are kept hold at most [`crate::event::EVENT_OCTETS`] octets together.
    ///
    /// # Errors
    /// Whatever can be known beforehand: a port in use, unusable TLS material, a path that is none. Nothing runs then.
    pub async fn start(
        config: WsFarConfig,
        network: Arc<dyn Network>,
        events: mpsc::Sender<MtpEvent>,
    ) -> Result<WsHandle, MtpError> {
        let config = EndConfig {
            role: config.role,
            endpoint_id: config.endpoint_id,
            max_record: config.max_record,
            keep_alive: config.ping_interval.map(KeepAlive::every),
            retry: config.reconnect,
            behaviour: config.behaviour,
        };
        end::start(config, network, Sink::Whole(events, Budget::default())).await
    }
}
