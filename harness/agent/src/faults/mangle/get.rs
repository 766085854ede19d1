//! Distorted GetResps.

use super::OUT_OF_RANGE;
use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::GetResp;
use uspec_usp::msg::get_resp::{RequestedPathResult, ResolvedPathResult};

pub(super) fn distort(faults: &FaultSet, mut resp: GetResp) -> GetResp {
    for result in &mut resp.req_path_results {
        requested(faults, result);
        let is_search = is_search(result);
        for resolved in &mut result.resolved_path_results {
            self::resolved(faults, resolved);
            if is_search && faults.has(Fault::GetSearchReturnsAbsoluteKeys) {
                absolute_keys(resolved);
            }
        }
    }
    if faults.has(Fault::GetExtraResult) {
        resp.req_path_results.extend(resp.req_path_results.first().cloned());
    }
    resp
}

/// Whether a fault keeps this answer back.
pub(super) fn is_kept_back(faults: &FaultSet, resp: &GetResp) -> bool {
    let any = |wanted: fn(&RequestedPathResult) -> bool| resp.req_path_results.iter().any(wanted);
    (faults.has(Fault::GetSearchNotAnswered) && any(is_search))
        || (faults.has(Fault::GetEmptyNotAnswered) && any(found_nothing))
}

fn is_search(result: &RequestedPathResult) -> bool {
    result.requested_path.contains(['*', '['])
}

fn found_nothing(result: &RequestedPathResult) -> bool {
    result.err_code == 0 && result.resolved_path_results.is_empty()
}

fn requested(faults: &FaultSet, result: &mut RequestedPathResult) {
    if faults.has(Fault::GetWrongRequestedPath) {
        result.requested_path.insert_str(0, "Other.");
    }
    if result.err_code != 0 && faults.has(Fault::GetInvalidPathWithoutError) {
        result.err_code = 0;
        result.err_msg.clear();
    }
    if result.err_code != 0 && faults.has(Fault::GetInvalidPathCodeOutOfRange) {
        result.err_code = OUT_OF_RANGE;
    }
    if found_nothing(result) && faults.has(Fault::GetFillsEmptyResults) {
        result.resolved_path_results.push(ResolvedPathResult::default());
    }
}

fn resolved(faults: &FaultSet, result: &mut ResolvedPathResult) {
    if faults.has(Fault::GetReturnsAbsoluteKeys) {
        absolute_keys(result);
    }
    if faults.has(Fault::GetAddsAbsoluteKey) {
        let last = result.result_params.last_key_value();
        let added = last.map(|(name, value)| (format!("{}{name}", result.resolved_path), value.clone()));
        result.result_params.extend(added);
    }
    if faults.has(Fault::GetWrongResolvedPath) {
        result.resolved_path = result.resolved_path.trim_end_matches('.').to_owned();
    }
    if faults.has(Fault::GetOmitsParameters) {
        result.result_params.clear();
    }
    if faults.has(Fault::GetWrongValues) {
        result.result_params.values_mut().for_each(|value| value.push('?'));
    }
}

fn absolute_keys(result: &mut ResolvedPathResult) {
    let params = std::mem::take(&mut result.result_params).into_iter();
    result.result_params = params.map(|(name, value)| (format!("{}{name}", result.resolved_path), value)).collect();
}
