//! The HTML report in headless Chromium: what a person would see after the page's own script has run. Ignored where Chromium is not asked for:
//! `cargo test -p uspec --test report_in_chromium -- --ignored`.
#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may stop on the first surprise")]

use std::{
    path::{Path, PathBuf},
    process::Command,
};

/// What Debian calls it, with nothing that looks for a network.
fn chromium(url: &str, profile: &Path) -> (String, String) {
    let output = Command::new("chromium")
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"])
        .args(["--disable-background-networking", "--disable-component-update", "--enable-logging=stderr"])
        // Chromium asks its vendor for the time and the like by itself; nothing but this computer is to be asked.
        .arg("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1")
        .args(["--window-size=1300,1800", "--virtual-time-budget=8000", "--dump-dom"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    (String::from_utf8_lossy(&output.stdout).into_owned(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A report of the bundled Agent with a fault, and where it stands.
fn report(folder: &Path) -> PathBuf {
    let run = Command::new(env!("CARGO_BIN_EXE_uspec"))
        .args(["run", "1.1", "1.3", "--mtp", "mqtt5", "--fault", "add-omits-unique-keys", "--quiet", "--out"])
        .arg(folder)
        .output()
        .unwrap();
    assert_eq!(run.status.code(), Some(1), "{}", String::from_utf8_lossy(&run.stderr));
    folder.join("report.html")
}

/// The page at a fragment of its address; its script ran without a complaint.
fn page(report: &Path, fragment: &str, folder: &Path) -> String {
    let url = format!("file://{}#{fragment}", report.display());
    let (page, log) = chromium(&url, &folder.join(format!("profile-{}", fragment.len())));
    assert!(!log.contains("CONSOLE") && !log.contains("Content Security Policy"), "{fragment}: {log}");
    page
}

#[test]
#[ignore = "needs Debian's chromium"]
fn filters_ladder_and_inspector_work() {
    let folder = tempfile::tempdir().unwrap();
    let report = report(&folder.path().join("out"));

    let filtered = page(&report, "verdict=fail&mtp=mqtt5", folder.path());
    assert!(filtered.contains(" results</span>"), "the script did not run");
    assert!(filtered.contains(">1 of "), "one result has failed over this MTP");
    assert_eq!(filtered.matches("<svg role=\"group\"").count(), 1, "only what is in view is drawn");
    assert!(filtered.contains("✗ finding"), "the arrow of the finding is marked");

    let event = filtered.split("data-events=\"").nth(1).and_then(|rest| rest.split(['"', ' ']).next()).unwrap();
    let opened = page(&report, &format!("1.1-mqtt5/{event}"), folder.path());
    let inspector = opened.split("class=\"inspector\"").nth(1).unwrap_or_else(|| panic!("nothing is opened"));
    let inspector = inspector.split("</div>").next().unwrap();
    for part in
        ["Event ", "2: unmet", "Record and Message", "created_obj_results", "PUBLISH, its fields", " octets</summary>"]
    {
        assert!(inspector.contains(part), "{part} is missing in {inspector}");
    }
    assert!(!inspector.starts_with(" hidden"), "it is to be seen");
}

/// A page whose values come from an EUT that sends markup: it stays text.
#[test]
#[ignore = "needs Debian's chromium"]
fn what_a_hostile_eut_sends_stays_text() {
    let folder = tempfile::tempdir().unwrap();
    let sample = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../reports/samples/hostile/report.html");
    let page = page(&sample.canonicalize().unwrap(), "", folder.path());
    assert_eq!(page.matches("<script").count(), 1, "only the page's own script");
    assert!(page.contains("&lt;script&gt;"), "the sample's markup is shown");
}
