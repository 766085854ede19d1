//! Metrics that apply from a version of USP on.

use uspec_usp::version::UspVersion;

use super::finding::{met, unknown};
use crate::{
    case::Metric,
    verdict::{Finding, Outcome},
};

/// What a metric's version makes of its findings: one that the EUT is too old for is met without being judged; when
/// the EUT's version is not known, it cannot be unmet.
pub(super) fn gate(metric: &Metric, eut: Option<UspVersion>, judge: impl FnOnce() -> Vec<Finding>) -> Vec<Finding> {
    let Some(since) = metric.since.as_ref().and_then(|since| since.parse::<UspVersion>().ok()) else { return judge() };
    match eut {
        Some(version) if version < since => {
            vec![met(
                format!("applies from USP {since} on"),
                format!("not judged: the EUT supports USP up to {version}"),
                Vec::new(),
            )]
        }
        Some(_) => judge(),
        None => {
            let mut findings = judge();
            let unmet = findings.iter_mut().filter(|finding| finding.outcome == Outcome::Unmet);
            let lowered = unmet.map(|finding| finding.outcome = Outcome::Unknown).count();
            if lowered > 0 {
                let why = "which versions the EUT supports is not known";
                findings.push(unknown(format!("USP {since} or later"), why, Vec::new()));
            }
            findings
        }
    }
}
