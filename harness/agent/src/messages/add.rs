//! Add: new instances of tables (R-ADD.0 to R-ADD.6).

use super::assign::{Occasion, assign, spoilt};
use super::{Caller, ObjectFailure, Refusal, object_code};
use crate::errors::{Failure, ParamFailure, code};
use crate::faults::Fault;
use crate::model::{Access, value};
use crate::path::{Node, Path};
use crate::permissions::Right;
use crate::store::{RowKey, Store, TableKey, keys};
use std::sync::Arc;
use uspec_usp::msg::add::CreateObject;
use uspec_usp::msg::add_resp::{
    CreatedObjectResult, ParameterError,
    created_object_result::OperationStatus,
    created_object_result::operation_status::{OperStatus, OperationFailure, OperationSuccess},
};
use uspec_usp::msg::{Add, AddResp};

/// Answers an Add. With `allow_partial` false the first failure undoes everything (R-ADD.1).
pub fn handle(store: &mut Store, caller: &Caller<'_>, request: &Add) -> Result<AddResp, Refusal> {
    let before = store.clone();
    let allow_partial = request.allow_partial || caller.faults.has(Fault::AddIgnoresAllowPartial);
    let mut results = Vec::new();
    for (index, create) in request.create_objs.iter().enumerate() {
        match create_object(store, caller, create, allow_partial) {
            Ok(mut created) => results.append(&mut created),
            Err(refusal) => {
                if !caller.faults.has(Fault::AddDoesNotRollBack) {
                    *store = before;
                }
                if caller.faults.has(Fault::AddCreatesDespiteError) {
                    create_anyway(store, caller, create);
                }
                return Err(refusal);
            }
        }
        if spoils(caller, index) {
            spoil(store, caller, create, results.last());
        }
    }
    if caller.faults.has(Fault::AddDoesNotCreate) {
        *store = before;
    }
    Ok(AddResp { created_obj_results: results })
}

/// Makes one instance in every table that the path stands for.
fn create_object(
    store: &mut Store,
    caller: &Caller<'_>,
    create: &CreateObject,
    allow_partial: bool,
) -> Result<Vec<CreatedObjectResult>, Refusal> {
    let path = create.obj_path.as_str();
    let tables = match tables(store, caller, path) {
        Ok(tables) => tables,
        Err(failure) if allow_partial => return Ok(vec![failed(path, failure)]),
        Err(failure) => return Err(Refusal::of(path, failure)),
    };
    if tables.is_empty() {
        return Ok(vec![succeeded(path, OperationSuccess::default())]);
    }
    let mut results = Vec::new();
    for table in &tables {
        let before = store.clone();
        match create_row(store, caller, create, table) {
            Ok(success) => results.push(succeeded(path, success)),
            Err(failure) if allow_partial => {
                if !caller.faults.has(Fault::AddKeepsFailedObject) {
                    *store = before;
                }
                results.push(failed(path, failure.failure));
            }
            Err(failure) => {
                // Of the tables that a Search Path finds, the one that failed is named.
                let failed = if tables.len() > 1 { table_path(store, table) } else { path.to_owned() };
                return Err(Refusal { details: failure.details(&failed), failure: failure.failure });
            }
        }
    }
    Ok(results)
}

fn tables(store: &Store, caller: &Caller<'_>, path: &str) -> Result<Vec<TableKey>, Failure> {
    let scope = caller.scope(store);
    let resolved = scope.resolve_object(path)?;
    let object = store.model().object(resolved.object);
    if !resolved.at_table {
        return Err(Failure::new(code::NOT_A_TABLE, "instances can be added to a table only"));
    }
    if !object.access.creatable() {
        return Err(Failure::new(code::NON_CREATABLE_OBJECT, "Controllers cannot add to this table"));
    }
    if resolved.nodes.is_empty() && !resolved.search {
        return Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "the Object around the table does not exist"));
    }
    let table = |node| match node {
        Node::Table(table) => Some(table),
        Node::Row(_) => None,
    };
    let mut tables: Vec<TableKey> = resolved.nodes.into_iter().filter_map(table).collect();
    if caller.faults.has(Fault::AddSearchCreatesNothing) && resolved.search {
        tables.clear();
    }
    Ok(tables)
}

