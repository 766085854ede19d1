//! Notifications under way: waiting for a connection, for their answer, or for the next attempt (R-NOT.1 to R-NOT.4).

use crate::faults::{Fault, FaultSet};
use crate::random::Random;
use crate::store::RowKey;
use std::time::Duration;
use tokio::time::Instant;
use uspec_usp::msg::Notify;
use uspec_usp::msg::notify::{Notification, ValueChange};

/// Most notifications under way; the oldest goes when one more comes, so that an absent Controller cannot fill the memory.
const MOST_PENDING: usize = 512;
/// From this attempt on the retry interval no longer grows (R-NOT.2).
const LAST_GROWTH: u32 = 10;
/// Longest wait that is worked with, one year: the formula can yield centuries.
const LONGEST_WAIT: Duration = Duration::from_secs(31_536_000);

/// The retry interval of a Controller.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// USPNotifRetryMinimumWaitInterval, in seconds.
    pub minimum: u32,
    /// USPNotifRetryIntervalMultiplier, in thousandths.
    pub multiplier: u32,
}

/// One notification.
#[derive(Debug, Clone)]
pub struct Pending {
    /// The `msg_id` that it keeps over all attempts.
    pub msg_id: String,
    /// Endpoint ID of the Controller.
    pub controller: String,
    /// The row of the Controller.
    pub controller_row: RowKey,
    /// The Subscription behind it; none for an OnBoardRequest.
    pub subscription: Option<RowKey>,
    /// What is sent.
    pub notify: Notify,
    /// The retry interval, when it is sent again until it is answered.
    pub interval: Option<Interval>,
    /// When the attempts end.
    pub expires: Option<Instant>,
    attempts: u32,
    next: Instant,
    sent: bool,
}

impl Pending {
    /// A notification that wants to be sent at once.
    pub fn new(
        controller: (String, RowKey),
        subscription: Option<RowKey>,
        msg_id: String,
        notify: Notify,
        now: Instant,
    ) -> Self {
        let (controller, controller_row) = controller;
        Self {
            msg_id,
            controller,
            controller_row,
            subscription,
            notify,
            interval: None,
            expires: None,
            attempts: 0,
            next: now,
            sent: false,
        }
    }

    /// The same with retries.
    #[must_use]
    pub fn with_retry(mut self, interval: Interval, expires: Option<Instant>) -> Self {
        self.interval = Some(interval);
        self.expires = expires;
        self
    }
}

/// All notifications under way.
#[derive(Debug, Clone, Default)]
pub struct Outbox {
    pending: Vec<Pending>,
}

impl Outbox {
    /// Takes a notification.
    pub fn push(&mut self, pending: Pending) {
        if self.pending.len() >= MOST_PENDING {
            self.pending.remove(0);
        }
        self.pending.push(pending);
    }

    /// What is to be sent now to Controllers that are connected. Notifications without retry leave with this.
    pub fn due(
        &mut self,
        now: Instant,
        faults: &FaultSet,
        random: &mut Random,
        is_connected: impl Fn(&str) -> bool,
    ) -> Vec<Pending> {
        let ignores_expiry = faults.has(Fault::NotifyRetryIgnoresExpiration);
        self.pending.retain(|pending| ignores_expiry || pending.expires.is_none_or(|end| now < end));
        let mut due = Vec::new();
        for pending in &mut self.pending {
            let connected = is_connected(&pending.controller);
            let waits_for_connection = pending.interval.is_none() && !connected;
            if pending.next > now || waits_for_connection {
                continue;
            }
            if connected {
                let again = std::mem::replace(&mut pending.sent, true);
                due.push(pending.clone());
                if again && faults.has(Fault::NotifyRetryChangesContent) {
                    due.iter_mut().rev().take(1).for_each(Pending::change_content);
                }
            }
            pending.attempts = pending.attempts.saturating_add(1);
            pending.next = now.checked_add(pending.wait(faults, random)).unwrap_or(now);
        }
        let once = |pending: &Pending| pending.interval.is_none() || faults.has(Fault::NotifyNotRetried);
        self.pending.retain(|pending| !(once(pending) && due.iter().any(|sent| sent.msg_id == pending.msg_id)));
        due
    }

    /// The Endpoint IDs of the Controllers that something is under way to, each once.
    pub fn controllers(&self) -> Vec<String> {
        let mut controllers: Vec<String> = self.pending.iter().map(|pending| pending.controller.clone()).collect();
        controllers.sort_unstable();
        controllers.dedup();
        controllers
    }

    /// A Controller answered; returns the notification, which is done with.
    pub fn delivered(&mut self, msg_id: &str, controller: &str) -> Option<Pending> {
        let at =
            self.pending.iter().position(|pending| pending.msg_id == msg_id && pending.controller == controller)?;
        Some(self.pending.remove(at))
    }

