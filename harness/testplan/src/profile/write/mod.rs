//! A profile as a file for people: every value with the reason why it stands there.
//!
//! One decision behind it: what a device said is written as a quoted text or inside a comment and nowhere else, so that the file loads to
//! what was found, whatever that was.

mod mtp;
mod text;

use super::{ANY, Mtp, Timing, raw};
use crate::survey::{Choices, ElementChoice, FeatureChoice, Standing, Survey};
use regex::Regex;
use text::{comment, line, put, quoted, short};

/// What a profile is written from.
#[derive(Debug, Clone, Copy)]
pub struct Draft<'a> {
    /// The name of the device, when a person has given one.
    pub name: Option<&'a str>,
    /// The device's Endpoint ID, when a person has given it.
    pub eut_endpoint_id: Option<&'a str>,
    /// The Endpoint ID of the Controller that uspec plays.
    pub controller_endpoint_id: &'a str,
    /// The one of the second Controller.
    pub second_endpoint_id: &'a str,
    /// The MTP. Its files are written as they are here: relative to the profile, or absolute.
    pub mtp: &'a Mtp,
    /// What the device showed, and what was chosen from it; `None` when it has not been met.
    pub met: Option<(&'a Survey, &'a Choices)>,
}

impl Draft<'_> {
    /// The file's text.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        self.endpoints(&mut out);
        mtp::section(&mut out, self.mtp);
        if let Some((survey, choices)) = self.met {
            versions(&mut out, survey);
            features(&mut out, choices);
            elements(&mut out, choices);
        } else {
            comment(&mut out, 0, "TP-469's features are read from the device at each run.");
            out.push_str("features: auto\n");
        }
        control(&mut out, self.met.map(|(_, choices)| choices));
        timing(&mut out);
        out
    }

    /// The device's name: as given, or model and version, or its Endpoint ID.
    pub fn device_name(&self) -> String {
        let device = self.met.map(|(survey, _)| survey.device.clone()).unwrap_or_default();
        let said = |it: &Option<String>| it.clone().filter(|part| !part.trim().is_empty());
        let version = said(&device.software_version).or_else(|| said(&device.agent_version));
        let told = said(&device.model_name).into_iter().chain(version).collect::<Vec<_>>().join(" ");
        let told = Some(told).filter(|it| !it.is_empty());
        let id = self.met.and_then(|(survey, _)| survey.endpoint_id.clone()).filter(|id| !id.is_empty());
        let given = self.name.filter(|name| !name.is_empty()).map(str::to_owned);
        short(&given.or(told).or(id).unwrap_or_else(|| "My device".to_owned()))
    }

    /// The device's Endpoint ID as it is written; `None` for `any`.
    pub fn endpoint_id(&self) -> Option<&str> {
        let found = self.met.and_then(|(survey, _)| survey.endpoint_id.as_deref());
        found.filter(|id| can_stand(id)).or(self.eut_endpoint_id)
    }

    fn head(&self, out: &mut String) {
        match self.met {
            None => comment(
                out,
                0,
                "Written by `uspec init` before the device has connected: it says nothing of the device yet.",
            ),
            Some((survey, choices)) => {
                let what = "Written by `uspec init` from what the device showed. Look through it: comments say why each value is here, \
                    and what to check. `uspec check FILE` tells what is wrong with it, `uspec run --eut FILE --dry-run` what would run.";
                comment(out, 0, what);
                for (name, value) in [
                    ("Manufacturer", &survey.device.manufacturer),
                    ("ModelName", &survey.device.model_name),
                    ("HardwareVersion", &survey.device.hardware_version),
                    ("SoftwareVersion", &survey.device.software_version),
                    ("SoftwareVersion of the Agent", &survey.device.agent_version),
                ] {
                    if let Some(value) = value.as_ref().filter(|it| !it.is_empty()) {
                        comment(out, 0, &format!("{name}: {}", short(value)));
                    }
                }
                for missing in &survey.missing {
                    comment(out, 0, &format!("MISSING: {missing}"));
                }
                for contradiction in &choices.contradictions {
                    comment(out, 0, &format!("CONTRADICTION: {contradiction}"));
                }
            }
        }
        out.push_str("format: 1\n");
        comment(out, 0, "The device's name in reports.");
        put(out, format_args!("name: {}", quoted(&self.device_name())));
    }

    fn endpoints(&self, out: &mut String) {
        out.push_str("eut:\n");
        let found = self.met.and_then(|(survey, _)| survey.endpoint_id.as_deref());
        match found {
            Some(id) if can_stand(id) => comment(out, 2, "The Agent's Endpoint ID, as it came when it connected."),
            Some(id) => comment(out, 2, &format!("It gave this as its Endpoint ID, which is none: {}", short(id))),
            None if self.eut_endpoint_id.is_some() => {
                comment(out, 2, "The Agent's Endpoint ID, as it was given to init.");
            }
            None => comment(out, 2, "The Agent's Endpoint ID is learnt when it connects."),
        }
        put(out, format_args!("  endpoint_id: {}", quoted(self.endpoint_id().unwrap_or(ANY))));
        out.push_str("controller:\n");
        let ours = "The one that uspec uses. The device must have it in Device.LocalAgent.Controller.{i}., with every permission.";
        comment(out, 2, ours);
        put(out, format_args!("  endpoint_id: {}", quoted(self.controller_endpoint_id)));
        comment(out, 2, "The one of a second Controller, which the cases make known to the device themselves.");
        put(out, format_args!("  second: {}", quoted(self.second_endpoint_id)));
    }
}

