//! TP-469 universal 1: the EUT's Endpoint ID is valid (R-ARC.2a to R-ARC.6).
//!
//! R-ARC.3 reserves the OUI and enterprise number of Broadband Forum, whose owner's devices may use them; R-ARC.4 is about production
//! environments. Whether either applies is not in the ID, so these stay unknown and are shown. An ID is judged where it
//! is used, in `from_id`, once for each that comes.

use std::collections::BTreeSet;

use uspec_usp::endpoint_id::EndpointId;

use super::Tally;
use crate::{
    judge::{
        evidence::Evidence,
        finding::{unknown, unmet},
    },
    show,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a valid Endpoint ID in from_id";
    tally.expects(EXPECTED);
    let mut judged = BTreeSet::new();
    for record in evidence.view.received() {
        let Some(from) = record.typed().map(|record| record.from_id.as_str()) else { continue };
        if !judged.insert(from) {
            continue;
        }
        match EndpointId::parse(from) {
            Ok(id) => {
                tally.right();
                for remark in id.remarks() {
                    let seen = format!("{}: {}", show::quoted(from), remark.message);
                    tally.wrong(
                        unknown("no reserved part in the Endpoint ID", seen, vec![record.seq]).by(remark.requirement),
                    );
                }
            }
            Err(error) => {
                for violation in error.violations {
                    let seen = format!("{}: {}", show::quoted(from), show::cut(&violation.message));
                    tally.wrong(unmet(EXPECTED, seen, vec![record.seq]).at("from_id").by(violation.requirement));
                }
            }
        }
    }
}
