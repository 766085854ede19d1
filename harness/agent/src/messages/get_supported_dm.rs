//! GetSupportedDM: what the Agent understands (R-GSP.0). Its paths have a grammar of their own, with `{i}`.

use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::model::{
    Access, Base, CommandDef, EventDef, Model, ObjectAccess, ObjectDef, ObjectId, ParamDef, ValueChange,
};
use crate::path::parse::positive;
use crate::path::{Leaf, Scope};
use crate::permissions::Right;
use crate::store::RowKey;
use uspec_usp::msg::get_supported_dm_resp::{
    CmdType, ObjAccessType, ParamAccessType, ParamValueType, RequestedObjectResult, SupportedCommandResult,
    SupportedEventResult, SupportedObjectResult, SupportedParamResult, SupportedUniqueKeySet, ValueChangeType,
};
use uspec_usp::msg::{GetSupportedDm, GetSupportedDmResp};

/// Answers a GetSupportedDM.
pub fn handle(scope: &Scope<'_>, request: &GetSupportedDm) -> GetSupportedDmResp {
    let results = request.obj_paths.iter().map(|path| match objects(scope, path, request) {
        Ok(supported_objs) => RequestedObjectResult {
            req_obj_path: path.clone(),
            data_model_inst_uri: scope.store.model().uri().to_owned(),
            supported_objs,
            ..RequestedObjectResult::default()
        },
        Err(failure) => RequestedObjectResult {
            req_obj_path: path.clone(),
            err_code: failure.code,
            err_msg: failure.message,
            ..RequestedObjectResult::default()
        },
    });
    GetSupportedDmResp { req_obj_results: results.collect() }
}

/// What is reported of an Object, after the flags of the Request.
#[derive(Debug, Clone, Copy)]
#[allow(clippy::struct_excessive_bools)] // the flags are the Request's
struct Wanted<'a> {
    commands: bool,
    events: bool,
    params: bool,
    keys: bool,
    /// The one element that the path named, when it named one.
    only: Option<&'a Leaf>,
}

fn objects(scope: &Scope<'_>, path: &str, request: &GetSupportedDm) -> Result<Vec<SupportedObjectResult>, Failure> {
    let (object, leaf) = locate(scope, path)?;
    if leaf != Leaf::Object {
        let ignored = scope.faults.has(Fault::GsdmElementPathReturnsWholeObject);
        let wanted =
            Wanted { commands: true, events: true, params: true, keys: ignored, only: (!ignored).then_some(&leaf) };
        return Ok(vec![describe(scope, object, wanted)]);
    }
    let wanted = Wanted {
        commands: request.return_commands || scope.faults.has(Fault::GsdmIgnoresReturnFlags),
        events: request.return_events || scope.faults.has(Fault::GsdmIgnoresReturnFlags),
        params: request.return_params || scope.faults.has(Fault::GsdmIgnoresReturnFlags),
        keys: request.return_unique_key_sets || scope.faults.has(Fault::GsdmIgnoresReturnFlags),
        only: None,
    };
    let mut found = vec![describe(scope, object, wanted)];
    let first_level = request.first_level_only && !scope.faults.has(Fault::GsdmIgnoresFirstLevelOnly);
    if first_level && scope.faults.has(Fault::GsdmFirstLevelOmitsChildren) {
        return Ok(found);
    }
    descend(
        scope,
        object,
        if first_level { child_on_first_level(scope, wanted) } else { wanted },
        first_level,
        &mut found,
    );
    Ok(found)
}

/// On the first level children come without Commands, Events and Parameters; TR-369 says nothing of their unique keys, so these
/// are reported when they were asked for (TP-469 1.75, metric 6).
fn child_on_first_level<'a>(scope: &Scope<'_>, wanted: Wanted<'a>) -> Wanted<'a> {
    if scope.faults.has(Fault::GsdmFirstLevelDescribesChildren) {
        return wanted;
    }
    let keys = wanted.keys && !scope.faults.has(Fault::GsdmFirstLevelOmitsChildKeys);
    Wanted { commands: false, events: false, params: false, keys, only: None }
}