/// Whether the text can stand where a profile has an Endpoint ID.
fn can_stand(id: &str) -> bool {
    // The form that a profile's own schema asks for; `any` would mean another.
    id != ANY && Regex::new(raw::ENDPOINT_ID).is_ok_and(|form| form.is_match(id)) && id.chars().count() <= LONGEST_ID
}

/// Longer than any Endpoint ID may be (R-ARC.6): 50 characters each for its parts, and the scheme.
const LONGEST_ID: usize = 256;

fn versions(out: &mut String, survey: &Survey) {
    let form = Regex::new("^[0-9]+\\.[0-9]+$");
    let good =
        |it: &&String| form.as_ref().is_ok_and(|form| form.is_match(it)) && it.chars().count() <= LONGEST_VERSION;
    let (good, bad): (Vec<_>, Vec<_>) = survey.usp_versions.iter().partition(good);
    for bad in bad {
        comment(out, 0, &format!("GetSupportedProtocol also names this, which is no version: {}", short(bad)));
    }
    if good.is_empty() {
        comment(out, 0, "The device has named no USP version: it is asked again at each run.");
        return;
    }
    let why = "What it named in GetSupportedProtocol. Add what its vendor claims beyond that; without this line it is asked at each run.";
    comment(out, 0, why);
    let list: Vec<_> = good.into_iter().map(|version| quoted(version)).collect();
    put(out, format_args!("usp_versions: [{}]", list.join(", ")));
}

/// No version of USP has as many characters.
const LONGEST_VERSION: usize = 20;

fn features(out: &mut String, choices: &Choices) {
    let (has, has_not): (Vec<_>, Vec<_>) = choices.features.iter().partition(|it| it.has == Some(true));
    if choices.features_whole {
        comment(
            out,
            0,
            "TP-469's feature IDs, found by GetSupportedDM and held against GetInstances. A case for a feature that is not here does not run.",
        );
        out.push_str(if has.is_empty() { "features: []\n" } else { "features:\n" });
    } else {
        comment(
            out,
            0,
            "The device has not shown its whole data model: what was seen is claimed, and the rest is asked for again at each run.",
        );
        out.push_str("features:\n  auto: true\n");
        out.push_str(if has.is_empty() { "  claim: []\n" } else { "  claim:\n" });
    }
    let indent = if choices.features_whole { 2 } else { 4 };
    for it in &has {
        feature(out, indent, it);
        put(out, format_args!("{:indent$}- {}", "", it.id));
    }
    comment(out, indent, "Not in:");
    for it in &has_not {
        feature(out, indent, it);
        comment(out, indent, &format!("- {}", it.id));
    }
}

