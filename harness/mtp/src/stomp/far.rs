//! The far side: what plays the Controller's end of the MTP towards an Agent under test.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use super::{DEFAULT_MAX_CLIENTS, DEFAULT_MAX_RECORD, Login, StompBehaviour, StompHandle, end};
use crate::end::Retry;
use crate::error::MtpError;
use crate::event::{Budget, MtpEvent};
use crate::log::Sink;
use crate::network::{Address, Network};
use crate::tls::{TlsClient, TlsServer};

/// Where a Controller is.
#[derive(Debug, Clone)]
pub enum StompPlace {
    /// It is built into a STOMP server of our own.
    Broker {
        /// Where the server listens; port 0 for any free one.
        address: Address,
        /// TLS, if it is to be.
        tls: Option<TlsServer>,
    },
    /// It is a further Controller on the server of that handle. It is told when a session can be used, of the Records to its own destination, and when
    /// such a session has ended. What it does to a connection it does to everybody's.
    Shared(StompHandle),
    /// It is a client of a STOMP server that is there already.
    Beside {
        /// The server's address.
        address: Address,
        /// TLS, if it is to be.
        tls: Option<TlsClient>,
        /// The `host` header; the address's host if absent.
        virtual_host: Option<String>,
        /// How often heart-beats can be sent, and how often they are wanted, in milliseconds; none offers none.
        heart_beat: Option<(u32, u32)>,
        /// When it connects again.
        reconnect: Retry,
    },
}

/// What a far side is started with.
#[derive(Debug, Clone)]
pub struct StompFarConfig {
    /// Where the Controller is.
    pub place: StompPlace,
    /// Own Endpoint ID, the Controller's.
    pub endpoint_id: String,
    /// The Controller's own destination.
    pub destination: String,
    /// Where the Agent is reached as long as nothing better is known: neither a `reply-to-dest` of it nor a subscription.
    pub agent_destination: Option<String>,
    /// As server: what every client must log in with; none lets everybody in. As client: what we log in with.
    pub login: Option<Login>,
    /// Largest Record, and largest body, taken, in octets.
    pub max_record: usize,
    /// As server: clients that are served at a time.
    pub max_clients: usize,
    /// What it does.
    pub behaviour: StompBehaviour,
}

impl StompFarConfig {
    /// A Controller that conforms to TR-369, with a server of its own that lets everybody in.
    pub fn new(place: StompPlace, endpoint_id: impl Into<String>, destination: impl Into<String>) -> Self {
        Self {
            place,
            endpoint_id: endpoint_id.into(),
            destination: destination.into(),
            agent_destination: None,
            login: None,
            max_record: DEFAULT_MAX_RECORD,
            max_clients: DEFAULT_MAX_CLIENTS,
            behaviour: StompBehaviour::default(),
        }
    }
}

impl StompPlace {
    /// A server in clear text.
    pub fn broker(address: Address) -> Self {
        Self::Broker { address, tls: None }
    }

    /// A client of a server in clear text, without heart-beats, that connects again after a second.
    pub fn beside(address: Address) -> Self {
        let reconnect = Retry::After(Duration::from_secs(1));
        Self::Beside { address, tls: None, virtual_host: None, heart_beat: None, reconnect }
    }
}

/// The far side of the STOMP MTP.
#[derive(Debug)]
pub struct StompFarSide;

impl StompFarSide {
    /// Starts it. As server it listens when this returns; as client it is about to connect.
    ///
    /// Everything that happens goes to `events`, a channel of [`crate::event::EVENT_QUEUE`] places, which must be read at all times.
    /// Events that wait or are kept hold at most [`crate::event::EVENT_OCTETS`] octets together.
    ///
    /// # Errors
    /// Whatever can be known beforehand: a port in use, unusable TLS material, a handle to share that is no server's. Nothing runs then.
    pub async fn start(
        config: StompFarConfig,
        network: Arc<dyn Network>,
        events: mpsc::Sender<MtpEvent>,
    ) -> Result<StompHandle, MtpError> {
        let sink = Sink::Whole(events, Budget::default());
        if config.destination.is_empty() {
            return Err(MtpError::Config("a Controller needs a destination of its own".to_owned()));
        }
        match config.place.clone() {
            StompPlace::Broker { address, tls } => end::serve(config, address, tls, network, sink).await,
            StompPlace::Shared(host) => host.invite(config.destination, sink),
            StompPlace::Beside { .. } => end::attend(config, network, sink),
        }
    }
}