fn table_path(store: &Store, (object, parent): &TableKey) -> String {
    let path = RowKey { object: *object, instances: parent.clone() }.path(store.model());
    path.strip_suffix("{i}.").unwrap_or(&path).to_owned()
}

fn create_row(
    store: &mut Store,
    caller: &Caller<'_>,
    create: &CreateObject,
    table: &TableKey,
) -> Result<OperationSuccess, ObjectFailure> {
    if !caller.scope(store).allows(&Right::Create(table)) || is_refused_by_fault(store, caller, table) {
        return Err(caller.denied("instances may not be added").into());
    }
    if let Some(failure) = refused_subscription(store, caller, create, table) {
        return Err(failure.into());
    }
    let row = store.create(table.0, &table.1);
    if caller.faults.has(Fault::AddNeedsEveryPermission) && !may_write_all(store, caller, &row) {
        return Err(caller.denied("a Parameter of the Object may not be written").into());
    }
    let mut given = agent_values(store, caller, &row);
    let param_errs = settings(store, caller, &row, create)?;
    given.extend(create.param_settings.iter().map(|setting| setting.param.as_str()));
    keys::complete(store, &row, &given);
    if let Some(key) = keys::conflict(store, &row).filter(|_| !caller.faults.has(Fault::DuplicateKeysAreAccepted)) {
        let failure =
            Failure::new(code::DUPLICATE_KEY, format!("another instance has the same {}", key.params.join(" and ")));
        let last = key.params.last().cloned().unwrap_or_default();
        return Err(ObjectFailure { params: vec![ParamFailure { param: last, failure: failure.clone() }], failure });
    }
    let unique_keys = keys::unique_keys(store, &row);
    let readable = |name: &String| caller.scope(store).allows(&Right::ReadParam(&row, name));
    Ok(OperationSuccess {
        instantiated_path: row.path(store.model()),
        param_errs,
        unique_keys: unique_keys.into_iter().filter(|(name, _)| readable(name)).collect(),
    })
}

/// Applies the settings. Parameters that are required or part of a unique key must succeed (R-ADD.3); the others may fail.
fn settings(
    store: &mut Store,
    caller: &Caller<'_>,
    row: &RowKey,
    create: &CreateObject,
) -> Result<Vec<ParameterError>, ObjectFailure> {
    let model = Arc::clone(store.model());
    let object = model.object(row.object);
    let (mut fatal, mut harmless) = (Vec::new(), Vec::new());
    for setting in &create.param_settings {
        let outcome = assign(store, caller, row, (&setting.param, &setting.value), Occasion::Creation);
        let Err(failure) = outcome else { continue };
        let is_key =
            object.key_with(&setting.param).is_some() && !caller.faults.has(Fault::AddDoesNotRequireUniqueKeys);
        let required = setting.required && !caller.faults.has(Fault::AddIgnoresRequired);
        if required || is_key {
            fatal.push(ParamFailure { param: setting.param.clone(), failure });
        } else {
            harmless.push(ParameterError {
                param: setting.param.clone(),
                err_code: failure.code,
                err_msg: failure.message,
            });
        }
    }
    if fatal.is_empty() {
        return Ok(harmless);
    }
    let names = fatal.iter().map(|param| param.param.as_str()).collect::<Vec<_>>().join(", ");
    Err(ObjectFailure {
        failure: Failure::new(object_code(&fatal), format!("required Parameters failed: {names}")),
        params: fatal,
    })
}

fn is_refused_by_fault(store: &Store, caller: &Caller<'_>, table: &TableKey) -> bool {
    let is_permission = store.model().object(table.0).name == "Permission";
    is_permission && caller.faults.has(Fault::PermissionsCannotBeAdded)
}