    /// A Controller can be reached (again): what has not been sent once need not wait any longer.
    pub fn connected(&mut self, controller: &str, now: Instant) {
        for pending in self.pending.iter_mut().filter(|pending| pending.controller == controller && !pending.sent) {
            pending.next = now;
        }
    }

    /// Drops what lost its Subscription or its Controller.
    pub fn retain(&mut self, keep: impl Fn(&Pending) -> bool) {
        self.pending.retain(keep);
    }

    /// Whether an OnBoardRequest to that Controller is under way.
    pub fn has_on_board_request(&self, controller: &RowKey) -> bool {
        self.pending.iter().any(|pending| pending.subscription.is_none() && pending.controller_row == *controller)
    }

    /// When something is to be done next. What waits for a connection has no time.
    pub fn deadline(&self, is_connected: impl Fn(&str) -> bool) -> Option<Instant> {
        let timed =
            self.pending.iter().filter(|pending| pending.interval.is_some() || is_connected(&pending.controller));
        timed.map(|pending| pending.next).min()
    }
}

impl Pending {
    /// What no Agent should do: says something else.
    fn change_content(&mut self) {
        self.notify.notification = match self.notify.notification.take() {
            Some(Notification::ValueChange(change)) => {
                let param_value = format!("{}?", change.param_value);
                Some(Notification::ValueChange(ValueChange { param_value, ..change }))
            }
            other => other,
        };
    }

    /// The time to the next attempt: between m·(k/1000)^(n-1) and m·(k/1000)^n seconds for the n-th retry.
    fn wait(&self, faults: &FaultSet, random: &mut Random) -> Duration {
        let Some(interval) = self.interval else { return LONGEST_WAIT };
        let growth = f64::from(interval.multiplier) / 1000.0;
        let flat = faults.has(Fault::NotifyRetryIntervalDoesNotGrow);
        let retry = if flat { 1 } else { self.attempts.clamp(1, LAST_GROWTH) };
        let shortest = f64::from(interval.minimum) * growth.powi(i32::try_from(retry.saturating_sub(1)).unwrap_or(0));
        let seconds = shortest + random.fraction() * (shortest * growth - shortest);
        let seconds = match () {
            () if faults.has(Fault::NotifyRetriedTooEarly) => shortest / 2.0,
            () if faults.has(Fault::NotifyRetriedTooLate) => shortest * growth * 2.0,
            () => seconds,
        };
        Duration::try_from_secs_f64(seconds).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;

    const INTERVAL: Interval = Interval { minimum: 5, multiplier: 2000 };

    fn pending(msg_id: &str, now: Instant) -> Pending {
        let row = RowKey { object: Model::device().unwrap().root(), instances: Vec::new() };
        Pending::new(("c".to_owned(), row), None, msg_id.to_owned(), Notify::default(), now)
    }

    fn send(outbox: &mut Outbox, now: Instant) -> Vec<String> {
        let due = outbox.due(now, &FaultSet::default(), &mut Random::new(7), |_| true);
        due.into_iter().map(|pending| pending.msg_id).collect()
    }

    #[test]
    fn without_retry_it_is_sent_once() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.push(pending("1", now));
        assert_eq!(send(&mut outbox, now), ["1"]);
        assert_eq!(outbox.deadline(|_| true), None);
    }

    #[test]
    fn retries_stay_in_their_ranges() {
        let mut now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.push(pending("1", now).with_retry(INTERVAL, None));
        assert_eq!(send(&mut outbox, now), ["1"]);
        for retry in 0..12 {
            let next = outbox.deadline(|_| true).unwrap();
            let waited = next.duration_since(now).as_secs_f64();
            let shortest = 5.0 * 2f64.powi(retry.min(9));
            assert!((shortest..=2.0 * shortest).contains(&waited), "retry {retry}: {waited}");
            now = next;
            assert_eq!(send(&mut outbox, now), ["1"]);
        }
    }

    #[test]
    fn an_answer_from_its_controller_ends_it() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.push(pending("1", now).with_retry(INTERVAL, None));
        send(&mut outbox, now);
        assert!(outbox.delivered("1", "someone else").is_none());
        assert!(outbox.delivered("1", "c").is_some());
        assert_eq!(outbox.deadline(|_| true), None);
    }

    #[test]
    fn it_ends_at_its_expiration() {
        let now = Instant::now();
        let end = now + Duration::from_secs(4);
        let mut outbox = Outbox::default();
        outbox.push(pending("1", now).with_retry(INTERVAL, Some(end)));
        send(&mut outbox, now);
        assert!(send(&mut outbox, end + Duration::from_secs(60)).is_empty());
    }

    #[test]
    fn without_connection_it_waits() {
        let now = Instant::now();
        let mut outbox = Outbox::default();
        outbox.push(pending("1", now));
        assert!(outbox.due(now, &FaultSet::default(), &mut Random::new(1), |_| false).is_empty());
        assert_eq!(outbox.deadline(|_| false), None);
        outbox.connected("c", now);
        assert_eq!(send(&mut outbox, now), ["1"]);
    }
}
