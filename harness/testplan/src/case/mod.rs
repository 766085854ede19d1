//! The validated test case (format 1, lowered). The raw mirror of the text and the diagnostics live with the loader.

mod applies;
mod id;
mod lapse;
mod mtp;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use uspec_usp::schema::MessageKind;

use crate::pattern::Pattern;
pub use applies::{Applies, Deprecated, MtpCondition, Needs};
pub use id::{CaseId, CaseIdError};
pub use lapse::{Lapse, LapseError};
pub(crate) use mtp::CARRIERS;
pub use mtp::{
    CertificateKind, Change, ConnackChanges, ConnectedChanges, ControllerAction, Ending, Extension, FrameKind,
    FramePayload, HandshakeChange, MessageChanges, MqttAction, MtpAction, MtpEvent, PacketKind, PublishChanges,
    RecordEvent, Refusal, Sender, StompAction, Subprotocol, TlvPayload, UdsAction,
};

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
    /// What the bench must offer.
    pub needs: Needs,
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

/// A step acts and records. It never decides.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The name by which metrics and later steps refer to it.
    pub label: Option<String>,
    /// Which of our Controllers does it, or sees it.
    pub by: Party,
    /// Over which MTP the step exists; over another it is as if it were not written. `None`: over every one.
    pub when: Option<MtpCondition>,
    /// What is done.
    pub action: Action,
    /// Values taken from what came in answer.
    pub capture: Vec<Capture>,
    /// In the setup: what the Response must look like for the state to be reached; the case is inconclusive otherwise.
    pub matching: Option<Pattern>,
    /// How long it may take, when the profile's limit does not fit.
    pub within: Option<Lapse>,
}

/// One of our Controllers.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Party {
    /// The one that the profile names.
    #[default]
    First,
    /// The one that a `controller` step begins.
    Second,
}

impl Step {
    /// A step of the first Controller without options.
    pub const fn new(action: Action) -> Self {
        Self { label: None, by: Party::First, when: None, action, capture: Vec::new(), matching: None, within: None }
    }

    /// Whether the step exists over this MTP.
    pub fn exists_over(&self, mtp: &crate::trace::MtpFacts) -> bool {
        self.when.as_ref().is_none_or(|when| when.holds(mtp))
    }
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
        lasting: Option<Lapse>,
    },
    /// Lets time pass.
    Wait(Lapse),
    /// Controls the device.
    Eut(EutAction),
    /// Does something with our side of the MTP.
    Mtp(MtpAction),
    /// Begins or ends the second Controller, or changes a certificate.
    Controller(ControllerAction),
}

impl Action {
    /// Whether the step acts: what it does may bring about what later steps await or forbid.
    pub const fn acts(&self) -> bool {
        match self {
            Self::Request { .. } | Self::Send(_) | Self::Eut(_) | Self::Mtp(_) | Self::Controller(_) => true,
            Self::Await { .. } | Self::Absent { .. } | Self::Wait(_) => false,
        }
    }

    /// Whether a Notification may come because of the step. Nothing comes of a Request that only reads.
    pub const fn may_notify(&self) -> bool {
        use MessageKind::{Get, GetInstances, GetSupportedDM, GetSupportedProtocol};
        match self {
            Self::Request { kind, .. } => !matches!(kind, Get | GetInstances | GetSupportedDM | GetSupportedProtocol),
            _ => self.acts(),
        }
    }
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
    /// The first such event of the MTP that no earlier step took, since the last step that acts began.
    Mtp(MtpEvent),
    /// The first such Record of the EUT that no earlier step took, since the last step that acts began.
    Record(RecordEvent),
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

impl EutAction {
    /// The profile's key for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Reboot => "reboot",
            Self::PowerCycle => "power_cycle",
            Self::FactoryReset => "factory_reset",
            Self::Start => "start",
            Self::Stop => "stop",
        }
    }
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
        /// The acceptable codes.
        codes: Codes,
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
        /// The pattern on the Message that came, or on what the event of the MTP [shows](crate::sighting).
        matching: Option<Pattern>,
    },
    /// What this step forbids did not come.
    NotReceived {
        /// The `absent` step.
        step: String,
    },
    /// The packet that carried a Record of the EUT matches.
    Packet {
        /// The step whose answer it carried, or the step that awaited what it carried.
        of: String,
        /// The pattern on what the packet [shows](crate::sighting).
        matching: Option<Pattern>,
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

/// Which codes of an Error Message are acceptable.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Codes {
    /// Those that TR-369 allows for the Message, at the top and in each `param_errs`.
    Applicable,
    /// One of these at the top; in each `param_errs` those that TR-369 allows.
    OneOf(Vec<u32>),
    /// Any: that an Error came is enough.
    Any,
}
