//! What is known about a device's features: claimed, seen, or not known yet.

use std::collections::BTreeMap;

use super::{Detect, Feature, FeatureStatus, Features};
use crate::profile::{EutProfile, FeaturePolicy};

/// For each feature ID whether the device has it; an ID that is not in it is not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FeatureSet {
    known: BTreeMap<u16, bool>,
}

impl FeatureSet {
    /// Whether the device has the feature; `None` when that is not known yet.
    pub fn has(&self, id: u16) -> Option<bool> {
        self.known.get(&id).copied()
    }

    /// The IDs of the features that the device has.
    pub fn supported(&self) -> Vec<u16> {
        self.known.iter().filter(|(_, has)| **has).map(|(id, _)| *id).collect()
    }

    /// What the profile alone says. With `features: auto`, what the device can show is not known yet.
    pub fn from_profile(profile: &EutProfile, features: &Features) -> Self {
        let known = features.iter().filter_map(|feature| Some((feature.id, from_profile(profile, feature)?)));
        Self { known: known.collect() }
    }

    /// What the profile says and the device shows, with a warning for each contradiction. A claim of the profile counts, because
    /// it is the vendor's; the warning tells the reader whom not to believe.
    pub fn with_device(
        profile: &EutProfile,
        features: &Features,
        detected: &BTreeMap<u16, bool>,
    ) -> (Self, Vec<String>) {
        let mut set = Self::from_profile(profile, features);
        let mut warnings = Vec::new();
        if detected.is_empty() {
            warnings.push(
                "the device's GetSupportedDMResp shows nothing: only the features that the profile claims count"
                    .to_owned(),
            );
        }
        for feature in features.iter().filter(|it| it.status != FeatureStatus::Removed) {
            let seen = detected.get(&feature.id).copied();
            let said = *set.known.entry(feature.id).or_insert(seen.unwrap_or(false));
            warnings.extend(seen.filter(|seen| *seen != said).map(|_| contradiction(profile, feature, said)));
        }
        (set, warnings)
    }
}

fn from_profile(profile: &EutProfile, feature: &Feature) -> Option<bool> {
    let id = feature.id;
    if feature.status == FeatureStatus::Removed {
        return Some(false);
    }
    if let Some(kind) = &feature.over
        && !profile.has_mtp(kind)
    {
        return Some(false);
    }
    match &profile.features {
        FeaturePolicy::List(ids) => Some(ids.contains(&id)),
        FeaturePolicy::Auto { deny, .. } if deny.contains(&id) => Some(false),
        FeaturePolicy::Auto { claim, .. } if claim.contains(&id) => Some(true),
        // The cases run over it: it is there.
        FeaturePolicy::Auto { .. } if feature.mtp.is_some() => Some(true),
        FeaturePolicy::Auto { .. } => match feature.detect {
            Detect::Declared | Detect::Needs(_) => Some(false),
            Detect::When(_) => None,
        },
    }
}

/// Names both sides.
fn contradiction(profile: &EutProfile, feature: &Feature, said: bool) -> String {
    let Feature { id, name, over, .. } = feature;
    match (said, over) {
        (true, _) => format!(
            "feature {id} ({name}): the profile says that the device has it, the device's GetSupportedDMResp does not show it; its cases run"
        ),
        (false, Some(kind)) if !profile.has_mtp(kind) => format!(
            "feature {id} ({name}): the device's GetSupportedDMResp shows it, the profile has no {kind} MTP; its cases do not run"
        ),
        (false, _) => format!(
            "feature {id} ({name}): the device's GetSupportedDMResp shows it, the profile says that the device has it not; its cases do not run"
        ),
    }
}
