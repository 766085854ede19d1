//! The time between two events lies within bounds.
//!
//! One decision behind it: an EUT acts on a Request at some time between its sending and its answer, so that the distance is known
//! up to that. It is too short only when even the longest that it can have been is, and too long only when even the shortest is.

use super::{
    Argument, Arguments, Evidence, Judged, Kind,
    moment::{moment, tolerance},
};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "the time between two events lies within bounds";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required(
        "from",
        Kind::Label,
        "the step that saw or did the first; for a Request its sending to its answer",
    ),
    Argument::required("to", Kind::Label, "the step that saw or did the second"),
    Argument::one_of("earliest", Kind::Duration, "the shortest time, such as 55s or {{minimum}}s"),
    Argument::one_of("latest", Kind::Duration, "the longest time, such as 65s"),
    Argument::optional("tolerance", Kind::Duration, "by how much a bound may be missed, in place of the profile's"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let tolerance = tolerance(evidence, arguments)?;
    let bound = |name: &str| arguments.maybe(name).map(|_| arguments.duration(name)).transpose();
    let (earliest, latest) = (bound("earliest")?, bound("latest")?);
    let (from, to) = (arguments.text("from")?, arguments.text("to")?);
    let (first, second) = (moment(evidence, from)?, moment(evidence, to)?);
    let (shortest, longest) = first.until(second);
    let window = match (earliest, latest) {
        (Some(earliest), Some(latest)) => format!("{} to {}", show::span(earliest), show::span(latest)),
        (Some(earliest), None) => format!("at least {}", show::span(earliest)),
        (None, Some(latest)) => format!("at most {}", show::span(latest)),
        (None, None) => "any time".to_owned(),
    };
    let expected = format!("`{to}` {window} after `{from}` (tolerance {})", show::span(tolerance));
    let events = vec![first.seq, second.seq];
    // Two events at the same moment are told apart by their places.
    let swapped =
        first.from == first.to && second.from == second.to && first.to == second.from && second.seq < first.seq;
    if second.to < first.from || swapped {
        return Ok(vec![unmet(expected, format!("`{to}` came before `{from}`"), events)]);
    }
    let seen = if shortest == longest {
        format!("after {}", show::span(longest))
    } else {
        format!("after {} to {}", show::span(shortest), show::span(longest))
    };
    let right = earliest.is_none_or(|earliest| longest.saturating_add(tolerance) >= earliest)
        && latest.is_none_or(|latest| shortest <= latest.saturating_add(tolerance));
    Ok(vec![if right { met } else { unmet }(expected, seen, events)])
}
