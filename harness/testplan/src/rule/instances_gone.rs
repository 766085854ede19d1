//! Rows that were deleted are not there any more.

use std::collections::BTreeSet;

use uspec_usp::path::Path;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
};

pub(super) const SAYS: &str = "none of the deleted objects can be read any more";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("read", Kind::Label, "a Get or GetInstances that would show them"),
    Argument::optional("of", Kind::Label, "the Delete whose affected paths are meant"),
    Argument::optional("paths", Kind::Texts, "objects that are meant as well"),
];

/// Errors by which a Get says that something is not there (R-GET.0, and the code for what is not instantiated).
const NOT_THERE: [u64; 2] = [7016, 7026];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let label = arguments.text("read")?;
    let get = evidence.response(label)?;
    let mut events = vec![get.seq];
    let mut gone: BTreeSet<String> = arguments.list("paths").into_iter().map(str::to_owned).collect();
    if let Some(of) = arguments.maybe("of") {
        let delete = evidence.response(of)?;
        gone.extend(read::told(&delete));
        events.push(delete.seq);
    }
    if gone.is_empty() {
        return Err(unmet(SAYS, "nothing was deleted", events));
    }
    if let Some((path, code)) = read::failed_reads(&get).into_iter().find(|(_, code)| !NOT_THERE.contains(code)) {
        let seen = format!("`{label}` reports {code} for {}", show::quoted(path));
        return Err(unknown(SAYS, seen, events));
    }
    let told: Vec<_> = read::told(&get).iter().filter_map(|path| Path::parse(path).ok()).collect();
    let is_there =
        |object: &String| Path::parse(object).is_ok_and(|object| told.iter().any(|path| path.is_under(&object)));
    let left: Vec<_> = gone.iter().filter(|object| is_there(object)).collect();
    Ok(vec![if left.is_empty() {
        met(format!("none of {}", show::list(&gone)), "none", events)
    } else {
        unmet(format!("none of {}", show::list(&gone)), show::list(left), events)
    }])
}
