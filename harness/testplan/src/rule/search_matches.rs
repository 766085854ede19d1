//! A Search Path finds exactly the rows that meet its condition (R-ARC.9, R-ARC.10), measured by the whole table.
//!
//! Comparisons are those of TR-369's search expressions: `==` and `!=` on values of TR-106's types, the orders on numbers and times,
//! `~=` on the items of a list. A row that does not show the parameter meets no condition; when none shows it, nothing
//! can be said.

use std::collections::BTreeSet;

use super::{Argument, Arguments, Evidence, Judged, Kind, arguments::Condition, read};
use crate::{
    judge::{
        evidence::Reply,
        finding::{met, unknown, unmet},
    },
    lexical, show,
    verdict::Finding,
};
use uspec_usp::{path::SupportedPath, schema::MessageKind};

pub(super) const SAYS: &str = "exactly the rows that meet the condition are found";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("found", Kind::Label, "the Get, GetInstances, Set, Add or Delete with the search"),
    Argument::required(
        "all",
        Kind::Label,
        "a Get, or without condition a GetInstances, of the whole table just before",
    ),
    Argument::required("table", Kind::Text, "the table"),
    Argument::optional("where", Kind::Condition, "the condition; without it all rows are meant"),
    Argument::optional(
        "only",
        Kind::Choice(&["complete", "sound"]),
        "judge only that none is missing, or none too many",
    ),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let found = evidence.response(arguments.text("found")?)?;
    let label = arguments.text("all")?;
    let all = evidence.response(label)?;
    read::readable(&all, label)?;
    let table = read::table(arguments.text("table")?)?;
    let expected = match arguments.condition("where") {
        Some(condition) => meeting(&all, &table, condition)?,
        None => read::rows(&all, &table),
    };
    let events = vec![all.seq, found.seq];
    if let Some((path, code)) = read::failed_reads(&found).first() {
        let seen = format!("the search {} ended with {code}", show::quoted(path));
        return Err(unmet(SAYS, seen, events));
    }
    let mut seen = BTreeSet::new();
    let mut strange = Vec::new();
    for path in read::told(&found) {
        match read::row_of(&path, &table) {
            Some(row) => drop(seen.insert(row)),
            None => strange.push(path),
        }
    }
    let missing: Vec<_> = expected.difference(&seen).cloned().collect();
    let extra: Vec<_> = seen.difference(&expected).cloned().chain(strange).collect();
    let only = arguments.maybe("only");
    let complete = missing.is_empty() || only == Some("sound");
    let sound = extra.is_empty() || only == Some("complete");
    let words = format!("{} rows: {}", expected.len(), show::list(&expected));
    Ok(vec![if complete && sound {
        met(words, format!("{} rows", seen.len()), events)
    } else {
        let text = format!("{} rows; missing: {}; too many: {}", seen.len(), show::list(&missing), show::list(&extra));
        unmet(words, text, events)
    }])
}

/// The rows of the table whose parameter meets the condition.
fn meeting(all: &Reply<'_>, table: &SupportedPath, condition: Condition<'_>) -> Result<BTreeSet<String>, Finding> {
    if all.kind != MessageKind::Get {
        return Err(unknown("the parameter's value in each row", format!("a {} shows none", all.kind), vec![all.seq]));
    }
    let objects = read::objects(all);
    let (below, name) = condition.parameter.rsplit_once('.').unwrap_or(("", condition.parameter));
    let value = |row: &String| {
        let object = if below.is_empty() { row.clone() } else { format!("{row}{below}.") };
        objects.get(&object)?.get(name)
    };
    let rows = read::rows(all, table);
    let shown: Vec<_> = rows.iter().filter_map(|row| Some((row, value(row)?))).collect();
    if shown.is_empty() && !rows.is_empty() {
        let expected = format!("{} in the rows of {table}", condition.parameter);
        return Err(unknown(expected, "no row shows it", vec![all.seq]));
    }
    Ok(shown.into_iter().filter(|(_, value)| meets(value, condition)).map(|(row, _)| row.clone()).collect())
}

fn meets(value: &str, condition: Condition<'_>) -> bool {
    let order = || lexical::compare(value, condition.value);
    match condition.op {
        "==" => lexical::equal(value, condition.value),
        "!=" => !lexical::equal(value, condition.value),
        "<" => order().is_some_and(std::cmp::Ordering::is_lt),
        ">" => order().is_some_and(std::cmp::Ordering::is_gt),
        "<=" => order().is_some_and(std::cmp::Ordering::is_le),
        ">=" => order().is_some_and(std::cmp::Ordering::is_ge),
        "~=" => lexical::items(value).into_iter().any(|item| lexical::equal(item, condition.value)),
        _ => false,
    }
}
