//! The STOMP frame that carried an answer says how long its body is (R-STOMP.19).

use super::{Argument, Arguments, Evidence, Judged, Kind};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "the frame that carried the answer has the right content-length";

pub(super) const ARGUMENTS: &[Argument] = &[Argument::required("of", Kind::Label, "the request, over STOMP")];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let frame = evidence.carrier(arguments.text("of")?)?;
    let length = frame.body.len();
    let header = frame.header("content-length");
    let seen = header.map_or_else(|| "no such header".to_owned(), show::quoted);
    let right = header.and_then(|it| it.parse::<usize>().ok()) == Some(length);
    let finding = if right { met } else { unmet };
    let place = format!("{}.headers.content-length", frame.kind);
    Ok(vec![finding(format!("content-length {length}"), seen, vec![frame.seq]).at(place).by("R-STOMP.19")])
}
