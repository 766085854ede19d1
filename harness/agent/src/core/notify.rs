//! From what happened to Notify Messages on their way.

use super::receive::{envelope, no_session};
use super::{Action, Core};
use crate::faults::Fault;
use crate::messages::SUPPORTED_VERSIONS;
use crate::store::change::{self, Change};
use crate::store::{RowKey, Store};
use crate::subscriptions::matching::{self, Moment};
use crate::subscriptions::outbox::{Interval, Pending};
use crate::subscriptions::{Occurrence, Subscription, notify, trigger};
use std::time::Duration;
use tokio::time::Instant;
use uspec_usp::msg::{self, Notify, body::MsgBody, request::ReqType};

/// Most rounds of triggers that trigger each other; a longer chain is a loop.
const MOST_TRIGGER_ROUNDS: usize = 8;
/// Most deleted Subscriptions that the fault remembers.
const MOST_GHOSTS: usize = 16;

impl Core {
    /// Works out what changed since `before`, notifies it together with `more`, and follows up what triggers changed.
    pub(super) fn settle(&mut self, now: Instant, before: &Store, more: Vec<Occurrence>) {
        let mut before = before.clone();
        let mut more = more;
        for _ in 0..MOST_TRIGGER_ROUNDS {
            let changes = change::between(&before, &self.store);
            if changes.is_empty() && more.is_empty() {
                break;
            }
            self.remember_ghosts(&before, &changes);
            self.on_board_as_changed(now, &changes);
            let occurrences: Vec<Occurrence> =
                changes.into_iter().map(Occurrence::Change).chain(std::mem::take(&mut more)).collect();
            let after = self.store.clone();
            self.occurred(now, &before, &occurrences);
            before = after;
        }
        let (store, keeps) = (&self.store, self.config.faults.has(Fault::NotifyAfterSubscriptionDeleted));
        self.outbox.retain(|pending| {
            let subscribed = pending.subscription.as_ref().is_none_or(|row| keeps || store.contains(row));
            subscribed && store.contains(&pending.controller_row)
        });
    }

    /// Queues the notifications about `occurrences` and applies the triggers. Only Subscriptions that were there before and are
    /// there now count, so that none notifies its own creation.
    pub(super) fn occurred(&mut self, now: Instant, before: &Store, occurrences: &[Occurrence]) {
        let after = self.store.clone();
        let existed = |subscription: &Subscription| before.contains(&subscription.row);
        let mut subscriptions: Vec<Subscription> = Subscription::all(&after).into_iter().filter(existed).collect();
        subscriptions.extend(self.ghosts.iter().cloned());
        let faults = self.config.faults.clone();
        let moment = Moment { before, after: &after, faults: &faults };
        for occurrence in occurrences {
            for subscription in &subscriptions {
                if !matching::concerns(&moment, subscription, occurrence) {
                    continue;
                }
                let mute = subscription.configures() && faults.has(Fault::TriggerActionDoesNotNotify);
                if subscription.notifies() && !mute {
                    let notify = notify::build(&after, &faults, subscription, occurrence);
                    self.queue(now, subscription, notify);
                }
                if subscription.configures() && !faults.has(Fault::TriggerActionNotExecuted) {
                    let wall = self.clock.wall(now);
                    trigger::apply(&mut self.store, &faults, wall, subscription);
                }
            }
        }
    }

    /// R-NOT.5, item 3: a Controller whose OnBoardingComplete becomes false, or which is new, wants an OnBoardRequest.
    fn on_board_as_changed(&mut self, now: Instant, changes: &[Change]) {
        for change in changes {
            let controller = match change {
                Change::Value { row, param, .. } if param == "OnBoardingComplete" || param == "Enable" => row,
                Change::Created(row) => row,
                _ => continue,
            };
            self.on_board_if_wanted(now, controller);
        }
    }

    /// Queues an OnBoardRequest to an enabled Controller that wants one and has none under way.
    pub(super) fn on_board_if_wanted(&mut self, now: Instant, controller: &RowKey) {
        let is_controller = self.store.definition(controller, "OnBoardingComplete").is_some();
        let wanted = self.store.flag(controller, "Enable") && !self.store.flag(controller, "OnBoardingComplete");
        let faulty = self.faults().has(Fault::OnBoardRequestNotSent);
        if is_controller && wanted && !faulty && !self.outbox.has_on_board_request(controller) {
            self.queue_on_board_request(now, controller);
        }
    }

    /// Sends what is due and returns it as actions.
    pub(super) fn flush(&mut self, now: Instant) -> Vec<Action> {
        let mut actions = self.greet(now);
        let pending = self.outbox.controllers();
        let connected: Vec<String> = pending.into_iter().filter(|controller| self.is_connected(controller)).collect();
        let faults = self.config.faults.clone();
        let is_connected = |controller: &str| connected.iter().any(|known| known == controller);
        let due = self.outbox.due(now, &faults, &mut self.random, is_connected);
        actions.extend(due.into_iter().filter_map(|pending| self.transmit(pending)));
        actions.append(&mut self.part());
        actions
    }

    /// Queues the OnBoardRequest to a Controller.
    pub(super) fn queue_on_board_request(&mut self, now: Instant, controller: &RowKey) {
        let notify = notify::on_board_request(&self.store, self.faults(), SUPPORTED_VERSIONS);
        let interval = self.interval(controller);
        let msg_id = self.fresh_msg_id();
        let endpoint_id = self.store.text(controller, "EndpointID").to_owned();
        let pending = Pending::new((endpoint_id, controller.clone()), None, msg_id, notify, now);
        self.outbox.push(pending.with_retry(interval, None));
    }

    fn queue(&mut self, now: Instant, subscription: &Subscription, notify: Notify) {
        let controller = &subscription.recipient;
        if !self.store.flag(controller, "Enable") {
            return;
        }
        let endpoint_id = self.store.text(controller, "EndpointID").to_owned();
        let msg_id = self.fresh_msg_id();
        let mut pending =
            Pending::new((endpoint_id, controller.clone()), Some(subscription.row.clone()), msg_id, notify, now);
        if subscription.retry {
            let lasts = Duration::from_secs(subscription.expiration);
            let expires = (subscription.expiration > 0).then(|| now.checked_add(lasts)).flatten();
            pending = pending.with_retry(self.interval(controller), expires);
        }
        self.outbox.push(pending);
    }

    fn interval(&self, controller: &RowKey) -> Interval {
        let number = |name: &str| u32::try_from(self.store.number(controller, name)).unwrap_or(u32::MAX);
        Interval {
            minimum: number("USPNotifRetryMinimumWaitInterval"),
            multiplier: number("USPNotifRetryIntervalMultiplier"),
        }
    }

    fn transmit(&self, pending: Pending) -> Option<Action> {
        let connection = self.connection_to(&pending.controller)?;
        let req_type = Some(ReqType::Notify(pending.notify));
        let message = envelope(pending.msg_id, MsgBody::Request(msg::Request { req_type }));
        Some(self.send(connection, &pending.controller, no_session(&message)))
    }

    fn remember_ghosts(&mut self, before: &Store, changes: &[Change]) {
        if !self.faults().has(Fault::NotifyAfterSubscriptionDeleted) || self.ghosts.len() >= MOST_GHOSTS {
            return;
        }
        let gone = changes.iter().filter_map(|change| match change {
            Change::Deleted(row) => Some(row),
            _ => None,
        });
        self.ghosts.extend(gone.filter_map(|row| Subscription::read(before, row)));
    }
}
