//! What an Add or Set asked for is what a Get shows afterwards.
//!
//! Parameters for which the Response itself reports a failure are left out: their values did not take.

use serde_json::Value;
use uspec_usp::schema::MessageKind;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unknown, unmet},
    lexical, show,
};

pub(super) const SAYS: &str = "each value of the request is the value that is read afterwards";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Add or Set"),
    Argument::required("read", Kind::Label, "a Get that shows the objects"),
    Argument::optional("result", Kind::Number, "judge this result alone, counted from 0"),
    Argument::optional("object", Kind::Text, "judge this object alone"),
    Argument::optional("parameters", Kind::Texts, "judge these parameters alone"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let changed = evidence.response(arguments.text("of")?)?;
    let get = evidence.response(arguments.text("read")?)?;
    let objects = read::objects(&get);
    let (wanted, only) = (arguments.number("result"), arguments.list("parameters"));
    let requests = match changed.kind {
        MessageKind::Add => read::list(changed.request, "create_objs"),
        MessageKind::Set => read::list(changed.request, "update_objs"),
        kind => return Err(unknown(SAYS, format!("{kind} sets no values"), vec![changed.seq])),
    };
    let results = read::results(&changed);
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for (index, result) in results.iter().enumerate().filter(|(index, _)| wanted.is_none_or(|wanted| wanted == *index))
    {
        let Some(success) = result.pointer("/oper_status/oper_success") else { continue };
        let Some(request) = request_of(requests, results.len(), index, result) else { continue };
        for (path, failed) in changed_objects(success) {
            if arguments.maybe("object").is_some_and(|object| object != path) {
                continue;
            }
            for setting in read::list(request, "param_settings") {
                let (Some(name), Some(value)) = (read::text(setting, "param"), read::text(setting, "value")) else {
                    continue;
                };
                if failed.contains(&name) || !(only.is_empty() || only.contains(&name)) {
                    continue;
                }
                judged = judged.saturating_add(1);
                let shown = shown(&objects, path, name);
                if !shown.is_some_and(|shown| lexical::equal(shown, value)) {
                    let seen = shown.map_or_else(|| "nothing".to_owned(), |shown| show::quoted(shown));
                    let expected = format!("{path}{name} = {}", show::quoted(value));
                    findings.push(unmet(expected, format!("the Get shows {seen}"), vec![changed.seq, get.seq]));
                }
            }
        }
    }
    if judged == 0 {
        findings.push(unmet(SAYS, "no value was set", vec![changed.seq]));
    } else if findings.is_empty() {
        findings.push(met(SAYS, format!("{judged} values"), vec![changed.seq, get.seq]));
    }
    Ok(findings)
}

/// The part of the request that a result is about: the same in order, or by its path where a search made several results.
fn request_of<'a>(requests: &'a [Value], results: usize, index: usize, result: &Value) -> Option<&'a Value> {
    if requests.len() == results {
        return requests.get(index);
    }
    let path = read::text(result, "requested_path");
    requests.iter().find(|request| read::text(request, "obj_path") == path)
}

/// The objects that a success tells of, each with the parameters that failed.
fn changed_objects(success: &Value) -> Vec<(&str, Vec<&str>)> {
    let failed = |owner| read::list(owner, "param_errs").iter().filter_map(|it| read::text(it, "param")).collect();
    let created = read::text(success, "instantiated_path").map(|path| (path, failed(success)));
    let updated = read::list(success, "updated_inst_results").iter();
    let updated = updated.filter_map(|it| read::text(it, "affected_path").map(|path| (path, failed(it))));
    created.into_iter().chain(updated).collect()
}

/// The value of a parameter, which may stand in a sub-object (`Stats.BytesSent`).
fn shown<'a>(
    objects: &'a std::collections::BTreeMap<String, read::Parameters>,
    path: &str,
    name: &str,
) -> Option<&'a String> {
    match name.rsplit_once('.') {
        Some((below, name)) => objects.get(&format!("{path}{below}."))?.get(name),
        None => objects.get(path)?.get(name),
    }
}
