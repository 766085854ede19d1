//! The list of cases that are known to fail: strict, so that it never outlives its reasons.

use std::fmt;

use jiff::civil::Date;

use crate::{
    case::CaseId,
    run_report::{CaseOutcome, CaseResult, NotRunKind},
    verdict::Verdict,
};

/// A case that is known to fail, with the reason and the last day on which it is excused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFailing {
    /// The case.
    pub case: CaseId,
    /// The MTP's name; `None` for all.
    pub mtp: Option<String>,
    /// Why it fails, or where that is tracked.
    pub reason: String,
    /// The last day on which it is excused; `None` without end.
    pub until: Option<Date>,
}

/// An entry that is wrong by now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownFailingProblem {
    /// The entry.
    pub entry: KnownFailing,
    /// What is wrong with it.
    pub kind: KnownFailingProblemKind,
}

/// What is wrong with an entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KnownFailingProblemKind {
    /// The case passes over this MTP.
    Passes(String),
    /// No result can ever match it: no such case or MTP, or a case that does not apply to this device.
    MatchesNothing,
    /// Its day is over.
    Expired,
}

impl KnownFailing {
    /// Whether the entry is about this case over this MTP.
    pub fn is_about(&self, case: &CaseId, mtp: &str) -> bool {
        self.case == *case && self.mtp.as_deref().is_none_or(|name| name == mtp)
    }

    /// Whether it excuses this verdict today. It never excuses an error of ours.
    pub fn excuses(&self, result: &CaseResult, today: Date) -> bool {
        self.is_about(&result.case, &result.mtp)
            && self.until.is_none_or(|until| today <= until)
            && matches!(result.verdict(), Some(Verdict::Fail | Verdict::Inconclusive))
    }
}

/// Every entry that is wrong by now, in the list's order. Cases that were left out or not reached say nothing about an entry.
pub fn check_known_failing(entries: &[KnownFailing], results: &[CaseResult], today: Date) -> Vec<KnownFailingProblem> {
    let problem = |entry: &KnownFailing, kind| KnownFailingProblem { entry: entry.clone(), kind };
    let mut problems = Vec::new();
    for entry in entries {
        if entry.until.is_some_and(|until| today > until) {
            problems.push(problem(entry, KnownFailingProblemKind::Expired));
        }
        let matching: Vec<_> = results.iter().filter(|it| entry.is_about(&it.case, &it.mtp)).collect();
        if !matching.iter().any(|result| can_match(result)) {
            problems.push(problem(entry, KnownFailingProblemKind::MatchesNothing));
        }
        for result in matching.iter().filter(|it| it.verdict() == Some(Verdict::Pass)) {
            problems.push(problem(entry, KnownFailingProblemKind::Passes(result.mtp.clone())));
        }
    }
    problems
}

fn can_match(result: &CaseResult) -> bool {
    match &result.outcome {
        CaseOutcome::Judged(_) => true,
        CaseOutcome::NotRun(reason) => match reason.kind {
            NotRunKind::NotSelected | NotRunKind::NotReached => true,
            NotRunKind::NotApplicable | NotRunKind::Deprecated | NotRunKind::NotAutomated => false,
        },
    }
}

impl fmt::Display for KnownFailingProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let KnownFailing { case, until, .. } = &self.entry;
        match &self.kind {
            KnownFailingProblemKind::Passes(mtp) => {
                write!(f, "{case} is known to fail and passes over {mtp}: take it out of known_failing")
            }
            KnownFailingProblemKind::MatchesNothing => {
                write!(f, "{case} is known to fail and no result can match it: take it out of known_failing")
            }
            KnownFailingProblemKind::Expired => {
                let until = until.map(|day| day.to_string()).unwrap_or_default();
                write!(f, "{case} was known to fail until {until}: mend it, or give it a new day and reason")
            }
        }
    }
}
