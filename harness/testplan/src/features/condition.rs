//! Conditions on a supported data model.

use schemars::JsonSchema;
use serde::Deserialize;
use uspec_usp::msg::get_supported_dm_resp::{CmdType, SupportedCommandResult};

use crate::model::{DataModel, is_creatable, is_writable};

/// What must hold of a device's supported data model.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Condition {
    /// It has this path: an object (`Device.STOMP.`), parameter, command (`Device.Reboot()`) or event (`Device.Boot!`); instances
    /// are written `{i}`.
    Supports(String),
    /// It has this path, and the path has this quality.
    Is(Is),
    /// Some element of this kind is in it, wherever it stands.
    Some(SomeElement),
    /// Each of these holds.
    All(All),
    /// At least one of these holds.
    Any(Any),
}

/// A path with a quality.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Is {
    path: String,
    is: Quality,
}

/// An element of a kind.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SomeElement {
    some: Element,
}

/// Each of some conditions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct All {
    all: Vec<Condition>,
}

/// At least one of some conditions.
#[derive(Debug, Clone, PartialEq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Any {
    any: Vec<Condition>,
}

/// A quality of a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Quality {
    /// Instances of the table can be added.
    Creatable,
    /// The parameter can be set.
    Writable,
}

/// A kind of element.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
enum Element {
    /// A command.
    Command,
    /// A command with at least one input argument.
    CommandWithInput,
    /// An asynchronous command.
    AsynchronousCommand,
    /// An event with at least one argument.
    EventWithArguments,
    /// A table below an instance of another table.
    NestedTable,
}

impl Condition {
    /// What it looks at, in words.
    pub(super) fn describe(&self) -> String {
        let joined = |list: &[Self], word: &str| list.iter().map(Self::describe).collect::<Vec<_>>().join(word);
        match self {
            Self::Supports(path) => path.clone(),
            Self::Is(Is { path, is: Quality::Creatable }) => format!("{path} with rows that can be added"),
            Self::Is(Is { path, is: Quality::Writable }) => format!("{path} that can be set"),
            Self::Some(SomeElement { some }) => match some {
                Element::Command => "a command",
                Element::CommandWithInput => "a command with input arguments",
                Element::AsynchronousCommand => "an asynchronous command",
                Element::EventWithArguments => "an event with arguments",
                Element::NestedTable => "a table within a table",
            }
            .to_owned(),
            Self::All(All { all }) => joined(all, " and "),
            Self::Any(Any { any }) => joined(any, " or "),
        }
    }

    pub(super) fn holds(&self, model: &DataModel<'_>) -> bool {
        self.look(model).is_ok()
    }

    /// What of the model makes it hold, as paths; or, as the error, what is not there.
    pub(super) fn look(&self, model: &DataModel<'_>) -> Result<Vec<String>, Vec<String>> {
        match self {
            Self::Supports(path) => found(model.supports(path).then(|| path.clone()), self),
            Self::Is(Is { path, is }) => {
                let holds = match is {
                    Quality::Creatable => model.object(path).is_some_and(is_creatable),
                    Quality::Writable => model.parameter(path).is_some_and(is_writable),
                };
                found(holds.then(|| path.clone()), self)
            }
            Self::Some(SomeElement { some }) => found(some.first(model), self),
            Self::All(All { all }) => {
                let (mut seen, mut missing) = (Vec::new(), Vec::new());
                for one in all {
                    match one.look(model) {
                        Ok(paths) => seen.extend(paths),
                        Err(paths) => missing.extend(paths),
                    }
                }
                if missing.is_empty() { Ok(seen) } else { Err(missing) }
            }
            Self::Any(Any { any }) => {
                let mut missing = Vec::new();
                for one in any {
                    match one.look(model) {
                        Ok(seen) => return Ok(seen),
                        Err(paths) => missing.extend(paths),
                    }
                }
                Err(missing)
            }
        }
    }
}

impl Element {
    /// The path of the first element of this kind.
    fn first(self, model: &DataModel<'_>) -> Option<String> {
        let command = |wanted: fn(&SupportedCommandResult) -> bool| {
            let mut all = model.commands();
            all.find(|(_, it)| wanted(it)).map(|(object, it)| format!("{object}{}", it.command_name))
        };
        match self {
            Self::Command => command(|_| true),
            Self::CommandWithInput => command(|it| !it.input_arg_names.is_empty()),
            Self::AsynchronousCommand => command(|it| it.command_type() == CmdType::CmdAsync),
            Self::EventWithArguments => {
                let mut all = model.events();
                all.find(|(_, it)| !it.arg_names.is_empty()).map(|(object, it)| format!("{object}{}", it.event_name))
            }
            Self::NestedTable => {
                let nested = |path: &str| path.matches("{i}").count() >= 2;
                let mut all = model.objects();
                all.find(|it| it.is_multi_instance && nested(&it.supported_obj_path))
                    .map(|it| it.supported_obj_path.clone())
            }
        }
    }
}

fn found(path: Option<String>, condition: &Condition) -> Result<Vec<String>, Vec<String>> {
    path.map(|path| vec![path]).ok_or_else(|| vec![condition.describe()])
}
