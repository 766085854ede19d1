//! What the tests share: ends that are started with one call, events that are waited for, and a peer that speaks octets.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uspec_mtp::event::{
    AgentHappening, AgentMtpEvent, Closing, Direction, EVENT_QUEUE, Failure, FrameSeen, MtpEvent, MtpHappening,
};
use uspec_mtp::network::{Address, BoxStream, MemoryNetwork, Network};
use uspec_mtp::websocket::{WsAgentConfig, WsAgentEnd, WsFarConfig, WsFarSide, WsHandle, WsRole};

pub(crate) const CONTROLLER: &str = "self::controller";
pub(crate) const AGENT: &str = "os::012345-agent";
pub(crate) const PATH: &str = "/usp";

/// Longer than any wait inside the ends but the long retries; under a paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(3 * 3600);

pub(crate) fn address() -> Address {
    Address::tcp("controller", 8080)
}

pub(crate) fn listen() -> WsRole {
    WsRole::Listen { address: address(), path: PATH.to_owned(), tls: None }
}

pub(crate) fn connect() -> WsRole {
    WsRole::Connect { address: address(), path: PATH.to_owned(), host: None, tls: None }
}

pub(crate) struct Far {
    pub(crate) handle: WsHandle,
    events: mpsc::Receiver<MtpEvent>,
    pub(crate) seen: Vec<MtpEvent>,
}

impl Far {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        role: WsRole,
        change: impl FnOnce(&mut WsFarConfig),
    ) -> Self {
        let mut config = WsFarConfig::new(role, CONTROLLER);
        change(&mut config);
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let handle = WsFarSide::start(config, Arc::new(network.clone()), sender).await.unwrap();
        Self { handle, events, seen: Vec::new() }
    }

    /// Reads events until one is wanted.
    pub(crate) async fn until<T>(&mut self, want: impl Fn(&MtpHappening) -> Option<T>) -> T {
        loop {
            let event = match timeout(PATIENCE, self.events.recv()).await {
                Ok(Some(event)) => event,
                other => panic!("waited in vain ({other:?}); seen: {:#?}", self.seen),
            };
            let found = want(&event.what);
            // A copy: what is kept must not count against the budget of events that wait.
            self.seen.push(event.clone());
            if let Some(found) = found {
                return found;
            }
        }
    }

    pub(crate) async fn opened(&mut self) -> uspec_mtp::event::OpenSession {
        self.until(|what| match what {
            MtpHappening::Open(open) => Some(open.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn record(&mut self) -> (Vec<u8>, u32) {
        self.until(|what| match what {
            MtpHappening::Record { direction: Direction::Received, bytes, frames, .. } => {
                Some((bytes.to_vec(), *frames))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn frame(&mut self, direction: Direction) -> FrameSeen {
        self.until(|what| match what {
            MtpHappening::Frame { direction: seen, frame } if *seen == direction => Some(frame.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn failure(&mut self) -> Failure {
        self.until(|what| match what {
            MtpHappening::Failed(failure) => Some(failure.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&mut self) -> Closing {
        self.until(|what| match what {
            MtpHappening::Closed(closing) => Some(closing.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn ended(&mut self) -> uspec_mtp::event::EndedBy {
        self.until(|what| match what {
            MtpHappening::StreamEnded { by } => Some(*by),
            _ => None,
        })
        .await
    }

    /// The octet log of one direction so far.
    pub(crate) fn octets(&self, direction: Direction) -> Vec<u8> {
        let chunks = self.seen.iter().filter_map(|event| match &event.what {
            MtpHappening::Octets { direction: seen, bytes } if *seen == direction => Some(bytes.to_vec()),
            _ => None,
        });
        chunks.collect::<Vec<_>>().concat()
    }
}

pub(crate) struct Agent {
    pub(crate) handle: WsHandle,
    pub(crate) events: mpsc::Receiver<AgentMtpEvent>,
}

impl Agent {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        role: WsRole,
        change: impl FnOnce(&mut WsAgentConfig),
    ) -> Self {
        let mut config = WsAgentConfig::new(role, AGENT);
        change(&mut config);
        let (handle, events) = WsAgentEnd::start(config, Arc::new(network.clone())).await.unwrap();
        Self { handle, events }
    }

    pub(crate) async fn next(&mut self) -> AgentMtpEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a running end")
    }

    pub(crate) async fn until<T>(&mut self, want: impl Fn(&AgentHappening) -> Option<T>) -> T {
        loop {
            if let Some(found) = want(&self.next().await.what) {
                return found;
            }
        }
    }

    pub(crate) async fn opened(&mut self) -> Option<String> {
        self.until(|what| match what {
            AgentHappening::Opened(open) => Some(open.peer_eid().map(str::to_owned)),
            _ => None,
        })
        .await
    }

    pub(crate) async fn record(&mut self) -> Vec<u8> {
        self.until(|what| match what {
            AgentHappening::Record { bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn failure(&mut self) -> Failure {
        self.until(|what| match what {
            AgentHappening::Failed(failure) => Some(failure.clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn closed(&mut self) -> Closing {
        self.until(|what| match what {
            AgentHappening::Closed(closing) => Some(closing.clone()),
            _ => None,
        })
        .await
    }
}

/// A far side that listens and an Agent that has connected to it.
pub(crate) async fn pair() -> (Far, Agent) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.opened().await;
    (far, agent)
}

/// A peer that speaks octets.
pub(crate) struct Raw(pub(crate) BoxStream);

impl Raw {
    /// Connects to the far side.
    pub(crate) async fn connect(network: &MemoryNetwork) -> Self {
        Self(network.connect(&address()).await.unwrap())
    }

    /// Connects to the far side and opens a session.
    pub(crate) async fn open(network: &MemoryNetwork) -> Self {
        let mut raw = Self::connect(network).await;
        raw.send(upgrade_request("/usp?eid=os::012345-agent").as_bytes()).await;
        let head = raw.head().await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
        raw
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
    }

    /// Reads the head of an HTTP message.
    pub(crate) async fn head(&mut self) -> String {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(self.0.read_u8().await.unwrap());
        }
        String::from_utf8(head).unwrap()
    }

    /// Reads that many octets.
    pub(crate) async fn octets(&mut self, count: usize) -> Vec<u8> {
        let mut octets = vec![0; count];
        self.0.read_exact(&mut octets).await.unwrap();
        octets
    }

    /// Reads everything until the stream ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.0.read_to_end(&mut octets).await.unwrap();
        octets
    }
}

pub(crate) fn upgrade_request(target: &str) -> String {
    format!(
        "GET {target} HTTP/1.1\r\nHost: controller\r\nUpgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: v1.usp\r\n\r\n"
    )
}

/// A client's frame with a mask of zeros: the payload stays readable.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    assert!(length < 126);
    [&[first, 0x80 | length, 0, 0, 0, 0], payload].concat()
}
