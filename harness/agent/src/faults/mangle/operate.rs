//! Distorted OperateResps.

use crate::errors::code;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::OperateResp;
use uspec_usp::msg::operate_resp::operation_result::{OperationResp, OutputArgs};

/// The Error in place of the answer to one of the Commands that a fault is about.
pub(super) fn refused(faults: &FaultSet, resp: &OperateResp) -> Option<(u32, String)> {
    let executed = |end: &str| resp.operation_results.iter().any(|result| result.executed_command.ends_with(end));
    let adds = executed(".AddCertificate()") && faults.has(Fault::AddCertificateAnsweredWithError);
    let deletes = executed(".Delete()") && faults.has(Fault::CertificateDeleteAnsweredWithError);
    (adds || deletes).then(|| (code::REQUEST_DENIED, "refused without a reason".to_owned()))
}

pub(super) fn distort(faults: &FaultSet, mut resp: OperateResp) -> OperateResp {
    for result in &mut resp.operation_results {
        if faults.has(Fault::OperateWrongExecutedCommand) {
            "Device.Nothing()".clone_into(&mut result.executed_command);
        }
        match &mut result.operation_resp {
            Some(OperationResp::CmdFailure(failure))
                if failure.err_code == code::INVALID_COMMAND_ARGUMENTS
                    && faults.has(Fault::OperateMissingArgumentWrongCode) =>
            {
                failure.err_code = code::COMMAND_FAILURE;
            }
            Some(OperationResp::ReqObjPath(_)) if faults.has(Fault::OperateOmitsRequestPath) => {
                result.operation_resp = Some(OperationResp::ReqOutputArgs(OutputArgs::default()));
            }
            _ => {}
        }
    }
    resp
}
