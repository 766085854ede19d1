//! How far an EUT's run has come.

use crate::campaign::Event;
use std::collections::BTreeMap;
use uspec_report::summary::word;
use uspec_testplan::{case::CaseId, verdict::Verdict};

/// In what order the counts stand: the worst before what is only undecided, and all after what is well.
const VERDICTS: [Verdict; 4] = [Verdict::Pass, Verdict::Fail, Verdict::Inconclusive, Verdict::Error];

/// What was planned and what became of it so far.
#[derive(Debug, Default)]
pub(super) struct Counts {
    /// By MTP: it is told again when the device is known.
    planned: BTreeMap<String, u64>,
    /// By case and MTP: of a case that is repeated the last one counts.
    verdicts: BTreeMap<(CaseId, String), Verdict>,
    /// The case that runs now, and over which MTP.
    now: String,
}

impl Counts {
    /// Counts what an event tells.
    pub(super) fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Planned { mtp, cases } => {
                let cases = u64::try_from(*cases).unwrap_or(u64::MAX);
                self.planned.insert((*mtp).to_owned(), cases);
            }
            Event::Ready { mtp } => self.now = format!("bring-up [{}]", mtp.name),
            Event::BroughtUp { mtp, failure: Some(_), .. } => {
                self.planned.remove(&mtp.name);
            }
            Event::BroughtUp { failure: None, .. } | Event::Kept(_) => {}
            Event::Begins { case, mtp, .. } => self.now = format!("{} [{mtp}] {}", case.id, case.title),
            Event::Judged { case, mtp, judgement, .. } => {
                self.verdicts.insert((case.id.clone(), (*mtp).to_owned()), judgement.verdict);
            }
        }
    }

    /// How many cases are judged.
    pub(super) fn done(&self) -> u64 {
        u64::try_from(self.verdicts.len()).unwrap_or(u64::MAX)
    }

    /// How many there will be, as far as is known.
    pub(super) fn total(&self) -> u64 {
        self.planned.values().sum::<u64>().max(self.done())
    }

    /// What came out, and what runs now: `3 pass, 1 fail  1.4 [websocket] …`.
    pub(super) fn words(&self) -> String {
        let counted = VERDICTS.iter().filter_map(|verdict| {
            let count = self.verdicts.values().filter(|it| *it == verdict).count();
            (count > 0).then(|| format!("{count} {}", word(*verdict)))
        });
        let counted: Vec<_> = counted.collect();
        if counted.is_empty() { self.now.clone() } else { format!("{}  {}", counted.join(", "), self.now) }
    }
}
