//! R-WS.14: USP Records travel in binary WebSocket frames. Whatever an Endpoint sends under `v1.usp` is a Record, so that
//! no text frame has a place there.

use super::Tally;
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
    trace::{Direction, What},
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "Records in binary frames";
    tally.expects(EXPECTED);
    for event in &evidence.view.trace.events {
        let What::Frame { direction: Direction::Received, kind, payload, .. } = &event.what else { continue };
        match kind.as_str() {
            "binary" => tally.right(),
            "text" => {
                let seen = format!("a text frame: {}", show::bytes(payload));
                tally.wrong(unmet(EXPECTED, seen, vec![event.seq]));
            }
            _ => {}
        }
    }
}
