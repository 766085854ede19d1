//! What can be changed while an end runs.

use std::time::Duration;

use super::WsBehaviour;
use crate::wire::Tls;

/// How a session is kept alive (R-WS.17, R-WS.18).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeepAlive {
    /// Time from one Ping to the next.
    pub interval: Duration,
    /// How long a Pong may take before the session counts as broken; none waits for ever.
    pub answer_within: Option<Duration>,
}

impl KeepAlive {
    /// A Ping every `interval`, whether it is answered or not.
    pub fn every(interval: Duration) -> Self {
        Self { interval, answer_within: None }
    }
}

/// What can be changed while an end runs.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) behaviour: WsBehaviour,
    pub(super) keep_alive: Option<KeepAlive>,
    /// TLS of later connections.
    pub(super) tls: Tls,
}