fn feature(out: &mut String, indent: usize, it: &FeatureChoice) {
    comment(out, indent, &format!("{}, {}: {}", it.id, it.name, it.reason));
}

fn elements(out: &mut String, choices: &Choices) {
    comment(
        out,
        0,
        "Elements that TP-469 names, and what this device has in their place; every one that is used is listed in every report.",
    );
    let any = choices.elements.iter().any(|it| !it.chosen.is_empty());
    out.push_str(if any { "elements:\n" } else { "# elements:\n" });
    for it in &choices.elements {
        element(out, it);
    }
}

fn element(out: &mut String, it: &ElementChoice) {
    let about = it.names.first().copied().unwrap_or_default();
    let said = match it.standing {
        Standing::Plans => "the plan's own",
        Standing::Replaced => "another one",
        Standing::Proposed => "nothing that is chosen unseen",
        Standing::Nothing => "nothing",
        Standing::Unknown => "not known",
    };
    comment(out, 2, &format!("{about}: {said}: {}", it.reason));
    if let Some(check) = &it.check {
        comment(out, 2, &format!("To check: {check}."));
    }
    if let Some(cases) = cases(it) {
        comment(out, 2, &cases);
    }
    for (name, value) in &it.chosen {
        put(out, format_args!("  {name}: {}", quoted(value)));
    }
    for (name, value) in &it.proposed {
        put(out, format_args!("  # {name}: {}", line(&quoted(value))));
    }
    if it.standing == Standing::Nothing {
        let names: Vec<_> = it.names.iter().map(|name| format!("{name}: ...")).collect();
        comment(out, 2, &names.join(", "));
    }
}

/// What becomes of the cases that use the elements.
fn cases(it: &ElementChoice) -> Option<String> {
    let list = |ids: &[crate::case::CaseId]| ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let used = (!it.used_by.is_empty()).then(|| match it.standing {
        Standing::Plans | Standing::Replaced | Standing::Unknown => format!("Used by {}.", list(&it.used_by)),
        Standing::Proposed | Standing::Nothing => format!("As it is, these cases cannot pass: {}.", list(&it.used_by)),
    });
    let not = (!it.not_applicable.is_empty())
        .then(|| format!("Not applicable, for want of a feature: {}.", list(&it.not_applicable)));
    let both: Vec<_> = used.into_iter().chain(not).collect();
    (!both.is_empty()).then(|| both.join(" "))
}

fn control(out: &mut String, choices: Option<&Choices>) {
    comment(out, 0, "How the device is controlled: by a USP command, or by a program of this computer.");
    out.push_str("control:\n");
    let reboot = match choices.and_then(|it| it.reboot) {
        Some(true) => "GetSupportedDM shows Device.Reboot().",
        Some(false) => {
            "GetSupportedDM does not show Device.Reboot(): give a program as for power_cycle, or the cases that reboot cannot pass."
        }
        None => "Whether the device has Device.Reboot() is not known.",
    };
    comment(out, 2, reboot);
    out.push_str("  reboot: usp\n");
    if choices.and_then(|it| it.factory_reset) == Some(true) {
        comment(
            out,
            2,
            "GetSupportedDM shows Device.FactoryReset(); it also takes away what lets the device connect to uspec.",
        );
        comment(out, 2, "factory_reset: usp");
    }
    comment(out, 2, "power_cycle: {program: [./power.sh, cycle], within: 60s}");
}

fn timing(out: &mut String) {
    let Timing { response, connect, boot, silence, tolerance, pace } = Timing::default();
    comment(out, 0, "How long things take. These are the defaults.");
    out.push_str("timing:\n");
    for (name, time, meaning) in [
        ("response", response, "the longest that a Response may take"),
        ("connect", connect, "the longest that the device may take to connect"),
        ("boot", boot, "the longest that it may take to be back after a reboot"),
        ("silence", silence, "how long nothing must come before it counts as absent"),
        ("tolerance", tolerance, "by how much its clock may differ from the times that it promises"),
        ("pace", pace, "a pause before each Request, for devices that lose wake-ups"),
    ] {
        put(out, format_args!("  {:<15} # {meaning}", format!("{name}: {}s", time.as_secs())));
    }
}
