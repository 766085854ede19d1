//! The fault matrix, `fixtures/faults.yaml`: which fault of the reference Agent makes which metrics of which case unmet. A test holds the Agent to
//! it, and `uspec explain` tells from it what usually makes a metric fail.

use serde::Deserialize;
use std::collections::BTreeMap;

/// The file, built in.
const TEXT: &str = include_str!("../../../../fixtures/faults.yaml");

/// The matrix.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Matrix {
    /// For each case, for each fault, what it does to the case.
    pub cases: BTreeMap<String, BTreeMap<String, Effect>>,
}

/// The metrics that a fault makes unmet.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Effect {
    /// Over each usual MTP.
    Usual(Vec<String>),
    /// Over some.
    One(Over),
    /// Not the same over all.
    Several(Vec<Over>),
}

/// The metrics that a fault makes unmet over some MTPs.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Over {
    /// Each usual MTP that the fault's other effects do not name, if none.
    pub mtp: Option<Mtps>,
    /// The numbers of the metrics.
    pub unmet: Vec<String>,
}

/// Names of MTPs.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Mtps {
    /// One name.
    One(String),
    /// Several.
    Several(Vec<String>),
}

impl Matrix {
    /// That which is built in.
    ///
    /// # Errors
    /// A file that is no matrix, which a test rules out.
    pub fn built_in() -> Result<Self, serde_yaml::Error> {
        serde_yaml::from_str(TEXT)
    }
}

impl Effect {
    /// What it is over each group of MTPs.
    pub fn all(&self) -> Vec<Over> {
        match self {
            Self::Usual(unmet) => vec![Over { mtp: None, unmet: unmet.clone() }],
            Self::One(over) => vec![over.clone()],
            Self::Several(all) => all.clone(),
        }
    }
}

impl Over {
    /// The MTPs that it names.
    pub fn named(&self) -> Vec<String> {
        match &self.mtp {
            None => Vec::new(),
            Some(Mtps::One(name)) => vec![name.clone()],
            Some(Mtps::Several(names)) => names.clone(),
        }
    }
}
