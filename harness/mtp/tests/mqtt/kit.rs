//! What the tests share: ends that are started with one call, events that are waited for, and clients that speak packets or octets.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use uspec_mtp::event::{
    AgentHappening, AgentMtpEvent, Closing, ConnectionId, Direction, EVENT_QUEUE, EndedBy, Failure, MtpEvent,
    MtpHappening, OpenSession, PacketSeen, Route,
};
use uspec_mtp::mqtt::packet::{
    ConnAck, Connect, Decoder, Packet, Properties, PropertyId, PropertyValue, Publish, Subscribe, Subscription,
};
use uspec_mtp::mqtt::{MqttAgentConfig, MqttAgentEnd, MqttFarConfig, MqttFarSide, MqttHandle, MqttPlace, MqttVersion};
use uspec_mtp::network::{Address, BoxStream, MemoryNetwork, Network};

pub(crate) const CONTROLLER: &str = "self::controller";
pub(crate) const AGENT: &str = "os::012345-agent";
pub(crate) const CONTROLLER_TOPIC: &str = "usp/controller/1";
pub(crate) const AGENT_TOPIC: &str = "usp/agent/1";

/// Longer than any wait inside the ends but the long retries; under a paused clock it costs nothing.
const PATIENCE: Duration = Duration::from_secs(3600);

pub(crate) fn address() -> Address {
    Address::tcp("broker", 1883)
}

pub(crate) fn broker() -> MqttPlace {
    MqttPlace::Broker { address: address(), tls: None }
}

pub(crate) struct Far {
    pub(crate) handle: MqttHandle,
    events: mpsc::Receiver<MtpEvent>,
    pub(crate) seen: Vec<MtpEvent>,
}

