//! The validated test case (format 1, lowered). The raw mirror of the text and the diagnostics live with the loader.

use crate::pattern::Pattern;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};
use uspec_usp::schema::MessageKind;

/// One test case of the catalogue.
#[derive(Debug, Clone, PartialEq)]
pub struct TestCase {
    /// The plan's own number, such as `1.10`.
    pub id: CaseId,
    /// The revision of the plan that the file encodes, such as `TP-469 1.4.0`.
    pub plan: String,
    /// What is tested, in our words.
    pub title: String,
    /// TR-369 requirements that the case tests.
    pub requirements: Vec<String>,
    /// Free tags for selection.
    pub tags: Vec<String>,
    /// Which EUT the case applies to.
    pub applies: Applies,
    /// USP version from which the case applies, and the first one to which it no longer does.
    pub since: Option<String>,
    /// See [`TestCase::since`].
    pub until: Option<String>,
    /// Why plan and specification disagree here and which of them the case follows; every report shows it.
    pub disputed: Option<String>,
    /// Steps that reach the state in which the procedure may begin. What fails here makes the case inconclusive.
    pub setup: Vec<Step>,
    /// The steps of the plan's procedure.
    pub procedure: Vec<Step>,
    /// The plan's metrics, by their own numbers.
    pub metrics: Vec<Metric>,
    /// Steps that leave the EUT as found; always run.
    pub cleanup: Vec<Step>,
    /// The file it was read from, relative to the catalogue.
    pub file: String,
}

/// A case's number: a chapter and a number for the plan's (`1.10`), or a name for our own (`R-WS.17`).
/// Orders as the plan does: 1.9 before 1.10.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CaseId {
    /// A case of TP-469.
    Plan {
        /// The chapter.
        chapter: u16,
        /// The number within it.
        number: u16,
    },
    /// A case of our own, named by the requirement that it tests.
    Own(String),
}

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
    /// No EUT any more.
    Deprecated {
        /// The case that took its place.
        by: Option<CaseId>,
    },
}

/// A step acts and records. It never decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The name by which metrics and later steps refer to it.
    pub label: Option<String>,
    /// What is done.
    pub action: Action,
    /// Values taken from what came in answer.
    pub capture: Vec<Capture>,
    /// In the setup: what the Response must look like for the state to be reached; the case is inconclusive otherwise.
    pub matching: Option<Pattern>,
    /// How long it may take, when the profile's limit does not fit.
    pub within: Option<Duration>,
}

/// What a step does.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    /// Sends a Request, then awaits the Response or Error with the same msg_id.
    Request {
        /// Which Message.
        kind: MessageKind,
        /// Its body with the schema's field names; strings may hold `{{name}}`.
        body: Value,
    },
    /// Sends a Record or bytes that need not be right, and awaits nothing.
    Send(Send),
    /// Awaits what [`Expected`] describes.
    Await {
        /// What is awaited.
        what: Expected,
        /// Whether a Notify is answered.
        answer: Answer,
    },
    /// Waits `lasting`, and records whether what must not come came.
    Absent {
        /// What must not come.
        what: Expected,
        /// How long it must not come; the profile's silence when not said.
        lasting: Option<Duration>,
    },
    /// Lets time pass.
    Wait(Duration),
    /// Controls the device.
    Eut(EutAction),
}

/// A Record that need not be right. Whatever is not overridden is as the Controller would have sent it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Send {
    /// The Message to carry; its msg_id is fresh.
    pub message: Option<(MessageKind, Value)>,
    /// Fields of the Record that replace the right ones, with the schema's names.
    pub record: BTreeMap<String, Value>,
    /// Bytes to send in place of any Record.
    pub bytes: Option<Vec<u8>>,
    /// How many bytes to cut from the end of the encoded Record, to malform it.
    pub truncate: Option<usize>,
}

/// What is awaited, or must not come.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// A Response or Error that carries the msg_id of what this step sent.
    ResponseTo(String),
    /// A Notify of this Subscription, with this pattern inside the Notify when given.
    Notify {
        /// The Subscription's ID (a template); `None` for any.
        subscription_id: Option<String>,
        /// A pattern on the Notify.
        matching: Option<Pattern>,
    },
    /// The EUT's connection is there.
    Connected,
    /// The EUT's connection went away.
    Disconnected,
}

/// Whether a Notify that asks for an answer gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Answer {
    /// As TR-369 says.
    #[default]
    Normal,
    /// None, so that the Agent retries.
    Withhold,
}

/// What is done to the device; how, stands in the EUT profile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum EutAction {
    /// Restarts it.
    Reboot,
    /// Takes its power away and gives it back.
    PowerCycle,
    /// Puts it back to factory settings.
    FactoryReset,
    /// Starts it.
    Start,
    /// Stops it.
    Stop,
}

/// A value taken from the answer to a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Capture {
    /// The variable's name.
    pub name: String,
    /// Where in the Response it stands: field names and indices joined by dots.
    pub path: String,
}

/// One of the plan's metrics.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// The plan's own number.
    pub number: u16,
    /// USP version from which it applies.
    pub since: Option<String>,
    /// What must hold.
    pub check: Check,
}

/// What must hold for a metric to be met.
#[derive(Debug, Clone, PartialEq)]
pub enum Check {
    /// The right Response came, and matches.
    Response {
        /// The step that asked.
        to: String,
        /// The pattern on the Response.
        matching: Option<Pattern>,
    },
    /// An Error came, with an acceptable code at the top and in each `param_errs`.
    Error {
        /// The step that asked.
        to: String,
        /// The acceptable codes; when empty, those that TR-369 allows for the Message.
        codes: Vec<u32>,
        /// The pattern on the Error.
        matching: Option<Pattern>,
    },
    /// Neither a Response nor an Error came.
    NoResponse {
        /// The step that sent.
        to: String,
    },
    /// What this step awaited came.
    Received {
        /// The awaiting step.
        step: String,
        /// The pattern on the Message that came.
        matching: Option<Pattern>,
    },
    /// What this step forbids did not come.
    NotReceived {
        /// The `absent` step.
        step: String,
    },
    /// A rule in Rust.
    Rule {
        /// Its name.
        name: String,
        /// Its arguments.
        with: Value,
    },
    /// Each of them.
    All(Vec<Check>),
    /// At least one of them.
    Any(Vec<Check>),
}

/// Why a text is no case id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no case id: write `<chapter>.<number>` as the plan does, or a requirement such as `R-WS.17`")]
pub struct CaseIdError(String);

impl FromStr for CaseId {
    type Err = CaseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("R-") && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            return Ok(CaseId::Own(text.to_owned()));
        }
        let wrong = || CaseIdError(text.to_owned());
        let (chapter, number) = text.split_once('.').ok_or_else(wrong)?;
        let parse = |part: &str| match part.parse::<u16>() {
            Ok(n) if n > 0 && n.to_string() == part => Ok(n),
            _ => Err(wrong()),
        };
        Ok(CaseId::Plan { chapter: parse(chapter)?, number: parse(number)? })
    }
}

impl TryFrom<String> for CaseId {
    type Error = CaseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseId::Plan { chapter, number } => write!(f, "{chapter}.{number}"),
            CaseId::Own(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_order_as_the_plan_does() {
        let ids = ["1.9", "1.10", "2.1", "R-WS.17"].map(|text| text.parse::<CaseId>().unwrap());
        assert!(ids.is_sorted());
        for wrong in ["1", "1.", "1.01", "a.b", "1.2.3", "0.1", ""] {
            assert!(wrong.parse::<CaseId>().is_err(), "{wrong}");
        }
    }
}
