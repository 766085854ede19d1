//! Each object of a GetResp has all of its parameters: those that the EUT supports there, or those that another Get shows of it.
//!
//! Parameters that can only be written are not expected. An object that the measure does not know is not judged here.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    Argument, Arguments, Evidence, Judged, Kind, read,
    supported_dm::model::{self, Model},
};
use crate::{
    judge::finding::{met, unknown, unmet},
    show,
};

pub(super) const SAYS: &str = "each object that is read has all of its parameters";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Get"),
    Argument::optional("dm", Kind::Label, "a GetSupportedDM with parameters that covers the objects"),
    Argument::optional("read", Kind::Label, "another Get of the same objects"),
];

pub(super) fn judge(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    let get = evidence.response(arguments.text("of")?)?;
    let objects = read::objects(&get);
    let mut events = vec![get.seq];
    let measure = match (arguments.maybe("dm"), arguments.maybe("read")) {
        (Some(label), _) => {
            let dm = evidence.response(label)?;
            read::readable(&dm, label)?;
            events.push(dm.seq);
            Measure::Supported(Model::new(&dm))
        }
        (None, Some(label)) => {
            let other = evidence.response(label)?;
            read::readable(&other, label)?;
            events.push(other.seq);
            Measure::Read(read::objects(&other))
        }
        (None, None) => return Err(unknown(SAYS, "the rule has neither `dm` nor `read`", events)),
    };
    let mut findings = Vec::new();
    let mut judged = 0_usize;
    for (path, parameters) in &objects {
        let Some((expected, allowed)) = measure.of(path) else { continue };
        judged = judged.saturating_add(1);
        let missing: Vec<_> = expected.iter().filter(|name| !parameters.contains_key(*name)).collect();
        let extra: Vec<_> = parameters.keys().filter(|name| !allowed.contains(*name)).collect();
        if !missing.is_empty() || !extra.is_empty() {
            let seen = format!("missing: {}; too many: {}", show::list(missing), show::list(extra));
            findings.push(unmet(format!("the {} parameters of {path}", expected.len()), seen, events.clone()));
        }
    }
    if judged == 0 {
        findings.push(unknown(SAYS, "no object was read of which the parameters are known", events));
    } else if findings.is_empty() {
        findings.push(met(SAYS, format!("{judged} objects"), events));
    }
    Ok(findings)
}

enum Measure {
    Supported(Model),
    Read(BTreeMap<String, read::Parameters>),
}

impl Measure {
    /// The parameters that an object must show, and those that it may.
    fn of(&self, path: &str) -> Option<(BTreeSet<String>, BTreeSet<String>)> {
        match self {
            Self::Supported(model) => {
                let object = model.object_of(path)?;
                let all: BTreeSet<_> = object.parameters.iter().map(|it| it.name.clone()).collect();
                let readable = object.parameters.iter().filter(|it| it.access != model::WRITE_ONLY);
                Some((readable.map(|it| it.name.clone()).collect(), all))
            }
            Self::Read(objects) => {
                let names: BTreeSet<_> = objects.get(path)?.keys().cloned().collect();
                Some((names.clone(), names))
            }
        }
    }
}
