//! Distorted DeleteResps.

use super::OUT_OF_RANGE;
use super::set::by_key;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::DeleteResp;
use uspec_usp::msg::delete_resp::DeletedObjectResult;
use uspec_usp::msg::delete_resp::deleted_object_result::operation_status::{OperStatus, OperationSuccess};

pub(super) fn distort(faults: &FaultSet, mut resp: DeleteResp) -> DeleteResp {
    for result in &mut resp.deleted_obj_results {
        if faults.has(Fault::DeleteWrongRequestedPath) {
            result.requested_path.insert_str(0, "Other.");
        }
        let Some(status) = result.oper_status.as_mut().and_then(|status| status.oper_status.as_mut()) else { continue };
        match status {
            OperStatus::OperSuccess(success) => self::success(faults, success),
            OperStatus::OperFailure(failure) if faults.has(Fault::DeleteFailureCodeOutOfRange) => {
                failure.err_code = OUT_OF_RANGE;
            }
            OperStatus::OperFailure(_) if faults.has(Fault::DeleteFailureReportedAsSuccess) => {
                *status = OperStatus::OperSuccess(OperationSuccess::default());
            }
            OperStatus::OperFailure(_) => {}
        }
    }
    if faults.has(Fault::DeleteOmitsLastResult) {
        resp.deleted_obj_results.pop();
    }
    if faults.has(Fault::DeleteExtraResult) {
        resp.deleted_obj_results.extend(resp.deleted_obj_results.first().cloned());
    }
    resp
}

fn success(faults: &FaultSet, success: &mut OperationSuccess) {
    if faults.has(Fault::DeleteOmitsAffectedPaths) {
        success.affected_paths.clear();
    }
    if faults.has(Fault::DeleteAffectedPathUsesKey) {
        for path in &mut success.affected_paths {
            *path = by_key(path);
        }
    }
    if faults.has(Fault::DeleteInventsAffectedPath) {
        success.affected_paths.push("Device.LocalAgent.Subscription.4711.".to_owned());
    }
}

pub(super) fn first_failure(resp: &DeleteResp) -> Option<(u32, String)> {
    let status = |result: &DeletedObjectResult| result.oper_status.as_ref()?.oper_status.clone();
    resp.deleted_obj_results.iter().filter_map(status).find_map(|status| match status {
        OperStatus::OperFailure(failure) => Some((failure.err_code, failure.err_msg)),
        OperStatus::OperSuccess(_) => None,
    })
}
