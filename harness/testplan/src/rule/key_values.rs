//! `distinct` and `identical`: how the values of one unique key compare over all objects that an Add created.

use std::collections::BTreeSet;

use super::{Argument, Arguments, Evidence, Judged, Kind, read};
use crate::{
    judge::finding::{met, unmet},
    show,
};

pub(super) const DISTINCT: &str = "the created objects differ in this unique key";
pub(super) const IDENTICAL: &str = "the created objects agree in this unique key";

pub(super) const ARGUMENTS: &[Argument] = &[
    Argument::required("of", Kind::Label, "the Add, which creates at least two objects"),
    Argument::required("key", Kind::Text, "the unique key"),
    Argument::optional("optional", Kind::Flag, "it holds as well when none of the objects reports the key"),
];

pub(super) fn distinct(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    compare(evidence, arguments, DISTINCT, |different, all| different == all)
}

pub(super) fn identical(evidence: Evidence<'_>, arguments: &Arguments<'_>) -> Judged {
    compare(evidence, arguments, IDENTICAL, |different, _| different == 1)
}

fn compare(
    evidence: Evidence<'_>,
    arguments: &Arguments<'_>,
    expected: &str,
    holds: impl Fn(usize, usize) -> bool,
) -> Judged {
    let add = evidence.response(arguments.text("of")?)?;
    let key = arguments.text("key")?;
    let successes = read::successes(&add);
    let value = |success| read::strings(success, "unique_keys").find(|(name, _)| *name == key).map(|(_, value)| value);
    let values: Vec<_> = successes.iter().filter_map(|success| value(success)).collect();
    let expected = format!("{expected}: {key}");
    if successes.len() < 2 {
        return Err(unmet(expected, format!("{} objects were created", successes.len()), vec![add.seq]));
    }
    if values.is_empty() && arguments.flag("optional") {
        return Ok(vec![met(expected, "no object reports it", vec![add.seq])]);
    }
    let different: BTreeSet<_> = values.iter().collect();
    let all_report = values.len() == successes.len();
    let seen = format!("{} of {} objects report {}", values.len(), successes.len(), show::list(&values));
    Ok(vec![if all_report && holds(different.len(), values.len()) {
        met(expected, seen, vec![add.seq])
    } else {
        unmet(expected, seen, vec![add.seq])
    }])
}
