//! Outcomes and verdicts, and the findings that explain them. The same code decides and explains.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The verdict of a case, after ISO 9646; merging takes the worst.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Every metric is met.
    Pass,
    /// The state in which the metrics could be judged was not reached.
    Inconclusive,
    /// The EUT breaks at least one metric.
    Fail,
    /// Our fault, or the environment's.
    Error,
}

/// The outcome of one metric or check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It holds.
    Met,
    /// It could not be seen.
    Unknown,
    /// It does not hold.
    Unmet,
}

/// What a check expected, what it saw, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// What the check says.
    pub outcome: Outcome,
    /// The requirement or plan number behind it, when there is one of its own.
    pub requirement: Option<String>,
    /// What was expected, one sentence.
    pub expected: String,
    /// What was seen, one sentence; bytes as hex.
    pub seen: String,
    /// Where in the Message, as field names and indices.
    pub path: Option<String>,
    /// The events of the Trace that show it.
    pub events: Vec<u64>,
}

/// The outcome of one of the plan's metrics.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct MetricResult {
    /// The metric's name: the plan's own number, or `universal 2`, or the requirement that holds for every exchange.
    pub metric: String,
    /// The worst of its findings.
    pub outcome: Outcome,
    /// Its findings, met ones included.
    pub findings: Vec<Finding>,
}

/// What became of the clean-up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum CleanUp {
    /// The EUT is as found.
    Clean,
    /// It is not: one sentence each.
    Dirty(Vec<String>),
    /// It could not be seen.
    Unverified(String),
}

/// A Trace, judged.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Judgement {
    /// The merged verdict.
    pub verdict: Verdict,
    /// Why, in one line, when it is not a pass.
    pub reason: Option<String>,
    /// The plan's metrics, in their order.
    pub metrics: Vec<MetricResult>,
    /// What holds for every exchange, as far as this Trace shows anything of it.
    pub universal: Vec<MetricResult>,
    /// What became of the clean-up.
    pub clean_up: CleanUp,
}
