//! What usually makes a metric fail: the faults of the reference Agent of which `fixtures/faults.yaml` states it, and a test proves it.

use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use uspec_agent::Fault;

/// The fault matrix, built in.
const MATRIX: &str = include_str!("../../../../fixtures/faults.yaml");

/// A way in which Agents make a metric unmet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The fault's name, for `uspec run --fault`.
    pub fault: String,
    /// What the Agent does wrong.
    pub meaning: String,
    /// The MTPs over which it does; empty for all.
    pub over: Vec<String>,
}

/// `fixtures/faults.yaml`.
#[derive(Deserialize)]
struct Matrix {
    cases: BTreeMap<String, BTreeMap<String, Effect>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Effect {
    Usual(Vec<String>),
    One(Over),
    Several(Vec<Over>),
}

#[derive(Deserialize)]
struct Over {
    mtp: Option<Mtps>,
    unmet: Vec<String>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Mtps {
    One(String),
    Several(Vec<String>),
}

/// What the matrix says of one case.
#[derive(Debug, Default)]
pub(super) struct Causes {
    /// For each metric its causes, each with how many metrics it makes unmet.
    metrics: BTreeMap<String, Vec<(usize, Cause)>>,
}

impl Causes {
    pub(super) fn of(id: &str) -> Self {
        let mut causes = Self::default();
        let Ok(mut matrix) = serde_yaml::from_str::<Matrix>(MATRIX) else { return causes };
        for (fault, effect) in matrix.cases.remove(id).unwrap_or_default() {
            let meaning = fault.parse::<Fault>().map_or_else(|_| fault.clone(), |it| it.description().to_owned());
            let effects = match effect {
                Effect::Usual(unmet) => vec![Over { mtp: None, unmet }],
                Effect::One(over) => vec![over],
                Effect::Several(all) => all,
            };
            let mut over: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
            let widest = effects.iter().map(|effect| effect.unmet.len()).max().unwrap_or_default();
            for Over { mtp, unmet } in effects {
                let named = match mtp {
                    None => Vec::new(),
                    Some(Mtps::One(name)) => vec![name],
                    Some(Mtps::Several(names)) => names,
                };
                for metric in unmet {
                    over.entry(metric).or_default().extend(named.iter().cloned());
                }
            }
            for (metric, over) in over {
                let cause = Cause { fault: fault.clone(), meaning: meaning.clone(), over: over.into_iter().collect() };
                causes.metrics.entry(metric).or_default().push((widest, cause));
            }
        }
        // What breaks this metric alone explains it best.
        causes.metrics.values_mut().for_each(|all| all.sort_by_key(|(breaks, _)| *breaks));
        causes
    }

    /// What makes this metric unmet.
    pub(super) fn metric(&self, number: &str) -> Vec<Cause> {
        self.metrics.get(number).into_iter().flatten().map(|(_, cause)| cause.clone()).collect()
    }

    /// The same for what holds for every exchange.
    pub(super) fn universal(&self) -> Vec<(String, Vec<Cause>)> {
        let rules = self.metrics.keys().filter(|name| !name.bytes().all(|c| c.is_ascii_digit()));
        rules.map(|name| (name.clone(), self.metric(name))).collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;

    #[test]
    fn the_matrix_can_be_read_and_its_faults_exist() {
        let matrix: Matrix = serde_yaml::from_str(MATRIX).unwrap();
        for fault in matrix.cases.values().flat_map(BTreeMap::keys) {
            assert!(fault.parse::<Fault>().is_ok(), "{fault}");
        }
    }

    #[test]
    fn what_breaks_one_metric_alone_comes_first() {
        let causes = Causes::of("1.1").metric("2");
        let names: Vec<_> = causes.iter().map(|cause| cause.fault.as_str()).collect();
        assert_eq!(names.first(), Some(&"add-omits-one-unique-key"), "{names:?}");
        assert!(names.contains(&"add-answered-with-error"), "{names:?}");
    }
}
