//! What one more connection costs: 10, 100 and 1,000 reference Agents held by one built-in MQTT broker, all in one process over the network
//! in memory. `cargo bench -p uspec --bench held`.
//!
//! Each run is a process of its own, so that none finds memory that another one has left behind. A run first holds one Agent that does not
//! count: what is made once in a process (the schema, the data model) is no Agent's cost. The time is that of the wall, on one thread that
//! both sides share; memory is what the process has gained, both sides and the streams between them included.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::{
    collections::BTreeMap,
    env, fs,
    process::Command,
    sync::Arc,
    time::{Duration, Instant},
};

use prost::Message as _;
use serde_json::json;
use tokio::{sync::mpsc, time::timeout};
use tokio_util::sync::CancellationToken;
use uspec_agent::{AgentConfig, ControllerConfig, MqttSubscription, MqttTarget, MqttVersion, endpoint};
use uspec_mtp::{
    event::{ConnectionId, Direction, EVENT_QUEUE, MtpEvent, MtpHappening},
    mqtt::{MqttFarConfig, MqttFarSide, MqttHandle, MqttPlace},
    network::{Address, MemoryNetwork, Network},
};
use uspec_usp::{
    decode::{decode_message, decode_record},
    json::encode_body,
    msg::{body::MsgBody, response::RespType},
    record::{NoSessionContextRecord, Record, record::RecordType},
    schema::MessageKind,
};

/// How many Agents are held.
const SIZES: [usize; 3] = [10, 100, 1000];

/// Runs of each size, of which the medians are shown.
const RUNS: usize = 7;

/// Agents that are on their way to their session at a time. The network in memory, like a kernel, refuses what waits in too long a queue.
const UNDER_WAY: usize = 32;

/// Octets of a page, as `/proc/self/statm` counts them on this kernel.
const PAGE: usize = 4096;

/// Longer than anything but a hang.
const PATIENCE: Duration = Duration::from_secs(60);

const CONTROLLER: &str = "self::controller";
const CONTROLLER_TOPIC: &str = "usp/controller";
const PARAMETER: &str = "Device.LocalAgent.EndpointID";

/// The argument of a process that does one run.
const HOLD: &str = "--hold";

fn main() {
    let mut arguments = env::args().skip_while(|argument| argument != HOLD).skip(1);
    if let Some(size) = arguments.next() {
        let cost = hold(size.parse().unwrap());
        println!("{} {} {}", cost.open, cost.get, cost.memory);
        return;
    }
    let mut costs = BTreeMap::<usize, Vec<Cost>>::new();
    for _ in 0..RUNS {
        for size in SIZES {
            costs.entry(size).or_default().push(in_a_process(size));
        }
    }
    println!("Per Agent; medians of {RUNS} runs, and of time and memory the least and the most\n");
    println!("Agents  open µs  Get µs  both µs            KiB");
    for (size, costs) in costs {
        let (open, get) = (Spread::of(&costs, |cost| cost.open), Spread::of(&costs, |cost| cost.get));
        let both = Spread::of(&costs, |cost| cost.open + cost.get).to_string();
        let memory = Spread::of(&costs, |cost| cost.memory).to_string();
        println!("{size:>6}  {:>7.0}  {:>6.0}  {both:<17}  {memory}", open.median, get.median);
    }
}

/// What one run has cost for each Agent.
struct Cost {
    /// Microseconds until all sessions were open.
    open: f64,
    /// Microseconds from there until every Agent had answered a Get.
    get: f64,
    /// KiB.
    memory: f64,
}

struct Spread {
    median: f64,
    least: f64,
    most: f64,
}

impl Spread {
    fn of(costs: &[Cost], part: impl Fn(&Cost) -> f64) -> Self {
        let mut values: Vec<f64> = costs.iter().map(part).collect();
        values.sort_by(f64::total_cmp);
        let at = |place: usize| *values.get(place).unwrap();
        Self { median: at(values.len() / 2), least: at(0), most: at(values.len() - 1) }
    }
}

impl std::fmt::Display for Spread {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:.0} ({:.0}-{:.0})", self.median, self.least, self.most)
    }
}

fn in_a_process(size: usize) -> Cost {
    let output = Command::new(env::current_exe().unwrap()).args([HOLD, &size.to_string()]).output().unwrap();
    let (said, wrong) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{size} Agents: {wrong}");
    let mut numbers = said.split_whitespace().map(|number| number.parse().unwrap());
    let mut next = || numbers.next().unwrap();
    Cost { open: next(), get: next(), memory: next() }
}

#[allow(clippy::cast_precision_loss)] // A few gigabytes, and a few thousand Agents.
fn hold(size: usize) -> Cost {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let mut bench = Bench::start(size + 1).await;
        let first = bench.open(0..1).await;
        bench.get(first).await;
        let memory = resident();
        let begin = Instant::now();
        let sessions = bench.open(1..size + 1).await;
        let open = begin.elapsed();
        let begin = Instant::now();
        bench.get(sessions).await;
        let get = begin.elapsed();
        let memory = resident() - memory;
        let each = |whole: f64| whole / size as f64;
        Cost {
            open: each(open.as_secs_f64() * 1e6),
            get: each(get.as_secs_f64() * 1e6),
            memory: each(memory as f64 / 1024.0),
        }
    })
}

