//! `uspec list`: the catalogue, with what would become of every case.

use crate::{
    args::{Format, ListArgs},
    load,
    outcome::{Error, Exit, tell},
};
use serde::Serialize;
use std::fmt::Write as _;
use uspec_report::coverage::Coverage;
use uspec_testplan::{
    case::CaseId,
    catalogue::Catalogue,
    features::FeatureSet,
    plan::{Decision, Plan, PlanEntry, plan},
    run_report::NotRunKind,
};

/// One row of `--format json`.
#[derive(Serialize)]
struct Row<'a> {
    /// The case's number.
    id: &'a CaseId,
    #[serde(flatten)]
    entry: &'a PlanEntry,
    /// The numbers of the plan's metrics that the case judges; empty when nobody has written it.
    metrics: Vec<u16>,
}

/// Runs the command.
///
/// # Errors
/// Whatever keeps it from being done.
pub fn run(args: &ListArgs) -> Result<Exit, Error> {
    let catalogue = load::catalogue(&args.catalogue)?;
    if args.coverage {
        tell(&coverage(args.format, &catalogue)?);
        return Ok(Exit::Good);
    }
    let profile = load::profile(args.eut.as_deref())?;
    let selection = load::selection(&args.select)?;
    let features = FeatureSet::from_profile(&profile, &catalogue.features);
    let all = plan(&catalogue, &profile, &selection, &features, &profile.usp_versions)
        .map_err(|error| Error::Message(format!("error: {error}")))?;
    let shown = if selection.is_all() { all } else { selected(all) };
    let text = match args.format {
        Format::Text => lines(&shown),
        Format::Json => json(&shown, &catalogue)?,
    };
    tell(&text);
    Ok(Exit::Good)
}

fn coverage(format: Format, catalogue: &Catalogue) -> Result<String, Error> {
    let coverage = Coverage::of(catalogue);
    match format {
        Format::Text => Ok(coverage.markdown()),
        Format::Json => pretty(&coverage),
    }
}

/// Of a plan, what the selection did not leave out.
fn selected(plan: Plan) -> Plan {
    Plan { entries: plan.entries.into_iter().filter(|entry| !left_out(entry)).collect() }
}

fn left_out(entry: &PlanEntry) -> bool {
    matches!(entry.decision, Decision::Not { kind: NotRunKind::NotSelected, .. })
}

/// A plan for people: one line a case, or one for each of the decisions when they differ from MTP to MTP.
pub fn lines(plan: &Plan) -> String {
    plan.entries.chunk_by(|a, b| a.case == b.case).fold(String::new(), |mut text, case| {
        for (mtps, entry) in by_decision(case) {
            let (id, title) = (entry.case.to_string(), &entry.title);
            let _ = writeln!(text, "{id:<6} {mtps:<10} {title}{}", decision(&entry.decision));
        }
        text
    })
}

/// One entry for each decision about a case, with the names of the MTPs that share it; `all` when all of several do. An MTP that the
/// selection leaves out is not told for a case that it has chosen over another.
fn by_decision(case: &[PlanEntry]) -> Vec<(String, &PlanEntry)> {
    let chosen = case.iter().any(|entry| !left_out(entry));
    let mut groups: Vec<(Vec<&str>, &PlanEntry)> = Vec::new();
    for entry in case.iter().filter(|entry| !chosen || !left_out(entry)) {
        match groups.iter_mut().find(|(_, first)| first.decision == entry.decision) {
            Some((mtps, _)) => mtps.push(&entry.mtp),
            None => groups.push((vec![&entry.mtp], entry)),
        }
    }
    let all = |mtps: &[&str]| mtps.len() == case.len() && mtps.len() > 1;
    let name = |mtps: Vec<&str>| if all(&mtps) { "all".to_owned() } else { mtps.join(",") };
    groups.into_iter().map(|(mtps, entry)| (name(mtps), entry)).collect()
}

fn decision(decision: &Decision) -> String {
    match decision {
        Decision::Run => String::new(),
        Decision::DependsOnEut { reason, .. } => format!("  [{reason}]"),
        Decision::Not { kind, reason } => format!("  [{}: {reason}]", uspec_report::summary::not_run_word(*kind)),
    }
}

fn json(plan: &Plan, catalogue: &Catalogue) -> Result<String, Error> {
    let rows: Vec<Row<'_>> = plan
        .entries
        .iter()
        .map(|entry| {
            let case = catalogue.get(&entry.case).and_then(|it| it.case.as_ref());
            Row {
                id: &entry.case,
                entry,
                metrics: case.map(|it| it.metrics.iter().map(|m| m.number).collect()).unwrap_or_default(),
            }
        })
        .collect();
    pretty(&rows)
}

fn pretty(rows: &impl Serialize) -> Result<String, Error> {
    let text = serde_json::to_string_pretty(rows).map_err(|cause| Error::new("the list", &cause))?;
    Ok(format!("{text}\n"))
}
