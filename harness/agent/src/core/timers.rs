//! What happens because time passes: Commands end, Subscriptions expire, Periodic! occurs, notifications are sent again.

use super::{Action, Core};
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::model::value;
use crate::store::RowKey;
use crate::subscriptions::{self, Occurrence};
use std::collections::BTreeMap;
use std::time::Duration;
use tokio::time::Instant;

/// How often the fault repeats OnBoardRequests.
const FAULTY_REPETITION: u64 = 60;
/// How many seconds the fault adds to the interval of Periodic!.
const FAULTY_EXTENSION: u64 = 10;

/// Most Timer! Events that are awaited; the oldest goes when one more is scheduled.
const MOST_TIMERS: usize = 64;

/// An asynchronous Command that is under way.
#[derive(Debug, Clone)]
pub(super) struct Operation {
    pub(super) request: RowKey,
    pub(super) row: RowKey,
    pub(super) command: String,
    pub(super) key: String,
    pub(super) ends: Instant,
    pub(super) output: BTreeMap<String, String>,
}

/// The next Periodic! of a Controller, and the Parameters that it was worked out from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Periodic {
    interval: u64,
    reference: String,
    next: Instant,
}

impl Core {
    /// Time has passed, or something else happened at `now`: does everything that is due.
    pub fn tick(&mut self, now: Instant) -> Vec<Action> {
        self.store.uptime = self.clock.uptime(now);
        let before = self.store.clone();
        let mut occurrences = self.finish_operations(now);
        occurrences.append(&mut self.periodic_events(now));
        occurrences.append(&mut self.timer_events(now));
        self.expire_subscriptions(now);
        self.repeat_on_boarding(now);
        self.settle(now, &before, occurrences);
        let mut actions = self.late_greetings(now);
        actions.append(&mut self.flush(now));
        actions
    }

    /// When [`Core::tick`] has something to do again.
    pub fn next_deadline(&self) -> Option<Instant> {
        let operations = self.operations.iter().map(|operation| operation.ends);
        let periodic = self.periodic.values().map(|periodic| periodic.next);
        let subscriptions = self.store.all_of(subscriptions::TABLE).into_iter().filter_map(|row| self.expiry(&row));
        let on_boarding = self.on_boarding.values().copied();
        let connected = |controller: &str| self.connection_to(controller).is_some();
        let outbox = self.outbox.deadline(connected);
        let timers = self.timers.iter().map(|(end, _)| *end);
        let greetings = self.next_greeting();
        let mine = operations.chain(periodic).chain(timers).chain(greetings);
        mine.chain(subscriptions).chain(on_boarding).chain(outbox).min()
    }

    /// Ends the Subscriptions whose TimeToLive is over.
    pub(super) fn expire_subscriptions(&mut self, now: Instant) {
        for row in self.store.all_of(subscriptions::TABLE) {
            if self.expiry(&row).is_some_and(|end| end <= now) {
                if self.faults().has(Fault::ExpiredSubscriptionStays) {
                    self.store.set(&row, "Enable", "false");
                    self.store.set(&row, "TimeToLive", "0");
                } else {
                    self.store.remove(&row);
                }
            }
        }
    }

    fn expiry(&self, row: &RowKey) -> Option<Instant> {
        let lifetime = self.store.number(row, "TimeToLive");
        if lifetime == 0 || self.faults().has(Fault::SubscriptionOutlivesTimeToLive) {
            return None;
        }
        let created = value::time(self.store.text(row, "CreationDate"))?;
        self.clock.instant(created).checked_add(Duration::from_secs(lifetime))
    }

    /// Timer! of a Controller will occur after `duration`.
    pub(super) fn set_timer(&mut self, now: Instant, controller: RowKey, duration: Duration) {
        if self.timers.len() >= MOST_TIMERS {
            self.timers.remove(0);
        }
        self.timers.push((now.checked_add(duration).unwrap_or(now), controller));
    }

    fn timer_events(&mut self, now: Instant) -> Vec<Occurrence> {
        let (over, running) = std::mem::take(&mut self.timers).into_iter().partition(|(end, _)| *end <= now);
        self.timers = running;
        let over: Vec<(Instant, RowKey)> = over;
        let existing = over.into_iter().map(|(_, row)| row).filter(|row| self.store.contains(row));
        let event = |row| Occurrence::Event { row, name: "Timer!".to_owned(), arguments: BTreeMap::new(), only: None };
        existing.map(event).collect()
    }

    fn finish_operations(&mut self, now: Instant) -> Vec<Occurrence> {
        let (over, running) =
            std::mem::take(&mut self.operations).into_iter().partition(|operation| operation.ends <= now);
        self.operations = running;
        let over: Vec<Operation> = over;
        over.into_iter().map(|operation| self.end(operation, None)).collect()
    }

    /// Removes the Request (R-OPR.0) and says how the Command ended.
    fn end(&mut self, operation: Operation, failure: Option<Failure>) -> Occurrence {
        self.store.remove(&operation.request);
        let Operation { row, command, key, output, .. } = operation;
        Occurrence::Completion { row, command, key, result: failure.map_or(Ok(output), Err) }
    }

