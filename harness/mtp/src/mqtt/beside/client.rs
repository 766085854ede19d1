//! rumqttc in either version.

use std::time::Duration;

use bytes::Bytes;
use rumqttc::v5;

use super::BesideConfig;
use crate::mqtt::packet::Properties;
use crate::mqtt::packet::PropertyId;
use crate::mqtt::{ENDPOINT_ID, MqttVersion, PACKET_EXTRA};

/// Messages that may wait for rumqttc.
const QUEUE: usize = 16;

/// Longest time between two packets of ours.
const KEEP_ALIVE: Duration = Duration::from_secs(60);

/// Where it connects to: our end of the loopback stream.
const LOOPBACK: &str = "127.0.0.1";

/// What is told to rumqttc.
pub(super) enum Client {
    V311(rumqttc::AsyncClient),
    V5(v5::AsyncClient),
}

/// What makes rumqttc work.
pub(super) enum Driver {
    V311(Box<rumqttc::EventLoop>),
    V5(Box<v5::EventLoop>),
}

/// Prepares a client that connects to that port and subscribes to the Controller's topic.
pub(super) async fn start(config: &BesideConfig, port: u16) -> (Client, Driver) {
    let size = config.max_record.saturating_add(PACKET_EXTRA);
    // Each Controller of ours needs an identifier of its own, and the same one every time.
    let id = format!("uspec-{}", config.topic.replace('/', "-"));
    match config.version {
        MqttVersion::V311 => {
            let mut options = rumqttc::MqttOptions::new(id, LOOPBACK, port);
            options.set_keep_alive(KEEP_ALIVE).set_max_packet_size(size, size);
            if let Some((name, word)) = &config.credentials {
                options.set_credentials(name, word);
            }
            let (client, events) = rumqttc::AsyncClient::new(options, QUEUE);
            // What is published to us has a reply-to behind its topic (R-MQTT.24). The queue is empty, so that there is room.
            let _ = client.subscribe(format!("{}/#", config.topic), rumqttc::QoS::AtLeastOnce).await;
            (Client::V311(client), Driver::V311(Box::new(events)))
        }
        MqttVersion::V5 => {
            let mut options = v5::MqttOptions::new(id, LOOPBACK, port);
            options.set_keep_alive(KEEP_ALIVE).set_max_packet_size(u32::try_from(size).ok());
            options.set_user_properties(vec![(ENDPOINT_ID.to_owned(), config.endpoint_id.clone())]);
            if let Some((name, word)) = &config.credentials {
                options.set_credentials(name, word);
            }
            let (client, events) = v5::AsyncClient::new(options, QUEUE);
            let _ = client.subscribe(&config.topic, v5::mqttbytes::QoS::AtLeastOnce).await;
            (Client::V5(client), Driver::V5(Box::new(events)))
        }
    }
}

impl Driver {
    /// Works until it cannot go on, and says why.
    pub(super) async fn drive(self) -> String {
        match self {
            Self::V311(mut events) => loop {
                if let Err(error) = events.poll().await {
                    return error.to_string();
                }
            },
            Self::V5(mut events) => loop {
                if let Err(error) = events.poll().await {
                    return error.to_string();
                }
            },
        }
    }
}

impl Client {
    /// Publishes; false if rumqttc is gone.
    pub(super) async fn publish(
        &self,
        topic: &str,
        qos: u8,
        retain: bool,
        properties: &Properties,
        bytes: Bytes,
    ) -> bool {
        match self {
            Self::V311(client) => {
                let qos = match qos {
                    0 => rumqttc::QoS::AtMostOnce,
                    1 => rumqttc::QoS::AtLeastOnce,
                    _ => rumqttc::QoS::ExactlyOnce,
                };
                client.publish_bytes(topic, qos, retain, bytes).await.is_ok()
            }
            Self::V5(client) => {
                let qos = match qos {
                    0 => v5::mqttbytes::QoS::AtMostOnce,
                    1 => v5::mqttbytes::QoS::AtLeastOnce,
                    _ => v5::mqttbytes::QoS::ExactlyOnce,
                };
                let properties = v5::mqttbytes::v5::PublishProperties {
                    content_type: properties.text(PropertyId::ContentType).map(str::to_owned),
                    response_topic: properties.text(PropertyId::ResponseTopic).map(str::to_owned),
                    ..Default::default()
                };
                client.publish_bytes_with_properties(topic, qos, retain, bytes, properties).await.is_ok()
            }
        }
    }

    /// Says farewell to the broker.
    pub(super) async fn disconnect(&self) {
        // It may be gone already.
        let _ = match self {
            Self::V311(client) => client.disconnect().await.is_ok(),
            Self::V5(client) => client.disconnect().await.is_ok(),
        };
    }
}
