//! Where the second Controller is, beside the first one: at an address of its own, or on the same broker.

use uspec_mtp::{
    FarConfig, Handle, MtpError,
    mqtt::{MqttFarConfig, MqttPlace},
    network::{Address, Network},
    stomp::{StompFarConfig, StompPlace},
    tls::{TlsClient, TlsMaterial, TlsServer},
    uds::{UdsFarConfig, UdsRole},
    websocket::{WsFarConfig, WsRole},
};

/// What the second Controller's topic, destination or socket file has behind the first one's.
const SUFFIX: &str = "-second";

/// The address of a WebSocket server that would be the second Controller's, where the first one connects.
const LOOPBACK: &str = "127.0.0.1";

/// Where the second Controller is.
#[derive(Debug)]
pub(super) enum Place {
    /// At a WebSocket server of its own, or at the other end of a connection of its own to the EUT.
    WebSocket {
        /// The first one's end, after which its own is made.
        far: WsFarConfig,
        /// Where it listens, with the real port.
        address: Address,
    },
    /// On the first one's MQTT broker.
    Mqtt {
        /// The first one's end.
        far: MqttFarConfig,
        /// Its own topic.
        topic: String,
    },
    /// On the first one's STOMP server.
    Stomp {
        /// The first one's end.
        far: StompFarConfig,
        /// Its own destination.
        destination: String,
    },
    /// At a socket of its own, or at the other end of a connection of its own to the EUT's.
    Uds {
        /// The first one's end.
        far: UdsFarConfig,
        /// The path of its own socket's file, or of the EUT's.
        path: String,
    },
}

impl Place {
    /// A place beside the first Controller's, which nobody has.
    ///
    /// # Errors
    /// No port is free.
    pub(super) async fn beside(first: &FarConfig, port: u16, network: &dyn Network) -> Result<Self, MtpError> {
        Ok(match first.clone() {
            FarConfig::WebSocket(far) => {
                let host = match &far.role {
                    WsRole::Listen { address, .. } => address.host(),
                    WsRole::Connect { .. } => LOOPBACK,
                };
                let address = reserve(network, Address::tcp(host, port)).await?;
                Self::WebSocket { far, address }
            }
            FarConfig::Mqtt(far) => Self::Mqtt { topic: format!("{}{SUFFIX}", far.topic), far },
            FarConfig::Stomp(far) => Self::Stomp { destination: format!("{}{SUFFIX}", far.destination), far },
            FarConfig::Uds(far) => {
                let path = match &far.role {
                    UdsRole::Listen { path } => format!("{path}{SUFFIX}"),
                    UdsRole::Connect { path } => path.clone(),
                };
                Self::Uds { far, path }
            }
        })
    }

    /// What its end is started with.
    pub(super) fn far(&self, endpoint_id: &str, material: Option<TlsMaterial>, first: &Handle) -> Option<FarConfig> {
        Some(match (self, first) {
            (Self::WebSocket { far, address }, _) => {
                let mut its = WsFarConfig::new(web_socket(far, address, material), endpoint_id);
                its.max_record = far.max_record;
                FarConfig::WebSocket(its)
            }
            (Self::Mqtt { far, topic }, Handle::Mqtt(first)) => FarConfig::Mqtt(MqttFarConfig {
                place: MqttPlace::Shared(first.clone()),
                endpoint_id: endpoint_id.to_owned(),
                topic: topic.clone(),
                ..far.clone()
            }),
            (Self::Stomp { far, destination }, Handle::Stomp(first)) => FarConfig::Stomp(StompFarConfig {
                place: StompPlace::Shared(first.clone()),
                endpoint_id: endpoint_id.to_owned(),
                destination: destination.clone(),
                ..far.clone()
            }),
            (Self::Uds { far, path }, _) => {
                let role = match far.role {
                    UdsRole::Listen { .. } => UdsRole::Listen { path: path.clone() },
                    UdsRole::Connect { .. } => UdsRole::Connect { path: path.clone() },
                };
                let mut its = UdsFarConfig::new(role, endpoint_id);
                its.max_record = far.max_record;
                FarConfig::Uds(its)
            }
            (Self::Mqtt { .. } | Self::Stomp { .. }, _) => return None,
        })
    }

