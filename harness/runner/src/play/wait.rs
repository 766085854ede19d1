//! `await` and `absent`.

use super::{Ended, Play, done, not_reached, timed_out};
use crate::{
    bounds::after,
    controller::{
        Controller, Sent,
        inbox::Wanted,
        sightings::{Sighting, WantedSighting},
    },
};
use std::time::Duration;
use tokio::time::Instant;
use uspec_testplan::{
    case::{Expected, Party, Step},
    trace::{StepOutcome, StepRef},
};

impl Play<'_> {
    pub(super) async fn await_what(&mut self, place: &StepRef, step: &Step, what: &Expected) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        let begun = Instant::now();
        let within = match self.resolved(step.within.as_ref()) {
            Ok(within) => within,
            Err(outcome) => return plain(outcome),
        };
        let timing = self.controller.timing;
        let limit = |usual: Duration| after(begun, within.unwrap_or(usual));
        match what {
            Expected::ResponseTo(label) => self.await_answer(label, limit(timing.response)).await,
            Expected::Notify { subscription_id, matching } => {
                let wanted = Wanted::new(step.by, subscription_id.as_deref(), matching.as_ref());
                if let Some(name) = wanted.undefined(&self.controller.variables) {
                    return plain(not_reached(&self.why_undefined(&name)));
                }
                self.controller.side_mut(step.by).plays = true;
                let here = (place.phase, place.index);
                let until = limit(timing.response);
                let seen = self.controller.until(until, |it| it.inbox.take(here, &wanted, &it.variables)).await;
                match seen {
                    Some(seen) => Ended { outcome: done(Some(seen.seq)), answer: Some((false, seen.into_body())) },
                    None => plain(timed_out(begun)),
                }
            }
            Expected::Connected => {
                let until = limit(timing.connect.max(timing.boot));
                let by = step.by;
                let seen = self.controller.until(until, |it| it.current_of(by).map(|_| it.last_opened(by))).await;
                seen.map_or_else(|| plain(timed_out(begun)), |opened| self.sighted(opened.and_then(|(_, seq)| seq)))
            }
            Expected::Disconnected => {
                let (acted, by) = (self.acted, step.by);
                let ended = |it: &mut Controller| match it.last_closed(by) {
                    Some((at, seq)) if at >= acted || it.current_of(by).is_none() => Some(seq),
                    _ => it.current_of(by).is_none().then_some(None),
                };
                let seen = self.controller.until(limit(timing.connect), ended).await;
                seen.map_or_else(|| plain(timed_out(begun)), |seq| self.sighted(seq))
            }
            Expected::Mtp(_) | Expected::Record(_) => {
                let Some(wanted) = WantedSighting::of(what) else { return plain(done(None)) };
                let usual = if wanted.is_connection() { timing.connect.max(timing.boot) } else { timing.response };
                match self.sighting(&wanted, step.by, limit(usual)).await {
                    Err(outcome) => plain(outcome),
                    Ok(None) => plain(timed_out(begun)),
                    Ok(Some(seen)) => Ended { outcome: done(Some(seen.seq)), answer: Some((false, seen.shown)) },
                }
            }
        }
    }

    /// What must not come: seen when it came since the last step that acts, because TR-369 fixes no order between a Response and a
    /// Notification.
    pub(super) async fn absent(&mut self, by: Party, what: &Expected, lasting: Duration) -> StepOutcome {
        let begun = Instant::now();
        let limit = after(begun, lasting);
        let acted = self.acted;
        let came = match what {
            Expected::ResponseTo(label) => {
                let msg_id = match self.sent_by(label) {
                    Ok((msg_id, _)) => msg_id,
                    Err(outcome) => return outcome,
                };
                self.controller.until(limit, |it| it.inbox.any_answer(&msg_id)).await
            }
            Expected::Notify { subscription_id, matching } => {
                let wanted = Wanted::new(by, subscription_id.as_deref(), matching.as_ref());
                if let Some(name) = wanted.undefined(&self.controller.variables) {
                    return not_reached(&self.why_undefined(&name));
                }
                self.controller.side_mut(by).plays = true;
                let came = self.controller.until(limit, |it| it.inbox.forbidden(&wanted, &it.variables)).await;
                if came.is_none() && self.controller.current().is_none() {
                    return not_reached("the EUT was not connected at the end, so that its silence says nothing");
                }
                came
            }
            Expected::Connected => {
                let opened = |it: &mut Controller| it.last_opened(by).filter(|(at, _)| *at >= acted);
                return match self.controller.until(limit, opened).await {
                    Some((_, Some(seq))) => done(Some(seq)),
                    Some((_, None)) => not_reached("a connection opened, but the Trace is full"),
                    None => done(None),
                };
            }
            Expected::Disconnected => {
                let closed = |it: &mut Controller| it.last_closed(by).filter(|(at, _)| *at >= acted);
                return match self.controller.until(limit, closed).await {
                    Some((_, Some(seq))) => done(Some(seq)),
                    Some((_, None)) => not_reached("the connection ended, but the Trace is full"),
                    None => done(None),
                };
            }
            Expected::Mtp(_) | Expected::Record(_) => {
                let Some(wanted) = WantedSighting::of(what) else { return done(None) };
                match self.sighting(&wanted, by, limit).await {
                    Err(outcome) => return outcome,
                    Ok(Some(seen)) => return done(Some(seen.seq)),
                    Ok(None) => {}
                }
                let lost = self.controller.inbox.sightings.dropped > 0;
                // What an Agent that is not there does not send says nothing; that it does not come says something.
                // One that is sent away again and again is there while it tries.
                let tried = self.controller.side(by).connections.last_packet.is_some_and(|at| at >= begun);
                let says_nothing = !wanted.is_connection()
                    && !tried
                    && self.controller.side(by).connections.beginning().is_none()
                    && self.controller.current_of(by).is_none()
                    && self.controller.current().is_none();
                if lost {
                    return not_reached("more happened than the Trace holds, so that it may have been among it");
                }
                if says_nothing {
                    return not_reached("the EUT was not connected at the end, so that its silence says nothing");
                }
                None
            }
        };
        done(came)
    }

    /// The first event that is meant, no earlier step took, and came since the last step that acts began.
    async fn sighting(
        &mut self,
        wanted: &WantedSighting,
        by: Party,
        limit: Instant,
    ) -> Result<Option<Sighting>, StepOutcome> {
        if let Some(name) = wanted.undefined(&self.controller.variables) {
            return Err(not_reached(&self.why_undefined(&name)));
        }
        let since = self.since;
        let take = |it: &mut Controller| {
            let Controller { inbox, variables, .. } = it;
            inbox.sightings.take(since, by, wanted, variables)
        };
        Ok(self.controller.until(limit, take).await)
    }

    /// A change of the connection: seen at its place in the Trace when it is there, with what it shows.
    fn sighted(&self, seq: Option<u64>) -> Ended {
        let shown = seq.and_then(|seq| self.controller.shown(seq));
        Ended { outcome: done(seq), answer: shown.map(|shown| (false, shown)) }
    }

    async fn await_answer(&mut self, label: &str, limit: Instant) -> Ended {
        let (msg_id, sent) = match self.sent_by(label) {
            Ok(sent) => sent,
            Err(outcome) => return Ended { outcome, answer: None },
        };
        self.answered(&msg_id, sent, Instant::now(), limit).await
    }

    fn sent_by(&self, label: &str) -> Result<(String, Sent), StepOutcome> {
        let asked = self.asked.get(label).and_then(|asked| Some((asked.msg_id.clone(), asked.sent?)));
        asked.ok_or_else(|| not_reached(&format!("step `{label}` has sent nothing")))
    }
}
