//! The time of day, derived from the running time so that a paused clock pauses both.

use std::time::Duration;
use tokio::time::Instant;

/// Says what time it is at an instant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Clock {
    origin: Instant,
    wall: jiff::Timestamp,
    booted: Instant,
}

impl Clock {
    /// A clock that shows `wall` at `origin`; the Agent boots at `booted`.
    pub(super) fn new(origin: Instant, wall: jiff::Timestamp, booted: Instant) -> Self {
        Self { origin, wall, booted }
    }

    /// The time of day at an instant, in whole milliseconds.
    pub(super) fn wall(&self, now: Instant) -> jiff::Timestamp {
        let elapsed = now.saturating_duration_since(self.origin);
        let millis = i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX);
        jiff::Timestamp::from_millisecond(self.wall.as_millisecond().saturating_add(millis))
            .unwrap_or(jiff::Timestamp::MAX)
    }

    /// The instant at a time of day; the origin for times before it.
    pub(super) fn instant(&self, wall: jiff::Timestamp) -> Instant {
        let millis = wall.as_millisecond().saturating_sub(self.wall.as_millisecond());
        let after = Duration::from_millis(u64::try_from(millis).unwrap_or(0));
        self.origin.checked_add(after).unwrap_or(self.origin)
    }

    /// Whole seconds since boot.
    pub(super) fn uptime(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.booted).as_secs()
    }

    /// Time of day at the boot.
    pub(super) fn boot_time(&self) -> jiff::Timestamp {
        self.wall(self.booted)
    }
}
