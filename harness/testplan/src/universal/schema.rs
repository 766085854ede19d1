//! TP-469 universal 2: Records and Messages conform to the schemas (R-ENC.0, R-ENC.1, R-ENC.3).
//!
//! Not judged: unknown fields and enum values in a Record of a version that came after this harness; what protobuf lets any encoder
//! write; and a result of an OperateResp without a member of `operation_resp`, since R-ENC.3 asks for one and TR-369's own example
//! of a synchronous command has none.

use uspec_usp::decode::{Irregularity, IrregularityKind};
use uspec_usp::field_path::Segment;

use super::{Tally, is_newer};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    view::RecordSeen,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a Record and Message as the schema has them";
    tally.expects(EXPECTED);
    for record in evidence.view.received() {
        let of_message = record.message.iter().flat_map(|message| &message.irregularities);
        let wrong: Vec<_> =
            record.record.irregularities.iter().chain(of_message).filter(|it| counts(it, record)).collect();
        if wrong.is_empty() {
            tally.right();
        }
        for irregularity in wrong {
            let mut seen = format!("{}: {irregularity}", record.name());
            if irregularity.kind.is_fatal() {
                seen = format!("{seen}; bytes: {}", show::bytes(&record.record.bytes));
            }
            let finding = unmet(EXPECTED, seen, vec![record.seq]).by(irregularity.requirement());
            let path = irregularity.path.to_string();
            tally.wrong(if path.is_empty() { finding } else { finding.at(path) });
        }
    }
}

fn counts(irregularity: &Irregularity, record: &RecordSeen<'_>) -> bool {
    let may_be_new =
        matches!(irregularity.kind, IrregularityKind::UnknownField { .. } | IrregularityKind::UnknownEnumValue { .. });
    if irregularity.kind.is_legal_on_the_wire() || (may_be_new && is_newer(record)) {
        return false;
    }
    !(matches!(&irregularity.kind, IrregularityKind::MissingOneofMember { oneof } if oneof == "operation_resp")
        && irregularity
            .path
            .segments()
            .iter()
            .any(|segment| *segment == Segment::Field("operation_results".to_owned())))
}
