//! `uspec doctor`: what is wrong when a device does not come up.

mod text;

use crate::{
    args::{DoctorArgs, Format},
    campaign::HARNESS,
    outcome::{Error, Exit, tell},
};
use serde_json::json;
use std::{path::Path, sync::Arc};
use uspec_mtp::network::RealNetwork;
use uspec_runner::{
    SessionConfig, TlsSupply,
    doctor::{Examination, examine},
};
use uspec_testplan::profile::{EutProfile, Mtp};

/// The version of the JSON that is written.
const FORMAT: u32 = 1;

/// The word for every MTP of the profile.
const ALL_MTPS: &str = "all";

/// Runs the command.
///
/// # Errors
/// A profile that cannot be read, an MTP that it does not have, or a certificate that is not there.
pub fn run(args: &DoctorArgs) -> Result<Exit, Error> {
    let profile = EutProfile::load(&args.eut)?;
    let configs = configs(&profile, &args.mtp)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|cause| Error::new("the runtime cannot be started", &cause))?;
    let examinations = runtime.block_on(async {
        tokio::select! {
            examinations = examine_all(args, configs) => Some(examinations),
            _ = tokio::signal::ctrl_c() => None,
        }
    });
    let Some(examinations) = examinations else { return Ok(Exit::Interrupted) };
    match args.format {
        Format::Text => tell(&text::conclusion(&examinations, &args.eut)),
        Format::Json => tell(&json(&examinations, &args.eut)?),
    }
    Ok(if examinations.iter().all(Examination::is_good) { Exit::Good } else { Exit::Failed })
}

/// Everything that can be wrong with the profile's files comes back before anything is examined.
fn configs(profile: &EutProfile, names: &[String]) -> Result<Vec<SessionConfig>, Error> {
    let known = |name: &String| name == ALL_MTPS || profile.mtps.iter().any(|mtp| mtp.name == *name);
    let strange: Vec<_> = names.iter().filter(|name| !known(name)).map(|name| format!("`{name}`")).collect();
    if !strange.is_empty() {
        let there: Vec<_> = profile.mtps.iter().map(|mtp| format!("`{}`", mtp.name)).collect();
        return Err(Error::Message(format!(
            "error: the profile has no MTP named {}; it has {}",
            strange.join(", "),
            there.join(", ")
        )));
    }
    let wanted = |mtp: &&Mtp| names.is_empty() || names.iter().any(|name| *name == mtp.name || name == ALL_MTPS);
    let config = |mtp: &Mtp| {
        SessionConfig::from_profile(profile, mtp, &TlsSupply::default(), "", HARNESS)
            .map_err(|cause| Error::new(&mtp.name, &cause))
    };
    profile.mtps.iter().filter(wanted).map(config).collect()
}

async fn examine_all(args: &DoctorArgs, configs: Vec<SessionConfig>) -> Vec<Examination> {
    let mut examinations = Vec::new();
    for config in configs {
        let aloud = args.format == Format::Text;
        if aloud {
            tell(&format!("{}:\n", config.mtp_name));
        }
        let mut say = |progress: uspec_runner::doctor::Progress<'_>| {
            if aloud {
                tell(&text::progress(&progress));
            }
        };
        let examination = Box::pin(examine(config, Arc::new(RealNetwork), args.timeout, &mut say)).await;
        if aloud {
            tell(&text::rest(&examination));
        }
        examinations.push(examination);
    }
    examinations
}

fn json(examinations: &[Examination], file: &Path) -> Result<String, Error> {
    let in_order = examinations.iter().all(Examination::is_good);
    let all = json!({"format": FORMAT, "eut": file.display().to_string(), "in_order": in_order, "mtps": examinations});
    let text =
        serde_json::to_string_pretty(&all).map_err(|cause| Error::new("the report cannot be written", &cause))?;
    Ok(text + "\n")
}
