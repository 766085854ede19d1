//! A GetInstancesResp lists every row that a Get of the same object shows, those of sub-objects included unless only the first level
//! was asked for.

use std::collections::BTreeSet;

use serde_json::Value;
use uspec_usp::path::Path;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const SAYS: &str = "every instance that can be read is listed";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the GetInstances"),
    Argument::required("read", Kind::Label, "a Get of the same object"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let instances = evidence.response(arguments.text("of")?)?;
    let label = arguments.text("read")?;
    let get = evidence.response(label)?;
    read::readable(&get, label)?;
    let first_level = instances.request.get("first_level_only").and_then(Value::as_bool).unwrap_or_default();
    let requested: Vec<_> = read::texts(instances.request, "obj_paths");
    let listed: BTreeSet<String> = read::told(&instances).into_iter().collect();
    let mut there = BTreeSet::new();
    for path in read::told(&get) {
        let mut here = Path::parse(&path).ok();
        while let Some(object) = here {
            if object.ends_in_instance() && is_asked(&object, &requested, first_level) {
                there.insert(object.to_string());
            }
            here = object.parent();
        }
    }
    let missing: Vec<_> = there.difference(&listed).collect();
    let events = vec![instances.seq, get.seq];
    let expected = format!("{} instances: {}", there.len(), show::list(&there));
    Ok(vec![if there.is_empty() {
        unmet("instances to list", "the Get shows none", events)
    } else if missing.is_empty() {
        met(expected, format!("{} are listed", listed.len()), events)
    } else {
        unmet(expected, format!("not listed: {}", show::list(missing)), events)
    }])
}

/// Whether a row belongs to what was asked for. Paths with a search are held against their rows in the supported model.
fn is_asked(object: &Path, requested: &[&str], first_level: bool) -> bool {
    let Some(object) = object.to_supported().map(|path| path.to_string()) else { return false };
    requested.iter().filter_map(|path| read::supported(path)).any(|table| {
        let below = object.strip_prefix(table.trim_end_matches("{i}."));
        below.is_some_and(|below| if first_level { below == "{i}." } else { !below.is_empty() })
    })
}
