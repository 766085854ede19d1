//! Which objects are listed.

use std::collections::BTreeSet;

use super::{
    super::read,
    model::{Model, Object},
};
use crate::{
    judge::{
        evidence::Reply,
        finding::{met, unmet},
    },
    show,
    verdict::Finding,
};

/// Listed objects are below the requested ones, say truly whether they are tables, and include whatever exists.
pub(super) fn objects(model: &Model, reply: &Reply<'_>, read: &Reply<'_>) -> Vec<Finding> {
    let requested = requested(reply);
    let mut findings = Vec::new();
    for object in &model.objects {
        if !requested.iter().any(|above| object.path.starts_with(above.as_str())) {
            let expected = format!("objects below {}", show::list(&requested));
            findings.push(unmet(expected, show::quoted(&object.path), vec![reply.seq]).at(object.place.as_str()));
        }
        if object.is_multi_instance != object.path.ends_with("{i}.") {
            let expected = format!("is_multi_instance {}", !object.is_multi_instance);
            let seen = format!("{} for {}", object.is_multi_instance, show::quoted(&object.path));
            findings.push(unmet(expected, seen, vec![reply.seq]).at(object.place.as_str()));
        }
    }
    let existing: BTreeSet<_> = read::objects(read)
        .into_keys()
        .filter(|path| !model.is_divergent(path))
        .filter_map(|path| read::supported(&path))
        .filter(|path| requested.iter().any(|above| path.starts_with(above.as_str())))
        .collect();
    let missing: Vec<_> = existing.iter().filter(|path| model.object(path).is_none()).collect();
    let events = vec![reply.seq, read.seq];
    if !missing.is_empty() {
        let expected = format!("all of the {} objects that exist", existing.len());
        findings.push(unmet(expected, format!("not listed: {}", show::list(missing)), events.clone()));
    }
    if existing.is_empty() {
        findings.push(unmet("objects that exist", "none can be read", events.clone()));
    }
    if findings.is_empty() {
        findings.push(met("every object that exists", format!("{} objects", model.objects.len()), events));
    }
    findings
}

/// Every parameter that can be read is listed.
pub(super) fn parameters_listed(model: &Model, reply: &Reply<'_>, read: &Reply<'_>) -> Vec<Finding> {
    let events = vec![reply.seq, read.seq];
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for (path, parameters) in read::objects(read) {
        let Some(object) = model.object_of(&path).filter(|_| !model.is_divergent(&path)) else { continue };
        judged = judged.saturating_add(parameters.len());
        let listed = |name: &&String| object.parameters.iter().any(|it| it.name == **name);
        let missing: Vec<_> = parameters.keys().filter(|name| !listed(name)).collect();
        if !missing.is_empty() {
            let expected = format!("the parameters of {path}");
            let seen = format!("not listed: {}", show::list(missing));
            findings.push(unmet(expected, seen, events.clone()).at(format!("{}.supported_params", object.place)));
        }
    }
    if judged == 0 {
        findings.push(unmet("parameters that exist", "none of a listed object can be read", events));
    } else if findings.is_empty() {
        findings.push(met("every parameter that exists", format!("{judged} parameters"), events));
    }
    findings
}

/// Each result lists the requested object and its immediate children, as the whole tree has them.
pub(super) fn first_level(reply: &Reply<'_>, tree: &Reply<'_>) -> Vec<Finding> {
    let whole = Model::new(tree);
    let mut findings = Vec::new();
    for (index, result) in read::list(reply.body, "req_obj_results").iter().enumerate() {
        let asked = read::text(result, "req_obj_path").unwrap_or_default();
        let Some(above) = read::supported(asked) else { continue };
        let Some(root) = whole.object(&above).or_else(|| whole.object(&format!("{above}{{i}}."))) else {
            let expected = format!("{} in the tree", show::quoted(asked));
            findings.push(unmet(expected, "the tree does not list it", vec![tree.seq]));
            continue;
        };
        let expected: BTreeSet<_> =
            whole.objects.iter().filter(|it| is_first_level(it, root)).map(|it| &it.path).collect();
        let model = Model::of_result(index, result);
        let listed: BTreeSet<_> = model.objects.iter().map(|object| &object.path).collect();
        let missing: Vec<_> = expected.difference(&listed).collect();
        let extra: Vec<_> = listed.difference(&expected).collect();
        let words = format!("{asked} and its {} immediate children", expected.len().saturating_sub(1));
        let events = vec![tree.seq, reply.seq];
        findings.push(if missing.is_empty() && extra.is_empty() {
            met(words, "these", events)
        } else {
            let seen = format!("missing: {}; too many: {}", show::list(missing), show::list(extra));
            unmet(words, seen, events).at(format!("req_obj_results[{index}].supported_objs"))
        });
    }
    if findings.is_empty() {
        findings.push(unmet("results", "there is none", vec![reply.seq]));
    }
    findings
}

/// The object itself, or one a name below it; the `{i}` of a table is no level of its own.
fn is_first_level(object: &Object, root: &Object) -> bool {
    let below = object.path.strip_prefix(root.path.as_str());
    below.is_some_and(|below| below.split('.').filter(|part| !part.is_empty() && *part != "{i}").count() <= 1)
}

/// Each result lists one object, the one of the requested element, and of it that element and nothing else.
pub(super) fn element(reply: &Reply<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (index, result) in read::list(reply.body, "req_obj_results").iter().enumerate() {
        let asked = read::text(result, "req_obj_path").unwrap_or_default();
        let place = format!("req_obj_results[{index}].supported_objs");
        let path = read::supported(asked).unwrap_or_default();
        let (above, name) = path.rsplit_once('.').map_or(("", ""), |(above, name)| (above, name));
        let model = Model::of_result(index, result);
        let expected = format!("{} and nothing else", show::quoted(asked));
        let listed: Vec<_> = model.objects.iter().flat_map(elements).collect();
        let right = format!("{above}.");
        let holds = !name.is_empty()
            && model.objects.len() == 1
            && model.objects.iter().all(|object| object.path == right && object.key_sets.is_empty())
            && listed.len() == 1
            && listed.iter().all(|element| *element == path);
        let sets: usize = model.objects.iter().map(|object| object.key_sets.len()).sum();
        let seen = format!("{} objects with {} and {sets} unique key sets", model.objects.len(), show::list(&listed));
        findings.push(if holds { met } else { unmet }(expected, seen, vec![reply.seq]).at(place));
    }
    if findings.is_empty() {
        findings.push(unmet("a result for the element", "there is none", vec![reply.seq]));
    }
    findings
}

/// The full path of every parameter, command and event of an object.
fn elements(object: &Object) -> Vec<String> {
    let parameters = object.parameters.iter().map(|it| &it.name);
    let names =
        parameters.chain(object.commands.iter().map(|it| &it.name)).chain(object.events.iter().map(|it| &it.name));
    names.map(|name| format!("{}{name}", object.path)).collect()
}

/// The requested objects in the supported model, a final `{i}.` left out.
fn requested(reply: &Reply<'_>) -> Vec<String> {
    let paths = read::texts(reply.request, "obj_paths");
    let supported = paths.into_iter().filter_map(read::supported);
    supported.map(|path| path.strip_suffix("{i}.").map_or(path.clone(), str::to_owned)).collect()
}
