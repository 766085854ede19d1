//! Any MTP: what can be said of each of them, whichever it is.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::error::MtpError;
use crate::event::{AgentMtpEvent, ConnectionId, MtpEvent};
use crate::network::Network;
use crate::tls::TlsMaterial;
use crate::websocket::{WsAgentConfig, WsAgentEnd, WsFarConfig, WsFarSide, WsHandle};

/// The MTPs of TR-369 that are built in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Mtp {
    /// WebSocket, with or without TLS.
    WebSocket,
}

impl fmt::Display for Mtp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::WebSocket => f.write_str("WebSocket"),
        }
    }
}

/// What the far side of some MTP is started with.
#[derive(Debug, Clone)]
pub enum FarConfig {
    /// Of WebSocket.
    WebSocket(WsFarConfig),
}

impl FarConfig {
    /// Which MTP it is for.
    pub fn mtp(&self) -> Mtp {
        match self {
            Self::WebSocket(_) => Mtp::WebSocket,
        }
    }

    /// Starts the far side; everything that happens goes to `events`, which must be read at all times.
    ///
    /// # Errors
    /// Whatever can be known beforehand, such as a port in use. Nothing runs then.
    pub async fn start(self, network: Arc<dyn Network>, events: mpsc::Sender<MtpEvent>) -> Result<Handle, MtpError> {
        match self {
            Self::WebSocket(config) => WsFarSide::start(config, network, events).await.map(Handle::WebSocket),
        }
    }
}

/// What the Agent's end of some MTP is started with.
#[derive(Debug, Clone)]
pub enum AgentConfig {
    /// Of WebSocket.
    WebSocket(WsAgentConfig),
}

impl AgentConfig {
    /// Which MTP it is for.
    pub fn mtp(&self) -> Mtp {
        match self {
            Self::WebSocket(_) => Mtp::WebSocket,
        }
    }

    /// Starts the Agent's end and gives back its events, which must be read at all times.
    ///
    /// # Errors
    /// Whatever can be known beforehand, such as a port in use. Nothing runs then.
    pub async fn start(self, network: Arc<dyn Network>) -> Result<(Handle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
        match self {
            Self::WebSocket(config) => {
                let (handle, events) = WsAgentEnd::start(config, network).await?;
                Ok((Handle::WebSocket(handle), events))
            }
        }
    }
}

/// The handle of either end of some MTP. What only one MTP has is done on the handle inside.
#[derive(Debug, Clone)]
pub enum Handle {
    /// Of WebSocket.
    WebSocket(WsHandle),
}

impl Handle {
    /// Which MTP it is.
    pub fn mtp(&self) -> Mtp {
        match self {
            Self::WebSocket(_) => Mtp::WebSocket,
        }
    }

    /// The same end; what is sent goes to that connection, or fails when it is not open any more.
    #[must_use]
    pub fn at(&self, connection: ConnectionId) -> Self {
        match self {
            Self::WebSocket(handle) => Self::WebSocket(handle.at(connection)),
        }
    }

    /// Whether there is a session to send on.
    pub fn is_open(&self) -> bool {
        match self {
            Self::WebSocket(handle) => handle.is_open(),
        }
    }

    /// Sends a Record in the way that the MTP prescribes.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`].
    pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
        match self {
            Self::WebSocket(handle) => handle.send_record(record).await,
        }
    }

    /// Breaks the connection below the MTP, as a network that fails does.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`].
    pub async fn drop_connection(&self) -> Result<(), MtpError> {
        match self {
            Self::WebSocket(handle) => handle.drop_connection().await,
        }
    }

    /// Ends the connection below the MTP in order, without the MTP's own farewell, as a process that exits does.
    ///
    /// # Errors
    /// [`MtpError::NotOpen`], [`MtpError::Lost`].
    pub async fn hang_up(&self) -> Result<(), MtpError> {
        match self {
            Self::WebSocket(handle) => handle.hang_up().await,
        }
    }

    /// Shows another certificate in later connections; what is trusted stays.
    ///
    /// # Errors
    /// [`MtpError::Tls`]: the pair is not usable, or this end does not use TLS.
    pub fn set_identity(&self, identity: TlsMaterial) -> Result<(), MtpError> {
        match self {
            Self::WebSocket(handle) => handle.set_identity(identity),
        }
    }

    /// Closes every session in order, and stops listening or connecting.
    pub async fn disconnect(&self) {
        match self {
            Self::WebSocket(handle) => handle.disconnect().await,
        }
    }

    /// Listens again, or connects at once.
    pub fn reconnect(&self) {
        match self {
            Self::WebSocket(handle) => handle.reconnect(),
        }
    }

    /// Ends everything and waits for it.
    pub async fn shutdown(&self) {
        match self {
            Self::WebSocket(handle) => handle.shutdown().await,
        }
    }
}
