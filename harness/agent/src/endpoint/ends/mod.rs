//! The MTP ends that the data model asks for: a client or server for each MTP of a Controller or of the Agent, and one client for all the
//! Controllers behind the same broker.
//!
//! The one decision behind it: an MTP says in its own file where its ends are and what they do ([`End`]); when one is started, told of a
//! change or stopped is the same for all of them ([`group`]).

mod broker;
mod group;
mod mqtt;
mod stomp;
mod uds;
mod websocket;

use super::trust::Trust;
use crate::config::AgentConfig;
use crate::core::{Action, ConnectionId, Core};
use crate::store::{RowKey, Store};
use group::Group;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use uspec_mtp::MtpError;
use uspec_mtp::event::{AgentHappening, AgentMtpEvent, ConnectionId as MtpConnection, EVENT_QUEUE};
use uspec_mtp::network::Network;

/// Longest time for writing one Record: a peer that does not read must not stop the Agent.
const SEND_LIMIT: Duration = Duration::from_secs(10);

/// Number of an end since the boot.
type EndId = u32;

/// Something that an end reports.
#[derive(Debug)]
pub(super) struct EndEvent {
    end: EndId,
    connection: MtpConnection,
    what: AgentHappening,
}

/// What every end is started with and may look at.
#[derive(Debug)]
struct Site {
    config: AgentConfig,
    network: Arc<dyn Network>,
    trust: Trust,
    sender: mpsc::Sender<EndEvent>,
    next_id: EndId,
    /// Whether this is not the first boot of the process.
    rebooted: bool,
}

impl Site {
    /// Passes on what one end reports, until the end or the Agent is gone.
    fn forward(&self, end: EndId, mut events: mpsc::Receiver<AgentMtpEvent>) {
        let to = self.sender.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                if to.send(EndEvent { end, connection: event.connection, what: event.what }).await.is_err() {
                    break;
                }
            }
        });
    }
}

/// An end of some MTP, running or as it could not be started.
trait End: Sized + Debug {
    /// Where an end is; what is the same place needs no new end.
    type Place: Clone + Ord + Debug;
    /// What the data model says of an end beside its place.
    type Wanted;

    /// The ends that the data model asks for.
    fn wanted(site: &Site, store: &Store) -> BTreeMap<Self::Place, Self::Wanted>;

    /// Starts an end. One that cannot be started is not tried again until its place changes.
    fn start(
        site: &Site,
        core: &mut Core,
        id: EndId,
        place: &Self::Place,
        wanted: Self::Wanted,
    ) -> impl Future<Output = Self> + Send;

    /// Takes over what the data model says by now; gives back what is to be sent.
    fn change(
        &mut self,
        site: &Site,
        core: &mut Core,
        wanted: Self::Wanted,
    ) -> impl Future<Output = Vec<Action>> + Send;

    /// Trusts what is trusted now, from the next connection on.
    fn adopt(&self, trust: &Trust);

    /// Its number.
    fn id(&self) -> EndId;

    /// Something happened.
    fn react(&mut self, core: &mut Core, connection: MtpConnection, what: AgentHappening) -> Vec<Action>;

    /// Sends a Record, to that topic or destination where the MTP has any; what cannot be sent any more is lost, as on any MTP without
    /// acknowledgements.
    fn send(
        &self,
        connection: ConnectionId,
        to: Option<String>,
        record: Vec<u8>,
    ) -> impl Future<Output = Result<(), MtpError>> + Send;

    /// Begins to close a connection.
    fn close(
        &mut self,
        core: &mut Core,
        connection: ConnectionId,
        status: u16,
        reason: &str,
    ) -> impl Future<Output = Result<(), MtpError>> + Send;

    /// Ends it in order.
    fn stop(&self) -> impl Future<Output = ()> + Send;

    /// Shows in the data model that it is not there any more.
    fn gone(&self, _core: &mut Core) {}
}

/// All ends of an Agent.
#[derive(Debug)]
pub(super) struct Ends {
    site: Site,
    events: mpsc::Receiver<EndEvent>,
    /// Whether there was a session since the boot.
    met: bool,
    websocket: Group<websocket::WebSocket>,
    mqtt: Group<mqtt::Mqtt>,
    stomp: Group<stomp::Stomp>,
    uds: Group<uds::Uds>,
}

/// Does the same with the group of each MTP.
macro_rules! each {
    ($ends:ident, |$group:ident| $doing:expr) => {{
        {
            let $group = &mut $ends.websocket;
            $doing;
        }
        {
            let $group = &mut $ends.mqtt;
            $doing;
        }
        {
            let $group = &mut $ends.stomp;
            $doing;
        }
        {
            let $group = &mut $ends.uds;
            $doing;
        }
    }};
}