fn descend(
    scope: &Scope<'_>,
    object: ObjectId,
    wanted: Wanted<'_>,
    first_level: bool,
    found: &mut Vec<SupportedObjectResult>,
) {
    let model = scope.store.model();
    let skip = usize::from(scope.faults.has(Fault::GsdmOmitsLastChild));
    let children = &model.object(object).children;
    for child in children.iter().take(children.len().saturating_sub(skip)) {
        if !scope.allows(&Right::SeeObject(*child)) {
            continue;
        }
        found.push(describe(scope, *child, wanted));
        if !first_level {
            descend(scope, *child, wanted, first_level, found);
        }
    }
}

/// Finds the element of the Supported Data Model. `{i}` and instance numbers stand for a table's instances, the last of them may
/// be missing; after `{i}` no number may come; a numbered instance must exist.
fn locate(scope: &Scope<'_>, path: &str) -> Result<(ObjectId, Leaf), Failure> {
    let model = scope.store.model();
    let mut parts = path.strip_suffix('.').unwrap_or(path).split('.').peekable();
    let mut object = model.root();
    if parts.next() != Some(model.object(object).name.as_str()) {
        return Err(unsupported(path));
    }
    let (mut numbers, mut general) = (Vec::new(), false);
    while let Some(name) = parts.next() {
        let Some(child) = model.child(object, name) else {
            let leaf = if parts.peek().is_none() { element(model.object(object), name) } else { None };
            return leaf
                .filter(|leaf| sees(scope, object, leaf))
                .map(|leaf| (object, leaf))
                .ok_or_else(|| unsupported(path));
        };
        object = child;
        let identifier = parts.peek().filter(|_| model.object(child).multi).copied();
        match identifier {
            Some("{i}") => general = true,
            Some(text) if positive(text).is_some() && !general => numbers.extend(positive(text)),
            Some(text) if text.starts_with(|c: char| c.is_ascii_alphabetic()) => return Err(unsupported(path)),
            Some(_) => {
                return Err(Failure::new(
                    code::INVALID_PATH_SYNTAX,
                    format!("not a Path Name for GetSupportedDM: {path:?}"),
                ));
            }
            None => continue,
        }
        parts.next();
    }
    exists(scope, model, object, numbers)?;
    if scope.allows(&Right::SeeObject(object)) { Ok((object, Leaf::Object)) } else { Err(unsupported(path)) }
}

fn exists(scope: &Scope<'_>, model: &Model, object: ObjectId, numbers: Vec<u32>) -> Result<(), Failure> {
    let mut here = Some(object);
    while let Some(id) = here.filter(|_| !numbers.is_empty()) {
        if model.depth(id) == numbers.len() {
            let row = RowKey { object: id, instances: numbers };
            let found = scope.store.contains(&row);
            return if found { Ok(()) } else { Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "no such instance")) };
        }
        here = model.object(id).parent;
    }
    Ok(())
}

fn element(object: &ObjectDef, name: &str) -> Option<Leaf> {
    if object.param(name).is_some() {
        Some(Leaf::Param(name.to_owned()))
    } else if object.command(name).is_some() {
        Some(Leaf::Command(name.to_owned()))
    } else {
        object.event(name).map(|_| Leaf::Event(name.to_owned()))
    }
}

fn sees(scope: &Scope<'_>, object: ObjectId, leaf: &Leaf) -> bool {
    match leaf {
        Leaf::Object => scope.allows(&Right::SeeObject(object)),
        Leaf::Param(name) => scope.allows(&Right::SeeParam(object, name)),
        Leaf::Command(name) | Leaf::Event(name) => scope.allows(&Right::SeeCommand(object, name)),
    }
}

