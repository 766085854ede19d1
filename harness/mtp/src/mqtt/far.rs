//! The far side: a broker with the Controllers built in.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::broker::BrokerConfig;
use super::end;
use super::{DEFAULT_MAX_RECORD, MqttBehaviour, MqttHandle, MqttVersion};
use crate::end::Retry;
use crate::error::MtpError;
use crate::event::{Budget, MtpEvent};
use crate::log::Sink;
use crate::network::{Address, Network};
use crate::tls::{TlsClient, TlsServer};

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
    /// Where another Controller is: in its broker, or in a further client of the broker that it is a client of.
    Shared(MqttHandle),
    /// In a client of a broker that is there already, over the real network.
    Beside {
        /// The broker's address.
        address: Address,
        /// TLS, if it is to be.
        tls: Option<TlsClient>,
        /// When it connects again.
        reconnect: Retry,
    },
}

impl MqttPlace {
    /// In a client of the broker at that address, without TLS, which connects again after a second.
    pub fn beside(address: Address) -> Self {
        Self::Beside { address, tls: None, reconnect: Retry::After(Duration::from_secs(1)) }
    }
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
    /// Versions that are taken; a client speaks the first of them.
    pub versions: Vec<MqttVersion>,
    /// User Name and Password: what a client of our broker must bring, or what we bring to the other one.
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
            versions: vec![MqttVersion::V5, MqttVersion::V311],
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
        let place = match config.place.clone() {
            MqttPlace::Shared(handle) => match handle.beside() {
                Some(place) => place,
                None => return handle.share(config.topic, config.agent_topic, sink).await,
            },
            place => place,
        };
        match place {
            MqttPlace::Broker { address, tls } => {
                let broker = BrokerConfig {
                    versions: config.versions,
                    credentials: config.credentials,
                    max_record: config.max_record,
                    topic: config.topic,
                    agent_topic: config.agent_topic,
                };
                let (behaviour, max_connections) = (config.behaviour, config.max_connections);
                let start = end::Start { address, network, sink, behaviour, max_connections };
                end::start_broker(start, broker, tls).await
            }
            MqttPlace::Beside { .. } => end::start_beside(place, config, network, sink),
            MqttPlace::Shared(_) => Err(MtpError::Config("a shared place of a shared place".to_owned())),
        }
    }
}
