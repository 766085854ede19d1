//! Distorted OperateResps.

use crate::errors::code;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::OperateResp;
use uspec_usp::msg::operate_resp::operation_result::{OperationResp, OutputArgs};

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
