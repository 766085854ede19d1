//! `await` and `absent`.

use super::{Ended, Play, done, not_reached, timed_out};
use crate::{bounds::after, controller::inbox::Wanted};
use std::time::Duration;
use tokio::time::Instant;
use uspec_testplan::{
    case::Expected,
    trace::{StepOutcome, StepRef},
};

impl Play<'_> {
    pub(super) async fn await_what(&mut self, place: &StepRef, what: &Expected, within: Option<Duration>) -> Ended {
        let plain = |outcome| Ended { outcome, answer: None };
        let begun = Instant::now();
        match what {
            Expected::ResponseTo(label) => self.await_answer(label, within).await,
            Expected::Notify { subscription_id, matching } => {
                let wanted = Wanted::new(subscription_id.as_deref(), matching.as_ref());
                if let Some(name) = wanted.undefined(&self.controller.variables) {
                    return plain(not_reached(&self.why_undefined(&name)));
                }
                let limit = after(begun, within.unwrap_or(self.controller.timing.response));
                let here = (place.phase, place.index);
                let seen = self.controller.until(limit, |it| it.inbox.take(here, &wanted, &it.variables)).await;
                match seen {
                    Some(seen) => Ended { outcome: done(Some(seen.seq)), answer: Some((false, seen.into_body())) },
                    None => plain(timed_out(begun)),
                }
            }
            Expected::Connected => {
                let timing = self.controller.timing;
                let limit = after(begun, within.unwrap_or(timing.connect.max(timing.boot)));
                let seen = self.controller.until(limit, |it| it.current().map(|_| it.last_opened())).await;
                plain(seen.map_or_else(|| timed_out(begun), |opened| done(opened.and_then(|(_, seq)| seq))))
            }
            Expected::Disconnected => {
                let limit = after(begun, within.unwrap_or(self.controller.timing.connect));
                let acted = self.acted;
                let ended = |it: &mut crate::controller::Controller| match it.last_closed() {
                    Some((at, seq)) if at >= acted || it.current().is_none() => Some(seq),
                    _ => it.current().is_none().then_some(None),
                };
                let seen = self.controller.until(limit, ended).await;
                plain(seen.map_or_else(|| timed_out(begun), done))
            }
        }
    }

    /// What must not come: seen when it came since the last step that acts, because TR-369 fixes no order between a Response and a
    /// Notification.
    pub(super) async fn absent(&mut self, what: &Expected, lasting: Option<Duration>) -> StepOutcome {
        let limit = after(Instant::now(), lasting.unwrap_or(self.controller.timing.silence));
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
                let wanted = Wanted::new(subscription_id.as_deref(), matching.as_ref());
                if let Some(name) = wanted.undefined(&self.controller.variables) {
                    return not_reached(&self.why_undefined(&name));
                }
                let came = self.controller.until(limit, |it| it.inbox.forbidden(acted, &wanted, &it.variables)).await;
                if came.is_none() && self.controller.current().is_none() {
                    return not_reached("the EUT was not connected at the end, so that its silence says nothing");
                }
                came
            }
            Expected::Connected => {
                let opened = |it: &mut crate::controller::Controller| it.last_opened().filter(|(at, _)| *at >= acted);
                return match self.controller.until(limit, opened).await {
                    Some((_, Some(seq))) => done(Some(seq)),
                    Some((_, None)) => not_reached("a connection opened, but the Trace is full"),
                    None => done(None),
                };
            }
            Expected::Disconnected => {
                let closed = |it: &mut crate::controller::Controller| it.last_closed().filter(|(at, _)| *at >= acted);
                return match self.controller.until(limit, closed).await {
                    Some((_, Some(seq))) => done(Some(seq)),
                    Some((_, None)) => not_reached("the connection ended, but the Trace is full"),
                    None => done(None),
                };
            }
        };
        done(came)
    }

    async fn await_answer(&mut self, label: &str, within: Option<Duration>) -> Ended {
        let (msg_id, sent) = match self.sent_by(label) {
            Ok(sent) => sent,
            Err(outcome) => return Ended { outcome, answer: None },
        };
        let begun = Instant::now();
        let limit = after(begun, within.unwrap_or(self.controller.timing.response));
        self.answered(&msg_id, sent, begun, limit).await
    }

    fn sent_by(&self, label: &str) -> Result<(String, crate::controller::Sent), StepOutcome> {
        let asked = self.asked.get(label).and_then(|asked| Some((asked.msg_id.clone(), asked.sent?)));
        asked.ok_or_else(|| not_reached(&format!("step `{label}` has sent nothing")))
    }
}
