//! R-MSG.10: every header has the msg_type, which indicates what the body is.
//!
//! Receivers are to trust the body where both differ; that excuses no sender. Absent and `ERROR` are the same to protobuf.

use uspec_usp::msg::header::MsgType;

use super::Tally;
use crate::judge::{evidence::Evidence, finding::unmet};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("a msg_type that says what the body is");
    for record in evidence.view.received() {
        let (Some(content), Some(header)) = (record.content, record.msg().and_then(|message| message.header.as_ref()))
        else {
            continue;
        };
        let expected = content.msg_type();
        tally.holds(header.msg_type == i32::from(expected), || {
            let seen = MsgType::try_from(header.msg_type)
                .map_or_else(|_| header.msg_type.to_string(), |seen| seen.as_str_name().to_owned());
            let expected = format!("{} for {content}", expected.as_str_name());
            unmet(expected, seen, vec![record.seq]).at("header.msg_type")
        });
    }
}
