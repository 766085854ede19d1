//! An EUT profile as written.

mod mtp;

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;

use crate::raw::text::{CaseNumber, Day, Duration, Format1, PlanRevision, UspVersion};
pub(super) use mtp::{AddressText, GenerateWord, Mtp, Tls};

/// What a person knows about the device under test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "EUT profile of uspec, format 1")]
#[allow(dead_code, reason = "read part by part, so that a problem in one part does not hide those of the others")]
pub(crate) struct Profile {
    /// The version of this format.
    pub(super) format: Format1,
    /// The device's name, for reports.
    #[schemars(length(min = 1))]
    pub(super) name: String,
    /// The Agent under test.
    pub(super) eut: Endpoint,
    /// The Controller that uspec plays.
    pub(super) controller: Controller,
    /// One entry for each MTP over which the cases run.
    #[schemars(length(min = 1))]
    pub(super) mtps: Vec<Mtp>,
    /// Which of TP-469's features the device has; `auto` when left out.
    #[serde(default)]
    pub(super) features: Option<Features>,
    /// USP versions that the vendor claims; the device is asked as well.
    #[serde(default)]
    pub(super) usp_versions: Vec<UspVersion>,
    /// The revision of TP-469 that the device is judged by, when it is an earlier one, such as "1.0.3".
    #[serde(default)]
    pub(super) plan: Option<PlanRevision>,
    /// Elements in place of those that the plan names, where the device lacks them.
    #[serde(default)]
    pub(super) elements: BTreeMap<String, String>,
    /// How the device is controlled.
    #[serde(default)]
    pub(super) control: Control,
    /// How long things take.
    #[serde(default)]
    pub(super) timing: Timing,
    /// Cases that are known to fail.
    #[serde(default)]
    pub(super) known_failing: Vec<KnownFailing>,
}

/// The Agent under test.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(super) struct Endpoint {
    /// Its Endpoint ID, or `any`: learnt when it connects.
    pub(super) endpoint_id: EndpointIdText,
}

/// The Controller that uspec plays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(super) struct Controller {
    /// Its Endpoint ID, as the device's Controller table has it.
    pub(super) endpoint_id: EndpointIdText,
    /// The Endpoint ID of a second Controller, which some cases need; "self::uspec-second" when left out.
    #[serde(default)]
    pub(super) second: Option<EndpointIdText>,
}

/// The form of an Endpoint ID in a profile. What breaks the finer rules of R-ARC.2a to R-ARC.6 is for the cases to judge.
pub(super) const ENDPOINT_ID: &str = "^(any|[A-Za-z]+:.*:.*)$";

/// An Endpoint ID.
#[derive(Debug, Deserialize)]
#[serde(transparent)]
#[allow(dead_code, reason = "read from the tree")]
pub(super) struct EndpointIdText(String);

impl JsonSchema for EndpointIdText {
    fn schema_name() -> Cow<'static, str> {
        "EndpointId".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "title": "an Endpoint ID (scheme, authority, instance joined by `:`), such as \"os::012345-0001\"",
            "pattern": ENDPOINT_ID
        })
    }
}

/// Which features the device has.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Features {
    /// One word.
    Word(AutoWord),
    /// Exactly these TP-469 feature IDs.
    List(Vec<u16>),
    /// Read from the device, apart from these.
    Adjusted(Adjusted),
}

/// The word for features.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum AutoWord {
    /// Read from the device.
    Auto,
}

/// Features read from the device, apart from some.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Adjusted {
    /// Whether the rest is read from the device.
    pub(super) auto: bool,
    /// What the device has, whatever it shows.
    #[serde(default)]
    pub(super) claim: Vec<u16>,
    /// What the device has not, whatever it shows.
    #[serde(default)]
    pub(super) deny: Vec<u16>,
}

/// How the device is controlled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[allow(dead_code, reason = "read from the tree")]
pub(super) struct Control {
    /// Restarts it; `usp` when left out.
    #[serde(default)]
    pub(super) reboot: Option<Means>,
    /// Takes its power away and gives it back.
    #[serde(default)]
    pub(super) power_cycle: Option<Means>,
    /// Puts it back to factory settings.
    #[serde(default)]
    pub(super) factory_reset: Option<Means>,
    /// Starts it.
    #[serde(default)]
    pub(super) start: Option<Means>,
    /// Stops it.
    #[serde(default)]
    pub(super) stop: Option<Means>,
}

/// A way to control the device.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Means {
    /// One word.
    Word(UspWord),
    /// A program on this machine.
    Program(Program),
}

/// The word for control.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum UspWord {
    /// By the USP command for it.
    Usp,
}

/// A program on this machine, run without a shell.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Program {
    /// The program and its arguments.
    #[schemars(length(min = 1))]
    pub(super) program: Vec<String>,
    /// How long it may run; 30s when left out.
    #[serde(default)]
    pub(super) within: Option<Duration>,
}

/// How long things take.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Timing {
    /// How long a Response may take; 30s when left out.
    #[serde(default)]
    pub(super) response: Option<Duration>,
    /// How long the device may take to connect; 60s when left out.
    #[serde(default)]
    pub(super) connect: Option<Duration>,
    /// How long it may take to be back after a reboot; 120s when left out.
    #[serde(default)]
    pub(super) boot: Option<Duration>,
    /// How long nothing must come before it counts as absent; 10s when left out.
    #[serde(default)]
    pub(super) silence: Option<Duration>,
    /// By how much the device's clock may differ from the times that it promises; 1s when left out.
    #[serde(default)]
    pub(super) tolerance: Option<Duration>,
    /// A pause before each Request, for devices that lose wake-ups; none when left out.
    #[serde(default)]
    pub(super) pace: Option<Duration>,
}

/// A case that is known to fail.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct KnownFailing {
    /// The case.
    pub(super) case: CaseNumber,
    /// The MTP; all when left out.
    #[serde(default)]
    pub(super) mtp: Option<String>,
    /// Why it fails, or where that is tracked.
    #[schemars(length(min = 1))]
    pub(super) reason: String,
    /// The last day on which it is excused.
    #[serde(default)]
    pub(super) until: Option<Day>,
}
