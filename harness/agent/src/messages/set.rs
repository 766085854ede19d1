//! Set: new values for Parameters of Objects that exist (R-SET.0 to R-SET.3).

use super::assign::{Occasion, assign, locate};
use super::{Caller, ObjectFailure, Refusal, object_code};
use crate::errors::{Failure, ParamFailure, code};
use crate::faults::Fault;
use crate::permissions::Right;
use crate::store::{RowKey, Store, keys};
use uspec_usp::msg::set::UpdateObject;
use uspec_usp::msg::set_resp::{
    ParameterError, UpdatedInstanceFailure, UpdatedInstanceResult, UpdatedObjectResult,
    updated_object_result::OperationStatus,
    updated_object_result::operation_status::{OperStatus, OperationFailure, OperationSuccess},
};
use uspec_usp::msg::{Set, SetResp};

/// The Objects that one `obj_path` of a Set could not update; none are named when the path itself was the reason.
struct UpdateFailure {
    failure: Failure,
    rows: Vec<(RowKey, ObjectFailure)>,
}

/// Answers a Set. With `allow_partial` false the first failure undoes everything (R-SET.1).
pub fn handle(store: &mut Store, caller: &Caller<'_>, request: &Set) -> Result<SetResp, Refusal> {
    let outcome = update_objects(store, caller, request);
    leave_behind(store, caller, request);
    outcome
}

fn update_objects(store: &mut Store, caller: &Caller<'_>, request: &Set) -> Result<SetResp, Refusal> {
    let before = store.clone();
    let allow_partial = request.allow_partial || caller.faults.has(Fault::SetIgnoresAllowPartial);
    let mut results = Vec::new();
    let mut touched = Vec::new();
    for update in &request.update_objs {
        let saved = store.clone();
        let outcome = update_object(store, caller, update).and_then(|updated| {
            touched.extend(updated.iter().map(|(row, _)| row.clone()));
            // Without partial success keys count when the whole Message is done.
            if allow_partial {
                unique(store, caller, &touched)?;
            }
            Ok(updated)
        });
        match outcome {
            Ok(updated) => results.push(succeeded(&update.obj_path, updated)),
            Err(failure) if allow_partial => {
                if !caller.faults.has(Fault::SetKeepsFailedObject) {
                    *store = saved;
                }
                results.push(failed(store, &update.obj_path, &failure));
            }
            Err(failure) => return Err(refuse(store, caller, before, &update.obj_path, failure)),
        }
    }
    if !allow_partial && let Err(failure) = unique(store, caller, &touched) {
        return Err(refuse(store, caller, before, "", failure));
    }
    Ok(SetResp { updated_obj_results: results })
}

/// Updates every Object that the path stands for, all or none (R-SET.2a).
fn update_object(
    store: &mut Store,
    caller: &Caller<'_>,
    update: &UpdateObject,
) -> Result<Vec<(RowKey, UpdatedInstanceResult)>, UpdateFailure> {
    let rows = rows(store, caller, &update.obj_path).map_err(|failure| UpdateFailure { failure, rows: Vec::new() })?;
    let mut updated = Vec::new();
    let mut failures: Vec<(RowKey, ObjectFailure)> = Vec::new();
    for row in rows {
        match update_row(store, caller, &row, update) {
            Ok(result) => updated.push((row, result)),
            Err(failure) => failures.push((row, failure)),
        }
    }
    let Some((_, first)) = failures.first() else { return Ok(updated) };
    Err(UpdateFailure { failure: first.failure.clone(), rows: failures })
}

fn rows(store: &Store, caller: &Caller<'_>, path: &str) -> Result<Vec<RowKey>, Failure> {
    let scope = caller.scope(store);
    let resolved = scope.resolve_object(path)?;
    let rows: Vec<RowKey> = resolved.rows().cloned().collect();
    let fails_when_empty = !resolved.search || caller.faults.has(Fault::SetUnmatchedSearchFails);
    if resolved.at_table || (rows.is_empty() && fails_when_empty) {
        return Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "the path addresses no Object that exists"));
    }
    let only_first = caller.faults.has(Fault::SetSearchUpdatesFirstOnly) && resolved.search;
    Ok(rows.into_iter().take(if only_first { 1 } else { usize::MAX }).collect())
}

