//! When something was last sent and last came, and when it is time for a heart-beat.

use tokio::time::Instant;

use super::heartbeat::Agreed;

/// How often the agreed interval may pass in silence: once for the peer's clock, once for the network.
const PATIENCE: u32 = 2;

/// The life signs of one connection.
#[derive(Debug)]
pub(super) struct Pulse {
    agreed: Agreed,
    sent: Instant,
    heard: Instant,
    /// The present silence has been told already.
    told: bool,
    /// Whether heart-beats are sent at all.
    sends: bool,
}

impl Pulse {
    /// A connection that begins, without heart-beats as yet.
    pub(super) fn new(now: Instant) -> Self {
        Self { agreed: Agreed::default(), sent: now, heard: now, told: false, sends: true }
    }

    /// Heart-beats are agreed on.
    pub(super) fn agree(&mut self, agreed: Agreed, now: Instant) {
        *self = Self { agreed, sends: self.sends, ..Self::new(now) };
    }

    /// Whether heart-beats are sent at all, whatever was agreed on. Beginning again does not make up for those that were left out.
    pub(super) fn set_sends(&mut self, sends: bool, now: Instant) {
        if sends && !self.sends {
            self.sent = now;
        }
        self.sends = sends;
    }

    /// Something was sent: the next heart-beat has time.
    pub(super) fn sent(&mut self, now: Instant) {
        self.sent = now;
    }

    /// Something came.
    pub(super) fn heard(&mut self, now: Instant) {
        self.heard = now;
        self.told = false;
    }

    /// When something last came.
    pub(super) fn last_heard(&self) -> Instant {
        self.heard
    }

    /// When one of the two below is next to be asked.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.beat_at().into_iter().chain(self.silent_at()).min()
    }

    /// Whether a heart-beat is to be sent now; it counts as sent then.
    pub(super) fn is_beat_due(&mut self, now: Instant) -> bool {
        let due = self.beat_at().is_some_and(|at| at <= now);
        if due {
            self.sent = now;
        }
        due
    }

    /// What has come too late, in milliseconds: the interval that was agreed on. Each silence is told once.
    pub(super) fn newly_silent(&mut self, now: Instant) -> Option<u128> {
        self.silent_at().filter(|at| *at <= now)?;
        self.told = true;
        self.agreed.expect_every.map(|every| every.as_millis())
    }

    fn beat_at(&self) -> Option<Instant> {
        self.agreed.send_every.filter(|_| self.sends).and_then(|every| self.sent.checked_add(every))
    }

    fn silent_at(&self) -> Option<Instant> {
        let patience = self.agreed.expect_every.filter(|_| !self.told)?.checked_mul(PATIENCE)?;
        self.heard.checked_add(patience)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_is_told_once_until_something_comes() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        assert_eq!(pulse.deadline(), None);
        pulse.agree(Agreed { send_every: None, expect_every: Some(SECOND) }, start);
        assert_eq!(pulse.deadline(), Some(start + 2 * SECOND));
        assert_eq!(pulse.newly_silent(start + SECOND), None);
        assert_eq!(pulse.newly_silent(start + 2 * SECOND), Some(1000));
        assert_eq!((pulse.newly_silent(start + 3 * SECOND), pulse.deadline()), (None, None));
        pulse.heard(start + 4 * SECOND);
        assert_eq!(pulse.newly_silent(start + 6 * SECOND), Some(1000));
    }

    #[test]
    fn a_beat_is_due_when_nothing_was_sent() {
        let start = Instant::now();
        let mut pulse = Pulse::new(start);
        pulse.agree(Agreed { send_every: Some(SECOND), expect_every: None }, start);
        pulse.sent(start + SECOND / 2);
        assert!(!pulse.is_beat_due(start + SECOND));
        assert!(pulse.is_beat_due(start + 3 * SECOND / 2));
        assert!(!pulse.is_beat_due(start + 2 * SECOND));
        pulse.set_sends(false, start + 2 * SECOND);
        assert_eq!(pulse.deadline(), None);
        pulse.set_sends(true, start + 9 * SECOND);
        assert_eq!(pulse.deadline(), Some(start + 10 * SECOND));
    }
}
