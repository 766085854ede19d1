//! Any MTP: what can be said of each of them, whichever it is.
//!
//! A further MTP is one line in the list below: its name, its types, and what a person calls it.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use tokio::sync::mpsc;

use crate::error::MtpError;
use crate::event::{AgentMtpEvent, ConnectionId, MtpEvent};
use crate::mqtt::{MqttAgentConfig, MqttAgentEnd, MqttFarConfig, MqttFarSide, MqttHandle};
use crate::network::Network;
use crate::stomp::{StompAgentConfig, StompAgentEnd, StompFarConfig, StompFarSide, StompHandle};
use crate::tls::TlsMaterial;
use crate::uds::{UdsAgentConfig, UdsAgentEnd, UdsFarConfig, UdsFarSide, UdsHandle};
use crate::websocket::{WsAgentConfig, WsAgentEnd, WsFarConfig, WsFarSide, WsHandle};

/// Every MTP becomes a member of each enum, and every function goes to the member's own.
macro_rules! mtps {
    ($($(#[$doc:meta])* $name:ident = $words:literal: $far:ident, $far_side:ident, $agent:ident, $agent_end:ident, $handle:ident;)+) => {
        /// The MTPs of TR-369 that are built in.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum Mtp {
            $($(#[$doc])* $name,)+
        }

        impl fmt::Display for Mtp {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self { $(Self::$name => $words,)+ })
            }
        }

        /// What the far side of some MTP is started with.
        #[derive(Debug, Clone)]
        #[allow(clippy::large_enum_variant, reason = "there is one for each end, made once")]
        pub enum FarConfig {
            $($(#[$doc])* $name($far),)+
        }

        impl FarConfig {
            /// Which MTP it is for.
            pub fn mtp(&self) -> Mtp {
                match self { $(Self::$name(_) => Mtp::$name,)+ }
            }

            /// Starts the far side; everything that happens goes to `events`, which must be read at all times.
            ///
            /// # Errors
            /// Whatever can be known beforehand, such as a port in use. Nothing runs then.
            pub async fn start(self, network: Arc<dyn Network>, events: mpsc::Sender<MtpEvent>) -> Result<Handle, MtpError> {
                match self { $(Self::$name(config) => $far_side::start(config, network, events).await.map(Handle::$name),)+ }
            }
        }

        /// What the Agent's end of some MTP is started with.
        #[derive(Debug, Clone)]
        #[allow(clippy::large_enum_variant, reason = "there is one for each end, made once")]
        pub enum AgentConfig {
            $($(#[$doc])* $name($agent),)+
        }

        impl AgentConfig {
            /// Which MTP it is for.
            pub fn mtp(&self) -> Mtp {
                match self { $(Self::$name(_) => Mtp::$name,)+ }
            }

            /// Starts the Agent's end and gives back its events, which must be read at all times.
            ///
            /// # Errors
            /// Whatever can be known beforehand, such as a port in use. Nothing runs then.
            pub async fn start(self, network: Arc<dyn Network>) -> Result<(Handle, mpsc::Receiver<AgentMtpEvent>), MtpError> {
                match self {
                    $(Self::$name(config) => {
                        let (handle, events) = $agent_end::start(config, network).await?;
                        Ok((Handle::$name(handle), events))
                    })+
                }
            }
        }

        /// The handle of either end of some MTP. What only one MTP has is done on the handle inside.
        #[derive(Debug, Clone)]
        pub enum Handle {
            $($(#[$doc])* $name($handle),)+
        }

        impl Handle {
            /// Which MTP it is.
            pub fn mtp(&self) -> Mtp {
                match self { $(Self::$name(_) => Mtp::$name,)+ }
            }

            /// The same end; what is sent goes to that connection, or fails when it is not open any more.
            #[must_use]
            pub fn at(&self, connection: ConnectionId) -> Self {
                match self { $(Self::$name(handle) => Self::$name(handle.at(connection)),)+ }
            }

            /// Whether there is a session to send on.
            pub fn is_open(&self) -> bool {
                match self { $(Self::$name(handle) => handle.is_open(),)+ }
            }

            /// Sends a Record in the way that the MTP prescribes.
            ///
            /// # Errors
            /// [`MtpError::NotOpen`], [`MtpError::Lost`].
            pub async fn send_record(&self, record: impl Into<Bytes>) -> Result<(), MtpError> {
                match self { $(Self::$name(handle) => handle.send_record(record).await,)+ }
            }

            /// Breaks the connection below the MTP, as a network that fails does.
            ///
            /// # Errors
            /// [`MtpError::NotOpen`], [`MtpError::Lost`].
            pub async fn drop_connection(&self) -> Result<(), MtpError> {
                match self { $(Self::$name(handle) => handle.drop_connection().await,)+ }
            }

            /// Ends the connection below the MTP in order, without the MTP's own farewell, as a process that exits does.
            ///
            /// # Errors
            /// [`MtpError::NotOpen`], [`MtpError::Lost`].
            pub async fn hang_up(&self) -> Result<(), MtpError> {
                match self { $(Self::$name(handle) => handle.hang_up().await,)+ }
            }

            /// Shows another certificate in later connections; what is trusted stays.
            ///
            /// # Errors
            /// [`MtpError::Tls`]: the pair is not usable, or this end does not use TLS.
            pub fn set_identity(&self, identity: TlsMaterial) -> Result<(), MtpError> {
                match self { $(Self::$name(handle) => handle.set_identity(identity),)+ }
            }

            /// Closes every session in order, and stops listening or connecting.
            pub async fn disconnect(&self) {
                match self { $(Self::$name(handle) => handle.disconnect().await,)+ }
            }

            /// Listens again, or connects at once.
            pub fn reconnect(&self) {
                match self { $(Self::$name(handle) => handle.reconnect(),)+ }
            }

            /// Ends everything and waits for it.
            pub async fn shutdown(&self) {
                match self { $(Self::$name(handle) => handle.shutdown().await,)+ }
            }
        }
    };
}

mtps! {
    /// WebSocket.
    WebSocket = "WebSocket": WsFarConfig, WsFarSide, WsAgentConfig, WsAgentEnd, WsHandle;
    /// MQTT 3.1.1 and 5.0.
    Mqtt = "MQTT": MqttFarConfig, MqttFarSide, MqttAgentConfig, MqttAgentEnd, MqttHandle;
    /// STOMP 1.2.
    Stomp = "STOMP": StompFarConfig, StompFarSide, StompAgentConfig, StompAgentEnd, StompHandle;
    /// UNIX domain sockets.
    Uds = "UDS": UdsFarConfig, UdsFarSide, UdsAgentConfig, UdsAgentEnd, UdsHandle;
}
