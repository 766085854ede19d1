//! Operate: Commands, synchronous and asynchronous (R-OPR.0 to R-OPR.7).

use super::{Caller, Refusal};
use crate::commands::{self, Effect, Invocation, Outcome};
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::faults::mangle::OUT_OF_RANGE;
use crate::model::{CommandDef, value};
use crate::path::Leaf;
use crate::permissions::Right;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::sync::Arc;
use uspec_usp::msg::operate_resp::operation_result::{CommandFailure, OperationResp, OutputArgs};
use uspec_usp::msg::{Operate, OperateResp, operate_resp::OperationResult};

/// Most Commands that run at once; a bound on what a Controller can make the Agent remember.
const MOST_REQUESTS: usize = 64;

/// Executes the Command on every Object that the path stands for. The effects are what the Agent still has to do.
pub fn handle(
    store: &mut Store,
    caller: &Caller<'_>,
    request: &Operate,
) -> Result<(OperateResp, Vec<Effect>), Refusal> {
    let resolved = caller.scope(store).resolve_text(&request.command)?;
    let Leaf::Command(name) = &resolved.leaf else {
        return Err(Failure::new(code::INVALID_PATH, "the path is not that of a Command").into());
    };
    let rows: Vec<RowKey> = resolved.rows().cloned().collect();
    if rows.is_empty() && !resolved.search {
        return Err(Failure::new(code::OBJECT_DOES_NOT_EXIST, "the Object of the Command does not exist").into());
    }
    let (mut results, mut effects) = (Vec::new(), Vec::new());
    for row in rows {
        let outcome = execute(store, caller, request, &row, name).map(|(response, mut more)| {
            effects.append(&mut more);
            response
        });
        if let Err(failure) = &outcome
            && caller.faults.has(Fault::OperateMissingArgumentStillCompletes)
            && failure.code == code::INVALID_COMMAND_ARGUMENTS
        {
            effects.push(Effect::Completed {
                row: row.clone(),
                command: name.clone(),
                key: request.command_key.clone(),
            });
        }
        results.push(OperationResult {
            executed_command: format!("{}{name}", row.path(store.model())),
            operation_resp: Some(outcome.unwrap_or_else(|failure| {
                OperationResp::CmdFailure(CommandFailure { err_code: failure.code, err_msg: failure.message })
            })),
        });
    }
    Ok((OperateResp { operation_results: results }, effects))
}

fn execute(
    store: &mut Store,
    caller: &Caller<'_>,
    request: &Operate,
    row: &RowKey,
    name: &str,
) -> Result<(OperationResp, Vec<Effect>), Failure> {
    let model = Arc::clone(store.model());
    let Some(command) = model.object(row.object).command(name) else {
        return Err(Failure::new(code::COMMAND_FAILURE, "no such Command"));
    };
    if !caller.scope(store).allows(&Right::Execute(row, name)) {
        return Err(denied(caller));
    }
    let arguments = arguments(command, &request.input_args, caller)?;
    let invocation = Invocation { caller, row, name, key: &request.command_key, arguments };
    match commands::run(store, &invocation)? {
        Outcome::Done { output, effects } => {
            Ok((OperationResp::ReqOutputArgs(OutputArgs { output_args: output }), effects))
        }
        Outcome::Started { duration, output } => {
            let path = format!("{}{name}", row.path(&model));
            let request_row = note(store, caller, &path, &request.command_key)?;
            let effect = Effect::Started {
                request: request_row.clone(),
                row: row.clone(),
                command: name.to_owned(),
                key: request.command_key.clone(),
                duration,
                output,
            };
            let path = request_row.path(&model);
            if caller.faults.has(Fault::OperateCreatesNoRequest) {
                store.remove(&request_row);
            }
            Ok((OperationResp::ReqObjPath(path), vec![effect]))
        }
    }
}

/// The arguments with defaults for those left out (R-OPR.7), without those that the Command does not know (R-OPR.6); 7027 when
/// a mandatory one is missing (R-OPR.5) or a value is none.
fn arguments(
    command: &CommandDef,
    given: &BTreeMap<String, String>,
    caller: &Caller<'_>,
) -> Result<BTreeMap<String, String>, Failure> {
    let invalid = |text: String| Failure::new(code::INVALID_COMMAND_ARGUMENTS, text);
    if caller.faults.has(Fault::OperateUnknownArgumentFails)
        && let Some(unknown) = given.keys().find(|name| command.input.iter().all(|argument| argument.name != **name))
    {
        return Err(invalid(format!("unknown argument {unknown}")));
    }
    let mut complete = BTreeMap::new();
    for argument in &command.input {
        let value = match given.get(&argument.name) {
            Some(text) => value::accept(argument, text).map_err(|failure| invalid(failure.message))?,
            None if argument.mandatory && !caller.faults.has(Fault::OperateMissingArgumentAccepted) => {
                return Err(invalid(format!("{} is missing", argument.name)));
            }
            None => argument.default.clone(),
        };
        complete.insert(argument.name.clone(), value);
    }
    Ok(complete)
}

fn denied(caller: &Caller<'_>) -> Failure {
    let failure = caller.denied("the Command may not be executed");
    if caller.faults.has(Fault::OperateDeniedCodeOutOfRange) {
        Failure { code: OUT_OF_RANGE, ..failure }
    } else {
        failure
    }
}

/// Makes the Request instance (R-OPR.0).
fn note(store: &mut Store, caller: &Caller<'_>, command: &str, key: &str) -> Result<RowKey, Failure> {
    let path = "Device.LocalAgent.Request.{i}.";
    let object = store.model().find(path).filter(|_| store.all_of(path).len() < MOST_REQUESTS);
    let object = object.ok_or_else(|| Failure::new(code::RESOURCES_EXCEEDED, "too many Commands are running"))?;
    let row = store.create(object, &[]);
    let originator = store.text(caller.controller, "EndpointID").to_owned();
    for (name, value) in
        [("Originator", originator.as_str()), ("Command", command), ("CommandKey", key), ("Status", "Active")]
    {
        store.set(&row, name, value);
    }
    // The same Command may run several times at once (TR-369 "Concurrent Operations"), so only the Alias is completed.
    let alias = format!("cpe-{}", row.number());
    store.set(&row, "Alias", alias);
    Ok(row)
}
