//! Which EUT a case applies to, and what the bench must offer for it.

use super::{CaseId, EutAction};
use crate::{
    profile::{Broker, MqttVersion, Role},
    trace::MtpFacts,
};

/// Which EUT a case applies to, by TP-469's feature IDs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Applies {
    /// Every EUT.
    Mandatory,
    /// An EUT with this feature.
    Feature(u16),
    /// An EUT with at least one of these.
    Any(Vec<u16>),
    /// An EUT with all of these.
    All(Vec<u16>),
    /// An EUT that is judged by an earlier plan, or is of an earlier USP version; no other EUT any more.
    Deprecated(Deprecated),
}

/// When and why the plan withdrew a case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deprecated {
    /// The case that took its place.
    pub by: Option<CaseId>,
    /// The revision of the plan that withdrew it, such as `1.1.0`; `None` for a case whose text is gone.
    pub revision: Option<String>,
    /// The USP version that withdrew the requirement behind it; `None` when no version did.
    pub usp: Option<String>,
    /// To whom it applied until then.
    pub was: Box<Applies>,
}

/// What the bench must offer for a case: the MTP, and means to control the device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs {
    /// Over which MTP it can run.
    pub over: MtpCondition,
    /// What must be possible with the device.
    pub control: Vec<EutAction>,
    /// Whether there must be a second Controller that reaches the EUT.
    pub second: bool,
}

/// A condition on the MTP of a result. The default holds for every MTP.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MtpCondition {
    /// One of these kinds, such as `websocket`; empty for any.
    pub kinds: Vec<String>,
    /// Which side connects; `None` for either.
    pub role: Option<Role>,
    /// Whether TLS is there; `None` for either.
    pub tls: Option<bool>,
    /// The version of MQTT; `None` for any, and for every other MTP.
    pub version: Option<MqttVersion>,
    /// Whose broker it is; `None` for either, and for MTPs without one.
    pub broker: Option<Broker>,
}

impl Applies {
    /// To whom it applies, or applied before the plan withdrew it.
    pub fn to_whom(&self) -> &Self {
        match self {
            Self::Deprecated(deprecated) => deprecated.was.to_whom(),
            other => other,
        }
    }

    /// The features that it names.
    pub fn features(&self) -> &[u16] {
        match self.to_whom() {
            Self::Feature(id) => std::slice::from_ref(id),
            Self::Any(ids) | Self::All(ids) => ids,
            Self::Mandatory | Self::Deprecated(_) => &[],
        }
    }
}

impl MtpCondition {
    /// Whether an MTP meets it.
    pub fn holds(&self, mtp: &MtpFacts) -> bool {
        (self.kinds.is_empty() || self.kinds.contains(&mtp.kind))
            && self.role.is_none_or(|role| mtp.role == Some(role))
            && self.tls.is_none_or(|tls| mtp.tls == tls)
            && self.version.is_none_or(|version| mtp.version.as_deref() == Some(version.name()))
            && self.broker.is_none_or(|broker| mtp.broker == Some(broker))
    }
}
