//! Steps as written.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    condition::MtpCondition,
    mtp::{Controller, MtpEvent, MtpStep},
    text::{CapturePath, Kind, Label, Lapse, Octets, Pattern, RecordType, VariableName},
};
use crate::case::{EutAction, Party};

/// A step: exactly one of `request`, `send`, `await`, `absent`, `wait`, `eut`, `mtp` and `controller`, and its options.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["request"]}, {"required": ["send"]}, {"required": ["await"]},
    {"required": ["absent"]}, {"required": ["wait"]}, {"required": ["eut"]},
    {"required": ["mtp"]}, {"required": ["controller"]}
]))]
pub(crate) struct Step {
    /// Sends this Request, then awaits the Response or Error with the same msg_id.
    #[serde(default)]
    pub(crate) request: Option<Kind>,
    /// Sends a Record or octets that need not be right, and awaits nothing.
    #[serde(default)]
    pub(crate) send: Option<Send>,
    /// Awaits a Message or a change of the connection.
    #[serde(default, rename = "await")]
    pub(crate) awaited: Option<Awaited>,
    /// Waits, and records whether what must not come came.
    #[serde(default)]
    pub(crate) absent: Option<Incoming>,
    /// Lets time pass.
    #[serde(default)]
    pub(crate) wait: Option<Lapse>,
    /// Controls the device, in the way that the EUT profile says.
    #[serde(default)]
    pub(crate) eut: Option<EutAction>,
    /// Does something with our side of the MTP; what it changes is changed back after the case.
    #[serde(default)]
    pub(crate) mtp: Option<MtpStep>,
    /// Begins or ends the second Controller, or changes a certificate.
    #[serde(default)]
    pub(crate) controller: Option<Controller>,
    /// The name by which metrics and later steps refer to it.
    #[serde(default, rename = "as")]
    pub(crate) label: Option<Label>,
    /// Which of our Controllers does it, or sees it; the first when left out.
    #[serde(default)]
    pub(crate) by: Option<Party>,
    /// Over which MTP the step exists; over every one when left out.
    #[serde(default)]
    pub(crate) when: Option<MtpCondition>,
    /// The Request's fields, with the names of the protobuf schema; strings may hold `{{name}}`.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub(crate) body: Option<Value>,
    /// Variables and where in the answer their values stand.
    #[serde(default)]
    #[schemars(schema_with = "captures")]
    pub(crate) capture: BTreeMap<VariableName, CapturePath>,
    /// In `setup` only: what the Response must look like for the state to be reached.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
    /// Of an `await` for a Notify: whether it is answered.
    #[serde(default)]
    pub(crate) answer: Option<Answer>,
    /// How long it may take, when the profile's limit does not fit.
    #[serde(default)]
    pub(crate) within: Option<Lapse>,
    /// Of an `absent`: how long; the profile's silence when left out.
    #[serde(default, rename = "for")]
    pub(crate) lasting: Option<Lapse>,
}

/// A Record or octets that need not be right: `bytes`, or `message` and `record`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Send {
    /// The Message to carry.
    #[serde(default)]
    pub(crate) message: Option<Kind>,
    /// The Message's fields.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub(crate) body: Option<Value>,
    /// Fields of the Record that replace the right ones.
    #[serde(default)]
    #[schemars(schema_with = "map")]
    pub(crate) record: Option<Value>,
    /// Octets to send in place of any Record.
    #[serde(default)]
    pub(crate) bytes: Option<Octets>,
    /// How many bytes to cut from the end of the encoded Record.
    #[serde(default)]
    #[schemars(range(min = 1))]
    pub(crate) truncate: Option<usize>,
}

/// What is awaited.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Awaited {
    /// A change of the connection.
    Connection(Connection),
    /// What comes.
    Incoming(Box<Incoming>),
}

/// A change of the EUT's connection.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Connection {
    /// It is there.
    Connected,
    /// It went away.
    Disconnected,
}

/// What comes from the EUT: exactly one of `notify`, `response_to`, `mtp` and `record`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("oneOf" = [
    {"required": ["notify"]}, {"required": ["response_to"]}, {"required": ["mtp"]}, {"required": ["record"]}
]))]
pub(crate) struct Incoming {
    /// A Notify.
    #[serde(default)]
    pub(crate) notify: Option<Notify>,
    /// A Response or Error with the msg_id of what that step sent.
    #[serde(default)]
    pub(crate) response_to: Option<Label>,
    /// An event of the MTP.
    #[serde(default)]
    pub(crate) mtp: Option<MtpEvent>,
    /// A Record with this record type.
    #[serde(default)]
    pub(crate) record: Option<RecordType>,
    /// Of a `record`: a pattern on it.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}

/// Which Notify.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Notify {
    /// The Subscription's ID; any when left out.
    #[serde(default)]
    pub(crate) subscription_id: Option<String>,
    /// A pattern on the Notify.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}

/// Whether a Notify that asks for an answer gets one.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Answer {
    /// As TR-369 says.
    Normal,
    /// None, so that the Agent retries.
    Withhold,
}

/// Variables with paths.
fn captures(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
    let names = generator.subschema_for::<VariableName>();
    let paths = generator.subschema_for::<CapturePath>();
    schemars::json_schema!({"type": "object", "propertyNames": names, "additionalProperties": paths})
}

/// A map whose fields the USP schema describes, not this one.
pub(super) fn map(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({"type": "object"})
}
