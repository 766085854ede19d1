//! R-MSG.0a: an answer travels in the same type of Record as its Request.
//!
//! Not judged: answers to Records of another type than the two that carry Messages.

use uspec_usp::decode::RecordKind;

use super::Tally;
use crate::judge::{evidence::Evidence, finding::unmet};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("answers in the type of Record of their Request");
    for answer in evidence.view.received().filter(|record| record.is_answer()) {
        let Some(asked) = evidence.view.request_of(answer) else { continue };
        let (Some(expected), Some(seen)) = (asked.kind, answer.kind) else { continue };
        if !matches!(expected, RecordKind::NoSessionContext | RecordKind::SessionContext) {
            continue;
        }
        tally.holds(expected == seen, || {
            let text = format!("{} in a {} Record", answer.name(), seen.field());
            unmet(format!("an answer in a {} Record", expected.field()), text, vec![asked.seq, answer.seq])
        });
    }
}
