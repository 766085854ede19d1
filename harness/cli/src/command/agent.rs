//! `uspec agent`: the reference Agent on real sockets.

use crate::{
    args::AgentArgs,
    bundled,
    outcome::{Error, Exit, tell},
};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio_util::sync::CancellationToken;
use uspec_agent::{
    AgentConfig, ControllerConfig, Fault, FaultSet, ListenConfig, Pem, Persistence, TlsIdentity, WebSocketTarget,
    endpoint,
};
use uspec_mtp::network::RealNetwork;

/// Runs the command.
///
/// # Errors
/// An URL or fault that is none, and whatever keeps the Agent from starting.
pub fn run(args: &AgentArgs) -> Result<Exit, Error> {
    if args.list_faults {
        for fault in Fault::all() {
            tell(&format!("{:<44} {}\n", fault.to_string(), fault.description()));
        }
        return Ok(Exit::Good);
    }
    let config = config(args)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let ended = stop.clone();
        tokio::spawn(async move {
            if tokio::signal::ctrl_c().await.is_ok() {
                ended.cancel();
            }
        });
        tell(&format!("{} is running; Ctrl-C ends it\n", config.endpoint_id));
        endpoint::run(config, Arc::new(RealNetwork), stop).await.map_err(|cause| Error::new("the Agent", &cause))
    })?;
    Ok(Exit::Good)
}

fn config(args: &AgentArgs) -> Result<AgentConfig, Error> {
    let mut config = match &args.config {
        Some(file) => read(file)?,
        None => AgentConfig { endpoint_id: DEFAULT_ENDPOINT_ID.to_owned(), ..AgentConfig::default() },
    };
    config.start_time = jiff::Timestamp::now();
    if let Some(id) = &args.endpoint_id {
        config.endpoint_id.clone_from(id);
    }
    if !args.fault.is_empty() {
        config.faults = args.fault.iter().map(|name| bundled::fault(name)).collect::<Result<FaultSet, _>>()?;
    }
    if let Some(file) = &args.state {
        config.persistence = Persistence::File(file.clone());
    }
    if let (Some(certificate), Some(key)) = (&args.certificate, &args.key) {
        let pem = |file: &PathBuf| Pem::File(file.clone());
        config.tls =
            Some(TlsIdentity { certificate: pem(certificate), key: pem(key), trust: args.trust.as_ref().map(pem) });
    }
    let mut controller = ControllerConfig { endpoint_id: args.controller.clone(), ..ControllerConfig::default() };
    if let Some(url) = &args.connect {
        let Place { host, port, path, tls } = place(url)?;
        controller.websocket = Some(WebSocketTarget { host, port, path, tls, ..WebSocketTarget::default() });
    }
    if let Some(url) = &args.listen {
        let Place { host, port, path, tls } = place(url)?;
        config.listen = Some(ListenConfig { host, port, path, tls, ..ListenConfig::default() });
    }
    if args.connect.is_some() || args.listen.is_some() {
        config.controllers.retain(|it| it.endpoint_id != controller.endpoint_id);
        config.controllers.push(controller);
    }
    Ok(config)
}

/// The Agent's Endpoint ID when nothing names one.
const DEFAULT_ENDPOINT_ID: &str = "proto::uspec-agent";

/// The configuration in this file.
fn read(file: &Path) -> Result<AgentConfig, Error> {
    let text = fs::read_to_string(file).map_err(|cause| Error::file("read", file, &cause))?;
    serde_yaml::from_str(&text).map_err(|cause| Error::new(file.display(), &cause))
}

struct Place {
    host: String,
    port: u16,
    path: String,
    tls: bool,
}

/// Takes `ws://host:port/path` apart.
fn place(url: &str) -> Result<Place, Error> {
    let wrong = || Error::Message(format!("error: `{url}` is no address: write ws://HOST:PORT/PATH or wss://…"));
    let (scheme, rest) = url.split_once("://").ok_or_else(wrong)?;
    let tls = match scheme {
        "ws" => false,
        "wss" => true,
        _ => return Err(wrong()),
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| wrong())?;
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(Place { host: host.to_owned(), port, path: format!("/{path}"), tls })
}
