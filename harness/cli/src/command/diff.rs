//! `uspec diff`: what is different in another run, the worst first.
//!
//! One decision behind it: a result is known by its case and its MTP, and every result of either run ends up in one list or is the same.

use super::rejudge::{MetricChange, changes};
use crate::{
    args::{DiffArgs, Format},
    bundle::Bundle,
    load,
    outcome::{Error, Exit, tell},
};
use serde::Serialize;
use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    path::Path,
};
use uspec_report::{
    summary::{not_run_word, word},
    text::{cut, visible_line},
};
use uspec_testplan::{
    case::CaseId,
    run_report::{CaseOutcome, CaseResult, RunReport},
    verdict::Verdict,
};

/// A reason is for recognising; the reports have it whole.
const REASON_LIMIT: usize = 300;

/// What is different.
#[derive(Debug, Default, Serialize)]
struct Diff {
    /// What the runs are of, where they differ.
    of: Vec<Fact>,
    /// Fails now, and did not.
    new_fails: Vec<Change>,
    /// Passed, if only when it was repeated, and does not any more; or passed at once, and now only when repeated.
    worse: Vec<Change>,
    /// Failed, and passes at once.
    fixed: Vec<Change>,
    /// Anything else.
    other: Vec<Change>,
    /// Only in the later run.
    added: Vec<Change>,
    /// Only in the earlier one.
    removed: Vec<Change>,
    /// How many results are the same.
    same: usize,
}

/// Something that both runs are of.
#[derive(Debug, Serialize)]
struct Fact {
    what: &'static str,
    then: String,
    now: String,
}

/// What became of a result.
#[derive(Debug, Serialize)]
struct Change {
    case: CaseId,
    mtp: String,
    title: String,
    /// The verdict, or the reason why it did not run; `None` when the run does not have it.
    then: Option<String>,
    now: Option<String>,
    /// Why it is so now, when it is no pass.
    reason: Option<String>,
    metrics: Vec<MetricChange>,
}

/// Runs the command.
///
/// # Errors
/// A run report that cannot be read.
pub fn run(args: &DiffArgs) -> Result<Exit, Error> {
    let (before, after) = (read(&args.before)?, read(&args.after)?);
    let diff = Diff::of(&before, &after);
    match args.format {
        Format::Json => {
            let text = serde_json::to_string_pretty(&diff).map_err(|cause| Error::new("the differences", &cause))?;
            tell(&format!("{text}\n"));
        }
        Format::Text => tell(&diff.text()),
    }
    Ok(if diff.new_fails.is_empty() && diff.worse.is_empty() { Exit::Good } else { Exit::Failed })
}

fn read(path: &Path) -> Result<RunReport, Error> {
    if path.is_dir() { Bundle::open(path).map(|it| it.report) } else { load::run_report(path) }
}

impl Diff {
    fn of(before: &RunReport, after: &RunReport) -> Self {
        let mut diff = Self { of: facts(before, after), ..Self::default() };
        let key = |result: &CaseResult| (result.case.to_string(), result.mtp.clone());
        let then: BTreeMap<_, _> = before.results.iter().map(|result| (key(result), result)).collect();
        let now: BTreeSet<_> = after.results.iter().map(key).collect();
        let choice = |it: &RunReport| (it.run.identity.profile.clone(), it.run.identity.selection.clone());
        let same_choice = choice(before) == choice(after);
        for result in &after.results {
            match then.get(&key(result)) {
                Some(earlier) => diff.result(earlier, result, same_choice),
                None => diff.added(result),
            }
        }
        let gone = before.results.iter().filter(|result| !now.contains(&key(result)));
        diff.removed = gone.map(|result| Change::new(Some(result), None, Vec::new())).collect();
        diff
    }

    /// A new result counts as it is: a fail is a fail, whether there was a result before or not.
    fn added(&mut self, result: &CaseResult) {
        let change = Change::new(None, Some(result), Vec::new());
        if result.verdict() == Some(Verdict::Fail) { self.new_fails.push(change) } else { self.added.push(change) }
    }

    /// `same_choice`: both runs are of the same profile and the same selection.
    fn result(&mut self, before: &CaseResult, after: &CaseResult, same_choice: bool) {
        let metrics = match (&before.outcome, &after.outcome) {
            (CaseOutcome::Judged(then), CaseOutcome::Judged(now)) => changes(&then.judgement, &now.judgement),
            _ => Vec::new(),
        };
        let (then, now) = (before.verdict(), after.verdict());
        let passed = |verdict| verdict == Some(Verdict::Pass);
        let became_flaky = passed(then) && !before.is_flaky() && after.is_flaky();
        let list = if now == Some(Verdict::Fail) && then != Some(Verdict::Fail) {
            &mut self.new_fails
        } else if became_flaky || (passed(then) && !passed(now) && !is_choice(after, same_choice)) {
            &mut self.worse
        } else if then == Some(Verdict::Fail) && passed(now) && !after.is_flaky() {
            &mut self.fixed
        } else if state(before) == state(after) && metrics.is_empty() && why_not(before) == why_not(after) {
            self.same += 1;
            return;
        } else {
            &mut self.other
        };
        list.push(Change::new(Some(before), Some(after), metrics));
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for Fact { what, then, now } in &self.of {
            let _ = writeln!(text, "{what}: then {}, now {}", visible_line(then), visible_line(now));
        }
        let lists = [
            ("new fails", &self.new_fails),
            ("worse", &self.worse),
            ("fixed", &self.fixed),
            ("changed", &self.other),
            ("added", &self.added),
            ("removed", &self.removed),
        ];
        for (name, list) in lists.into_iter().filter(|(_, list)| !list.is_empty()) {
            let _ = writeln!(text, "\n{name} ({}):", list.len());
            text.extend(list.iter().map(Change::text));
        }
        let counts: Vec<_> = lists.iter().map(|(name, list)| format!("{} {name}", list.len())).collect();
        let between = if text.is_empty() { "" } else { "\n" };
        let _ = writeln!(text, "{between}{}, {} the same", counts.join(", "), self.same);
        text
    }
}

