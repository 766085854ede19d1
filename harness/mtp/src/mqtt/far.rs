//! The far side: a broker with the Controllers built in.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::broker::BrokerConfig;
use super::end;
use super::{DEFAULT_MAX_RECORD, MqttBehaviour, MqttHandle, MqttVersion};
use crate::error::MtpError;
use crate::event::{Budget, MtpEvent};
use crate::log::Sink;
use crate::network::{Address, Network};
use crate::tls::TlsServer;

/// Connections that a broker serves at a time unless told otherwise, handshakes included.
const MAX_CONNECTIONS: usize = 64;

/// Where the Controller is.
#[derive(Debug, Clone)]
pub enum MqttPlace {
    /// In a broker of its own.
    Broker {
        /// Where to listen; port 0 for any free one.
        address: Address,
        /// TLS, if it is to be.
        tls: Option<TlsServer>,
    },
    /// In a broker that runs already, beside the Controllers that are there.
    Shared(MqttHandle),
}

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct MqttFarConfig {
    /// Where the Controller is.
    pub place: MqttPlace,
    /// Own Endpoint ID, the Controller's.
    pub endpoint_id: String,
    /// The Controller's own topic: what is published to it or below it is a Record for us.
    pub topic: String,
    /// Where the Agent is reached while it has not told it.
    pub agent_topic: Option<String>,
    /// Versions that are taken; for a broker of its own.
    pub versions: Vec<MqttVersion>,
    /// User Name and Password that a client must bring; for a broker of its own.
    pub credentials: Option<(String, String)>,
    /// Largest Record taken, in octets.
    pub max_record: usize,
    /// Connections that are served at a time; for a broker of its own.
    pub max_connections: usize,
    /// What the broker does; for a broker of its own.
    pub behaviour: MqttBehaviour,
}

impl MqttFarConfig {
    /// A far side that conforms, takes both versions and every client.
    pub fn new(place: MqttPlace, endpoint_id: impl Into<String>, topic: impl Into<String>) -> Self {
        Self {
            place,
            endpoint_id: endpoint_id.into(),
            topic: topic.into(),
            agent_topic: None,
            versions: vec![MqttVersion::V311, MqttVersion::V5],
            credentials: None,
            max_record: DEFAULT_MAX_RECORD,
            max_connections: MAX_CONNECTIONS,
            behaviour: MqttBehaviour::default(),
        }
    }
}

/// The far side of the MQTT MTP.
#[derive(Debug)]
pub struct MqttFarSide;

impl MqttFarSide {
    /// Starts it. A broker of its own listens when this returns; in a shared one, sessions that are open already are reported at once.
    ///
    /// Everything that happens goes to `events`, a channel of [`crate::event::EVENT_QUEUE`] places, which must be read at all times. A
    /// Controller in a shared broker gets the sessions' `Open` and `Closed` and its own Records; everything else goes to the first one.
    ///
    /// # Errors
    /// Whatever can be known beforehand: a port in use, unusable TLS material, a topic that is none. Nothing runs then.
    pub async fn start(
        config: MqttFarConfig,
        network: Arc<dyn Network>,
        events: mpsc::Sender<MtpEvent>,
    ) -> Result<MqttHandle, MtpError> {
        if let Err(wrong) = super::topic::check_name(&config.topic) {
            return Err(MtpError::Config(format!("\"{}\" is no MQTT topic: {wrong}", config.topic)));
        }
        let sink = Sink::Whole(events, Budget::default());
        match config.place {
            MqttPlace::Shared(handle) => handle.share(config.topic, config.agent_topic, sink).await,
            MqttPlace::Broker { address, tls } => {
                let broker = BrokerConfig {
                    versions: config.versions,
                    credentials: config.credentials,
                    max_record: config.max_record,
                    topic: config.topic,
                    agent_topic: config.agent_topic,
                };
                let start = end::Start {
                    address,
                    network,
                    sink,
                    behaviour: config.behaviour,
                    max_connections: config.max_connections,
                };
                end::start_broker(start, broker, tls).await
            }
        }
    }
}
