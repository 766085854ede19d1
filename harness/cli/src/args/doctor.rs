//! Arguments of `uspec doctor`.

use super::Format;
use clap::Args;
use std::{collections::BTreeMap, path::PathBuf, time::Duration};
use uspec_testplan::case::Lapse;

/// Arguments of `uspec doctor`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  uspec doctor --eut my-device.yaml                    every MTP of the profile, one after the other
  uspec doctor --eut my-device.yaml --mtp mqtt5        this one alone
  uspec doctor --eut my-device.yaml --timeout 5m       for a device that takes its time
  uspec doctor --eut my-device.yaml --format json      for programs, when all is done

Each MTP is brought up step by step, to the first that is broken: what was expected, what came, and what to change on which side.

Exit codes:
  0    everything is in order
  1    a step is broken, over at least one MTP: the device, the profile or the bench
  2    nothing was examined: wrong usage, or a profile that cannot be read
  130  interrupted")]
pub struct DoctorArgs {
    /// The EUT profile.
    #[arg(long, value_name = "FILE", env = "USPEC_EUT")]
    pub eut: PathBuf,
    /// Only over this MTP of the profile, by its name; `all` for every one, as without the option.
    #[arg(long, value_name = "NAME")]
    pub mtp: Vec<String>,
    /// How long an EUT that connects is waited for, over each MTP.
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = duration)]
    pub timeout: Duration,
    /// How it is written.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// A length of time as profiles write it.
fn duration(text: &str) -> Result<Duration, String> {
    let lapse = Lapse::Template(text.to_owned()).resolve(&BTreeMap::new());
    lapse.map_err(|_| "a duration up to an hour was expected, such as 500ms, 60s or 5m".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("60s", Some(60))]
    #[case("5m", Some(300))]
    #[case("60", None)]
    #[case("2h", None)]
    #[case("{{x}}s", None)]
    fn durations_have_a_unit(#[case] text: &str, #[case] seconds: Option<u64>) {
        assert_eq!(duration(text).ok(), seconds.map(Duration::from_secs));
    }
}
