//! What usually makes a metric fail: the faults of the reference Agent of which `fixtures/faults.yaml` states it, and a test proves it.

use super::matrix::{Matrix, Over};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use uspec_agent::Fault;

/// A way in which Agents make a metric unmet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Cause {
    /// The fault's name, for `uspec run --fault`.
    pub fault: String,
    /// What the Agent does wrong.
    pub meaning: String,
    /// The MTPs over which it makes the metric unmet; empty for all but those of `not_over`.
    pub over: Vec<String>,
    /// The MTPs over which it does not, when it does over the others.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub not_over: Vec<String>,
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
        let Ok(mut matrix) = Matrix::built_in() else { return causes };
        for (fault, effect) in matrix.cases.remove(id).unwrap_or_default() {
            let meaning = fault.parse::<Fault>().map_or_else(|_| fault.clone(), |it| it.description().to_owned());
            let effects = effect.all();
            let widest = effects.iter().map(|effect| effect.unmet.len()).max().unwrap_or_default();
            let metrics: BTreeSet<&String> = effects.iter().flat_map(|effect| &effect.unmet).collect();
            for metric in metrics {
                let (over, not_over) = places(&effects, metric);
                let cause = Cause { fault: fault.clone(), meaning: meaning.clone(), over, not_over };
                causes.metrics.entry(metric.clone()).or_default().push((widest, cause));
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

/// The MTPs over which these effects make the metric unmet, and those over which they do not. An effect that names no MTP holds over all
/// that the others do not name.
fn places(effects: &[Over], metric: &String) -> (Vec<String>, Vec<String>) {
    let of = |has: bool| -> Vec<String> {
        let all = effects.iter().filter(|effect| effect.unmet.contains(metric) == has);
        all.flat_map(Over::named).collect::<BTreeSet<_>>().into_iter().collect()
    };
    let elsewhere = effects.iter().any(|effect| effect.mtp.is_none() && effect.unmet.contains(metric));
    if elsewhere { (Vec::new(), of(false)) } else { (of(true), Vec::new()) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;

    #[test]
    fn the_matrix_can_be_read_and_its_faults_exist() {
        let matrix = Matrix::built_in().unwrap();
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
