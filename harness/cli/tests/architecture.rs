//! The crate graph has only the arrows that `harness/ARCHITECTURE.md` allows.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use std::{collections::BTreeSet, fs, path::Path};

/// The names in the sections of a Cargo.toml that make it depend on something when it is built for use.
fn dependencies(folder: &str) -> BTreeSet<String> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(folder).join("Cargo.toml");
    let text = fs::read_to_string(path).unwrap();
    let section = text.split("\n[").find(|section| section.starts_with("dependencies]")).unwrap();
    let lines = section.lines().skip(1).filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split(['.', ' ', '=']).next())
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

#[rstest]
#[case("usp", &[])]
#[case("mtp", &["usp"])]
#[case("testplan", &["usp"])]
#[case("runner", &["testplan", "mtp", "usp"])]
#[case("report", &["testplan"])]
#[case("agent", &["mtp", "usp"])]
fn a_crate_uses_only_what_it_may(#[case] folder: &str, #[case] allowed: &[&str]) {
    let ours: BTreeSet<String> =
        dependencies(folder).into_iter().filter_map(|name| name.strip_prefix("uspec-").map(str::to_owned)).collect();
    let allowed: BTreeSet<String> = allowed.iter().map(|name| (*name).to_owned()).collect();
    assert!(ours.is_subset(&allowed), "{folder} uses {ours:?}, and may use {allowed:?}");
}

#[rstest]
#[case("usp")]
#[case("testplan")]
#[case("report")]
fn what_is_pure_has_no_runtime(#[case] folder: &str) {
    let all = dependencies(folder);
    for runtime in ["tokio", "tokio-util", "tokio-rustls", "futures-util"] {
        assert!(!all.contains(runtime), "{folder} is pure and depends on {runtime}");
    }
}
