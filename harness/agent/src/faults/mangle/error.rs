//! Distorted Errors.

use super::OUT_OF_RANGE;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::{Error, error::ParamError};

pub(super) fn distort(faults: &FaultSet, mut error: Error) -> Error {
    if faults.has(Fault::ErrorCodeOutOfRange) {
        error.err_code = OUT_OF_RANGE;
    }
    if faults.has(Fault::ErrorOmitsParamErrs) {
        error.param_errs.clear();
    }
    for detail in &mut error.param_errs {
        if faults.has(Fault::ErrorParamErrCodeOutOfRange) {
            detail.err_code = OUT_OF_RANGE;
        }
        if faults.has(Fault::ErrorWrongParamPath) {
            "Device.LocalAgent.Somewhere.Else".clone_into(&mut detail.param_path);
        }
    }
    if faults.has(Fault::ErrorExtraParamErr) {
        let param_path = "Device.LocalAgent.Somewhere.Else".to_owned();
        error.param_errs.push(ParamError { param_path, err_code: error.err_code, err_msg: error.err_msg.clone() });
    }
    error
}
