//! The Agent's end of the MTP.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::end;
use super::{DEFAULT_MAX_RECORD, MqttBehaviour, MqttHandle, MqttVersion};
use crate::end::{Retry, RetryParameters};
use crate::error::MtpError;
use crate::event::{AgentMtpEvent, EVENT_QUEUE};
use crate::log::Sink;
use crate::network::{Address, Network};
use crate::tls::TlsClient;

/// The Keep Alive that TR-181 gives `MQTT.Client.{i}.KeepAliveTime` as its default, in seconds.
const KEEP_ALIVE: u16 = 60;

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct MqttAgentConfig {
    /// The broker's address.
    pub address: Address,
    /// TLS, if it is to be.
    pub tls: Option<TlsClient>,
    /// Version of MQTT.
    pub version: MqttVersion,
    /// Client Identifier (R-MQTT.8); without one an assigned one is used and kept (R-MQTT.9), in 3.1.1 the Endpoint ID.
    pub client_id: Option<String>,
    /// User Name (R-MQTT.7).
    pub username: Option<String>,
    /// Password (R-MQTT.7).
    pub password: Option<String>,
    /// Own Endpoint ID, the Agent's (R-MQTT.13).
    pub endpoint_id: String,
    /// Keep Alive in seconds (R-MQTT.14); 0 for none.
    pub keep_alive: u16,
    /// Begins with a new session (3.1.1: Clean Session).
    pub clean_start: bool,
    /// Asks for Response Information (R-MQTT.12).
    pub request_response_information: bool,
    /// Filters to subscribe to and the QoS wanted (R-MQTT.15).
    pub subscriptions: Vec<(String, u8)>,
    /// `ResponseTopicConfigured`: the own reply-to, unless the broker gives one (R-MQTT.15, R-MQTT.21).
    pub response_topic: Option<String>,
    /// The QoS of the Records that are published.
    pub publish_qos: u8,
    /// Largest Record taken, in octets.
    pub max_record: usize,
    /// When it connects again (R-MQTT.10).
    pub retry: Retry,
    /// What it does otherwise.
    pub behaviour: MqttBehaviour,
}

impl MqttAgentConfig {
    /// An Agent's end that conforms to TR-369, with the factory defaults of TR-181 and nothing to subscribe to.
    pub fn new(address: Address, version: MqttVersion, endpoint_id: impl Into<String>) -> Self {
        Self {
            address,
            tls: None,
            version,
            client_id: None,
            username: None,
            password: None,
            endpoint_id: endpoint_id.into(),
            keep_alive: KEEP_ALIVE,
            clean_start: true,
            request_response_information: true,
            subscriptions: Vec::new(),
            response_topic: None,
            publish_qos: 1,
            max_record: DEFAULT_MAX_RECORD,
            retry: Retry::agent(RetryParameters::default, 0),
            behaviour: MqttBehaviour::default(),
        }
    }
}

/// The Agent's end of the MQTT MTP.
#[derive(Debug)]
pub struct MqttAgentEnd;

impl MqttAgentEnd {
    /// Starts it, and gives back the events, which must be read at all times.
    ///
    /// `Opened` says where the Agent is reached (`reached_at`), the Client Identifier, which may be an assigned one (R-MQTT.9), what was
    /// granted, and Response Information (`told_by_server`). An end that must consider its MTP disabled (R-MQTT.16) reports
    /// [`crate::event::FailureKind::NothingSubscribed`] and connects again only when told to.
    ///
    /// # Errors
    /// Whatever can be known beforehand: unusable TLS material, a filter that is none. Nothing runs then.
    // Asynchronous like the other ends' although it has nothing to wait for.
    #[allow(clippy::unused_async)]
    pub async fn start(
        config: MqttAgentConfig,
        network: Arc<dyn Network>,
    ) -> Result<(MqttHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        for (filter, _) in &config.subscriptions {
            if let Err(wrong) = super::topic::check_filter(filter) {
                return Err(MtpError::Config(format!("\"{filter}\" is no MQTT topic filter: {wrong}")));
            }
        }
        let (events, receiver) = mpsc::channel(EVENT_QUEUE);
        let handle = end::start_client(config, network, Sink::Agent(events))?;
        Ok((handle, receiver))
    }
}