fn describe(scope: &Scope<'_>, id: ObjectId, wanted: Wanted<'_>) -> SupportedObjectResult {
    let object = scope.store.model().object(id);
    let picked = |leaf: Leaf, on: bool| sees(scope, id, &leaf) && wanted.only.map_or(on, |only| *only == leaf);
    let commands =
        object.commands.iter().filter(|command| picked(Leaf::Command(command.name.clone()), wanted.commands));
    let events = object.events.iter().filter(|event| picked(Leaf::Event(event.name.clone()), wanted.events));
    let params = object.params.iter().filter(|param| picked(Leaf::Param(param.name.clone()), wanted.params));
    let keys = object.keys.iter().filter(|_| wanted.keys && !scope.faults.has(Fault::GsdmOmitsUniqueKeys));
    let invents_key = wanted.keys && !object.multi && scope.faults.has(Fault::GsdmSingleObjectHasKeys);
    let invented = invents_key.then(|| SupportedUniqueKeySet { key_names: vec!["Alias".to_owned()] });
    SupportedObjectResult {
        supported_obj_path: object.path.clone(),
        access: i32::from(access(object.access)),
        is_multi_instance: object.multi,
        supported_commands: commands.map(command).collect(),
        supported_events: events.map(event).collect(),
        supported_params: params.map(param).collect(),
        divergent_paths: Vec::new(),
        unique_key_sets: keys
            .map(|key| SupportedUniqueKeySet { key_names: key.params.clone() })
            .chain(invented)
            .collect(),
    }
}

fn access(access: ObjectAccess) -> ObjAccessType {
    match access {
        ObjectAccess::ReadOnly => ObjAccessType::ObjReadOnly,
        ObjectAccess::AddDelete => ObjAccessType::ObjAddDelete,
        ObjectAccess::AddOnly => ObjAccessType::ObjAddOnly,
        ObjectAccess::DeleteOnly => ObjAccessType::ObjDeleteOnly,
    }
}

fn command(command: &CommandDef) -> SupportedCommandResult {
    let kind = if command.asynchronous { CmdType::CmdAsync } else { CmdType::CmdSync };
    SupportedCommandResult {
        command_name: command.name.clone(),
        input_arg_names: command.input.iter().map(|argument| argument.name.clone()).collect(),
        output_arg_names: command.output.clone(),
        command_type: i32::from(kind),
    }
}

fn event(event: &EventDef) -> SupportedEventResult {
    SupportedEventResult { event_name: event.name.clone(), arg_names: event.args.clone() }
}

fn param(param: &ParamDef) -> SupportedParamResult {
    let access = match param.access {
        Access::ReadOnly => ParamAccessType::ParamReadOnly,
        // TR-369: writeOnceReadOnly has no value of its own.
        Access::ReadWrite | Access::WriteOnceReadOnly => ParamAccessType::ParamReadWrite,
    };
    let change = match param.value_change {
        ValueChange::Allowed => ValueChangeType::ValueChangeAllowed,
        ValueChange::Ignore => ValueChangeType::ValueChangeWillIgnore,
    };
    SupportedParamResult {
        param_name: param.name.clone(),
        access: i32::from(access),
        value_type: i32::from(value_type(param)),
        value_change: i32::from(change),
    }
}

/// Lists are strings on the wire.
fn value_type(param: &ParamDef) -> ParamValueType {
    match param.base {
        _ if param.list => ParamValueType::ParamString,
        Base::Base64 => ParamValueType::ParamBase64,
        Base::Boolean => ParamValueType::ParamBoolean,
        Base::DateTime => ParamValueType::ParamDateTime,
        Base::Decimal => ParamValueType::ParamDecimal,
        Base::HexBinary => ParamValueType::ParamHexBinary,
        Base::Int => ParamValueType::ParamInt,
        Base::Long => ParamValueType::ParamLong,
        Base::String => ParamValueType::ParamString,
        Base::UnsignedInt => ParamValueType::ParamUnsignedInt,
        Base::UnsignedLong => ParamValueType::ParamUnsignedLong,
    }
}

fn unsupported(path: &str) -> Failure {
    Failure::new(code::INVALID_PATH, format!("not in the Supported Data Model: {path:?}"))
}
