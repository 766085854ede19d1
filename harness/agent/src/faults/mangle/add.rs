//! Distorted AddResps.

use super::OUT_OF_RANGE;
use crate::errors::code;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::AddResp;
use uspec_usp::msg::add_resp::created_object_result::operation_status::{
    OperStatus, OperationFailure, OperationSuccess,
};
use uspec_usp::msg::add_resp::{CreatedObjectResult, ParameterError};

pub(super) fn distort(faults: &FaultSet, mut resp: AddResp) -> AddResp {
    for result in &mut resp.created_obj_results {
        match status(result) {
            Some(OperStatus::OperSuccess(success)) => self::success(faults, success),
            Some(OperStatus::OperFailure(failure)) if faults.has(Fault::AddFailureCodeOutOfRange) => {
                failure.err_code = OUT_OF_RANGE;
            }
            Some(status) if faults.has(Fault::AddFailureReportedAsSuccess) => {
                let instantiated_path = "Device.LocalAgent.Subscription.4711.".to_owned();
                *status =
                    OperStatus::OperSuccess(OperationSuccess { instantiated_path, ..OperationSuccess::default() });
            }
            _ => {}
        }
    }
    if faults.has(Fault::AddRepeatsGeneratedKeys) {
        repeat_keys(&mut resp);
    }
    if faults.has(Fault::AddOmitsLastResult) {
        resp.created_obj_results.pop();
    }
    if faults.has(Fault::AddExtraResult) {
        resp.created_obj_results.extend(resp.created_obj_results.first().cloned());
    }
    resp
}

fn success(faults: &FaultSet, success: &mut OperationSuccess) {
    if faults.has(Fault::AddOmitsUniqueKeys) {
        success.unique_keys.clear();
    }
    if faults.has(Fault::AddOmitsOneUniqueKey) {
        success.unique_keys.pop_last();
    }
    if faults.has(Fault::AddReportsParamError) {
        let err_msg = "no reason".to_owned();
        success.param_errs.push(ParameterError { param: "Enable".to_owned(), err_code: code::INVALID_VALUE, err_msg });
    }
}

fn repeat_keys(resp: &mut AddResp) {
    let mut first = None;
    for result in &mut resp.created_obj_results {
        if let Some(OperStatus::OperSuccess(success)) = status(result) {
            success.unique_keys.clone_from(first.get_or_insert_with(|| success.unique_keys.clone()));
        }
    }
}

pub(super) fn first_failure(resp: &AddResp) -> Option<(u32, String)> {
    let status = |result: &CreatedObjectResult| result.oper_status.as_ref()?.oper_status.clone();
    resp.created_obj_results.iter().filter_map(status).find_map(|status| match status {
        OperStatus::OperFailure(OperationFailure { err_code, err_msg }) => Some((err_code, err_msg)),
        OperStatus::OperSuccess(_) => None,
    })
}

fn status(result: &mut CreatedObjectResult) -> Option<&mut OperStatus> {
    result.oper_status.as_mut()?.oper_status.as_mut()
}
