//! `uspec agent`: the reference Agent on real sockets.

use crate::{
    args::AgentArgs,
    bundled,
    outcome::{Error, Exit},
};
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uspec_agent::{
    AgentConfig, ControllerConfig, Fault, FaultSet, ListenConfig, Persistence, WebSocketTarget, endpoint,
};
use uspec_mtp::network::RealNetwork;

/// Runs the command.
///
/// # Errors
/// An URL or fault that is none, and whatever keeps the Agent from starting.
pub fn run(args: &AgentArgs) -> Result<Exit, Error> {
    if args.list_faults {
        for fault in Fault::all() {
            println!("{:<44} {}", fault.to_string(), fault.description());
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
        println!("{} is running; Ctrl-C ends it", config.endpoint_id);
        endpoint::run(config, Arc::new(RealNetwork), stop).await.map_err(|cause| Error::new("the Agent", &cause))
    })?;
    Ok(Exit::Good)
}

fn config(args: &AgentArgs) -> Result<AgentConfig, Error> {
    let faults = args.fault.iter().map(|name| bundled::fault(name)).collect::<Result<FaultSet, _>>()?;
    let mut config = AgentConfig {
        endpoint_id: args.endpoint_id.clone(),
        faults,
        start_time: jiff::Timestamp::now(),
        ..AgentConfig::default()
    };
    if let Some(file) = &args.state {
        config.persistence = Persistence::File(file.clone());
    }
    let mut controller = ControllerConfig { endpoint_id: args.controller.clone(), ..ControllerConfig::default() };
    if let Some(url) = &args.connect {
        let Place { host, port, path } = place(url)?;
        controller.websocket = Some(WebSocketTarget { host, port, path, ..WebSocketTarget::default() });
    }
    if let Some(url) = &args.listen {
        let Place { host, port, path } = place(url)?;
        config.listen = Some(ListenConfig { host, port, path, ..ListenConfig::default() });
    }
    config.controllers.push(controller);
    Ok(config)
}

struct Place {
    host: String,
    port: u16,
    path: String,
}

/// Takes `ws://host:port/path` apart.
fn place(url: &str) -> Result<Place, Error> {
    let wrong = || Error::Message(format!("error: `{url}` is no address: write ws://HOST:PORT/PATH"));
    let rest = url.strip_prefix("ws://").ok_or_else(wrong)?;
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = authority.rsplit_once(':').ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let port = port.parse().map_err(|_| wrong())?;
    if host.is_empty() {
        return Err(wrong());
    }
    Ok(Place { host: host.to_owned(), port, path: format!("/{path}") })
}
