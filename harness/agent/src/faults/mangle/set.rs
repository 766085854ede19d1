//! Distorted SetResps.

use super::OUT_OF_RANGE;
use crate::errors::code;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::SetResp;
use uspec_usp::msg::set_resp::updated_object_result::operation_status::{
    OperStatus, OperationFailure, OperationSuccess,
};
use uspec_usp::msg::set_resp::{ParameterError, UpdatedInstanceResult, UpdatedObjectResult};

pub(super) fn distort(faults: &FaultSet, mut resp: SetResp) -> SetResp {
    for result in &mut resp.updated_obj_results {
        let Some(status) = result.oper_status.as_mut().and_then(|status| status.oper_status.as_mut()) else { continue };
        match status {
            OperStatus::OperSuccess(success) => {
                for result in &mut success.updated_inst_results {
                    updated(faults, result);
                }
            }
            OperStatus::OperFailure(failure) => failed(faults, failure),
        }
        if matches!(status, OperStatus::OperFailure(_)) && faults.has(Fault::SetFailureReportedAsSuccess) {
            *status = OperStatus::OperSuccess(OperationSuccess::default());
        }
    }
    if faults.has(Fault::SetOmitsLastResult) {
        resp.updated_obj_results.pop();
    }
    if faults.has(Fault::SetExtraResult) {
        resp.updated_obj_results.extend(resp.updated_obj_results.first().cloned());
    }
    resp
}

fn updated(faults: &FaultSet, result: &mut UpdatedInstanceResult) {
    if faults.has(Fault::SetOmitsUpdatedParams) {
        result.updated_params.clear();
    }
    if faults.has(Fault::SetExtraUpdatedParam) {
        result.updated_params.insert("NeverAskedFor".to_owned(), String::new());
    }
    if faults.has(Fault::SetReportsParamError) {
        let err_msg = "no reason".to_owned();
        result.param_errs.push(ParameterError { param: "Enable".to_owned(), err_code: code::INVALID_VALUE, err_msg });
    }
    if faults.has(Fault::SetWrongAffectedPath) {
        result.affected_path = by_key(&result.affected_path);
    }
    parameters(faults, &mut result.param_errs);
}

fn failed(faults: &FaultSet, failure: &mut OperationFailure) {
    if faults.has(Fault::SetFailureCodeOutOfRange) {
        failure.err_code = OUT_OF_RANGE;
    }
    if faults.has(Fault::SetOmitsInstanceFailures) {
        failure.updated_inst_failures.clear();
    }
    for instance in &mut failure.updated_inst_failures {
        if faults.has(Fault::SetWrongAffectedPath) {
            instance.affected_path = by_key(&instance.affected_path);
        }
        parameters(faults, &mut instance.param_errs);
    }
}

fn parameters(faults: &FaultSet, errors: &mut Vec<ParameterError>) {
    if faults.has(Fault::SetOmitsParamErrs) {
        errors.clear();
    }
    if faults.has(Fault::SetParamErrCodeOutOfRange) {
        for error in errors {
            error.err_code = OUT_OF_RANGE;
        }
    }
}

/// The path with a made-up key where its last instance number was.
pub(super) fn by_key(path: &str) -> String {
    let stem = path.trim_end_matches(|c: char| c == '.' || c.is_ascii_digit());
    format!("{stem}.[Alias==\"cpe-0\"].")
}

pub(super) fn first_failure(resp: &SetResp) -> Option<(u32, String)> {
    let status = |result: &UpdatedObjectResult| result.oper_status.as_ref()?.oper_status.clone();
    resp.updated_obj_results.iter().filter_map(status).find_map(|status| match status {
        OperStatus::OperFailure(failure) => Some((failure.err_code, failure.err_msg)),
        OperStatus::OperSuccess(_) => None,
    })
}
