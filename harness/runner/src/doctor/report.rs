//! What an examination says: steps, each with what was seen, and for a broken one what was expected and what to change.

use serde::Serialize;

/// One step of bringing an EUT up, in the order in which they are reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Stage {
    /// Our place: the port that we listen at, or that our settings are usable.
    Place,
    /// A stream between the two sides: a TCP connection, a connection of a UNIX domain socket.
    Stream,
    /// TLS, with the certificates of both sides.
    Tls,
    /// The handshake of the MTP.
    Handshake,
    /// Topics or destinations, over a broker.
    Route,
    /// The Endpoint IDs of both sides.
    EndpointIds,
    /// The Connect Record.
    ConnectRecord,
    /// GetSupportedProtocol.
    Protocol,
    /// A Get of our row in the Controller table.
    Get,
    /// The way that the answers took.
    ReplyPath,
}

/// One step, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Step {
    /// Which.
    pub stage: Stage,
    /// What it is called over this MTP.
    pub title: String,
    /// What became of it.
    #[serde(flatten)]
    pub outcome: Outcome,
}

/// What became of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Outcome {
    /// It is in order.
    Good {
        /// What was seen.
        seen: String,
        /// What is in order and worth a look nevertheless.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        remarks: Vec<String>,
    },
    /// It is not.
    Broken(Fault),
    /// An earlier one is broken.
    NotReached,
}

/// Why a step is broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// What was expected.
    pub expected: String,
    /// What came in its place.
    pub seen: String,
    /// What can be changed, the likeliest first.
    pub remedies: Vec<Remedy>,
}

/// What to change, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// Whose setting it is.
    pub side: Side,
    /// What to change.
    pub change: String,
}

/// Where something is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    /// In the EUT profile.
    Profile,
    /// In the device.
    Eut,
    /// On the bench between them: network, firewall, another process.
    Bench,
}

/// What became of every step over one MTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Examination {
    /// The MTP's name in the profile.
    pub mtp: String,
    /// Every step that the MTP has, in order. After the first broken one none is reached.
    pub steps: Vec<Step>,
}

impl Examination {
    /// The step that is broken, and why.
    pub fn broken(&self) -> Option<(&Step, &Fault)> {
        self.steps.iter().find_map(|step| match &step.outcome {
            Outcome::Broken(fault) => Some((step, fault)),
            Outcome::Good { .. } | Outcome::NotReached => None,
        })
    }

    /// Whether every step is in order.
    pub fn is_good(&self) -> bool {
        self.steps.iter().all(|step| matches!(step.outcome, Outcome::Good { .. }))
    }
}

impl Fault {
    /// A fault without remedies so far.
    pub(super) fn new(expected: impl Into<String>, seen: impl Into<String>) -> Self {
        Self { expected: expected.into(), seen: seen.into(), remedies: Vec::new() }
    }

    /// With something to change in the device.
    pub(super) fn eut(self, change: impl Into<String>) -> Self {
        self.with(Side::Eut, change)
    }

    /// With something to change in the profile.
    pub(super) fn profile(self, change: impl Into<String>) -> Self {
        self.with(Side::Profile, change)
    }

    /// With something to change on the bench.
    pub(super) fn bench(self, change: impl Into<String>) -> Self {
        self.with(Side::Bench, change)
    }

    fn with(mut self, side: Side, change: impl Into<String>) -> Self {
        self.remedies.push(Remedy { side, change: change.into() });
        self
    }
}