impl Ends {
    /// No end yet.
    pub(super) fn new(config: AgentConfig, network: Arc<dyn Network>, rebooted: bool) -> Self {
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let site = Site { config, network, trust: Trust::default(), sender, next_id: 0, rebooted };
        Self {
            site,
            events,
            met: false,
            websocket: Group::default(),
            mqtt: Group::default(),
            stomp: Group::default(),
            uds: Group::default(),
        }
    }

    /// Starts, changes and stops ends until there are those that the data model asks for.
    pub(super) async fn adjust(&mut self, core: &mut Core) {
        let trust = Trust::read(core.store(), &self.site.config, self.met);
        if self.site.trust != trust {
            self.site.trust = trust;
            each!(self, |group| group.adopt(&self.site.trust));
        }
        each!(self, |group| group.adjust(&mut self.site, core).await);
    }

    /// The next event of any end.
    pub(super) async fn next_event(&mut self) -> EndEvent {
        match self.events.recv().await {
            Some(event) => event,
            // Never met: the site holds a sender itself.
            None => pending().await,
        }
    }

    /// What the engine makes of an event.
    pub(super) fn react(&mut self, core: &mut Core, event: EndEvent) -> Vec<Action> {
        let EndEvent { end, connection, what } = event;
        self.met |= matches!(what, AgentHappening::Opened(_));
        if let AgentHappening::Listening { address } = &what {
            tracing::info!(%address, "listening");
        }
        if let AgentHappening::Failed(failure) = &what {
            tracing::debug!(?failure, "the peer failed");
        }
        each!(self, |group| if let Some(end) = group.get(end) {
            return end.react(core, connection, what);
        });
        Vec::new()
    }

    /// Sends a Record.
    pub(super) async fn send(&mut self, connection: ConnectionId, to: Option<String>, record: Vec<u8>) {
        let Some(end) = end_of(connection) else { return };
        each!(self, |group| if let Some(end) = group.get(end) {
            return within_limit(end.send(connection, to, record)).await;
        });
    }

    /// Begins to close a connection.
    pub(super) async fn close(&mut self, core: &mut Core, connection: ConnectionId, status: u16, reason: &str) {
        let Some(end) = end_of(connection) else { return };
        each!(self, |group| if let Some(end) = group.get(end) {
            return within_limit(end.close(core, connection, status, reason)).await;
        });
    }

    /// Ends everything.
    pub(super) async fn shut_down(&mut self) {
        // Events must go on being read, or an end could wait for its queue.
        let events = &mut self.events;
        let drain = async { while events.recv().await.is_some() {} };
        let stop_all = async {
            each!(self, |group| group.stop().await);
        };
        tokio::select! {
            () = stop_all => {}
            () = drain => {}
        }
    }
}

/// Does not wait for ever for a peer that does not read.
async fn within_limit(doing: impl Future<Output = Result<(), MtpError>>) {
    match timeout(SEND_LIMIT, doing).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tracing::debug!(%error, "not sent"),
        Err(_) => tracing::debug!("not sent in time"),
    }
}

/// The engine's name for a connection of an end.
fn connection_id(end: EndId, number: u32) -> ConnectionId {
    ConnectionId((u64::from(end) << 32) | u64::from(number))
}

/// The end that a connection belongs to.
fn end_of(connection: ConnectionId) -> Option<EndId> {
    u32::try_from(connection.0 >> 32).ok()
}

/// The connection as its end knows it.
fn number_of(connection: ConnectionId) -> Option<MtpConnection> {
    u32::try_from(connection.0 & u64::from(u32::MAX)).ok().map(MtpConnection)
}

/// The rows of an MTP table that are switched on and for that MTP.
fn enabled(store: &Store, table: &str, protocol: &str) -> Vec<RowKey> {
    let rows = store.all_of(table).into_iter();
    rows.filter(|row| store.flag(row, "Enable") && store.text(row, "Protocol") == protocol).collect()
}

/// The single Object of that name below a row.
fn below(store: &Store, row: &RowKey, name: &str) -> Option<RowKey> {
    store.below(row).into_iter().find(|below| store.model().object(below.object).name == name)
}

/// The Controller of an MTP row, when it is switched on.
fn enabled_controller(store: &Store, mtp: &RowKey) -> Option<RowKey> {
    mtp.parent(store.model()).filter(|controller| store.flag(controller, "Enable"))
}

/// The row that a reference names, when it exists.
fn referred(store: &Store, row: &RowKey, name: &str) -> Option<RowKey> {
    RowKey::parse(store.text(row, name), store.model()).filter(|target| store.contains(target))
}

/// A stored number of 32 bits.
fn number(store: &Store, row: &RowKey, name: &str) -> u32 {
    u32::try_from(store.number(row, name)).unwrap_or(u32::MAX)
}

/// A stored number of seconds.
fn seconds(store: &Store, row: &RowKey, name: &str) -> Duration {
    Duration::from_secs(store.number(row, name))
}

/// The time at which an event is reacted to.
fn now() -> Instant {
    Instant::now()
}
