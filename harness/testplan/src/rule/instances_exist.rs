//! Rows that an AddResp reports are there.

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "each created object can be read";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Add"),
    Argument::required("read", Kind::Label, "a Get or GetInstances that shows them"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let add = evidence.response(arguments.text("of")?)?;
    let get = evidence.response(arguments.text("read")?)?;
    let (created, there) = (read::told(&add), read::told(&get));
    let events = vec![add.seq, get.seq];
    if created.is_empty() {
        return Err(unmet(SAYS, "no object was created", vec![add.seq]));
    }
    let missing: Vec<_> = created.iter().filter(|path| !there.contains(path)).collect();
    let expected = format!("all of {}", show::list(&created));
    Ok(vec![if missing.is_empty() {
        met(expected, "all", events)
    } else {
        unmet(expected, format!("not {}", show::list(missing)), events)
    }])
}