fn update_row(
    store: &mut Store,
    caller: &Caller<'_>,
    row: &RowKey,
    update: &UpdateObject,
) -> Result<UpdatedInstanceResult, ObjectFailure> {
    let mut result =
        UpdatedInstanceResult { affected_path: row.path(store.model()), ..UpdatedInstanceResult::default() };
    let mut fatal = Vec::new();
    for setting in &update.param_settings {
        match assign(store, caller, row, (&setting.param, &setting.value), Occasion::Update) {
            Ok(value) => {
                let told = told(store, caller, row, &setting.param, value);
                result.updated_params.extend(told.map(|value| (setting.param.clone(), value)));
            }
            Err(failure) if setting.required && !caller.faults.has(Fault::SetIgnoresRequired) => {
                fatal.push(ParamFailure { param: setting.param.clone(), failure });
            }
            Err(failure) => result.param_errs.push(parameter_error(&setting.param, &failure)),
        }
    }
    if fatal.is_empty() {
        return Ok(result);
    }
    let names = fatal.iter().map(|param| param.param.as_str()).collect::<Vec<_>>().join(", ");
    Err(ObjectFailure {
        failure: Failure::new(object_code(&fatal), format!("required Parameters failed: {names}")),
        params: fatal,
    })
}

/// What the Controller is told of the new value of a Parameter: nothing without Read permission (R-SET.3).
fn told(store: &Store, caller: &Caller<'_>, row: &RowKey, relative: &str, value: String) -> Option<String> {
    let (target, name) = locate(store, row, relative).ok()?;
    let scope = caller.scope(store);
    let readable = scope.allows(&Right::ReadParam(&target, &name));
    readable.then(|| if scope.reveals(&target, &name) { value } else { String::new() })
}

/// Whether all touched rows are still the only ones with their keys.
fn unique(store: &Store, caller: &Caller<'_>, touched: &[RowKey]) -> Result<(), UpdateFailure> {
    if caller.faults.has(Fault::DuplicateKeysAreAccepted) {
        return Ok(());
    }
    for row in touched {
        if let Some(key) = keys::conflict(store, row) {
            let failure = Failure::new(
                code::DUPLICATE_KEY,
                format!("another instance has the same {}", key.params.join(" and ")),
            );
            let param =
                ParamFailure { param: key.params.last().cloned().unwrap_or_default(), failure: failure.clone() };
            let object = ObjectFailure { failure: failure.clone(), params: vec![param] };
            return Err(UpdateFailure { failure, rows: vec![(row.clone(), object)] });
        }
    }
    Ok(())
}

/// What a faulty Agent stores of the settings that it refused.
fn leave_behind(store: &mut Store, caller: &Caller<'_>, request: &Set) {
    let refused = caller.faults.has(Fault::SetStoresRefusedValue);
    let unknown = caller.faults.has(Fault::SetStoresUnknownParameter);
    if !refused && !unknown {
        return;
    }
    for update in &request.update_objs {
        for row in rows(store, caller, &update.obj_path).unwrap_or_default() {
            for setting in &update.param_settings {
                let outcome =
                    assign(&mut store.clone(), caller, &row, (&setting.param, &setting.value), Occasion::Update);
                let is_unknown = |failure: &Failure| failure.code == code::UNSUPPORTED_PARAMETER;
                if outcome.is_err_and(|failure| if is_unknown(&failure) { unknown } else { refused }) {
                    store.set(&row, &setting.param, setting.value.clone());
                }
            }
        }
    }
}

fn refuse(store: &mut Store, caller: &Caller<'_>, before: Store, path: &str, failure: UpdateFailure) -> Refusal {
    if !caller.faults.has(Fault::SetDoesNotRollBack) {
        *store = before;
    }
    if failure.rows.is_empty() {
        return Refusal::of(path, failure.failure);
    }
    let details = failure.rows.iter().flat_map(|(row, object)| object.details(&row.path(store.model()))).collect();
    Refusal { failure: failure.failure, details }
}

fn succeeded(path: &str, updated: Vec<(RowKey, UpdatedInstanceResult)>) -> UpdatedObjectResult {
    let success = OperationSuccess { updated_inst_results: updated.into_iter().map(|(_, result)| result).collect() };
    status(path, OperStatus::OperSuccess(success))
}

fn failed(store: &Store, path: &str, failure: &UpdateFailure) -> UpdatedObjectResult {
    let instance = |(row, object): &(RowKey, ObjectFailure)| UpdatedInstanceFailure {
        affected_path: row.path(store.model()),
        param_errs: object.params.iter().map(|param| parameter_error(&param.param, &param.failure)).collect(),
    };
    let failure = OperationFailure {
        err_code: failure.failure.code,
        err_msg: failure.failure.message.clone(),
        updated_inst_failures: failure.rows.iter().map(instance).collect(),
    };
    status(path, OperStatus::OperFailure(failure))
}

fn status(path: &str, status: OperStatus) -> UpdatedObjectResult {
    UpdatedObjectResult {
        requested_path: path.to_owned(),
        oper_status: Some(OperationStatus { oper_status: Some(status) }),
    }
}

fn parameter_error(param: &str, failure: &Failure) -> ParameterError {
    ParameterError { param: param.to_owned(), err_code: failure.code, err_msg: failure.message.clone() }
}
