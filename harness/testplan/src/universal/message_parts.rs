//! R-MSG.6 and R-MSG.7: a Message has exactly one header and exactly one body.

use uspec_usp::{
    decode::IrregularityKind,
    field_path::{FieldPath, Segment},
    msg::Msg,
};

use super::Tally;
use crate::judge::{evidence::Evidence, finding::unmet};

pub(super) fn header(evidence: Evidence<'_>, tally: &mut Tally) {
    part(evidence, tally, "exactly one header", "header", |message| message.header.is_some());
}

pub(super) fn body(evidence: Evidence<'_>, tally: &mut Tally) {
    part(evidence, tally, "exactly one body", "body", |message| message.body.is_some());
}

fn part(
    evidence: Evidence<'_>,
    tally: &mut Tally,
    expected: &'static str,
    field: &str,
    is_there: impl Fn(&Msg) -> bool,
) {
    tally.expects(expected);
    let place: FieldPath = [Segment::Field(field.to_owned())].into_iter().collect();
    for record in evidence.view.received() {
        let Some((message, decoded)) = record.message.as_ref().and_then(|it| Some((it.value.as_ref()?, it))) else {
            continue;
        };
        let repeated = decoded.irregularities.iter().any(|irregularity| {
            irregularity.path == place && matches!(irregularity.kind, IrregularityKind::RepeatedSingularField { .. })
        });
        tally.holds(is_there(message) && !repeated, || {
            let seen = if repeated { format!("more than one {field}") } else { format!("no {field}") };
            unmet(expected, seen, vec![record.seq]).at(field)
        });
    }
}
