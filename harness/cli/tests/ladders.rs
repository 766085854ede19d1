//! The ladders of a real run: every Record has the frames that carried it, and every frame exactly its own octets, over each MTP.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "a test may stop on the first surprise")]

mod page;

use serde_json::Value;
use std::{fs, process::Command};

/// The ladders of a page, in the order of its results.
fn ladders(page: &str) -> Vec<Value> {
    let ladder = |detail: String| serde_json::from_str::<Value>(&detail).unwrap()["ladder"].take();
    page::details(page).into_iter().map(ladder).collect()
}

#[test]
fn records_have_their_frames_and_frames_their_octets() {
    let out = tempfile::tempdir().unwrap();
    // 1.1 needs one Controller, 1.78 two of them; 1.52 has several packets in one read.
    let run = Command::new(env!("CARGO_BIN_EXE_uspec"))
        .args(["run", "1.1", "1.52", "1.78", "--quiet", "--no-captures", "--out"])
        .arg(out.path())
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(0), "{}", String::from_utf8_lossy(&run.stderr));
    let ladders = ladders(&fs::read_to_string(out.path().join("report.html")).unwrap());
    assert!(ladders.len() > 30, "three cases over twelve MTPs, where they apply: {}", ladders.len());
    let (mut records, mut second) = (0, 0);
    for ladder in &ladders {
        let arrows = ladder["items"].as_array().unwrap().iter().filter(|item| item["type"] == "arrow");
        for arrow in arrows {
            let frames = arrow["frames"].as_array().unwrap();
            assert!(!frames.is_empty(), "{}: {arrow}", ladder["mtp"]);
            assert!(frames.iter().all(|frame| frame["wire"]["around"].is_object()), "{}: {arrow}", ladder["mtp"]);
            records += usize::from(!arrow["record"].is_null());
            second += usize::from(arrow["second"] == true);
        }
    }
    assert!(records > 500 && second > 50, "{records} Records, {second} arrows of the second Controller");
}
