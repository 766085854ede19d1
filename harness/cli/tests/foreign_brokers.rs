//! The Controller beside a broker that is not ours: the bundled Agent and the harness meet on Mosquitto and on RabbitMQ, over loopback and in
//! real time. `ci/check` installs both from Debian's packages and runs these; elsewhere they are shown as ignored.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may stop on the first surprise

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use uspec_cli::bundled::{Bundled, Where};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    profile::EutProfile,
    run_report::CaseOutcome,
    selection::Selection,
    verdict::Verdict,
};

/// Cases that take seconds at most: each kind of Message, a Notification, a reboot, Records that must not be answered, both Content Types.
const CASES: &[&str] = &[
    "1.1", "1.2", "1.8", "1.13", "1.20", "1.24", "1.34", "1.37", "1.47", "1.58", "1.61", "1.66", "1.72", "1.80", "2.1", "3.1", "6.1", "6.4",
    "11.1", "11.10", "11.15",
];

/// How long a broker may take to listen: RabbitMQ starts a whole Erlang machine.
const START: Duration = Duration::from_secs(60);

/// A broker that runs, and ends with this value.
struct Broker {
    process: Child,
    port: u16,
    _folder: TempDir,
}

impl Drop for Broker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Broker {
    /// Starts one and waits until it listens.
    fn start(command: impl FnOnce(&Path, u16) -> Command) -> Self {
        let folder = TempDir::new().unwrap();
        let port = TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let mut command = command(folder.path(), port);
        let log = || Stdio::from(fs::File::create(folder.path().join("log")).unwrap());
        let process = command.stdin(Stdio::null()).stdout(log()).stderr(log()).spawn().unwrap();
        let broker = Self { process, port, _folder: folder };
        let limit = Instant::now() + START;
        while TcpStream::connect(("127.0.0.1", broker.port)).is_err() {
            assert!(Instant::now() < limit, "the broker does not listen");
            std::thread::sleep(Duration::from_millis(100));
        }
        broker
    }
}

fn mosquitto(folder: &Path, port: u16) -> Command {
    let config = folder.join("mosquitto.conf");
    let text = format!("listener {port} 127.0.0.1\nallow_anonymous true\npersistence false\nset_tcp_nodelay true\n");
    fs::write(&config, text).unwrap();
    let mut command = Command::new("mosquitto");
    command.arg("-c").arg(config);
    command
}

/// A node of its own: nothing of the system's service is touched, and no other port is opened. Started as a named node it has no distribution
/// and starts no epmd; the port that it is told in place of one is a number at which nobody listens.
fn rabbitmq(folder: &Path, port: u16) -> Command {
    let text = format!("listeners.tcp = none\nstomp.listeners.tcp.1 = 127.0.0.1:{port}\nlog.file = false\nlog.console = true\n");
    fs::write(folder.join("rabbitmq.conf"), text).unwrap();
    fs::write(folder.join("enabled_plugins"), "[rabbitmq_stomp].").unwrap();
    let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
    let node = format!("uspec{port}@localhost");
    command
        .arg("-noinput")
        .current_dir(folder)
        .env("HOME", folder)
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_NODENAME", &node)
        .env("RABBITMQ_CONFIG_FILE", folder.join("rabbitmq.conf"))
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", folder.join("enabled_plugins"))
        .env("RABBITMQ_MNESIA_BASE", folder.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", folder.join("logs"))
        .env("ERL_FLAGS", "-dist_listen false -start_epmd false -erl_epmd_port 1")
        .env("RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS", format!("-sname {node}"))
        // So that this process becomes the broker itself, and ends with it.
        .env("RABBITMQ_ALLOW_INPUT", "1");
    command
}

/// Judges the bundled Agent beside a broker: every case that runs passes, and what needs our own broker says so.
fn judge(mtp: &str, at_least: usize) {
    let text = format!(
        "format: 1\nname: beside\neut: {{endpoint_id: proto::uspec-agent}}\ncontroller: {{endpoint_id: proto::uspec-controller}}\n\
         mtps:\n  - {mtp}\nfeatures: {{auto: true, claim: [10]}}\ncontrol: {{power_cycle: {{program: [\"true\"]}}}}\n"
    );
    let profile = EutProfile::parse("beside.yaml", &text, Path::new("")).unwrap_or_else(|wrong| panic!("{wrong:?}"));
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let selection = CASES.iter().fold(Selection::all(), |selection, id| selection.id(id).unwrap());
    let agent = Bundled::new(&profile, &[], Where::Loopback).unwrap();
    let report = agent.judge(&catalogue, &selection, &mut |_| None).unwrap();
    let mut passed = 0;
    let mut reasons = Vec::new();
    for result in &report.results {
        match &result.outcome {
            CaseOutcome::Judged(judged) => {
                assert_eq!(judged.judgement.verdict, Verdict::Pass, "{}: {:#?}", result.case, judged.judgement);
                passed += 1;
            }
            CaseOutcome::NotRun(not_run) if CASES.contains(&result.case.to_string().as_str()) => {
                reasons.push(format!("{}: {}", result.case, not_run.reason));
            }
            CaseOutcome::NotRun(_) => {}
        }
    }
    assert!(passed >= at_least, "only {passed} ran; {reasons:#?}");
    assert!(reasons.iter().any(|reason| reason.contains("broker")), "none says that it needs our broker: {reasons:#?}");
}

#[test]
#[ignore = "needs Mosquitto (Debian's package mosquitto); ci/check runs it"]
fn mqtt_5_beside_mosquitto() {
    let broker = Broker::start(mosquitto);
    let port = broker.port;
    judge(
        &format!(
            "mqtt: {{version: \"5.0\", broker: beside, address: 127.0.0.1:{port}, controller_topic: usp/controller, agent_topic: usp/agent}}"
        ),
        16,
    );
}

#[test]
#[ignore = "needs Mosquitto (Debian's package mosquitto); ci/check runs it"]
fn mqtt_3_1_1_beside_mosquitto() {
    let broker = Broker::start(mosquitto);
    let port = broker.port;
    judge(
        &format!(
            "mqtt: {{version: \"3.1.1\", broker: beside, address: 127.0.0.1:{port}, controller_topic: usp/controller, agent_topic: usp/agent}}"
        ),
        15,
    );
}

#[test]
#[ignore = "needs RabbitMQ (Debian's package rabbitmq-server); ci/check runs it"]
fn stomp_beside_rabbitmq() {
    let broker = Broker::start(rabbitmq);
    let port = broker.port;
    judge(
        &format!(
            "stomp: {{broker: beside, address: 127.0.0.1:{port}, controller_destination: /queue/controller, agent_destination: /queue/agent, \
             username: guest, password: guest, virtual_host: /}}"
        ),
        15,
    );
}
