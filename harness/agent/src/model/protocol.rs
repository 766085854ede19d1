//! The MTPs that an Agent may have, as the data model names them.

use std::collections::BTreeSet;
use std::fmt;

/// An MTP, by the value that it has in `Protocol` and `SupportedProtocols`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
pub enum Protocol {
    /// WebSocket.
    WebSocket,
    /// STOMP 1.2.
    #[serde(rename = "STOMP")]
    Stomp,
    /// MQTT 3.1.1 and 5.0.
    #[serde(rename = "MQTT")]
    Mqtt,
    /// UNIX domain sockets.
    #[serde(rename = "UDS")]
    Uds,
}

/// The MTPs of an Agent.
pub type Protocols = BTreeSet<Protocol>;

impl Protocol {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::WebSocket, Self::Stomp, Self::Mqtt, Self::Uds];

    /// The name: a value of `Protocol`, and the last name of the Objects that describe its ends.
    pub const fn name(self) -> &'static str {
        match self {
            Self::WebSocket => "WebSocket",
            Self::Stomp => "STOMP",
            Self::Mqtt => "MQTT",
            Self::Uds => "UDS",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
