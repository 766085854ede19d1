//! Arguments of `uspec init`. Each one answers a question; what is not answered is asked at a terminal, and takes its default elsewhere.

use clap::{Args, ValueEnum};
use std::path::PathBuf;

/// Arguments of `uspec init`.
#[derive(Debug, Clone, Args)]
#[command(after_help = "\
Examples:
  uspec init --out my-device.yaml                       asks which MTP, who connects, and where
  uspec init --mtp websocket --role eut-connects --address 0.0.0.0:8080 --path /usp --out my-device.yaml
  uspec init --mtp mqtt5 --address 0.0.0.0:1883 --host bench.example --out my-device.yaml
                                                        uspec is the broker; the device reaches it as bench.example
  uspec init --mtp websocket --role eut-connects --address 0.0.0.0:8443 --pki my-pki --out my-device.yaml
                                                        over TLS, with what `uspec pki my-pki` wrote

It prints the settings of the Agent first, then waits for it. The profile that it writes says in comments why each value is
there. Nothing is overwritten. When nobody connects, what was answered goes to a draft beside it, for `uspec doctor`.

Exit codes:
  0    the profile is written, and nothing is missing in it
  2    the device did not connect, or wrong usage
  3    the profile is written; its first lines say what could not be found out
  130  interrupted")]
pub struct InitArgs {
    /// The MTP.
    #[arg(long, value_enum)]
    pub mtp: Option<InitMtp>,
    /// Who connects, over WebSocket and UNIX domain sockets.
    #[arg(long, value_enum)]
    pub role: Option<InitRole>,
    /// Whose broker it is, over MQTT and STOMP.
    #[arg(long, value_enum)]
    pub broker: Option<InitBroker>,
    /// Where uspec listens, or where the device or the other broker does: host and port.
    #[arg(long, value_name = "HOST:PORT")]
    pub address: Option<String>,
    /// The path of the WebSocket's URL, or that of the UNIX domain socket.
    #[arg(long)]
    pub path: Option<String>,
    /// The topic or destination at which the device reaches uspec.
    #[arg(long, value_name = "TOPIC", visible_alias = "controller-destination")]
    pub controller_topic: Option<String>,
    /// The topic or destination at which the device is reached.
    #[arg(long, value_name = "TOPIC", visible_alias = "agent-destination")]
    pub agent_topic: Option<String>,
    /// The user name at the broker; anybody may connect to uspec's own without one.
    #[arg(long)]
    pub username: Option<String>,
    /// The password that belongs to it.
    #[arg(long, env = "USPEC_PASSWORD", hide_env_values = true, requires = "username")]
    pub password: Option<String>,
    /// The virtual host of STOMP.
    #[arg(long, value_name = "NAME")]
    pub virtual_host: Option<String>,
    /// TLS with the files that `uspec pki` wrote into this folder.
    #[arg(long, value_name = "DIR", conflicts_with_all = ["certificate", "key", "trust"])]
    pub pki: Option<PathBuf>,
    /// TLS with this certificate of ours (PEM).
    #[arg(long, value_name = "FILE", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Its private key (PEM).
    #[arg(long, value_name = "FILE", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// TLS with these certificates, against which the device's own is verified (PEM).
    #[arg(long, value_name = "FILE")]
    pub trust: Option<PathBuf>,
    /// The name or address by which the device reaches this computer or the broker, for the printed settings.
    #[arg(long, value_name = "NAME")]
    pub host: Option<String>,
    /// The device's Endpoint ID; whoever connects when not given.
    #[arg(long, value_name = "ID")]
    pub endpoint_id: Option<String>,
    /// Our Controller's Endpoint ID.
    #[arg(long, value_name = "ID", default_value = "proto::uspec-controller")]
    pub controller: String,
    /// Our second Controller's Endpoint ID.
    #[arg(long, value_name = "ID", default_value = uspec_testplan::profile::DEFAULT_SECOND)]
    pub second: String,
    /// The device's name in reports; its model and software version when not given.
    #[arg(long)]
    pub name: Option<String>,
    /// For how long the device is awaited, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 600)]
    pub wait: u64,
    /// The profile to be written.
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

/// An MTP, with its version where that is a choice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitMtp {
    /// WebSocket.
    Websocket,
    /// MQTT 5.0.
    Mqtt5,
    /// MQTT 3.1.1.
    Mqtt311,
    /// STOMP.
    Stomp,
    /// A UNIX domain socket.
    Uds,
}

/// Who connects.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitRole {
    /// The device; uspec listens.
    EutConnects,
    /// uspec; the device listens.
    WeConnect,
}

/// Whose broker it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum InitBroker {
    /// That of uspec.
    BuiltIn,
    /// One that is there already.
    Beside,
}
