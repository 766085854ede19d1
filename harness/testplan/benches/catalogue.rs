//! Reading and checking the whole catalogue, against parsing the same YAML alone.

use std::path::{Path, PathBuf};

use divan::Bencher;
use uspec_testplan::catalogue::{Catalogue, Source};

fn main() {
    divan::main();
}

/// Parse, check and lower every case, with everything that the cases refer to.
#[divan::bench]
fn read_and_check(bencher: Bencher) {
    bencher.bench(|| Catalogue::read(&Source::Embedded));
}

/// Only parse: the floor, by the serde front end of the same parser, into values without places.
#[divan::bench]
fn parse_alone(bencher: Bencher) {
    let mut texts = Vec::new();
    collect(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testcases"), &mut texts);
    bencher.bench(|| {
        let values: Vec<serde_json::Value> = texts.iter().filter_map(|text| serde_yaml::from_str(text).ok()).collect();
        assert_eq!(values.len(), texts.len());
        values
    });
}

fn collect(folder: &PathBuf, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(&path, texts);
        } else if path.extension().is_some_and(|extension| extension == "yaml") {
            texts.extend(std::fs::read_to_string(path));
        }
    }
}
