//! A Controller that is built into the broker.

use crate::event::ConnectionId;
use crate::log::{Log, Sink};
use crate::mqtt::command::SeatId;
use crate::mqtt::topic;

/// A Controller that is built into the broker.
#[derive(Debug, Clone)]
pub(in crate::mqtt) struct Seat {
    pub(in crate::mqtt) id: SeatId,
    /// Its own topic.
    pub(in crate::mqtt) topic: String,
    /// Where the Agent is reached while it has not told it.
    pub(in crate::mqtt) agent_topic: Option<String>,
    pub(super) sink: Sink,
    /// Whether it takes part: a guest may be away.
    pub(super) present: bool,
}

impl Seat {
    /// Where it hears of a connection.
    pub(in crate::mqtt) fn log(&self, id: ConnectionId) -> Log {
        self.sink.log(id)
    }

    /// Whether what is published there is for it.
    pub(super) fn listens_to(&self, name: &str) -> bool {
        self.present && topic::is_at_or_below(name, &self.topic)
    }
}
