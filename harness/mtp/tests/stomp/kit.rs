//! What the tests share: ends that are started with one call, events that are waited for, and a peer that speaks octets.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use uspec_mtp::event::{
    AgentHappening, AgentMtpEvent, Closing, ConnectionId, Direction, EVENT_QUEUE, EndedBy, Failure, MtpEvent,
    MtpHappening, OpenSession, PacketSeen, Route,
};
use uspec_mtp::network::{Address, BoxStream, MemoryNetwork, Network};
use uspec_mtp::stomp::{StompAgentConfig, StompAgentEnd, StompFarConfig, StompFarSide, StompHandle, StompPlace};

pub(crate) const CONTROLLER: &str = "self::controller";
pub(crate) const AGENT: &str = "os::012345-agent";
pub(crate) const TO_CONTROLLER: &str = "/queue/controller";
pub(crate) const TO_AGENT: &str = "/queue/agent";

/// Longer than any wait inside the ends but the long retries; under a paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

pub(crate) fn address() -> Address {
    Address::tcp("broker", 61613)
}

pub(crate) struct Far {
    pub(crate) handle: StompHandle,
    events: mpsc::Receiver<MtpEvent>,
    pub(crate) seen: Vec<MtpEvent>,
}

impl Far {
    /// A server with the Controller built in.
    pub(crate) async fn start(network: &MemoryNetwork, change: impl FnOnce(&mut StompFarConfig)) -> Self {
        Self::place(network, StompPlace::broker(address()), TO_CONTROLLER, change).await
    }