    /// Ends the Command behind a Request because its Cancel() was executed.
    pub(super) fn cancel(&mut self, request: &RowKey, occurrences: &mut Vec<Occurrence>) {
        if let Some(at) = self.operations.iter().position(|operation| operation.request == *request) {
            let operation = self.operations.remove(at);
            let failure = Failure::new(code::COMMAND_CANCELED, "cancelled");
            occurrences.push(self.end(operation, Some(failure)));
        }
    }

    /// Periodic! occurs for each enabled Controller at its reference time plus or minus multiples of its interval.
    fn periodic_events(&mut self, now: Instant) -> Vec<Occurrence> {
        let mut due = Vec::new();
        let mut schedule = BTreeMap::new();
        for controller in self.store.all_of("Device.LocalAgent.Controller.{i}.") {
            let interval = self.store.number(&controller, "PeriodicNotifInterval");
            let wanted = self.store.flag(&controller, "Enable") && interval > 0;
            if !wanted || self.faults().has(Fault::PeriodicNotSent) {
                continue;
            }
            let reference = self.store.text(&controller, "PeriodicNotifTime").to_owned();
            let known = self
                .periodic
                .get(&controller)
                .filter(|known| known.interval == interval && known.reference == reference);
            let mut next = known.map_or_else(|| self.next_period(now, interval, &reference), |known| known.next);
            if next <= now {
                due.extend(self.periodic_event(&controller));
                next = self.next_period(now, interval, &reference);
            }
            schedule.insert(controller, Periodic { interval, reference, next });
        }
        self.periodic = schedule;
        due
    }

    /// The first instant after `now` that is whole intervals away from the reference; without one, from the boot.
    fn next_period(&self, now: Instant, interval: u64, reference: &str) -> Instant {
        let known = value::time(reference).filter(|_| reference != value::UNKNOWN_TIME);
        let phase = known.unwrap_or_else(|| self.clock.boot_time());
        let period = i64::try_from(interval).unwrap_or(i64::MAX).saturating_mul(1000);
        let wall = self.clock.wall(now).as_millisecond();
        let since = wall.saturating_sub(phase.as_millisecond()).checked_rem_euclid(period).unwrap_or(0);
        let wait = u64::try_from(period.saturating_sub(since)).unwrap_or(0);
        let after = if self.faults().has(Fault::PeriodicIntervalTooLong) {
            Duration::from_secs(interval.saturating_add(FAULTY_EXTENSION))
        } else {
            Duration::from_millis(wait)
        };
        now.checked_add(after).unwrap_or(now)
    }

    fn periodic_event(&self, controller: &RowKey) -> Option<Occurrence> {
        let row = RowKey::parse("Device.LocalAgent.", self.store.model())?;
        Some(Occurrence::Event {
            row,
            name: "Periodic!".to_owned(),
            arguments: BTreeMap::new(),
            only: Some(controller.clone()),
        })
    }

    /// SendOnBoardRequest(): the request goes out, and on-boarding is not complete any more (R-NOT.5).
    pub(super) fn start_on_boarding(&mut self, now: Instant, controller: &RowKey) {
        if !self.faults().has(Fault::OnBoardingCompleteUnchanged) {
            self.store.set(controller, "OnBoardingComplete", "false");
        }
        self.on_boarding.remove(controller);
        if !self.faults().has(Fault::OnBoardRequestNotSent) {
            self.queue_on_board_request(now, controller);
        }
    }

    /// The Controller has the OnBoardRequest: the time to the next one runs from here.
    pub(super) fn on_board_request_delivered(&mut self, now: Instant, controller: &RowKey) {
        let seconds = match self.store.number(controller, "OnBoardingRestartTime") {
            _ if self.faults().has(Fault::OnBoardRequestNotRepeated) => 0,
            _ if self.faults().has(Fault::OnBoardRequestAlwaysRepeated) => FAULTY_REPETITION,
            seconds if self.faults().has(Fault::OnBoardRequestRepeatedTooEarly) => seconds / 3,
            seconds => seconds,
        };
        if seconds > 0
            && let Some(next) = now.checked_add(Duration::from_secs(seconds))
        {
            self.on_boarding.insert(controller.clone(), next);
        }
    }

    fn repeat_on_boarding(&mut self, now: Instant) {
        let always = self.faults().has(Fault::OnBoardRequestAlwaysRepeated);
        let (store, timers) = (&self.store, &mut self.on_boarding);
        timers.retain(|controller, _| {
            store.flag(controller, "Enable") && (always || !store.flag(controller, "OnBoardingComplete"))
        });
        let due: Vec<RowKey> =
            self.on_boarding.iter().filter(|(_, next)| **next <= now).map(|(row, _)| row.clone()).collect();
        for controller in due {
            self.on_boarding.remove(&controller);
            self.queue_on_board_request(now, &controller);
        }
    }
}
