//! Texts of a certain form, each with the words that a diagnostic and an editor use for it.

use std::{borrow::Cow, time};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;
use uspec_usp::{decode::RecordKind, schema::MessageKind};

use crate::{case, pattern::matcher_names, rule};

/// Declares a text of a certain form. `title` completes "expected …".
macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $title:literal, $pattern:literal) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        #[serde(transparent)]
        pub(crate) struct $name(pub(crate) String);

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "title": $title, "pattern": $pattern})
            }
        }
    };
}

text!(
    /// A length of time.
    Duration,
    "a duration with its unit, such as `30s`, `500ms` or `2m`",
    "^[0-9]{1,7}(ms|s|m|h)$"
);
text!(
    /// A length of time, or a template that becomes one.
    Lapse,
    "a duration with its unit, such as `30s`, `500ms`, `2m` or `{{minimum}}s`",
    "^([0-9]{1,7}|[0-9]*\\{\\{[^{}]+\\}\\}[0-9]*)(ms|s|m|h)$"
);
text!(
    /// A step's name.
    Label,
    "a label of lower-case letters, digits and `_`",
    "^[a-z][a-z0-9_]*$"
);
text!(
    /// A captured variable's name.
    VariableName,
    "a variable's name of lower-case letters, digits and `_`",
    "^[a-z][a-z0-9_]*$"
);
text!(
    /// A word for selection.
    Tag,
    "a tag of lower-case letters, digits and `-`",
    "^[a-z0-9][a-z0-9-]*$"
);
text!(
    /// A version of USP.
    UspVersion,
    "a USP version in quotes, such as \"1.2\"",
    "^[0-9]+\\.[0-9]+$"
);
text!(
    /// A revision of TP-469.
    PlanRevision,
    "a revision of TP-469 in quotes, such as \"1.0.3\"",
    "^[0-9]+\\.[0-9]+\\.[0-9]+$"
);
text!(
    /// A case's number or name.
    CaseNumber,
    "a case id in quotes: the plan's number such as \"1.10\", or a requirement such as \"R-WS.17\"",
    "^([1-9][0-9]*\\.[1-9][0-9]*|R-[A-Za-z0-9._-]+)$"
);
text!(
    /// A requirement's number.
    RequirementNumber,
    "a requirement of TR-369, such as R-ADD.1",
    "^R-[A-Za-z0-9._-]+$"
);
text!(
    /// What tests a requirement.
    TesterText,
    "a case id in quotes such as \"7.6\", an own case such as R-WS.12a, or a universal rule such as \"universal R-WS.10\"",
    "^([1-9][0-9]*\\.[1-9][0-9]*|R-[A-Za-z0-9._-]+|universal .+)$"
);
text!(
    /// Octets.
    Octets,
    "octets as pairs of hex digits, such as \"ff 00 1a\"",
    "^\\s*([0-9A-Fa-f]{2}\\s*)*$"
);
text!(
    /// A place in a Response.
    CapturePath,
    "a path of field names and indices, such as `created_obj_results.0.oper_status.oper_success.instantiated_path`",
    "^[^.\\s][^\\s]*$"
);
text!(
    /// A day.
    Day,
    "a day, such as \"2027-01-31\"",
    "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
);

impl Duration {
    /// Its length; `None` when the text has not the form, which its shape has told already.
    pub(crate) fn get(&self) -> Option<time::Duration> {
        let digits = self.0.find(|c: char| !c.is_ascii_digit())?;
        let (number, unit) = self.0.split_at(digits);
        let number: u64 = number.parse().ok()?;
        Some(match unit {
            "ms" => time::Duration::from_millis(number),
            "s" => time::Duration::from_secs(number),
            "m" => time::Duration::from_secs(number.checked_mul(60)?),
            "h" => time::Duration::from_secs(number.checked_mul(3600)?),
            _ => return None,
        })
    }
}

impl Lapse {
    /// Its length, or the template; `None` when the text has not the form, which its shape has told already.
    pub(crate) fn get(&self) -> Option<case::Lapse> {
        if self.0.contains("{{") {
            return Some(case::Lapse::Template(self.0.clone()));
        }
        Duration(self.0.clone()).get().map(case::Lapse::Fixed)
    }
}

/// The only version of the formats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Format1(#[allow(dead_code, reason = "its shape allows one value")] u8);

impl JsonSchema for Format1 {
    fn schema_name() -> Cow<'static, str> {
        "Format".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "const": 1, "description": "The version of the format."})
    }
}

/// The name of a USP Request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct Kind(pub(crate) MessageKind);

impl JsonSchema for Kind {
    fn schema_name() -> Cow<'static, str> {
        "MessageKind".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = MessageKind::ALL.map(MessageKind::name);
        json_schema!({"type": "string", "enum": names, "description": "A USP Request, as TR-369 names it."})
    }
}

/// The name of a member of `Record.record_type`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(crate) struct RecordType(String);

/// Every record type that a step can await.
const RECORD_TYPES: [RecordKind; 7] = [
    RecordKind::NoSessionContext,
    RecordKind::SessionContext,
    RecordKind::WebsocketConnect,
    RecordKind::MqttConnect,
    RecordKind::StompConnect,
    RecordKind::Disconnect,
    RecordKind::UdsConnect,
];

impl RecordType {
    /// The record type; `None` when there is none of that name, which its shape has told already.
    pub(crate) fn get(&self) -> Option<RecordKind> {
        RECORD_TYPES.into_iter().find(|kind| kind.field() == self.0)
    }
}

impl JsonSchema for RecordType {
    fn schema_name() -> Cow<'static, str> {
        "RecordType".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names = RECORD_TYPES.map(RecordKind::field);
        json_schema!({"type": "string", "enum": names, "description": "A record type of the USP Record."})
    }
}

/// Definitions that are in the JSON Schema for editors alone: the loader reads the values itself, with better words.
pub(crate) const READ_ELSEWHERE: &[&str] = &["Pattern", "RuleName"];

/// A pattern.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct Pattern(Value);

impl JsonSchema for Pattern {
    fn schema_name() -> Cow<'static, str> {
        "Pattern".into()
    }

    /// Any scalar, a list of patterns, or a map of which the keys with `$` are matchers.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let pattern = generator.subschema_for::<Self>();
        let matchers = matcher_names().into_iter().map(|name| (name.to_owned(), Value::Bool(true)));
        let matchers: serde_json::Map<_, _> = matchers.collect();
        json_schema!({
            "description": "What a Message must look like: a subset of its fields, items one by one, or matchers with `$`.",
            "anyOf": [
                {"type": ["string", "number", "boolean"]},
                {"type": "array", "items": pattern},
                {
                    "type": "object",
                    "properties": matchers,
                    "patternProperties": {"^[^$]": pattern},
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// The name of a rule.
#[derive(Debug, Clone, Deserialize)]
#[serde(transparent)]
pub(crate) struct RuleName(String);

impl JsonSchema for RuleName {
    fn schema_name() -> Cow<'static, str> {
        "RuleName".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "enum": rule::names(), "description": "A rule of FORMAT.md."})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_carry_a_unit() {
        let get = |text: &str| Duration(text.to_owned()).get();
        assert_eq!(get("500ms"), Some(time::Duration::from_millis(500)));
        assert_eq!(get("130s"), Some(time::Duration::from_secs(130)));
        assert_eq!(get("2m"), Some(time::Duration::from_secs(120)));
        assert_eq!(get("1h"), Some(time::Duration::from_secs(3600)));
        assert_eq!(get("5"), None);
    }
}