/// Refuses, with a fault, a Subscription for one of its settings, whether that is required or not.
fn refused_subscription(
    store: &Store,
    caller: &Caller<'_>,
    create: &CreateObject,
    table: &TableKey,
) -> Option<Failure> {
    if store.model().object(table.0).name != "Subscription" {
        return None;
    }
    let refused = create.param_settings.iter().find(|setting| match setting.param.as_str() {
        "NotifType" => caller.faults.has(Fault::ObjectDeletionIsRefused) && setting.value == "ObjectDeletion",
        "ReferenceList" => caller.faults.has(Fault::SubscriptionSearchIsRefused) && has_search_path(&setting.value),
        _ => false,
    })?;
    Some(Failure::new(code::INVALID_VALUE, format!("{} is refused without a reason", refused.param)))
}

fn has_search_path(list: &str) -> bool {
    value::items(list).into_iter().any(|item| Path::parse(item).is_ok_and(|path| path.is_search()))
}

fn may_write_all(store: &Store, caller: &Caller<'_>, row: &RowKey) -> bool {
    let params = store.model().object(row.object).params.iter();
    let mut writable = params.filter(|param| param.access != Access::ReadOnly);
    writable.all(|param| caller.scope(store).allows(&Right::WriteParam(row, &param.name)))
}

/// The values that the Agent gives a new instance itself; returns which Parameters they are.
fn agent_values(store: &mut Store, caller: &Caller<'_>, row: &RowKey) -> Vec<&'static str> {
    let model = Arc::clone(store.model());
    match model.object(row.object).path.as_str() {
        "Device.LocalAgent.Subscription.{i}." => {
            store.set(row, "Recipient", caller.controller.reference(&model));
            store.set(row, "CreationDate", caller.now.to_string());
            vec!["Recipient"]
        }
        _ => Vec::new(),
    }
}

/// Whether a fault spoils the values of the Object with that index.
fn spoils(caller: &Caller<'_>, index: usize) -> bool {
    let only_this = match index {
        0 => caller.faults.has(Fault::AddStoresWrongValueInFirst),
        1 => caller.faults.has(Fault::AddStoresWrongValueInSecond),
        _ => false,
    };
    only_this || caller.faults.has(Fault::AddStoresWrongValue) || caller.faults.has(Fault::AddStoresWrongPlainValue)
}

fn spoil(store: &mut Store, caller: &Caller<'_>, create: &CreateObject, created: Option<&CreatedObjectResult>) {
    let status = created.and_then(|result| result.oper_status.as_ref()?.oper_status.as_ref());
    let Some(OperStatus::OperSuccess(success)) = status else { return };
    if let Some(row) = RowKey::parse(&success.instantiated_path, store.model()) {
        let model = Arc::clone(store.model());
        let spares_keys = caller.faults.has(Fault::AddStoresWrongPlainValue);
        for setting in &create.param_settings {
            if !spares_keys || model.object(row.object).key_with(&setting.param).is_none() {
                store.set(&row, &setting.param, spoilt(&setting.value));
            }
        }
    }
}

/// Makes a Subscription out of whatever the failed Object's settings say.
fn create_anyway(store: &mut Store, caller: &Caller<'_>, create: &CreateObject) {
    let Some(object) = store.model().find("Device.LocalAgent.Subscription.{i}.") else { return };
    let row = store.create(object, &[]);
    agent_values(store, caller, &row);
    for setting in &create.param_settings {
        if store.definition(&row, &setting.param).is_some() {
            store.set(&row, &setting.param, setting.value.clone());
        }
    }
    keys::complete(store, &row, &["Recipient"]);
}

fn succeeded(path: &str, success: OperationSuccess) -> CreatedObjectResult {
    let oper_status = Some(OperationStatus { oper_status: Some(OperStatus::OperSuccess(success)) });
    CreatedObjectResult { requested_path: path.to_owned(), oper_status }
}

fn failed(path: &str, failure: Failure) -> CreatedObjectResult {
    let failure = OperationFailure { err_code: failure.code, err_msg: failure.message };
    let oper_status = Some(OperationStatus { oper_status: Some(OperStatus::OperFailure(failure)) });
    CreatedObjectResult { requested_path: path.to_owned(), oper_status }
}
