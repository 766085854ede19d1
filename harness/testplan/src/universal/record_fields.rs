//! R-MTP.4b: the Record's required fields are there, and say who sends what to whom.
//!
//! `version` is Major.Minor; which one is the EUT's choice. `from_id` is the EUT's Endpoint ID, `to_id` ours: that of one of our two
//! Controllers, or another one under which a step of the case sent.

use uspec_usp::version::UspVersion;

use super::Tally;
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("version, to_id and from_id in every Record");
    let header = &evidence.view.trace.header;
    for record in evidence.view.received() {
        let Some(typed) = record.typed() else { continue };
        tally.holds(typed.version.parse::<UspVersion>().is_ok(), || {
            unmet("a version of USP, major.minor", show::quoted(&typed.version), vec![record.seq]).at("version")
        });
        if !header.eut_endpoint_id.is_empty() {
            tally.holds(typed.from_id == header.eut_endpoint_id, || {
                let expected = format!("the EUT's Endpoint ID {}", show::quoted(&header.eut_endpoint_id));
                unmet(expected, show::quoted(&typed.from_id), vec![record.seq]).at("from_id")
            });
        }
        let ours = typed.to_id == header.controller_endpoint_id
            || typed.to_id == header.second_endpoint_id
            || evidence.view.sent().filter_map(|sent| sent.typed()).any(|sent| sent.from_id == typed.to_id);
        tally.holds(ours && !typed.to_id.is_empty(), || {
            let expected = format!("the Controller's Endpoint ID {}", show::quoted(&header.controller_endpoint_id));
            unmet(expected, show::quoted(&typed.to_id), vec![record.seq]).at("to_id")
        });
    }
}
