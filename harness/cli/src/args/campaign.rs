//! How a run is divided, continued and repeated.

use clap::Args;
use uspec_testplan::shard::Shard;

/// In the place of a shard's index: that of a Kubernetes indexed Job.
const KUBERNETES: &str = "k8s";

/// Where Kubernetes puts it, from 0.
const COMPLETION_INDEX: &str = "JOB_COMPLETION_INDEX";

/// How a run is divided, continued and repeated.
#[derive(Debug, Clone, Default, Args)]
pub struct CampaignArgs {
    /// How many EUTs are judged at the same time, when there are several; all by default.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// Run this share only, such as 2/5: the second of five. `k8s/5` takes its place from JOB_COMPLETION_INDEX, which counts from 0.
    #[arg(long, value_name = "I/N", env = "USPEC_SHARD", value_parser = shard)]
    pub shard: Option<Shard>,
    /// Go on with the run that was interrupted in the folder of --out; begin when there is none.
    #[arg(long)]
    pub resume: bool,
    /// Replace a run that was interrupted in the folder of --out.
    #[arg(long, conflicts_with = "resume")]
    pub overwrite: bool,
    /// Repeat a case that does not pass, up to N times, after the other cases over its MTP. One that passes then is flaky.
    #[arg(long, value_name = "N", num_args = 0..=1, require_equals = true, default_missing_value = "1", default_value = "0", hide_default_value = true, value_parser = clap::value_parser!(u16).range(..=MOST_REPEATS))]
    pub rerun_failed: u16,
    /// Exit with 0 when nothing is worse than flaky, instead of 3.
    #[arg(long)]
    pub allow_flaky: bool,
}

/// Who repeats more often looks for a fault, and `uspec run CASE` does that.
const MOST_REPEATS: i64 = 100;

/// Reads a shard.
fn shard(text: &str) -> Result<Shard, String> {
    let index = || std::env::var(COMPLETION_INDEX).ok();
    shard_with(text, index)
}

fn shard_with(text: &str, completion_index: impl FnOnce() -> Option<String>) -> Result<Shard, String> {
    let Some((KUBERNETES, of)) = text.split_once('/') else {
        return text.parse().map_err(|error: uspec_testplan::shard::ShardError| error.to_string());
    };
    let index = completion_index().ok_or_else(|| format!("{COMPLETION_INDEX} is not set: this is no indexed Job"))?;
    let wrong = || format!("{COMPLETION_INDEX} is `{index}`, which is none of {of} shards (it counts from 0)");
    let from_1 = index.parse::<u16>().ok().and_then(|index| index.checked_add(1));
    let shard = from_1.zip(of.parse().ok()).and_then(|(index, of)| Shard::new(index, of));
    shard.ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test may abort")]

    use super::*;

    #[test]
    fn kubernetes_counts_from_0() {
        let shard = |text: &str, index: Option<&str>| shard_with(text, || index.map(str::to_owned));
        assert_eq!(shard("k8s/5", Some("0")).unwrap(), Shard::new(1, 5).unwrap());
        assert_eq!(shard("k8s/5", Some("4")).unwrap(), Shard::new(5, 5).unwrap());
        assert_eq!(shard("2/5", Some("4")).unwrap(), Shard::new(2, 5).unwrap());
        for (text, index) in [("k8s/5", Some("5")), ("k8s/5", None), ("k8s/5", Some("x")), ("k8s/x", Some("0"))] {
            let error = shard(text, index).unwrap_err();
            assert!(error.contains(COMPLETION_INDEX), "{error}");
        }
    }
}
