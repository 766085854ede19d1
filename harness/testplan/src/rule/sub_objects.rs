//! A GetResp of an object covers the tree below it, to the depth that was asked for and no deeper (R-GET.5).
//!
//! What must be there is known from the instances that GetInstances lists and from the Supported Data Model: every listed
//! row, and every single-instance object below the requested object and the listed rows. Objects without parameters need not appear
//! (there is nothing to show of them), nor those below `optional` ones, whose presence depends on something else. A
//! table and its row are one level: below `Device.X.`, the row `Device.X.Y.1.` is at depth 2.

use std::collections::BTreeSet;

use super::{Argument, Arguments, Evidence, Judged, Kind, read, supported_dm::model::Model};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
};

pub(super) const SAYS: &str = "the object and all below it are read, to the depth that was asked for";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Get of an object path"),
    Argument::required("instances", Kind::Label, "a GetInstances of the tables below it, all levels"),
    Argument::optional("dm", Kind::Label, "a GetSupportedDM with parameters of the same object"),
    Argument::optional("depth", Kind::Number, "the max_depth that was asked for; without it there is no limit"),
    Argument::optional("optional", Kind::Texts, "supported paths below which objects need not be there"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let get = evidence.response(arguments.text("of")?)?;
    let label = arguments.text("instances")?;
    let instances = evidence.response(label)?;
    read::readable(&instances, label)?;
    let mut events = vec![get.seq, instances.seq];
    let model = match arguments.maybe("dm") {
        Some(label) => {
            let dm = evidence.response(label)?;
            read::readable(&dm, label)?;
            events.push(dm.seq);
            Some(Model::new(&dm))
        }
        None => None,
    };
    if let Some((path, code)) = read::failed_reads(&get).first() {
        return Err(unmet(SAYS, format!("{code} for {}", show::quoted(path)), events));
    }
    let depth = arguments.number("depth").filter(|depth| *depth > 0);
    let optional = arguments.list("optional");
    let found: BTreeSet<String> = read::objects(&get).into_keys().collect();
    let rows = read::told(&instances);
    let mut findings = Vec::new();
    for root in read::texts(get.request, "param_paths") {
        if !root.ends_with('.') || read::supported(root).is_none() {
            return Err(unknown(SAYS, format!("{} is no object path", show::quoted(root)), events));
        }
        let mut expected = BTreeSet::new();
        for candidate in candidates(root, &rows, model.as_ref()) {
            let within = depth.is_none_or(|depth| level(root, &candidate).is_some_and(|level| level <= depth));
            if within && has_parameters(&candidate, model.as_ref()) && !is_optional(&candidate, &optional) {
                expected.insert(candidate);
            }
        }
        let missing: Vec<_> = expected.difference(&found).collect();
        if !missing.is_empty() {
            let seen = format!("missing: {}", show::list(missing));
            findings.push(unmet(format!("{} objects at and below {root}", expected.len()), seen, events.clone()));
        }
        let deeper: Vec<_> = found
            .iter()
            .filter(|path| depth.is_some_and(|depth| level(root, path).is_some_and(|level| level > depth)))
            .collect();
        if let Some(depth) = depth.filter(|_| !deeper.is_empty()) {
            let seen = format!("deeper: {}", show::list(deeper));
            findings.push(unmet(format!("no object below depth {depth} of {root}"), seen, events.clone()));
        }
    }
    let strange: Vec<_> = found
        .iter()
        .filter(|path| !read::texts(get.request, "param_paths").iter().any(|root| level(root, path).is_some()))
        .collect();
    if !strange.is_empty() {
        findings.push(unmet("objects below the requested one only", show::list(strange), events.clone()));
    }
    if findings.is_empty() {
        findings.push(met(SAYS, format!("{} objects", found.len()), events));
    }
    Ok(findings)
}

/// The requested object, the listed rows below it, and single-instance objects below any of these.
fn candidates(root: &str, rows: &[String], model: Option<&Model>) -> BTreeSet<String> {
    let mut known: BTreeSet<String> = rows.iter().filter(|row| level(root, row).is_some()).cloned().collect();
    known.insert(root.to_owned());
    let bases: Vec<_> = known.iter().cloned().collect();
    for object in model.iter().flat_map(|model| &model.objects) {
        for base in &bases {
            let Some(prefix) = read::supported(base) else { continue };
            // Rows of further tables are known only when they are listed.
            if let Some(below) = object.path.strip_prefix(&prefix).filter(|below| !below.contains('{')) {
                known.insert(format!("{base}{below}"));
            }
        }
    }
    known
}

/// At which depth below `root` an object stands, the root itself being 1; `None` when it is not below it.
fn level(root: &str, path: &str) -> Option<usize> {
    let below = path.strip_prefix(root)?;
    let names = below.split('.').filter(|part| !part.is_empty() && part.parse::<u64>().is_err()).count();
    names.checked_add(1)
}

fn has_parameters(path: &str, model: Option<&Model>) -> bool {
    let Some(model) = model else { return true };
    model.object_of(path).is_none_or(|object| !object.parameters.is_empty())
}

fn is_optional(path: &str, optional: &[&str]) -> bool {
    let Some(supported) = read::supported(path) else { return false };
    optional.iter().any(|above| supported.strip_prefix(above).is_some_and(|below| !below.is_empty()))
}
