//! Where the ends report to.

use bytes::Bytes;
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::event::{AgentHappening, AgentMtpEvent, Budget, ConnectionId, Direction, MtpEvent, MtpHappening};

/// The consumer of an end's events.
#[derive(Debug, Clone)]
pub(crate) enum Sink {
    /// Takes everything, octets and frames included.
    Whole(mpsc::Sender<MtpEvent>, Budget),
    /// Takes what an Agent needs.
    Agent(mpsc::Sender<AgentMtpEvent>),
}

impl Sink {
    /// The log of one connection.
    pub(crate) fn log(&self, connection: ConnectionId) -> Log {
        Log { sink: self.clone(), connection }
    }
}

/// The log of one connection.
#[derive(Debug, Clone)]
pub(crate) struct Log {
    sink: Sink,
    connection: ConnectionId,
}

impl Log {
    /// Reports what has just happened. Waits while the queue is full; a consumer that has gone away is nobody's concern.
    pub(crate) async fn emit(&self, what: MtpHappening) {
        let (at, connection) = (Instant::now(), self.connection);
        match &self.sink {
            Sink::Whole(sender, budget) => {
                let weight = budget.weigh(&what).await;
                let _ = sender.send(MtpEvent::weighed(at, connection, what, weight)).await;
            }
            Sink::Agent(sender) => {
                if let Some(what) = AgentHappening::from_happening(what) {
                    let _ = sender.send(AgentMtpEvent { at, connection, what }).await;
                }
            }
        }
    }

    /// Reports octets, copying them only for a consumer that wants them.
    pub(crate) async fn octets(&self, direction: Direction, octets: &[u8]) {
        if self.is_whole() && !octets.is_empty() {
            self.emit(MtpHappening::Octets { direction, bytes: Bytes::copy_from_slice(octets) }).await;
        }
    }

    /// Whether octets and frames are wanted.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self.sink, Sink::Whole(..))
    }
}
