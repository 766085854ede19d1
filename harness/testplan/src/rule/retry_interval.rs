//! Retries come within the windows of TR-369's back-off (R-NOT.1, R-WS.19): the n-th waits between m·(k/1000)^(n-1) and m·(k/1000)^n,
//! and from the tenth on between the bounds of the tenth (R-NOT.2).
//!
//! The tolerance is that of the EUT profile (variable `timing.tolerance`), else one second: Agents count whole seconds.

use std::time::Duration;

use super::{Argument, Arguments, Evidence, Judged, Kind, arguments::duration};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
    trace::StepOutcome,
    verdict::Finding,
};

pub(super) const SAYS: &str = "each retry comes within its window";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("start", Kind::Label, "the step that saw the first attempt, or the end of the session"),
    Argument::required("attempts", Kind::Labels, "the steps that saw the retries, in order"),
    Argument::required("minimum", Kind::Text, "the minimum wait interval, such as 5s"),
    Argument::required("multiplier", Kind::Text, "the interval multiplier in thousandths, such as 2000"),
    Argument::optional("first", Kind::Number, "which retry the first of the attempts is; 1 when not given"),
    Argument::optional("tolerance", Kind::Text, "by how much a window may be missed, in place of the profile's"),
];

/// The retry from which on the window does not grow any more.
const LAST_GROWTH: i32 = 10;

/// When neither case nor profile say.
const DEFAULT_TOLERANCE: Duration = Duration::from_secs(1);

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let minimum = arguments.duration("minimum")?.as_secs_f64();
    let multiplier = arguments.text("multiplier")?;
    let factor = multiplier
        .trim()
        .parse::<f64>()
        .ok()
        .filter(|it| it.is_finite() && *it >= 0.0)
        .ok_or_else(|| unknown("a number as multiplier", show::quoted(multiplier), Vec::new()))?
        / 1000.0;
    let tolerance = tolerance(evidence, arguments)?;
    let mut nth = i32::try_from(arguments.number("first").unwrap_or(1)).unwrap_or(LAST_GROWTH).max(1);
    let (mut last, mut last_seq) = moment(evidence, arguments.text("start")?)?;
    let mut findings = Vec::new();
    for label in arguments.list("attempts") {
        let (at, seq) = match moment(evidence, label) {
            Ok(moment) => moment,
            Err(finding) => {
                findings.push(finding);
                break;
            }
        };
        let power = nth.min(LAST_GROWTH);
        let (low, high) = (minimum * factor.powi(power - 1), minimum * factor.powi(power));
        let (low, high) = (low.min(high), low.max(high));
        let waited = Duration::from_micros(at.saturating_sub(last)).as_secs_f64();
        let slack = tolerance.as_secs_f64();
        let expected = format!("retry {nth} after {low:.1} s to {high:.1} s (tolerance {slack:.1} s)");
        let seen = format!("after {waited:.3} s");
        let right = waited >= low - slack && waited <= high + slack;
        findings.push(if right { met } else { unmet }(expected, seen, vec![last_seq, seq]));
        (last, last_seq) = (at, seq);
        nth = nth.saturating_add(1);
    }
    Ok(findings)
}

fn tolerance(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Result<Duration, Finding> {
    if arguments.maybe("tolerance").is_some() {
        return arguments.duration("tolerance");
    }
    let profile = evidence.view.variables.get("timing.tolerance");
    Ok(profile.and_then(|text| duration(text)).unwrap_or(DEFAULT_TOLERANCE))
}

/// When what a step awaited came, in microseconds since the first event, and the event itself.
fn moment(evidence: Evidence<'_>, label: &str) -> Result<(u64, u64), Finding> {
    let expected = format!("what `{label}` awaits");
    let step = evidence.ran(label, &expected)?;
    match step.outcome {
        Some(StepOutcome::Done { matched: Some(seq) }) => {
            let event = evidence.view.trace.events.iter().find(|event| event.seq == *seq);
            let found = event.map(|event| (event.at_us, event.seq));
            found.ok_or_else(|| unknown(expected, "the Trace does not hold it", vec![step.started.seq]))
        }
        Some(StepOutcome::Done { matched: None }) => {
            let end = step.ended.unwrap_or(step.started);
            Ok((end.at_us, end.seq))
        }
        Some(StepOutcome::TimedOut { waited_ms }) => {
            let seen = format!("it did not come within {}", show::seconds(*waited_ms));
            Err(unmet(expected, seen, vec![step.started.seq]))
        }
        Some(StepOutcome::NotReached { reason }) => {
            Err(unknown(expected, show::cut(&format!("the step was not reached: {reason}")), vec![step.started.seq]))
        }
        Some(StepOutcome::Fault { causes }) => {
            let seen = format!("the harness failed: {}", causes.join(": "));
            Err(unknown(expected, show::cut(&seen), vec![step.started.seq]))
        }
        None => Err(unknown(expected, "the Trace ends before", vec![step.started.seq])),
    }
}
