//! Distorted GetInstancesResps.

use crate::faults::{Fault, FaultSet};
use uspec_usp::msg::GetInstancesResp;
use uspec_usp::msg::get_instances_resp::CurrInstance;

pub(super) fn distort(faults: &FaultSet, mut resp: GetInstancesResp) -> GetInstancesResp {
    for result in &mut resp.req_path_results {
        if faults.has(Fault::GetInstancesWrongRequestedPath) {
            result.requested_path.insert_str(0, "Other.");
        }
        if faults.has(Fault::GetInstancesReturnsNothing) {
            result.curr_insts.clear();
        }
        if faults.has(Fault::GetInstancesOmitsUniqueKeys) {
            for instance in &mut result.curr_insts {
                instance.unique_keys.clear();
            }
        }
        let found_nothing = result.err_code == 0 && result.curr_insts.is_empty();
        if found_nothing && faults.has(Fault::GetInstancesFillsEmptyResults) {
            result.curr_insts.push(CurrInstance::default());
        }
    }
    if faults.has(Fault::GetInstancesExtraResult) {
        resp.req_path_results.extend(resp.req_path_results.first().cloned());
    }
    resp
}
