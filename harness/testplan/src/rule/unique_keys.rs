//! The unique keys of an AddResp (R-ADD.5): all that the EUT supports, no others, with the values that a Get shows.

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    lexical, show,
};

pub(super) const SAYS: &str = "each created object reports exactly its unique keys, with the values that it has";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Add"),
    Argument::required("read", Kind::Label, "a Get that shows the created objects"),
    Argument::required("keys", Kind::Texts, "keys that must be reported"),
    Argument::optional("optional", Kind::Texts, "keys that must be reported if and only if the object has them"),
    Argument::optional("result", Kind::Number, "judge this result alone, counted from 0"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let add = evidence.response(arguments.text("of")?)?;
    let get = evidence.response(arguments.text("read")?)?;
    let (keys, optional) = (arguments.list("keys"), arguments.list("optional"));
    let objects = read::objects(&get);
    let events = || vec![add.seq, get.seq];
    let wanted = arguments.number("result");
    let results =
        read::results(&add).iter().enumerate().filter(|(index, _)| wanted.is_none_or(|wanted| wanted == *index));
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for (index, result) in results {
        let Some(success) = result.pointer("/oper_status/oper_success") else { continue };
        judged = judged.saturating_add(1);
        let place = format!("created_obj_results[{index}].oper_status.oper_success.unique_keys");
        let path = read::text(success, "instantiated_path").unwrap_or_default();
        let Some(parameters) = objects.get(path) else {
            let seen = format!("{} is not among the {} objects that the Get shows", show::quoted(path), objects.len());
            findings.push(unmet("the created object can be read", seen, events()).at(place));
            continue;
        };
        let reported: Vec<_> = read::strings(success, "unique_keys").collect();
        let has = |key: &str| reported.iter().any(|(name, _)| *name == key);
        let due = keys.iter().copied().chain(optional.iter().copied().filter(|key| parameters.contains_key(*key)));
        let missing: Vec<_> = due.filter(|key| !has(key)).collect();
        let known = |key: &str| keys.contains(&key) || (optional.contains(&key) && parameters.contains_key(key));
        let extra: Vec<_> = reported.iter().map(|(name, _)| *name).filter(|name| !known(name)).collect();
        if !missing.is_empty() || !extra.is_empty() {
            let names = show::list(reported.iter().map(|(name, _)| *name));
            let seen = format!("{names}; missing: {}; too many: {}", show::list(&missing), show::list(&extra));
            findings.push(unmet(expected_keys(&keys, &optional), seen, events()).at(place.as_str()));
        }
        for (name, value) in &reported {
            let shown = parameters.get(*name);
            if known(name) && !shown.is_some_and(|shown| lexical::equal(shown, value)) {
                let seen = shown.map_or_else(|| "nothing".to_owned(), |shown| show::quoted(shown));
                let expected = format!("{name} = {}, as the AddResp reports it", show::quoted(value));
                findings.push(unmet(expected, format!("the Get shows {seen}"), events()).at(place.as_str()));
            }
        }
    }
    if judged == 0 {
        findings.push(unmet(SAYS, "no object was created", vec![add.seq]));
    } else if findings.is_empty() {
        findings.push(met(expected_keys(&keys, &optional), format!("so in {judged} results"), events()));
    }
    Ok(findings)
}

fn expected_keys(keys: &[&str], optional: &[&str]) -> String {
    let also =
        if optional.is_empty() { String::new() } else { format!(", and where supported {}", show::list(optional)) };
    format!("the unique keys {}{also}", show::list(keys))
}
