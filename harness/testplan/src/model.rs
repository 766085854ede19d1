//! A supported data model, looked up by path.
//!
//! One decision behind it: what a device says it supports is taken as it came. A result that is an error adds nothing, and a path that is
//! there twice counts once.

use std::collections::BTreeMap;

use uspec_usp::msg::{
    GetSupportedDmResp,
    get_supported_dm_resp::{
        ObjAccessType, ParamAccessType, SupportedCommandResult, SupportedEventResult, SupportedObjectResult,
        SupportedParamResult,
    },
};

/// A supported data model, by path.
pub(crate) struct DataModel<'a> {
    objects: BTreeMap<&'a str, &'a SupportedObjectResult>,
}

impl<'a> DataModel<'a> {
    /// The model that a GetSupportedDMResp describes.
    pub(crate) fn new(supported: &'a GetSupportedDmResp) -> Self {
        let found = supported.req_obj_results.iter().filter(|result| result.err_code == 0);
        let objects = found.flat_map(|result| &result.supported_objs);
        Self { objects: objects.map(|object| (object.supported_obj_path.as_str(), object)).collect() }
    }

    /// Whether it has no object at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.objects.is_empty()
    }

    /// Its objects, by path.
    pub(crate) fn objects(&self) -> impl Iterator<Item = &'a SupportedObjectResult> {
        self.objects.values().copied()
    }

    /// Its commands, each with the path of its object.
    pub(crate) fn commands(&self) -> impl Iterator<Item = (&'a str, &'a SupportedCommandResult)> {
        self.objects().flat_map(|it| it.supported_commands.iter().map(|one| (it.supported_obj_path.as_str(), one)))
    }

    /// Its events, each with the path of its object.
    pub(crate) fn events(&self) -> impl Iterator<Item = (&'a str, &'a SupportedEventResult)> {
        self.objects().flat_map(|it| it.supported_events.iter().map(|one| (it.supported_obj_path.as_str(), one)))
    }

    /// The object with this path, instances written `{i}`.
    pub(crate) fn object(&self, path: &str) -> Option<&'a SupportedObjectResult> {
        self.objects.get(path).copied()
    }

    /// The parameter with this path.
    pub(crate) fn parameter(&self, path: &str) -> Option<&'a SupportedParamResult> {
        let (object, name) = self.split(path)?;
        object.supported_params.iter().find(|it| it.param_name == name)
    }

    /// The command with this path.
    pub(crate) fn command(&self, path: &str) -> Option<&'a SupportedCommandResult> {
        let (object, name) = self.split(path)?;
        object.supported_commands.iter().find(|it| it.command_name == name)
    }

    /// The event with this path.
    pub(crate) fn event(&self, path: &str) -> Option<&'a SupportedEventResult> {
        let (object, name) = self.split(path)?;
        object.supported_events.iter().find(|it| it.event_name == name)
    }

    /// Whether it has an object, parameter, command or event with this path.
    pub(crate) fn supports(&self, path: &str) -> bool {
        path.ends_with('.') && self.object(path).is_some()
            || self.parameter(path).is_some()
            || self.command(path).is_some()
            || self.event(path).is_some()
    }

    /// The object of a path, and the name within it.
    fn split<'p>(&self, path: &'p str) -> Option<(&'a SupportedObjectResult, &'p str)> {
        let (object, name) = path.split_at(path.rfind('.')? + 1);
        Some((self.object(object)?, name))
    }
}

/// Whether instances of the table can be added.
pub(crate) fn is_creatable(object: &SupportedObjectResult) -> bool {
    matches!(object.access(), ObjAccessType::ObjAddDelete | ObjAccessType::ObjAddOnly)
}

/// Whether the parameter can be set.
pub(crate) fn is_writable(parameter: &SupportedParamResult) -> bool {
    matches!(parameter.access(), ParamAccessType::ParamReadWrite | ParamAccessType::ParamWriteOnly)
}
