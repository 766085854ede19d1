//! Conditions on a supported data model.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use uspec_usp::msg::{
    GetSupportedDmResp,
    get_supported_dm_resp::{CmdType, ObjAccessType, ParamAccessType, SupportedObjectResult},
};

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

/// A supported data model, by path.
pub(super) struct DataModel<'a> {
    objects: BTreeMap<&'a str, &'a SupportedObjectResult>,
}

impl<'a> DataModel<'a> {
    pub(super) fn new(supported: &'a GetSupportedDmResp) -> Self {
        let found = supported.req_obj_results.iter().filter(|result| result.err_code == 0);
        let objects = found.flat_map(|result| &result.supported_objs);
        Self { objects: objects.map(|object| (object.supported_obj_path.as_str(), object)).collect() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    fn objects(&self) -> impl Iterator<Item = &'a SupportedObjectResult> {
        self.objects.values().copied()
    }

    /// The object of a path, and the name within it; an object's own path has an empty name.
    fn split<'p>(&self, path: &'p str) -> Option<(&'a SupportedObjectResult, &'p str)> {
        let (object, name) = path.split_at(path.rfind('.')? + 1);
        Some((self.objects.get(object).copied()?, name))
    }

    fn supports(&self, path: &str) -> bool {
        self.split(path).is_some_and(|(object, name)| {
            name.is_empty()
                || object.supported_params.iter().any(|it| it.param_name == name)
                || object.supported_commands.iter().any(|it| it.command_name == name)
                || object.supported_events.iter().any(|it| it.event_name == name)
        })
    }

    fn is(&self, path: &str, quality: Quality) -> bool {
        self.split(path).is_some_and(|(object, name)| match quality {
            Quality::Creatable => {
                matches!(object.access(), ObjAccessType::ObjAddDelete | ObjAccessType::ObjAddOnly)
            }
            Quality::Writable => object.supported_params.iter().any(|it| {
                it.param_name == name
                    && matches!(it.access(), ParamAccessType::ParamReadWrite | ParamAccessType::ParamWriteOnly)
            }),
        })
    }

    fn some(&self, element: Element) -> bool {
        self.objects().any(|object| match element {
            Element::Command => !object.supported_commands.is_empty(),
            Element::CommandWithInput => object.supported_commands.iter().any(|it| !it.input_arg_names.is_empty()),
            Element::AsynchronousCommand => {
                object.supported_commands.iter().any(|it| it.command_type() == CmdType::CmdAsync)
            }
            Element::EventWithArguments => object.supported_events.iter().any(|it| !it.arg_names.is_empty()),
            Element::NestedTable => object.is_multi_instance && object.supported_obj_path.matches("{i}").count() >= 2,
        })
    }
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
        match self {
            Self::Supports(path) => model.supports(path),
            Self::Is(Is { path, is }) => model.is(path, *is),
            Self::Some(SomeElement { some }) => model.some(*some),
            Self::All(All { all }) => all.iter().all(|it| it.holds(model)),
            Self::Any(Any { any }) => any.iter().any(|it| it.holds(model)),
        }
    }
}
