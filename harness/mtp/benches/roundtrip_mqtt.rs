//! One exchange of Records over loopback MQTT: through the broker with its Controller and the Agent's end, and through two plain rumqttc
//! clients that use the same broker to send each other the same bytes.
//!
//! The plain exchange goes through the broker twice each way, as any two clients of a broker do; a Controller that is built in saves half of
//! that, and pays for the octet log and the events.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::Arc;

use bytes::Bytes;
use divan::Bencher;
use divan::counter::BytesCount;
use rumqttc::v5::mqttbytes::QoS;
use rumqttc::v5::{AsyncClient, Event, EventLoop, Incoming, MqttOptions};
use tokio::runtime::Runtime;
use tokio::sync::mpsc;
use uspec_mtp::event::{AgentHappening, Direction, EVENT_QUEUE, MtpEvent, MtpHappening};
use uspec_mtp::mqtt::{MqttAgentConfig, MqttAgentEnd, MqttFarConfig, MqttFarSide, MqttHandle, MqttPlace, MqttVersion};
use uspec_mtp::network::{Address, RealNetwork};

/// Octets of a Record: a Get, a GetResponse of one object, a GetResponse of a whole data model.
const SIZES: [usize; 3] = [200, 4 * 1024, 256 * 1024];

const CONTROLLER: &str = "usp/controller";
const AGENT: &str = "usp/agent";

fn main() {
    divan::main();
}

#[divan::bench(args = SIZES)]
fn uspec_ends(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let (far, mut events) = runtime.block_on(ends());
    let record = Bytes::from(vec![7; size]);
    bencher.counter(BytesCount::new(2 * size)).bench_local(|| {
        runtime.block_on(async {
            far.send_record(record.clone()).await.unwrap();
            received(&mut events).await
        })
    });
}

#[divan::bench(args = SIZES)]
fn plain_rumqttc(bencher: Bencher<'_, '_>, size: usize) {
    let runtime = runtime();
    let (_far, client, mut events) = runtime.block_on(plain());
    let record = Bytes::from(vec![7; size]);
    bencher.counter(BytesCount::new(2 * size)).bench_local(|| {
        runtime.block_on(async {
            client.publish_bytes("ask", QoS::AtLeastOnce, false, record.clone()).await.unwrap();
            published(&mut events).await
        })
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

async fn broker() -> (MqttHandle, mpsc::Receiver<MtpEvent>) {
    let place = MqttPlace::Broker { address: Address::tcp("127.0.0.1", 0), tls: None };
    let (sender, events) = mpsc::channel(EVENT_QUEUE);
    let config = MqttFarConfig::new(place, "self::controller", CONTROLLER);
    (MqttFarSide::start(config, Arc::new(RealNetwork), sender).await.unwrap(), events)
}

/// A broker with its Controller, and an Agent's end that sends every Record back.
async fn ends() -> (MqttHandle, mpsc::Receiver<MtpEvent>) {
    let (far, mut events) = broker().await;
    let mut config = MqttAgentConfig::new(far.address().unwrap().clone(), MqttVersion::V5, "self::agent");
    config.subscriptions = vec![(AGENT.to_owned(), 1)];
    let (agent, mut agent_events) = MqttAgentEnd::start(config, Arc::new(RealNetwork)).await.unwrap();
    tokio::spawn(async move {
        while let Some(event) = agent_events.recv().await {
            if let AgentHappening::Record { bytes, .. } = event.what {
                agent.send_record(bytes).await.unwrap();
            }
        }
    });
    while !matches!(events.recv().await.unwrap().what, MtpHappening::Open(_)) {}
    (far, events)
}

async fn received(events: &mut mpsc::Receiver<MtpEvent>) -> Bytes {
    loop {
        if let MtpHappening::Record { direction: Direction::Received, bytes, .. } = events.recv().await.unwrap().what {
            return bytes;
        }
    }
}

/// A client of a broker on which another one sends everything back.
async fn plain() -> (MqttHandle, AsyncClient, EventLoop) {
    let (far, mut events) = broker().await;
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    let port = far.address().unwrap().port();
    let (echo, mut echo_events) = client("echo", port, "ask").await;
    tokio::spawn(async move {
        loop {
            let payload = published(&mut echo_events).await;
            echo.publish_bytes("answer", QoS::AtLeastOnce, false, payload).await.unwrap();
        }
    });
    let (asker, asker_events) = client("asker", port, "answer").await;
    (far, asker, asker_events)
}

async fn client(id: &str, port: u16, topic: &str) -> (AsyncClient, EventLoop) {
    let mut options = MqttOptions::new(id, "127.0.0.1", port);
    options.set_max_packet_size(Some(1 << 20));
    let (client, mut events) = AsyncClient::new(options, 10);
    let mut network = events.options.network_options();
    network.set_tcp_nodelay(true);
    events.options.set_network_options(network);
    client.subscribe(topic, QoS::AtLeastOnce).await.unwrap();
    while !matches!(events.poll().await.unwrap(), Event::Incoming(Incoming::SubAck(_))) {}
    (client, events)
}

async fn published(events: &mut EventLoop) -> Bytes {
    loop {
        if let Event::Incoming(Incoming::Publish(publish)) = events.poll().await.unwrap() {
            return publish.payload;
        }
    }
}
