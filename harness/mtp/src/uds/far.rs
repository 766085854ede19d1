//! The far side: what plays the Controller's end of the MTP towards an Agent under test.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::end::{self, EndConfig};
use super::{DEFAULT_MAX_RECORD, UdsBehaviour, UdsHandle, UdsRole};
use crate::end::Retry;
use crate::error::MtpError;
use crate::event::{Budget, MtpEvent};
use crate::log::Sink;
use crate::network::Network;

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct UdsFarConfig {
    /// Server or client, and where.
    pub role: UdsRole,
    /// Own Endpoint ID, the Controller's.
    pub endpoint_id: String,
    /// Largest Record taken, in octets.
    pub max_record: usize,
    /// As client: what it does when its connection has ended or could not be had (R-UDS.5).
    pub retry: Retry,
    /// What it does in handshakes and sessions.
    pub behaviour: UdsBehaviour,
}

impl UdsFarConfig {
    /// A far side that conforms to TR-369.
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

/// The far side of the UNIX domain socket MTP.
#[derive(Debug)]
pub struct UdsFarSide;

impl UdsFarSide {
    /// Starts it. As server it listens when this returns; as client it is about to connect.
    ///
    /// Everything that happens goes to `events`, a channel of [`crate::event::EVENT_QUEUE`] places, which must be read at all times.
    /// Events that wait or are kept hold at most [`crate::event::EVENT_OCTETS`] octets together.
    ///
    /// # Errors
    /// Whatever can be known beforehand: a path at which somebody listens, or at which nobody can. Nothing runs then.
    pub async fn start(
        config: UdsFarConfig,
        network: Arc<dyn Network>,
        events: mpsc::Sender<MtpEvent>,
    ) -> Result<UdsHandle, MtpError> {
        let UdsFarConfig { role, endpoint_id, max_record, retry, behaviour } = config;
        let config = EndConfig { role, endpoint_id, max_record, retry, behaviour };
        end::start(config, network, Sink::Whole(events, Budget::default())).await
    }
}