impl Change {
    fn new(before: Option<&CaseResult>, after: Option<&CaseResult>, metrics: Vec<MetricChange>) -> Self {
        let either = after.or(before);
        let reason = after.and_then(|result| match &result.outcome {
            CaseOutcome::Judged(judged) => judged.judgement.reason.clone(),
            CaseOutcome::NotRun(not_run) => Some(not_run.reason.clone()),
        });
        Self {
            case: either.map_or_else(|| CaseId::Own(String::new()), |result| result.case.clone()),
            mtp: either.map(|result| result.mtp.clone()).unwrap_or_default(),
            title: either.map(|result| result.title.clone()).unwrap_or_default(),
            then: before.map(state),
            now: after.map(state),
            reason,
            metrics,
        }
    }

    fn text(&self) -> String {
        let states = match (&self.then, &self.now) {
            (Some(then), Some(now)) if then == now => format!("{now} both times"),
            (Some(then), Some(now)) => format!("then {then}, now {now}"),
            (None, Some(only)) | (Some(only), None) => only.clone(),
            (None, None) => String::new(),
        };
        let mut text =
            format!("  {} [{}]: {states}: {}\n", self.case, visible_line(&self.mtp), visible_line(&self.title));
        if let Some(reason) = &self.reason {
            let _ = writeln!(text, "      {}", cut(&visible_line(reason), REASON_LIMIT));
        }
        for change in &self.metrics {
            let _ = writeln!(text, "      {}", change.words());
        }
        text
    }
}

/// Whether it did not run because somebody wanted it so: that is no worse than a pass. That it does not apply any more is somebody's wish
/// only where profile or selection are others; by itself, an EUT does not lose what it had for the better.
fn is_choice(result: &CaseResult, same_choice: bool) -> bool {
    use uspec_testplan::run_report::NotRunKind::{Deprecated, NotApplicable, NotAutomated, NotReached, NotSelected};
    match &result.outcome {
        CaseOutcome::Judged(_) => false,
        CaseOutcome::NotRun(not_run) => match not_run.kind {
            NotReached => false,
            NotApplicable => !same_choice,
            NotSelected | Deprecated | NotAutomated => true,
        },
    }
}

/// The reason why it did not run, in words.
fn why_not(result: &CaseResult) -> Option<&str> {
    match &result.outcome {
        CaseOutcome::Judged(_) => None,
        CaseOutcome::NotRun(not_run) => Some(&not_run.reason),
    }
}

/// The verdict, or the reason why it did not run.
fn state(result: &CaseResult) -> String {
    match &result.outcome {
        CaseOutcome::Judged(_) if result.is_flaky() => "flaky".to_owned(),
        CaseOutcome::Judged(judged) => word(judged.judgement.verdict).to_owned(),
        CaseOutcome::NotRun(not_run) => not_run_word(not_run.kind).to_owned(),
    }
}

/// What the runs are of, where they differ.
fn facts(before: &RunReport, after: &RunReport) -> Vec<Fact> {
    let both = |what, of: &dyn Fn(&RunReport) -> String| (what, of(before), of(after));
    let told = |text: String| if text.is_empty() { "not told".to_owned() } else { text };
    let features = |it: &RunReport| it.eut.features.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let mtps = |it: &RunReport| it.mtps.iter().map(|mtp| mtp.name.as_str()).collect::<Vec<_>>().join(", ");
    let alternates = |it: &RunReport| {
        it.eut.alternates.iter().map(|(name, value)| format!("{name} = {value}")).collect::<Vec<_>>().join(", ")
    };
    let all = [
        both("EUT", &|it| it.eut.name.clone()),
        both("Endpoint ID", &|it| it.eut.endpoint_id.clone()),
        both("software version", &|it| it.eut.software_version.clone().unwrap_or_default()),
        both("USP versions", &|it| it.eut.usp_versions.join(", ")),
        both("features", &features),
        both("alternates", &alternates),
        both("MTPs", &mtps),
        both("harness", &|it| it.run.harness.clone()),
        both("plan", &|it| it.run.plan.clone()),
        both("catalogue", &|it| it.run.catalogue.clone()),
        both("profile", &|it| it.run.identity.profile.clone()),
        both("selection", &|it| it.run.identity.selection.clone()),
        both("options", &|it| it.run.identity.options.clone()),
        both("ended early", &|it| it.run.interrupted.clone().unwrap_or_default()),
    ];
    let differ = all.into_iter().filter(|(_, then, now)| then != now);
    differ.map(|(what, then, now)| Fact { what, then: told(then), now: told(now) }).collect()
}
