//! The rows of a table, before and after: the same but for what was added and removed.

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "the table has the same rows as before, but for those that were added or removed";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("before", Kind::Label, "a Get or GetInstances of the table"),
    Argument::required("after", Kind::Label, "the same, later"),
    Argument::required("table", Kind::Text, "the table"),
    Argument::optional("added", Kind::Label, "the Add whose rows must have come"),
    Argument::optional("removed", Kind::Texts, "rows that must have gone"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let (first, second) = (arguments.text("before")?, arguments.text("after")?);
    let (before, after) = (evidence.response(first)?, evidence.response(second)?);
    read::readable(&before, first)?;
    read::readable(&after, second)?;
    let table = read::table(arguments.text("table")?)?;
    let mut expected = read::rows(&before, &table);
    let mut events = vec![before.seq, after.seq];
    for gone in arguments.list("removed") {
        expected.remove(gone);
    }
    if let Some(label) = arguments.maybe("added") {
        let add = evidence.response(label)?;
        expected.extend(read::rows(&add, &table));
        events.push(add.seq);
    }
    let seen = read::rows(&after, &table);
    let missing: Vec<_> = expected.difference(&seen).collect();
    let extra: Vec<_> = seen.difference(&expected).collect();
    let words = format!("{} rows of {table}: {}", expected.len(), show::list(&expected));
    if missing.is_empty() && extra.is_empty() {
        return Ok(vec![met(words, "these", events)]);
    }
    let shown = format!("{} rows; missing: {}; too many: {}", seen.len(), show::list(missing), show::list(extra));
    Ok(vec![unmet(words, shown, events)])
}
