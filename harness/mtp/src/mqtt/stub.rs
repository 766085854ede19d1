//! Stands where the MQTT MTP is being built.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::MtpError;
use crate::event::{AgentMtpEvent, ConnectionId, MtpEvent};
use crate::network::Network;
use crate::tls::TlsMaterial;

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct MqttFarConfig;

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct MqttAgentConfig;

/// The far side.
#[derive(Debug)]
pub struct MqttFarSide;

/// The Agent's end.
#[derive(Debug)]
pub struct MqttAgentEnd;

/// A handle.
#[derive(Debug, Clone)]
pub struct MqttHandle;

#[allow(clippy::unused_async, missing_docs)]
impl MqttFarSide {
    pub async fn start(
        _: MqttFarConfig,
        _: Arc<dyn Network>,
        _: mpsc::Sender<MtpEvent>,
    ) -> Result<MqttHandle, MtpError> {
        Err(MtpError::Stopped)
    }
}

#[allow(clippy::unused_async, missing_docs)]
impl MqttAgentEnd {
    pub async fn start(
        _: MqttAgentConfig,
        _: Arc<dyn Network>,
    ) -> Result<(MqttHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        Err(MtpError::Stopped)
    }
}

#[allow(clippy::unused_async, missing_docs, clippy::unused_self)]
impl MqttHandle {
    #[must_use]
    pub fn at(&self, _: ConnectionId) -> Self {
        self.clone()
    }
    pub fn is_open(&self) -> bool {
        false
    }
    pub async fn send_record(&self, _: impl Into<Bytes>) -> Result<(), MtpError> {
        Err(MtpError::NotOpen)
    }
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        Err(MtpError::NotOpen)
    }
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        Err(MtpError::NotOpen)
    }
    pub fn set_identity(&self, _: TlsMaterial) -> Result<(), MtpError> {
        Err(MtpError::NotOpen)
    }
    pub async fn disconnect(&self) {}
    pub fn reconnect(&self) {}
    pub async fn shutdown(&self) {}
}
