//! How long a case can take at most, from its own steps: nothing that the EUT does can make it take longer.

use crate::{
    bounds::{CASE_MARGIN, PROGRAM_LIMIT, SEND_LIMIT},
    config::Timing,
};
use std::time::Duration;
use uspec_testplan::case::{Action, Expected, Lapse, MtpEvent, Step, TestCase};

/// The longest that setup and procedure can take.
pub(crate) fn case_bound(case: &TestCase, timing: &Timing) -> Duration {
    phase_bound(&case.setup, timing).saturating_add(phase_bound(&case.procedure, timing))
}

/// The longest that some steps can take, with a margin.
pub(crate) fn phase_bound(steps: &[Step], timing: &Timing) -> Duration {
    steps.iter().fold(CASE_MARGIN, |sum, step| sum.saturating_add(step_bound(step, timing)))
}

/// How long the answer to a Request may take. A case may give more time than the profile; a slow EUT keeps what its profile gives it.
pub(super) fn answer_limit(within: Option<Duration>, timing: &Timing) -> Duration {
    within.map_or(timing.response, |within| within.max(timing.response))
}

fn step_bound(step: &Step, timing: &Timing) -> Duration {
    let sending = [timing.pace, timing.connect, timing.connect, SEND_LIMIT, SEND_LIMIT];
    let sending = sending.into_iter().fold(Duration::ZERO, Duration::saturating_add);
    let within = step.within.as_ref().map(Lapse::longest);
    let connection = timing.connect.max(timing.boot);
    match &step.action {
        Action::Request { .. } => sending.saturating_add(answer_limit(within, timing)),
        Action::Send(_) | Action::Mtp(_) | Action::Controller(_) => sending,
        Action::Await { what, .. } => within.unwrap_or(match what {
            Expected::ResponseTo(_)
            | Expected::Notify { .. }
            | Expected::Record(_)
            | Expected::Mtp(MtpEvent::Frame { .. } | MtpEvent::Packet { .. }) => timing.response,
            Expected::Mtp(_) | Expected::Connected | Expected::Disconnected => connection,
        }),
        Action::Absent { lasting, .. } => lasting.as_ref().map_or(timing.silence, Lapse::longest),
        Action::Wait(lapse) => lapse.longest(),
        Action::Eut(_) => {
            let own = sending.saturating_add(timing.response);
            own.saturating_add(PROGRAM_LIMIT).saturating_add(timing.boot)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{case, step};

    #[test]
    fn a_case_never_gives_less_time_than_the_profile() {
        let timing = Timing { response: Duration::from_secs(90), ..Timing::default() };
        let given = |within| answer_limit(within, &timing);
        assert_eq!(given(None), Duration::from_secs(90));
        assert_eq!(given(Some(Duration::from_secs(60))), Duration::from_secs(90));
        assert_eq!(given(Some(Duration::from_secs(120))), Duration::from_secs(120));
    }

    #[test]
    fn a_long_step_makes_the_bound_longer() {
        let timing = Timing::default();
        let short = case_bound(&case("1.1", vec![step(Action::Wait(Duration::from_secs(1).into()))]), &timing);
        let long = case_bound(&case("1.1", vec![step(Action::Wait(Duration::from_secs(3600).into()))]), &timing);
        assert_eq!(long.checked_sub(short), Some(Duration::from_secs(3599)));
        assert!(case_bound(&case("1.1", vec![step(Action::Wait(Duration::MAX.into()))]), &timing) == Duration::MAX);
    }
}