    pub(crate) async fn place(
        network: &(impl Network + Clone + 'static),
        place: StompPlace,
        destination: &str,
        change: impl FnOnce(&mut StompFarConfig),
    ) -> Self {
        let mut config = StompFarConfig::new(place, CONTROLLER, destination);
        change(&mut config);
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let handle = StompFarSide::start(config, Arc::new(network.clone()), sender).await.unwrap();
        Self { handle, events, seen: Vec::new() }
    }

    /// The next event.
    pub(crate) async fn next(&mut self) -> MtpEvent {
        let event = match timeout(PATIENCE, self.events.recv()).await {
            Ok(Some(event)) => event,
            other => panic!("waited in vain ({other:?}); seen: {:#?}", self.seen),
        };
        // A copy: what is kept must not count against the budget of events that wait.
        self.seen.push(event.clone());
        event.clone()
    }

    /// Reads events until one is wanted.
    pub(crate) async fn until<T>(&mut self, want: impl Fn(&MtpHappening) -> Option<T>) -> T {
        loop {
            if let Some(found) = want(&self.next().await.what) {
                return found;
            }
        }
    }

    /// Reads everything that happens within that time.
    pub(crate) async fn watch(&mut self, time: Duration) -> Vec<MtpHappening> {
        let mut all = Vec::new();
        let _ = timeout(time, async {
            loop {
                all.push(self.next().await.what);
            }
        })
        .await;
        all
    }

    pub(crate) async fn opened(&mut self) -> (ConnectionId, OpenSession) {
        loop {
            let event = self.next().await;
            if let MtpHappening::Open(open) = event.what {
                return (event.connection, open);
            }
        }
    }

    pub(crate) async fn record(&mut self) -> (Vec<u8>, Route) {
        self.until(|what| match what {
            MtpHappening::Record { direction: Direction::Received, bytes, route, .. } => {
                Some((bytes.to_vec(), route.clone()))
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn packet(&mut self, direction: Direction, kind: &str) -> PacketSeen {
        self.until(|what| match what {
            MtpHappening::Packet { direction: seen, packet } if *seen == direction && packet.kind == kind => {
                Some(packet.clone())
            }
            _ => None,
        })
        .await
    }

    pub(crate) async fn received(&mut self, kind: &str) -> PacketSeen {
        self.packet(Direction::Received, kind).await
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

    /// Reads everything from now on, and keeps what failed.
    pub(crate) fn drain(mut self) -> (StompHandle, Arc<Mutex<Vec<Failure>>>) {
        let failures = Arc::<Mutex<Vec<Failure>>>::default();
        let (handle, kept) = (self.handle.clone(), Arc::clone(&failures));
        tokio::spawn(async move {
            while let Some(event) = self.events.recv().await {
                if let MtpHappening::Failed(failure) = event.what {
                    kept.lock().unwrap().push(failure);
                }
            }
        });
        (handle, failures)
    }

    /// What failed so far.
    pub(crate) fn failures(&self) -> Vec<Failure> {
        let failures = self.seen.iter().filter_map(|event| match &event.what {
            MtpHappening::Failed(failure) => Some(failure.clone()),
            _ => None,
        });
        failures.collect()
    }
}

/// The value of a header, which was there.
pub(crate) fn header<'a>(packet: &'a PacketSeen, name: &str) -> &'a str {
    packet.fields["headers"][name].as_str().unwrap_or_else(|| panic!("no {name} in {packet:#?}"))
}

/// Whether a header was there.
pub(crate) fn has_header(packet: &PacketSeen, name: &str) -> bool {
    packet.fields["headers"][name] != Value::Null
}

pub(crate) struct Agent {
    pub(crate) handle: StompHandle,
    pub(crate) events: mpsc::Receiver<AgentMtpEvent>,
}

impl Agent {
    pub(crate) async fn start(network: &MemoryNetwork, change: impl FnOnce(&mut StompAgentConfig)) -> Self {
        let mut config = StompAgentConfig::new(address(), AGENT);
        config.destination = Some(TO_AGENT.to_owned());
        change(&mut config);
        let (handle, events) = StompAgentEnd::start(config, Arc::new(network.clone())).await.unwrap();
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

    pub(crate) async fn opened(&mut self) -> OpenSession {
        self.until(|what| match what {
            AgentHappening::Opened(open) => Some((**open).clone()),
            _ => None,
        })
        .await
    }

    pub(crate) async fn record(&mut self) -> (Vec<u8>, Route) {
        self.until(|what| match what {
            AgentHappening::Record { bytes, route } => Some((bytes.to_vec(), route.clone())),
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

    pub(crate) async fn retrying(&mut self) -> (u32, Duration) {
        self.until(|what| match what {
            AgentHappening::Retrying { retry, wait } => Some((*retry, *wait)),
            _ => None,
        })
        .await
    }
}

/// A server and an Agent that has connected to it.
pub(crate) async fn pair() -> (Far, Agent) {
    pair_with(|_| {}, |_| {}).await
}

pub(crate) async fn pair_with(
    far: impl FnOnce(&mut StompFarConfig),
    agent: impl FnOnce(&mut StompAgentConfig),
) -> (Far, Agent) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, far).await;
    let mut agent = Agent::start(&network, agent).await;
    far.opened().await;
    agent.opened().await;
    (far, agent)
}

/// A peer that speaks octets.
pub(crate) struct Raw(pub(crate) BoxStream);

impl Raw {
    /// Connects to the server.
    pub(crate) async fn connect(network: &MemoryNetwork) -> Self {
        Self(network.connect(&address()).await.unwrap())
    }

    /// Connects to the server and opens a session.
    pub(crate) async fn open(network: &MemoryNetwork) -> Self {
        let mut raw = Self::connect(network).await;
        raw.send("STOMP\naccept-version:1.2\nhost:broker\n\n\0").await;
        let answer = raw.frame().await;
        assert!(answer.starts_with("CONNECTED\nversion:1.2\n"), "{answer}");
        raw
    }

    /// Connects, opens a session, and subscribes.
    pub(crate) async fn subscribed(network: &MemoryNetwork, destination: &str) -> Self {
        let mut raw = Self::open(network).await;
        raw.send(&format!("SUBSCRIBE\nid:0\ndestination:{destination}\nreceipt:sub\n\n\0")).await;
        assert_eq!(raw.frame().await, "RECEIPT\nreceipt-id:sub\n\n");
        raw
    }

    pub(crate) async fn send(&mut self, octets: impl AsRef<[u8]>) {
        self.0.write_all(octets.as_ref()).await.unwrap();
    }

    /// Reads up to the next NUL, without line ends before the frame.
    pub(crate) async fn frame(&mut self) -> String {
        let mut frame = Vec::new();
        loop {
            match self.0.read_u8().await.unwrap() {
                0 => return String::from_utf8(frame).unwrap(),
                b'\n' if frame.is_empty() => {}
                octet => frame.push(octet),
            }
        }
    }

    /// Reads everything until the stream ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut octets = Vec::new();
        self.0.read_to_end(&mut octets).await.unwrap();
        octets
    }
}
