//! What the tests share: ends that are started with one call, events that are waited for, and a peer that speaks octets.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uspec_mtp::event::{
    AgentHappening, AgentMtpEvent, Closing, ConnectionId, Direction, EVENT_QUEUE, EndedBy, Failure, MtpEvent,
    MtpHappening, OpenSession, PacketSeen,
};
use uspec_mtp::network::{Address, BoxStream, Listener, MemoryNetwork, Network};
use uspec_mtp::uds::{UdsAgentConfig, UdsAgentEnd, UdsFarConfig, UdsFarSide, UdsHandle, UdsRole};

pub(crate) const CONTROLLER: &str = "self::controller";
pub(crate) const AGENT: &str = "os::012345-agent";
pub(crate) const PATH: &str = "/run/usp.sock";

/// Longer than any wait inside the ends; under a paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) fn address() -> Address {
    Address::unix(PATH)
}

pub(crate) fn listen() -> UdsRole {
    UdsRole::Listen { path: PATH.to_owned() }
}

pub(crate) fn connect() -> UdsRole {
    UdsRole::Connect { path: PATH.to_owned() }
}

/// One frame with one TLV.
pub(crate) fn frame(kind: u8, value: &[u8]) -> Vec<u8> {
    frame_of(&[(kind, value)])
}

/// One frame, written without the crate's own code.
pub(crate) fn frame_of(tlvs: &[(u8, &[u8])]) -> Vec<u8> {
    let length = |length: usize| u32::try_from(length).unwrap().to_be_bytes();
    let body: Vec<u8> =
        tlvs.iter().flat_map(|(kind, value)| [&[*kind], &length(value.len())[..], value].concat()).collect();
    [b"_USP", &length(body.len())[..], &body].concat()
}

pub(crate) struct Far {
    pub(crate) handle: UdsHandle,
    events: mpsc::Receiver<MtpEvent>,
    pub(crate) seen: Vec<MtpEvent>,
}