impl Far {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        place: MqttPlace,
        change: impl FnOnce(&mut MqttFarConfig),
    ) -> Self {
        let mut config = MqttFarConfig::new(place, CONTROLLER, CONTROLLER_TOPIC);
        change(&mut config);
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let handle = MqttFarSide::start(config, Arc::new(network.clone()), sender).await.unwrap();
        Self { handle, events, seen: Vec::new() }
    }

    pub(crate) async fn next(&mut self) -> MtpEvent {
        self.next_until(Instant::now() + PATIENCE).await
    }

    /// Pings go on for ever, so that the patience counts for all that is read together.
    async fn next_until(&mut self, deadline: Instant) -> MtpEvent {
        let event = match timeout_at(deadline, self.events.recv()).await {
            Ok(Some(event)) => event,
            other => panic!("waited in vain ({other:?}); seen: {:#?}", self.seen.iter().take(60).collect::<Vec<_>>()),
        };
        // A copy: what is kept must not count against the budget of events that wait.
        self.seen.push(event.clone());
        event
    }

    /// Reads events until one is wanted.
    pub(crate) async fn until<T>(&mut self, want: impl Fn(&MtpHappening) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            if let Some(found) = want(&self.next_until(deadline).await.what) {
                return found;
            }
        }
    }

    pub(crate) async fn opened(&mut self) -> OpenSession {
        self.opened_at().await.1
    }

    pub(crate) async fn opened_at(&mut self) -> (ConnectionId, OpenSession) {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let event = self.next_until(deadline).await;
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

    /// The next packet of that kind that was received.
    pub(crate) async fn packet(&mut self, kind: &str) -> Value {
        self.packet_seen(Direction::Received, kind).await.fields
    }

    pub(crate) async fn packet_seen(&mut self, wanted: Direction, kind: &str) -> PacketSeen {
        self.until(|what| match what {
            MtpHappening::Packet { direction, packet } if *direction == wanted && packet.kind == kind => {
                Some(packet.clone())
            }
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

    /// Everything that has been reported already.
    pub(crate) fn drain(&mut self) -> Vec<MtpHappening> {
        let mut all = Vec::new();
        while let Ok(event) = self.events.try_recv() {
            self.seen.push(event.clone());
            all.push(event.what);
        }
        all
    }
}

pub(crate) struct Agent {
    pub(crate) handle: MqttHandle,
    pub(crate) events: mpsc::Receiver<AgentMtpEvent>,
}

impl Agent {
    pub(crate) async fn start(
        network: &(impl Network + Clone + 'static),
        version: MqttVersion,
        change: impl FnOnce(&mut MqttAgentConfig),
    ) -> Self {
        let mut config = MqttAgentConfig::new(address(), version, AGENT);
        config.client_id = Some("agent-1".to_owned());
        config.subscriptions = vec![(filter(version).to_owned(), 1)];
        config.response_topic = Some(AGENT_TOPIC.to_owned());
        change(&mut config);
        let (handle, events) = MqttAgentEnd::start(config, Arc::new(network.clone())).await.unwrap();
        Self { handle, events }
    }

    pub(crate) async fn next(&mut self) -> AgentMtpEvent {
        timeout(PATIENCE, self.events.recv()).await.expect("an event in time").expect("a running end")
    }

    pub(crate) async fn until<T>(&mut self, want: impl Fn(&AgentHappening) -> Option<T>) -> T {
        let reading = async {
            loop {
                if let Some(found) = want(&self.next().await.what) {
                    return found;
                }
            }
        };
        timeout(PATIENCE, reading).await.expect("it in time")
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

/// The filter that an Agent of that version subscribes to.
pub(crate) fn filter(version: MqttVersion) -> &'static str {
    match version {
        MqttVersion::V5 => AGENT_TOPIC,
        MqttVersion::V311 => "usp/agent/1/#",
    }
}

/// A broker, and an Agent with a session.
pub(crate) async fn pair(version: MqttVersion) -> (Far, Agent) {
    let network = MemoryNetwork::new();
    pair_on(&network, version).await
}

pub(crate) async fn pair_on(network: &MemoryNetwork, version: MqttVersion) -> (Far, Agent) {
    let mut far = Far::start(network, broker(), |_| {}).await;
    let mut agent = Agent::start(network, version, |_| {}).await;
    far.opened().await;
    agent.opened().await;
    (far, agent)
}

/// A client that speaks packets or octets.
pub(crate) struct Raw {
    stream: BoxStream,
    decoder: Decoder,
    version: MqttVersion,
    /// Takes what is wrong as an answer to something wrong.
    pub(crate) lenient: bool,
}

impl Raw {
    /// Connects, and says nothing.
    pub(crate) async fn connect(network: &MemoryNetwork, version: MqttVersion) -> Self {
        let stream = network.connect(&address()).await.unwrap();
        Self { stream, decoder: Decoder::new(1 << 26, version), version, lenient: false }
    }

    /// Connects and opens a session.
    pub(crate) async fn open(network: &MemoryNetwork, version: MqttVersion, client_id: &str) -> (Self, ConnAck) {
        Self::open_with(network, Connect::new(version, client_id)).await
    }

    pub(crate) async fn open_with(network: &MemoryNetwork, connect: Connect) -> (Self, ConnAck) {
        let mut raw = Self::connect(network, connect.version().unwrap()).await;
        raw.send(Packet::Connect(connect)).await;
        match raw.packet().await {
            Packet::ConnAck(ack) => (raw, ack),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, packet: Packet) {
        let octets = packet.to_octets(self.version);
        self.octets(&octets).await;
    }

    pub(crate) async fn octets(&mut self, octets: &[u8]) {
        self.stream.write_all(octets).await.unwrap();
    }

    /// The next packet; it must be a flawless one.
    pub(crate) async fn packet(&mut self) -> Packet {
        self.maybe_packet().await.expect("the stream has ended")
    }

    /// The next packet, unless the stream ends.
    pub(crate) async fn maybe_packet(&mut self) -> Option<Packet> {
        loop {
            if let Some(read) = self.decoder.next_packet().unwrap() {
                assert!(self.lenient || read.violations.is_empty(), "{:?}", read.violations);
                return read.packet;
            }
            let count = timeout(PATIENCE, self.stream.read_buf(self.decoder.buffer())).await.unwrap().ok()?;
            if count == 0 {
                return None;
            }
        }
    }

    pub(crate) async fn publish(&mut self) -> Publish {
        match self.packet().await {
            Packet::Publish(publish) => publish,
            other => panic!("{other:?}"),
        }
    }

    /// Subscribes and gives back the Reason Codes.
    pub(crate) async fn subscribe(&mut self, filter: &str, qos: u8) -> Vec<u8> {
        let subscriptions = vec![Subscription::new(filter, qos)];
        self.send(Packet::Subscribe(Subscribe { packet_id: 9, subscriptions, ..Subscribe::default() })).await;
        match self.packet().await {
            Packet::SubAck(ack) => ack.reasons,
            other => panic!("{other:?}"),
        }
    }

    /// Whether nothing comes for so long.
    pub(crate) async fn is_silent(&mut self, wait: Duration) -> bool {
        timeout(wait, self.stream.read_buf(self.decoder.buffer())).await.is_err()
    }

    /// Everything until the stream ends.
    pub(crate) async fn rest(&mut self) -> Vec<u8> {
        let mut octets = BytesMut::new();
        while self.stream.read_buf(&mut octets).await.is_ok_and(|count| count > 0) {}
        octets.to_vec()
    }
}

pub(crate) fn publish(topic: &str, qos: u8, payload: &str) -> Publish {
    Publish {
        qos,
        topic: topic.to_owned(),
        packet_id: (qos > 0).then_some(77),
        payload: payload.to_owned().into(),
        ..Publish::default()
    }
}

/// A CONNECT whose session outlives its connection.
pub(crate) fn lasting(version: MqttVersion, client_id: &str) -> Connect {
    let properties = Properties::new().with(PropertyId::SessionExpiryInterval, PropertyValue::Four(3600));
    Connect { clean_start: false, properties, ..Connect::new(version, client_id) }
}
