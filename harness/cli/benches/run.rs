//! The in-memory run of the whole catalogue against the bundled Agent: over all of its MTPs, over each of them, and of one case over one.
//! `cargo bench -p uspec`.

use uspec_cli::{
    bundled::{Bundled, MTPS, Where},
    load,
};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    selection::Selection,
};

fn main() {
    divan::main();
}

/// Runs what is selected, with a fresh Agent.
fn judge(bencher: divan::Bencher<'_, '_>, selection: &Selection) {
    let (Ok(catalogue), Ok(profile)) = (Catalogue::load(&Source::Embedded), load::profile(None)) else { return };
    bencher.bench_local(|| {
        Bundled::new(&profile, &[], Where::Memory).and_then(|agent| agent.judge(&catalogue, selection, &mut |_| None))
    });
}

#[divan::bench(sample_count = 5, sample_size = 1)]
fn whole_catalogue(bencher: divan::Bencher<'_, '_>) {
    judge(bencher, &Selection::all());
}

#[divan::bench(args = MTPS, sample_count = 5, sample_size = 1)]
fn whole_catalogue_over(bencher: divan::Bencher<'_, '_>, mtp: &str) {
    judge(bencher, &Selection::all().mtp(mtp));
}

#[divan::bench(sample_count = 20, sample_size = 1)]
fn one_case(bencher: divan::Bencher<'_, '_>) {
    if let Ok(selection) = Selection::all().id("1.1") {
        judge(bencher, &selection.mtp("websocket"));
    }
}
