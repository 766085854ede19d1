//! A share of a run: what one of several machines judges, so that all of them together judge everything once.
//!
//! One decision behind it: the shares are dealt from the plan that the profile alone gives, before any EUT has been seen. So every
//! machine deals the same, whatever its EUT shows it. Over each MTP the cases are dealt in turn, because neighbours in the plan take
//! about as long as each other; the price is one bring-up an MTP in every shard.

use std::{collections::BTreeMap, fmt, str::FromStr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{
    case::CaseId,
    plan::{Decision, Plan},
    run_report::NotRunKind,
};

/// One share of several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Shard {
    /// Which one, from 1.
    pub index: u16,
    /// How many there are.
    pub of: u16,
}

/// Why a text names no shard.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no shard: write which one of how many, from 1, such as 2/5")]
pub struct ShardError(String);

impl Shard {
    /// This one of so many; `None` when there is no such one.
    pub fn new(index: u16, of: u16) -> Option<Self> {
        (1..=of).contains(&index).then_some(Self { index, of })
    }

    /// Every shard of the run that this one is a part of.
    pub fn all(self) -> impl Iterator<Item = Self> {
        (1..=self.of).map(move |index| Self { index, of: self.of })
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.index, self.of)
    }
}

impl FromStr for Shard {
    type Err = ShardError;

    fn from_str(text: &str) -> Result<Self, ShardError> {
        let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
        numbers.and_then(|(index, of)| Self::new(index, of)).ok_or_else(|| ShardError(text.to_owned()))
    }
}

/// Which (case, MTP) a shard leaves to the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Share {
    others: BTreeMap<(CaseId, String), Shard>,
}

impl Share {
    /// The shard's share of what this plan may run; the plan is the one that the profile alone gives.
    pub fn of(plan: &Plan, shard: Shard) -> Self {
        let mut mtps: Vec<&str> = Vec::new();
        for entry in &plan.entries {
            if !mtps.contains(&entry.mtp.as_str()) {
                mtps.push(&entry.mtp);
            }
        }
        let entries = mtps.iter().flat_map(|mtp| plan.entries.iter().filter(move |entry| entry.mtp == *mtp));
        // Goes on from MTP to MTP: few cases over many MTPs are dealt evenly too.
        let dealt = entries.filter(|entry| entry.may_run()).zip(shard.all().collect::<Vec<_>>().into_iter().cycle());
        let others = dealt.filter(|(_, to)| *to != shard);
        Self { others: others.map(|(entry, to)| ((entry.case.clone(), entry.mtp.clone()), to)).collect() }
    }

    /// Takes out of a plan what is left to the others. Their reason names the shard.
    pub fn leave_out(&self, plan: &mut Plan) {
        for entry in plan.entries.iter_mut().filter(|entry| entry.may_run()) {
            if let Some(shard) = self.others.get(&(entry.case.clone(), entry.mtp.clone())) {
                entry.decision = Decision::Not { kind: NotRunKind::NotSelected, reason: in_shard(*shard) };
            }
        }
    }
}

/// How such a reason begins.
const IN_SHARD: &str = "in shard ";

/// The reason why another shard's result does not stand in this one's report.
pub fn in_shard(shard: Shard) -> String {
    format!("{IN_SHARD}{shard}")
}

/// The shard that such a reason names.
pub fn shard_named(reason: &str) -> Option<Shard> {
    reason.strip_prefix(IN_SHARD)?.parse().ok()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;
    use crate::plan::PlanEntry;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    /// A plan in which every `skip`th entry does not run.
    fn plan(cases: u16, mtps: u16, skip: u16) -> Plan {
        let decision = |at: u16| match at % skip {
            0 => Decision::Not { kind: NotRunKind::NotApplicable, reason: "no".to_owned() },
            1 => Decision::DependsOnEut { features: vec![1], reason: "if".to_owned() },
            _ => Decision::Run,
        };
        let entries = (0..cases).flat_map(|case| (0..mtps).map(move |mtp| (case, mtp)));
        let entries = entries.map(|(case, mtp)| PlanEntry {
            case: CaseId::Plan { chapter: 1, number: case },
            title: String::new(),
            suite: "tp469".to_owned(),
            mtp: format!("mtp{mtp}"),
            requirements: Vec::new(),
            features: Vec::new(),
            disputed: None,
            alternates: BTreeMap::new(),
            decision: decision(case.wrapping_mul(7).wrapping_add(mtp)),
        });
        Plan { entries: entries.collect() }
    }

    proptest! {
        #[test]
        fn every_result_is_in_exactly_one_shard(cases in 1u16..40, mtps in 1u16..6, skip in 2u16..9, of in 1u16..12) {
            let whole = plan(cases, mtps, skip);
            let may_run = |plan: &Plan| -> BTreeSet<_> {
                plan.entries.iter().filter(|it| it.may_run()).map(|it| (it.case.clone(), it.mtp.clone())).collect()
            };
            let mut seen = BTreeSet::new();
            let mut sizes = Vec::new();
            for shard in Shard::new(1, of).unwrap().all() {
                let mut part = whole.clone();
                Share::of(&whole, shard).leave_out(&mut part);
                prop_assert_eq!(part.entries.len(), whole.entries.len());
                let own = may_run(&part);
                sizes.push(own.len());
                prop_assert!(own.is_disjoint(&seen));
                seen.extend(own);
                for (left, right) in part.entries.iter().zip(&whole.entries).filter(|(left, right)| left != right) {
                    let by_another = matches!(&left.decision, Decision::Not { kind: NotRunKind::NotSelected, reason }
                        if shard_named(reason).is_some_and(|it| it != shard));
                    prop_assert!(by_another && right.may_run());
                }
            }
            prop_assert_eq!(seen, may_run(&whole));
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
        }
    }

    #[test]
    fn a_shard_is_written_as_index_and_total() {
        assert_eq!("2/5".parse::<Shard>().unwrap(), Shard { index: 2, of: 5 });
        assert_eq!(Shard { index: 2, of: 5 }.to_string(), "2/5");
        for wrong in ["0/5", "6/5", "2", "2/", "/5", "a/b", "2/5/6", "-1/5", "1/0", ""] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }
}
