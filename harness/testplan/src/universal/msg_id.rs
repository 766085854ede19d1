//! R-MSG.8: every header has a msg_id. An empty one is absent: protobuf does not tell them apart.

use super::Tally;
use crate::judge::{evidence::Evidence, finding::unmet};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a msg_id in the header";
    tally.expects(EXPECTED);
    for record in evidence.view.received() {
        let Some(id) = record.msg_id() else { continue };
        tally.holds(!id.is_empty(), || {
            unmet(EXPECTED, format!("{} without one", record.name()), vec![record.seq]).at("header.msg_id")
        });
    }
}
