//! `uspec list`: the catalogue, with what would become of every case.

use crate::{
    args::{Format, ListArgs},
    load,
    outcome::{Error, Exit},
};
use serde::Serialize;
use std::{fmt::Write as _, io::Write as _};
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
    // Whoever reads through `head` closes the pipe early; that is no error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    Ok(Exit::Good)
}

/// Of a plan, what the selection did not leave out.
fn selected(plan: Plan) -> Plan {
    let left_out = |entry: &PlanEntry| matches!(entry.decision, Decision::Not { kind: NotRunKind::NotSelected, .. });
    Plan { entries: plan.entries.into_iter().filter(|entry| !left_out(entry)).collect() }
}

/// A plan for people, one line a case.
pub fn lines(plan: &Plan) -> String {
    plan.entries.iter().fold(String::new(), |mut text, entry| {
        let _ = writeln!(
            text,
            "{:<6} {:<10} {}{}",
            entry.case.to_string(),
            entry.mtp,
            entry.title,
            decision(&entry.decision)
        );
        text
    })
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
    let text = serde_json::to_string_pretty(&rows).map_err(|cause| Error::new("the list", &cause))?;
    Ok(format!("{text}\n"))
}