/// Octets of this process that are in memory.
fn resident() -> usize {
    let pages = fs::read_to_string("/proc/self/statm").unwrap();
    pages.split_whitespace().nth(1).unwrap().parse::<usize>().unwrap() * PAGE
}

/// Agents that have a session, by their Endpoint IDs.
type Sessions = BTreeMap<String, ConnectionId>;

/// The broker with its Controller, and the network on which Agents come to it.
struct Bench {
    network: Arc<dyn Network>,
    broker: MqttHandle,
    events: mpsc::Receiver<MtpEvent>,
    stop: CancellationToken,
}

impl Bench {
    async fn start(max_connections: usize) -> Self {
        let network: Arc<dyn Network> = Arc::new(MemoryNetwork::new());
        let place = MqttPlace::Broker { address: Address::tcp("broker", 1883), tls: None };
        let config = MqttFarConfig { max_connections, ..MqttFarConfig::new(place, CONTROLLER, CONTROLLER_TOPIC) };
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let broker = MqttFarSide::start(config, Arc::clone(&network), sender).await.unwrap();
        Self { network, broker, events, stop: CancellationToken::new() }
    }

    /// Starts the Agents of these numbers and waits until each has said hello with its Connect Record, which makes it a session of USP.
    async fn open(&mut self, numbers: std::ops::Range<usize>) -> Sessions {
        let (size, mut waiting, mut under_way) = (numbers.len(), numbers, 0);
        let mut sessions = Sessions::new();
        while sessions.len() < size {
            for number in waiting.by_ref().take(UNDER_WAY - under_way) {
                tokio::spawn(endpoint::run(config(number), Arc::clone(&self.network), self.stop.clone()));
                under_way += 1;
            }
            let (connection, record) = self.record().await;
            assert!(matches!(record.record_type, Some(RecordType::MqttConnect(_))), "no Connect Record: {record:?}");
            assert_eq!(sessions.insert(record.from_id, connection), None, "a second session");
            under_way -= 1;
        }
        sessions
    }

    /// Asks every Agent for its Endpoint ID and waits for all answers.
    async fn get(&mut self, mut sessions: Sessions) {
        let (broker, asked) = (self.broker.clone(), sessions.clone());
        let asking = tokio::spawn(async move {
            for (agent, connection) in asked {
                broker.at(connection).send_record(get(&agent)).await.unwrap();
            }
        });
        while !sessions.is_empty() {
            let (connection, record) = self.record().await;
            assert_eq!(answer(&record).as_ref(), Some(&record.from_id), "no answer: {record:?}");
            assert_eq!(sessions.remove(&record.from_id), Some(connection), "an answer from elsewhere");
        }
        asking.await.unwrap();
    }

    /// The next Record of an Agent. Nothing may go wrong meanwhile.
    async fn record(&mut self) -> (ConnectionId, Record) {
        loop {
            let event = timeout(PATIENCE, self.events.recv()).await.expect("it in time").expect("a running broker");
            match event.what {
                MtpHappening::Record { direction: Direction::Received, bytes, .. } => {
                    return (event.connection, decode_record(&bytes).value.expect("a Record"));
                }
                MtpHappening::Failed(_)
                | MtpHappening::Closed(_)
                | MtpHappening::Superseded { .. }
                | MtpHappening::StreamEnded { .. } => panic!("{event:?}"),
                _ => {}
            }
        }
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The Agent of that number, which shares neither its names nor its topic with another one.
fn config(number: usize) -> AgentConfig {
    let topic = format!("usp/agent/{number}");
    let target = MqttTarget {
        host: "broker".to_owned(),
        port: 1883,
        version: MqttVersion::V5,
        client_id: format!("agent-{number}"),
        topic: CONTROLLER_TOPIC.to_owned(),
        subscriptions: vec![MqttSubscription { topic: topic.clone(), qos: 1 }],
        response_topic: topic,
        ..MqttTarget::default()
    };
    let controller =
        ControllerConfig { endpoint_id: CONTROLLER.to_owned(), mqtt: Some(target), ..ControllerConfig::default() };
    AgentConfig {
        endpoint_id: format!("self::agent-{number}"),
        controllers: vec![controller],
        start_time: jiff::Timestamp::now(),
        ..AgentConfig::default()
    }
}

/// The Record that asks that Agent for its Endpoint ID.
fn get(agent: &str) -> Vec<u8> {
    let payload = encode_body(MessageKind::Get, agent, &json!({"param_paths": [PARAMETER], "max_depth": 0})).unwrap();
    let record = Record {
        version: "1.4".to_owned(),
        to_id: agent.to_owned(),
        from_id: CONTROLLER.to_owned(),
        record_type: Some(RecordType::NoSessionContext(NoSessionContextRecord { payload })),
        ..Record::default()
    };
    record.encode_to_vec()
}

/// The one value of a GetResponse.
fn answer(record: &Record) -> Option<String> {
    let Some(RecordType::NoSessionContext(context)) = &record.record_type else { return None };
    let Some(MsgBody::Response(response)) = decode_message(&context.payload).value?.body?.msg_body else { return None };
    let Some(RespType::GetResp(get)) = response.resp_type else { return None };
    let mut found = get.req_path_results.into_iter().flat_map(|path| path.resolved_path_results);
    found.next()?.result_params.into_values().next()
}
