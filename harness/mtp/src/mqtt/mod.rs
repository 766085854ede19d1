//! The MQTT MTP.

mod stub;

pub use self::stub::{MqttAgentConfig, MqttAgentEnd, MqttFarConfig, MqttFarSide, MqttHandle};
