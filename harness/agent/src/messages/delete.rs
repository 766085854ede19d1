//! Delete: instances of tables go (R-DEL.0 to R-DEL.4).

use super::{Caller, Refusal};
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::permissions::Right;
use crate::store::{RowKey, Store};
use uspec_usp::msg::delete_resp::{
    DeletedObjectResult, UnaffectedPathError,
    deleted_object_result::OperationStatus,
    deleted_object_result::operation_status::{OperStatus, OperationFailure, OperationSuccess},
};
use uspec_usp::msg::{Delete, DeleteResp};

/// Answers a Delete. With `allow_partial` false any failure undoes everything (R-DEL.1).
pub fn handle(store: &mut Store, caller: &Caller<'_>, request: &Delete) -> Result<DeleteResp, Refusal> {
    let before = store.clone();
    let allow_partial = request.allow_partial || caller.faults.has(Fault::DeleteIgnoresAllowPartial);
    let mut results = Vec::new();
    for path in &request.obj_paths {
        let outcome = delete_path(store, caller, path);
        match outcome {
            Ok(success) if allow_partial || success.unaffected_path_errs.is_empty() => {
                results.push(result(path, OperStatus::OperSuccess(success)));
            }
            Ok(success) => return Err(undo(store, caller, before, unaffected(&success))),
            Err(failure) if allow_partial => {
                let failure = OperationFailure { err_code: failure.code, err_msg: failure.message };
                results.push(result(path, OperStatus::OperFailure(failure)));
            }
            Err(failure) => return Err(undo(store, caller, before, Refusal::of(path, failure))),
        }
    }
    if caller.faults.has(Fault::DeleteDoesNotDelete) {
        *store = before;
    }
    Ok(DeleteResp { deleted_obj_results: results })
}

fn delete_path(store: &mut Store, caller: &Caller<'_>, path: &str) -> Result<OperationSuccess, Failure> {
    let scope = caller.scope(store);
    let resolved = scope.resolve_object(path)?;
    let object = store.model().object(resolved.object);
    if !object.multi {
        return Err(Failure::new(code::NOT_A_TABLE, "only instances of tables can be deleted"));
    }
    if resolved.at_table {
        return Err(Failure::new(code::INVALID_PATH_SYNTAX, "the path names a table, not an instance"));
    }
    if !object.access.deletable() {
        return Err(Failure::new(code::DELETE_FAILURE, "Controllers cannot delete from this table"));
    }
    let rows: Vec<RowKey> = resolved.rows().cloned().collect();
    if rows.is_empty() && fails_when_empty(caller, resolved.search) {
        return Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "no such instance"));
    }
    Ok(delete_rows(store, caller, rows, resolved.search))
}

/// R-DEL.2a: an instance that is not there is as good as deleted.
fn fails_when_empty(caller: &Caller<'_>, search: bool) -> bool {
    let fault = if search { Fault::DeleteUnmatchedSearchFails } else { Fault::DeleteUnknownInstanceFails };
    caller.faults.has(fault)
}

fn delete_rows(store: &mut Store, caller: &Caller<'_>, rows: Vec<RowKey>, search: bool) -> OperationSuccess {
    let mut success = OperationSuccess::default();
    let most = if search && caller.faults.has(Fault::DeleteSearchDeletesFirstOnly) { 1 } else { usize::MAX };
    for row in rows.into_iter().take(most) {
        let path = row.path(store.model());
        let scope = caller.scope(store);
        let readable = scope.allows(&Right::ReadInstance(&row));
        if scope.allows(&Right::Delete(&row)) {
            remove(store, caller, &row);
            // R-DEL.2: what the Controller may not read is not named.
            success.affected_paths.extend(readable.then_some(path));
        } else if readable {
            let failure = caller.denied("the instance may not be deleted");
            success.unaffected_path_errs.push(UnaffectedPathError {
                unaffected_path: path,
                err_code: failure.code,
                err_msg: failure.message,
            });
        }
    }
    success
}

fn remove(store: &mut Store, caller: &Caller<'_>, row: &RowKey) {
    let subscriptions = store.all_of("Device.LocalAgent.Subscription.{i}.").into_iter();
    let kept: Vec<_> = subscriptions
        .filter(|key| key != row)
        .filter_map(|key| Some((key.clone(), store.row(&key)?.clone())))
        .collect();
    store.remove(row);
    if caller.faults.has(Fault::ControllerDeletionKeepsSubscriptions) {
        for (key, row) in kept {
            store.put(key, row);
        }
    }
}

fn unaffected(success: &OperationSuccess) -> Refusal {
    let detail = |error: &UnaffectedPathError| {
        (error.unaffected_path.clone(), Failure::new(error.err_code, error.err_msg.clone()))
    };
    let details: Vec<_> = success.unaffected_path_errs.iter().map(detail).collect();
    let first = details.first().map(|(_, failure)| failure.clone());
    Refusal { failure: first.unwrap_or_else(|| Failure::new(code::DELETE_FAILURE, "not deleted")), details }
}

fn undo(store: &mut Store, caller: &Caller<'_>, before: Store, refusal: Refusal) -> Refusal {
    if !caller.faults.has(Fault::DeleteDoesNotRollBack) {
        *store = before;
    }
    refusal
}

fn result(path: &str, status: OperStatus) -> DeletedObjectResult {
    DeletedObjectResult {
        requested_path: path.to_owned(),
        oper_status: Some(OperationStatus { oper_status: Some(status) }),
    }
}
