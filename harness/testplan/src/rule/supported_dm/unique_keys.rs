//! The unique key sets of the listed objects.

use std::collections::{BTreeMap, BTreeSet};

use uspec_usp::path::PathKind;

use super::{
    super::read,
    model::{Model, Object},
};
use crate::{
    judge::{
        evidence::Reply,
        finding::{met, unknown, unmet},
    },
    pattern::is_relative,
    show,
    verdict::Finding,
};

/// Unique keys of the rows of one table below one parent, by row.
type Rows = BTreeMap<String, BTreeMap<String, String>>;

pub(super) fn judge(model: &Model, instances: Option<&Reply<'_>>, every_table: bool, seq: u64) -> Vec<Finding> {
    let tables = instances.map(tables).unwrap_or_default();
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for object in &model.objects {
        judged = judged.saturating_add(object.key_sets.len());
        names(object, seq, &mut findings);
        let rows: Vec<_> =
            tables.iter().filter(|((table, _), _)| *table == object.path).map(|(_, rows)| rows).collect();
        for rows in &rows {
            tell_apart(object, rows, seq, &mut findings);
        }
        if object.is_multi_instance && object.key_sets.is_empty() && every_table {
            lacking(object, &rows, seq, &mut findings);
        }
    }
    if findings.is_empty() {
        findings.push(met("valid unique_key_sets", format!("{judged} sets"), vec![seq]));
    }
    findings
}

/// Each set has names; they are relative, and among the parameters when these are listed. Only tables have sets.
fn names(object: &Object, seq: u64, findings: &mut Vec<Finding>) {
    let place = format!("{}.unique_key_sets", object.place);
    if !object.is_multi_instance && !object.key_sets.is_empty() {
        let seen = format!("{} sets in {}", object.key_sets.len(), show::cut(&object.path));
        findings.push(unmet("no unique key set, since the object is no table", seen, vec![seq]).at(place.as_str()));
    }
    for (index, set) in object.key_sets.iter().enumerate() {
        let place = format!("{place}[{index}]");
        if set.is_empty() {
            findings.push(
                unmet("at least one name", format!("none in {}", show::cut(&object.path)), vec![seq])
                    .at(place.as_str()),
            );
        }
        for name in set {
            let listed = object.parameters.is_empty()
                || object.parameters.iter().any(|it| it.name == *name)
                || name.contains('.');
            if !is_relative(name, PathKind::Parameter) || !listed {
                let seen = format!("{} in {}", show::quoted(name), show::cut(&object.path));
                findings.push(unmet("a relative parameter of the table", seen, vec![seq]).at(place.as_str()));
            }
        }
    }
}

/// No two rows have the same values in a set, and no row reports a key that no set has.
fn tell_apart(object: &Object, rows: &Rows, seq: u64, findings: &mut Vec<Finding>) {
    for set in &object.key_sets {
        let mut values: BTreeMap<Vec<&String>, &String> = BTreeMap::new();
        for (row, keys) in rows {
            // A key that may not be read is not reported (R-GIN.1).
            let Some(value) = set.iter().map(|name| keys.get(name)).collect::<Option<Vec<_>>>() else { continue };
            if let Some(other) = values.insert(value, row) {
                let expected = format!("values of {} that differ from row to row", show::list(set));
                findings.push(
                    unmet(expected, format!("{other} and {row} have the same"), vec![seq]).at(object.place.as_str()),
                );
            }
        }
    }
    let all: BTreeSet<_> = object.key_sets.iter().flatten().collect();
    if let Some((row, name)) = rows
        .iter()
        .flat_map(|(row, keys)| keys.keys().map(move |name| (row, name)))
        .find(|(_, name)| !object.key_sets.is_empty() && !all.contains(name))
    {
        let seen = format!("{row} reports {} as a unique key", show::quoted(name));
        findings.push(unmet("every unique key in a set", seen, vec![seq]).at(object.place.as_str()));
    }
}

/// A table without sets: wrong when its rows report keys, and not to be told when there is no row.
fn lacking(object: &Object, rows: &[&Rows], seq: u64, findings: &mut Vec<Finding>) {
    let all: Vec<_> = rows.iter().flat_map(|rows| rows.values()).collect();
    let keys: BTreeSet<_> = all.iter().flat_map(|keys| keys.keys()).collect();
    let expected = format!("a unique key set for {}", show::cut(&object.path));
    if !keys.is_empty() {
        let seen = format!("none, though its rows report {}", show::list(keys));
        findings.push(unmet(expected, seen, vec![seq]).at(object.place.as_str()));
    } else if all.is_empty() {
        findings
            .push(unknown(expected, "none, and no row that would tell its keys", vec![seq]).at(object.place.as_str()));
    }
}

/// Rows by supported path of their table and path of what surrounds it: keys are unique within one parent.
fn tables(instances: &Reply<'_>) -> BTreeMap<(String, String), Rows> {
    let mut tables: BTreeMap<(String, String), Rows> = BTreeMap::new();
    for result in read::list(instances.body, "req_path_results") {
        for row in read::list(result, "curr_insts") {
            let Some(path) = read::text(row, "instantiated_obj_path") else { continue };
            let Some(table) = read::supported(path) else { continue };
            let parent = path.trim_end_matches('.').rsplit_once('.').map_or("", |(parent, _)| parent);
            let keys =
                read::strings(row, "unique_keys").map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
            tables.entry((table, parent.to_owned())).or_default().insert(path.to_owned(), keys);
        }
    }
    tables
}
