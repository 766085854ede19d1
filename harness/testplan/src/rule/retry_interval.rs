//! Retries come within the windows of TR-369's back-off (R-NOT.1, R-WS.19; by TR-181 also R-MQTT.10, R-STOMP.7): the n-th waits between
//! m·(k/1000)^(n-1) and m·(k/1000)^n, and from the tenth on between the bounds of the tenth (R-NOT.2). With a maximum neither bound
//! grows beyond it, as `ConnectRetryMaxInterval` and `ServerRetryMaxInterval` say. STOMP's wait is any time up to the lower of these bounds
//! (TR-181, `ServerRetryIntervalMultiplier`): `from_zero`.
//!
//! The tolerance is that of the EUT profile (variable `timing.tolerance`), else one second: Agents count whole seconds.

use super::{
    Argument, Arguments, Evidence, Judged, Kind,
    moment::{moment, requirement_of_retries, tolerance},
};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
    verdict::Finding,
};

pub(super) const SAYS: &str = "each retry comes within its window";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("start", Kind::Label, "the step that saw the first attempt, or the end of the session"),
    Argument::required("attempts", Kind::Labels, "the steps that saw the retries, in order"),
    Argument::required("minimum", Kind::Duration, "the minimum wait interval, such as 5s"),
    Argument::required("multiplier", Kind::Text, "the interval multiplier in thousandths, such as 2000"),
    Argument::optional("maximum", Kind::Duration, "the interval beyond which no wait grows, such as 60s"),
    Argument::optional(
        "from_zero",
        Kind::Flag,
        "the n-th wait is any time up to minimum·(multiplier/1000)^(n-1), as over STOMP",
    ),
    Argument::optional("first", Kind::Number, "which retry the first of the attempts is; 1 when not given"),
    Argument::optional("tolerance", Kind::Duration, "by how much a window may be missed, in place of the profile's"),
];

/// The retry from which on the window does not grow any more.
const LAST_GROWTH: i32 = 10;

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
    let slack = tolerance(evidence, arguments)?.as_secs_f64();
    let maximum = match arguments.maybe("maximum") {
        Some(_) => arguments.duration("maximum")?.as_secs_f64(),
        None => f64::INFINITY,
    };
    let from_zero = arguments.flag("from_zero");
    let mut nth = i32::try_from(arguments.number("first").unwrap_or(1)).unwrap_or(LAST_GROWTH).max(1);
    let mut last = moment(evidence, arguments.text("start")?)?;
    let mut findings = Vec::new();
    for label in arguments.list("attempts") {
        let power = nth.min(LAST_GROWTH);
        let (low, high) = (minimum * factor.powi(power - 1), minimum * factor.powi(power));
        let (low, high) = if from_zero { (0.0, low) } else { (low, high) };
        let (low, high) = (low.min(high).min(maximum), low.max(high).min(maximum));
        let expected = format!("retry {nth} after {low:.1} s to {high:.1} s (tolerance {slack:.1} s)");
        let requirement = requirement_of_retries(evidence, label);
        let by = |finding: Finding| requirement.map_or(finding.clone(), |requirement| finding.by(requirement));
        let attempt = match moment(evidence, label) {
            Ok(attempt) => attempt,
            Err(mut finding) => {
                finding.expected = format!("{expected}: {}", finding.expected);
                findings.push(by(finding));
                break;
            }
        };
        // What ended the session before took effect at some time of its step: neither end of that is held against the EUT.
        let (shortest, longest) = last.until(attempt);
        let seen = format!("after {:.3} s", longest.as_secs_f64());
        let right = longest.as_secs_f64() >= low - slack && shortest.as_secs_f64() <= high + slack;
        findings.push(by(if right { met } else { unmet }(expected, seen, vec![last.seq, attempt.seq])));
        last = attempt;
        nth = nth.saturating_add(1);
    }
    Ok(findings)
}