impl Far {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        role: UdsRole,
        change: impl FnOnce(&mut UdsFarConfig),
    ) -> Self {
        let mut config = UdsFarConfig::new(role, CONTROLLER);
        change(&mut config);
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let handle = UdsFarSide::start(config, Arc::new(network.clone()), sender).await.unwrap();
        Self { handle, events, seen: Vec::new() }
    }

    /// Reads the next event.
    pub(crate) async fn next(&mut self) -> MtpEvent {
        match timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(event)) => {
                // A copy: what is kept must not count against the budget of events that wait.
                self.seen.push(event.clone());
                event
            }
            other => panic!("waited in vain ({other:?}); seen: {:#?}", self.seen),
        }
    }

    /// Reads events until one is wanted.
    pub(crate) async fn until<T>(&mut self, want: impl Fn(&MtpHappening) -> Option<T>) -> T {
        loop {
            if let Some(found) = want(&self.next().await.what) {
                return found;
            }
        }
    }

    pub(crate) async fn opened(&mut self) -> (ConnectionId, OpenSession) {
        loop {
            let event = self.next().await;
            if let MtpHappening::Open(open) = event.what {
                return (event.connection, open);
            }
        }
    }

    pub(crate) async fn record(&mut self) -> Vec<u8> {
        self.until(|what| match what {
            MtpHappening::Record { direction: Direction::Received, bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn packet(&mut self, direction: Direction) -> PacketSeen {
        self.until(|what| match what {
            MtpHappening::Packet { direction: seen, packet } if *seen == direction => Some(packet.clone()),
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

    pub(crate) async fn ended(&mut self) -> EndedBy {
        self.until(|what| match what {
            MtpHappening::StreamEnded { by } => Some(*by),
            _ => None,
        })
        .await
    }

    /// The names of the events of one connection so far, octets left out.
    pub(crate) fn story(&self, connection: u32) -> Vec<String> {
        let events = self.seen.iter().filter(|event| event.connection.0 == connection);
        events.filter_map(|event| name(&event.what)).collect()
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

fn name(what: &MtpHappening) -> Option<String> {
    let arrow = |direction: &Direction| if *direction == Direction::Sent { '>' } else { '<' };
    Some(match what {
        MtpHappening::Octets { .. } => return None,
        MtpHappening::Attempt { .. } => "attempt".to_owned(),
        MtpHappening::Packet { direction, packet } => format!("{}{}", arrow(direction), packet.kind),
        MtpHappening::Record { direction, .. } => format!("{}record", arrow(direction)),
        MtpHappening::Open(_) => "open".to_owned(),
        MtpHappening::Oversized { .. } => "oversized".to_owned(),
        MtpHappening::Superseded { by } => format!("superseded by {by}"),
        MtpHappening::Failed(failure) => failure.requirement.clone().unwrap_or_else(|| format!("{:?}", failure.kind)),
        MtpHappening::Closed(closing) => {
            format!("closed by {:?}{}", closing.by, if closing.clean { "" } else { ", unclean" })
        }
        MtpHappening::StreamEnded { by } => format!("ended by {by:?}"),
        other => format!("{other:?}"),
    })
}

pub(crate) struct Agent {
    pub(crate) handle: UdsHandle,
    pub(crate) events: mpsc::Receiver<AgentMtpEvent>,
}

impl Agent {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        role: UdsRole,
        change: impl FnOnce(&mut UdsAgentConfig),
    ) -> Self {
        let mut config = UdsAgentConfig::new(role, AGENT);
        change(&mut config);
        let (handle, events) = UdsAgentEnd::start(config, Arc::new(network.clone())).await.unwrap();
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

    pub(crate) async fn record(&mut self) -> Bytes {
        self.until(|what| match what {
            AgentHappening::Record { bytes, .. } => Some(bytes.clone()),
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

    pub(crate) async fn retrying(&mut self) -> Duration {
        self.until(|what| match what {
            AgentHappening::Retrying { wait, .. } => Some(*wait),
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
    /// Connects to the end that listens.
    pub(crate) async fn connect(network: &MemoryNetwork) -> Self {
        Self(network.connect(&address()).await.unwrap())
    }

    /// Connects to the far side and introduces itself as the Agent.
    pub(crate) async fn open(network: &MemoryNetwork) -> Self {
        let mut raw = Self::connect(network).await;
        raw.send(&frame(1, AGENT.as_bytes())).await;
        assert_eq!(raw.frame().await, [(1, CONTROLLER.as_bytes().to_vec())]);
        raw
    }

    /// Takes the connection of an end that connects.
    pub(crate) async fn accept(listener: &mut Box<dyn Listener>) -> Self {
        Self(listener.accept().await.unwrap().0)
    }

    pub(crate) async fn send(&mut self, octets: &[u8]) {
        self.0.write_all(octets).await.unwrap();
    }

    /// Reads one frame, without the crate's own code.
    pub(crate) async fn frame(&mut self) -> Vec<(u8, Vec<u8>)> {
        assert_eq!(self.octets(4).await, b"_USP");
        let length = usize::try_from(self.0.read_u32().await.unwrap()).unwrap();
        let octets = self.octets(length).await;
        let (mut rest, mut tlvs) = (&octets[..], Vec::new());
        while !rest.is_empty() {
            let length = usize::try_from(u32::from_be_bytes(rest[1..5].try_into().unwrap())).unwrap();
            tlvs.push((rest[0], rest[5..5 + length].to_vec()));
            rest = &rest[5 + length..];
        }
        tlvs
    }

    /// Reads one frame that is an Error and nothing else.
    pub(crate) async fn error(&mut self) -> String {
        let tlvs = self.frame().await;
        let [(2, text)] = &tlvs[..] else { panic!("no Error: {tlvs:?}") };
        String::from_utf8(text.clone()).unwrap()
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
