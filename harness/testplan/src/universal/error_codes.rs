//! Every error code is one that TR-369 assigns, or of a range that it leaves to data model or vendor.
//!
//! Whether a code suits its Message is for metrics to say; here only numbers that mean nothing count. A zero says that
//! nothing failed and stands in the results of reading Messages alone. A Record of a later version may have new codes.

use serde_json::Value;
use uspec_usp::{
    error_code::{self, DATA_MODEL_CODES, ErrorCode, VENDOR_CODES},
    schema::Content,
};

use super::{Tally, is_newer};
use crate::judge::{evidence::Evidence, finding::unmet};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "an assigned error code";
    tally.expects(EXPECTED);
    for record in evidence.view.received().filter(|record| !is_newer(record)) {
        let (Some(content), Some(body)) = (record.content, record.body()) else { continue };
        let mut codes = Vec::new();
        let top = if content == Content::Error { "Error" } else { "" };
        collect(body, top, "", &mut codes);
        for (place, code) in codes {
            let assigned =
                ErrorCode::get(code).is_some() || DATA_MODEL_CODES.contains(&code) || VENDOR_CODES.contains(&code);
            tally.holds(assigned, || unmet(EXPECTED, error_code::describe(code), vec![record.seq]).at(place));
        }
    }
}

/// Every `err_code` that says that something failed. `owner` is the field whose message `value` is.
fn collect(value: &Value, owner: &str, place: &str, codes: &mut Vec<(String, u32)>) {
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                collect(item, owner, &format!("{place}[{index}]"), codes);
            }
        }
        Value::Object(fields) => {
            for (name, inner) in fields {
                let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
                match inner.as_u64().and_then(|code| u32::try_from(code).ok()) {
                    Some(0) if matches!(owner, "req_path_results" | "req_obj_results") => {}
                    Some(code) if name == "err_code" => codes.push((place, code)),
                    _ => collect(inner, name, &place, codes),
                }
            }
        }
        _ => {}
    }
}
