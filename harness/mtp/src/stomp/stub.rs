//! Stands where the STOMP MTP is being built.

use std::sync::Arc;

use bytes::Bytes;
use tokio::sync::mpsc;

use crate::error::MtpError;
use crate::event::{AgentMtpEvent, ConnectionId, MtpEvent};
use crate::network::Network;
use crate::tls::TlsMaterial;

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct StompFarConfig;

/// What an Agent's end is started with.
#[derive(Debug, Clone)]
pub struct StompAgentConfig;

/// The far side.
#[derive(Debug)]
pub struct StompFarSide;

/// The Agent's end.
#[derive(Debug)]
pub struct StompAgentEnd;

/// A handle.
#[derive(Debug, Clone)]
pub struct StompHandle;

#[allow(clippy::unused_async, missing_docs)]
impl StompFarSide {
    pub async fn start(
        _: StompFarConfig,
        _: Arc<dyn Network>,
        _: mpsc::Sender<MtpEvent>,
    ) -> Result<StompHandle, MtpError> {
        Err(MtpError::Stopped)
    }
}

#[allow(clippy::unused_async, missing_docs)]
impl StompAgentEnd {
    pub async fn start(
        _: StompAgentConfig,
        _: Arc<dyn Network>,
    ) -> Result<(StompHandle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        Err(MtpError::Stopped)
    }
}

#[allow(clippy::unused_async, missing_docs, clippy::unused_self)]
impl StompHandle {
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
