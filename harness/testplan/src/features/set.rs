//! What is known about a device's features: claimed, seen, or not known yet.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use super::{Detect, Feature, FeatureStatus, Features};
use crate::profile::{EutProfile, FeaturePolicy};

/// For each feature ID whether the device has it; an ID that is not in it is not known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
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

    /// What the profile says and the device shows over an MTP of the kind `over`, with every contradiction. A claim of the profile counts,
    /// because it is the vendor's; the contradiction tells the reader whom not to believe. Whether another MTP is there is asked over that
    /// one: a device may show over each no more than what is in use there.
    pub fn with_device(
        profile: &EutProfile,
        features: &Features,
        detected: &BTreeMap<u16, bool>,
        over: &str,
    ) -> (Self, Vec<Contradiction>) {
        let mut set = Self::from_profile(profile, features);
        let mut found = Vec::new();
        if detected.is_empty() {
            found.push(Contradiction { kind: ContradictionKind::ShowsNothing, feature: None });
        }
        for feature in features.iter().filter(|it| it.status != FeatureStatus::Removed) {
            let seen = detected.get(&feature.id).copied();
            let said = *set.known.entry(feature.id).or_insert(seen.unwrap_or(false));
            let elsewhere = said && feature.over.as_ref().is_some_and(|mtp| mtp != over);
            let contradicts = seen.filter(|seen| *seen != said && !elsewhere);
            found.extend(contradicts.map(|_| Contradiction::of(profile, feature, said)));
        }
        (set, found)
    }
}

/// Something that the profile says and the device's GetSupportedDMResp does not, or the reverse.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contradiction {
    /// Which way round.
    pub kind: ContradictionKind,
    /// The feature that it is about; `None` when the device shows nothing at all.
    pub feature: Option<ContradictedFeature>,
}

/// A feature about which profile and device say different things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContradictedFeature {
    /// TP-469's feature ID.
    pub id: u16,
    /// What the feature is.
    pub name: String,
    /// The element of the data model that the device shows or does not show.
    pub element: String,
}

/// Which way round a contradiction is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContradictionKind {
    /// The profile says that the device has the feature, the device does not show it.
    ClaimedNotShown,
    /// The profile says that the device has it not, the device shows it.
    DeniedButShown,
    /// The device shows an MTP of this kind, the profile has none: what is judged is the profile's choice.
    NoMtp(String),
    /// The device shows nothing.
    ShowsNothing,
}

impl Contradiction {
    /// Whether the profile is wrong about the device, or silent where it cannot be: what a strict reading of it refuses.
    pub fn is_of_the_profile(&self) -> bool {
        match self.kind {
            ContradictionKind::ClaimedNotShown | ContradictionKind::DeniedButShown => true,
            ContradictionKind::NoMtp(_) | ContradictionKind::ShowsNothing => false,
        }
    }

    fn of(profile: &EutProfile, feature: &Feature, said: bool) -> Self {
        let element = match &feature.detect {
            Detect::Declared => feature.name.clone(),
            Detect::When(condition) | Detect::Needs(condition) => condition.describe(),
        };
        let kind = match (said, &feature.over) {
            (true, _) => ContradictionKind::ClaimedNotShown,
            (false, Some(kind)) if !profile.has_mtp(kind) => ContradictionKind::NoMtp(kind.clone()),
            (false, _) => ContradictionKind::DeniedButShown,
        };
        Self { kind, feature: Some(ContradictedFeature { id: feature.id, name: feature.name.clone(), element }) }
    }
}

/// Names both sides.
impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(ContradictedFeature { id, name, element }) = &self.feature else {
            return f.write_str(
                "the device's GetSupportedDMResp shows nothing: only the features that the profile claims count",
            );
        };
        write!(f, "feature {id} ({name}): ")?;
        let shows = format!("the device's GetSupportedDMResp shows {element}");
        match &self.kind {
            ContradictionKind::ClaimedNotShown => write!(
                f,
                "the profile says that the device has it, the device's GetSupportedDMResp does not show {element}; its cases run"
            ),
            ContradictionKind::NoMtp(kind) => write!(f, "{shows}, the profile has no {kind} MTP; its cases do not run"),
            ContradictionKind::DeniedButShown | ContradictionKind::ShowsNothing => {
                write!(f, "{shows}, the profile says that the device has it not; its cases do not run")
            }
        }
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
    let has_version = |version: &String| profile.mtps.iter().any(|mtp| mtp.facts().version.as_ref() == Some(version));
    match &profile.features {
        FeaturePolicy::List(ids) => Some(ids.contains(&id)),
        FeaturePolicy::Auto { deny, .. } if deny.contains(&id) => Some(false),
        FeaturePolicy::Auto { claim, .. } if claim.contains(&id) => Some(true),
        // The cases run over it: it is there.
        FeaturePolicy::Auto { .. } if feature.mtp.is_some() => Some(true),
        FeaturePolicy::Auto { .. } if feature.version.is_some() => {
            Some(feature.version.as_ref().is_some_and(has_version))
        }
        FeaturePolicy::Auto { .. } => match feature.detect {
            Detect::Declared | Detect::Needs(_) => Some(false),
            Detect::When(_) => None,
        },
    }
}