    /// Where the first Controller, or its broker, listens.
    pub(super) fn listens_at(&self) -> Option<&Address> {
        match self {
            Self::WebSocket { far, .. } => match &far.role {
                WsRole::Listen { address, .. } => Some(address),
                WsRole::Connect { .. } => None,
            },
            Self::Mqtt { far, .. } => match &far.place {
                MqttPlace::Broker { address, .. } => Some(address),
                _ => None,
            },
            Self::Stomp { far, .. } => match &far.place {
                StompPlace::Broker { address, .. } => Some(address),
                _ => None,
            },
            Self::Uds { .. } => None,
        }
    }

    /// The port at which the second Controller listens; 0 for an MTP without ports of its own.
    pub(super) fn port(&self) -> u16 {
        match self {
            Self::WebSocket { address, .. } => address.port(),
            Self::Mqtt { .. } | Self::Stomp { .. } | Self::Uds { .. } => 0,
        }
    }

    /// The path of its WebSocket, or of its socket's file.
    pub(super) fn path(&self) -> &str {
        match self {
            Self::WebSocket { far, .. } => match &far.role {
                WsRole::Listen { path, .. } | WsRole::Connect { path, .. } => path,
            },
            Self::Uds { path, .. } => path,
            Self::Mqtt { .. } | Self::Stomp { .. } => "",
        }
    }

    /// Its topic or destination, over a broker.
    pub(super) fn topic(&self) -> Option<&str> {
        match self {
            Self::Mqtt { topic, .. } => Some(topic),
            Self::Stomp { destination, .. } => Some(destination),
            Self::WebSocket { .. } | Self::Uds { .. } => None,
        }
    }

    /// Whether it opens its connection itself.
    pub(super) fn connects(&self) -> bool {
        match self {
            Self::WebSocket { far, .. } => matches!(far.role, WsRole::Connect { .. }),
            Self::Uds { far, .. } => matches!(far.role, UdsRole::Connect { .. }),
            Self::Mqtt { .. } | Self::Stomp { .. } => false,
        }
    }

    /// The port at which the EUT listens, where we connect.
    pub(super) fn called_port(&self) -> Option<u16> {
        match self {
            Self::WebSocket { far, .. } => match &far.role {
                WsRole::Connect { address, .. } => Some(address.port()),
                WsRole::Listen { .. } => None,
            },
            Self::Mqtt { .. } | Self::Stomp { .. } | Self::Uds { .. } => None,
        }
    }

    /// The first Controller's own certificate, or its broker's.
    pub(super) fn identity(&self) -> Option<&TlsMaterial> {
        match self {
            Self::WebSocket { far, .. } => match &far.role {
                WsRole::Listen { tls, .. } => tls.as_ref().map(|tls| &tls.material),
                WsRole::Connect { tls, .. } => tls.as_ref().map(|tls| &tls.material),
            },
            Self::Mqtt { far, .. } => match &far.place {
                MqttPlace::Broker { tls, .. } => tls.as_ref().map(|tls| &tls.material),
                _ => None,
            },
            Self::Stomp { far, .. } => match &far.place {
                StompPlace::Broker { tls, .. } => tls.as_ref().map(|tls| &tls.material),
                _ => None,
            },
            Self::Uds { .. } => None,
        }
    }
}

/// The first Controller's role at the second one's address, with the second one's certificate.
fn web_socket(far: &WsFarConfig, at: &Address, material: Option<TlsMaterial>) -> WsRole {
    match far.role.clone() {
        WsRole::Listen { path, tls, .. } => WsRole::Listen {
            address: at.clone(),
            path,
            tls: tls.zip(material).map(|(tls, material)| TlsServer { material, ..tls }),
        },
        WsRole::Connect { address, path, host, tls } => WsRole::Connect {
            address,
            path,
            host,
            tls: tls.zip(material).map(|(tls, material)| TlsClient { material, ..tls }),
        },
    }
}

/// A real port in the place of 0: it is free at this moment, and asked for again when the second Controller begins.
async fn reserve(network: &dyn Network, address: Address) -> Result<Address, MtpError> {
    if address.port() != 0 {
        return Ok(address);
    }
    Ok(network.listen(&address).await?.address())
}
