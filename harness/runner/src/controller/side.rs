//! One Controller's own side of the MTP: its end, and the EUT's sessions on it.

use super::connections::{Change, Connections};
use tokio::{
    sync::mpsc,
    task::{JoinHandle, JoinSet},
    time::Instant,
};
use uspec_mtp::{
    Handle,
    event::{ConnectionId, MtpEvent, MtpHappening},
};
use uspec_testplan::{case::Party, trace::SECOND_CONTROLLER};

/// What is added to the numbers of the second Controller's connections.
const SECOND_OFFSET: u32 = SECOND_CONTROLLER - 1;

/// One Controller's side of the MTP.
#[derive(Debug)]
pub(crate) struct Side {
    /// This Controller's Endpoint ID.
    pub(crate) id: String,
    /// Its end; none while it has none of its own.
    pub(crate) end: Option<Handle>,
    /// Which sessions there are.
    pub(crate) connections: Connections,
    /// Whether the EUT has announced itself with a Connect Record since its last session opened.
    pub(crate) announced: bool,
    /// Nobody connected within the limit, and nobody has since: further steps need not wait as long again.
    pub(crate) gave_up: bool,
    /// Whether it answers what is addressed to it.
    pub(crate) plays: bool,
    /// What it answers without being told to by a step, as long as it is on its way out.
    pub(crate) replies: JoinSet<()>,
    /// Carries the events of an end that was started later.
    relay: Option<JoinHandle<()>>,
    offset: u32,
}

impl Side {
    /// The first Controller's side.
    pub(crate) fn first(id: String, end: Handle) -> Self {
        Self { end: Some(end), plays: true, ..Self::idle(id, 0) }
    }

    /// The second Controller's, which has no end yet.
    pub(crate) fn second(id: String) -> Self {
        Self::idle(id, SECOND_OFFSET)
    }

    fn idle(id: String, offset: u32) -> Self {
        Self {
            id,
            end: None,
            connections: Connections::default(),
            announced: false,
            gave_up: false,
            plays: false,
            replies: JoinSet::new(),
            relay: None,
            offset,
        }
    }

    /// Its end, to send on that connection.
    pub(crate) fn at(&self, connection: ConnectionId) -> Option<Handle> {
        let own = connection.0.checked_sub(self.offset)?;
        self.end.as_ref().map(|end| end.at(ConnectionId(own)))
    }

    /// Its number for a connection that its end numbers so.
    pub(crate) fn numbered(&self, own: ConnectionId) -> ConnectionId {
        ConnectionId(own.0.saturating_add(self.offset))
    }

    /// Has an end from now on; its events are renumbered and go to `into`.
    pub(crate) fn begin(&mut self, end: Handle, events: mpsc::Receiver<MtpEvent>, into: mpsc::Sender<MtpEvent>) {
        self.relay = Some(tokio::spawn(relay(events, into, self.offset)));
        self.end = Some(end);
        self.plays = true;
        self.gave_up = false;
    }

    /// Has no end any more; gives it back together with the task that ends when its last event has been carried.
    pub(crate) fn cease(&mut self) -> (Option<Handle>, Option<JoinHandle<()>>) {
        self.plays = false;
        (self.end.take(), self.relay.take())
    }

    /// Forgets sessions whose end nobody reported.
    pub(crate) fn forget(&mut self, eut: Option<&str>) {
        for id in self.connections.ids() {
            self.connections.close(id, eut, Change { at: Instant::now(), seq: None });
        }
    }
}

/// Whose connection that is.
pub(crate) fn party_of(connection: ConnectionId) -> Party {
    if connection.0 >= SECOND_OFFSET { Party::Second } else { Party::First }
}

async fn relay(mut events: mpsc::Receiver<MtpEvent>, into: mpsc::Sender<MtpEvent>, offset: u32) {
    let numbered = |id: ConnectionId| ConnectionId(id.0.saturating_add(offset));
    while let Some(mut event) = events.recv().await {
        event.connection = numbered(event.connection);
        if let MtpHappening::Superseded { by } = &mut event.what {
            *by = numbered(*by);
        }
        if into.send(event).await.is_err() {
            return;
        }
    }
}
