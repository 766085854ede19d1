//! Metrics as written.

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::text::{Label, Pattern, RuleName, UspVersion};

/// Declares a map of checks, alone or with a metric's number: serde cannot flatten a map that refuses unknown keys.
macro_rules! checks {
    ($(#[$doc:meta])* $name:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize, JsonSchema)]
        #[serde(deny_unknown_fields)]
        #[schemars(extend("oneOf" = [
            {"required": ["response"]}, {"required": ["error"]}, {"required": ["no_response"]}, {"required": ["received"]},
            {"required": ["not_received"]}, {"required": ["packet"]}, {"required": ["rule"]}, {"required": ["all"]}, {"required": ["any"]}
        ]))]
        pub(crate) struct $name {
            $($own)*
            /// The right Response came, and matches.
            #[serde(default)]
            pub(crate) response: Option<ResponseCheck>,
            /// An Error came, with acceptable codes.
            #[serde(default)]
            pub(crate) error: Option<ErrorCheck>,
            /// Neither a Response nor an Error came.
            #[serde(default)]
            pub(crate) no_response: Option<NoResponseCheck>,
            /// What this `await` step waited for came.
            #[serde(default)]
            pub(crate) received: Option<Received>,
            /// What this `absent` step forbids did not come.
            #[serde(default)]
            pub(crate) not_received: Option<Label>,
            /// The packet that carried a Record of the EUT matches.
            #[serde(default)]
            pub(crate) packet: Option<PacketCheck>,
            /// A rule by its name.
            #[serde(default)]
            pub(crate) rule: Option<RuleName>,
            /// The arguments of `rule`.
            #[serde(default)]
            #[schemars(schema_with = "super::step::map")]
            pub(crate) with: Option<Value>,
            /// Each of these checks.
            #[serde(default)]
            #[schemars(length(min = 1))]
            pub(crate) all: Option<Vec<Check>>,
            /// At least one of these checks.
            #[serde(default)]
            #[schemars(length(min = 1))]
            pub(crate) any: Option<Vec<Check>>,
        }
    };
}

checks!(
    /// One metric of the plan: its number and exactly one check.
    Metric {
        /// The plan's own number.
        #[serde(rename = "metric")]
        #[schemars(range(min = 1))]
        pub(crate) number: u16,
        /// The first USP version to which it applies.
        #[serde(default)]
        pub(crate) since: Option<UspVersion>,
    }
);

checks!(
    /// One check inside `all` or `any`.
    Check {}
);

/// The right Response came, and matches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseCheck {
    /// The step that asked.
    pub(crate) to: Label,
    /// A pattern on the Response.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}

/// An Error came, with acceptable codes.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ErrorCheck {
    /// The step that asked.
    pub(crate) to: Label,
    /// The acceptable codes; those that TR-369 allows for the Message when left out.
    #[serde(default)]
    pub(crate) code: Option<Codes>,
    /// A pattern on the Error.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}

/// One error code or several.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Codes {
    /// Only this.
    One(#[schemars(range(min = 1))] u32),
    /// One word.
    Word(AnyWord),
    /// Any of these.
    Several(#[schemars(length(min = 1))] Vec<u32>),
}

/// The word for codes.
#[derive(Debug, Clone, Copy, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum AnyWord {
    /// Any code: that an Error came is enough.
    Any,
}

/// Neither a Response nor an Error came.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct NoResponseCheck {
    /// The step that sent.
    pub(crate) to: Label,
}

/// What an `await` step waited for came.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(crate) enum Received {
    /// Whatever it looks like.
    Label(Label),
    /// And matches.
    Matching(ReceivedCheck),
}

/// What an `await` step waited for came, and matches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceivedCheck {
    /// The step that awaited.
    pub(crate) step: Label,
    /// A pattern on the Message that came.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}

/// The packet that carried the answer to a step, or what a step awaited, matches.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PacketCheck {
    /// The step that asked, or that awaited a Record, a Notify or an answer.
    pub(crate) of: Label,
    /// A pattern on what the packet shows.
    #[serde(default, rename = "where")]
    pub(crate) matching: Option<Pattern>,
}
