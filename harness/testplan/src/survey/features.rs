//! Which of TP-469's features the device has, and by what that is known.
//!
//! One decision behind it: GetSupportedDM decides, GetInstances is held against it. Where the two disagree, or a table that a feature
//! needs is empty, the reason says so, and a person decides.

use super::Ground;
use crate::{
    features::{Feature, FeatureStatus, Features, Sight},
    model::is_creatable,
    profile::Mtp,
};

/// The feature of a device whose MTP runs over TLS.
const TLS_BELOW_THE_MTP: u16 = 15;

/// One feature, and what was found about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeatureChoice {
    /// TP-469's feature ID.
    pub id: u16,
    /// What it is.
    pub name: String,
    /// Whether the device has it; `None` when only its vendor can say, or it has not shown its data model.
    pub has: Option<bool>,
    /// By what that is known. May hold paths that the device gave.
    pub reason: String,
}

pub(super) fn choose(features: &Features, ground: &Ground<'_>, mtp: &Mtp) -> Vec<FeatureChoice> {
    let usable = features.iter().filter(|feature| feature.status != FeatureStatus::Removed);
    usable.map(|feature| one(feature, ground, mtp)).collect()
}

fn one(feature: &Feature, ground: &Ground<'_>, mtp: &Mtp) -> FeatureChoice {
    let (has, reason) = decide(feature, ground, mtp);
    FeatureChoice { id: feature.id, name: feature.name.clone(), has, reason }
}

fn decide(feature: &Feature, ground: &Ground<'_>, mtp: &Mtp) -> (Option<bool>, String) {
    if feature.id == TLS_BELOW_THE_MTP && mtp.transport.tls().is_some() {
        return (Some(true), format!("the MTP of this profile, {}, runs over TLS", mtp.name));
    }
    let model = (!ground.model.is_empty()).then_some(ground.model);
    let sight = model.map(|model| feature.sight(model));
    let words =
        sight.as_ref().map_or_else(|| "the device has not shown its data model".to_owned(), |it| say(it, ground));
    if let Some(kind) = &feature.over
        && kind != mtp.kind()
    {
        let has_not = format!("the profile has no {kind} MTP; {words}");
        return (Some(false), has_not);
    }
    if feature.mtp.is_some() {
        return (Some(true), format!("the MTP of this profile; {words}"));
    }
    if let Some(version) = &feature.version {
        let in_use = mtp.facts().version.as_ref() == Some(version);
        let said = if in_use { "the version in use" } else { "another version is in use" };
        return (Some(in_use), format!("{said}; {words}"));
    }
    match sight {
        None | Some(Sight::Silent | Sight::Possible(_)) => (None, words),
        Some(Sight::Shown(_)) => (Some(true), words),
        Some(Sight::NotShown(_)) => (Some(false), words),
    }
}

fn say(sight: &Sight, ground: &Ground<'_>) -> String {
    match sight {
        Sight::Silent => "no data model shows it, only the vendor can say".to_owned(),
        Sight::Possible(paths) => format!("GetSupportedDM shows {}", paths.join(", ")),
        Sight::Shown(paths) => format!("GetSupportedDM shows {}{}", paths.join(", "), rows_behind(paths, ground)),
        Sight::NotShown(paths) => {
            let tables = paths.iter().filter_map(|path| table_of(path));
            let mut there = tables.filter(|table| ground.model.object(table).is_none());
            let although = there.find_map(|table| ground.rows?.first(table));
            let although = although.map(|row| format!(", although GetInstances shows {row}")).unwrap_or_default();
            format!("GetSupportedDM does not show {}{although}", paths.join(" and "))
        }
    }
}

/// What GetInstances says about the tables that the paths stand in; nothing for paths outside of tables.
fn rows_behind(paths: &[String], ground: &Ground<'_>) -> String {
    let mut tables: Vec<_> = paths.iter().filter_map(|path| table_of(path)).collect();
    tables.sort_unstable();
    tables.dedup();
    let Some(rows) = ground.rows.filter(|_| !tables.is_empty()) else {
        return if tables.is_empty() { String::new() } else { "; its rows are not known".to_owned() };
    };
    let empty: Vec<_> = tables.iter().filter(|table| rows.count(table) == 0).copied().collect();
    if empty.is_empty() {
        let all: Vec<_> = tables
            .iter()
            .filter_map(|table| Some(format!("{} of {}", rows.count(table), rows.first(table).map(|_| *table)?)))
            .collect();
        return format!("; GetInstances shows rows: {}", all.join(", "));
    }
    let (can, cannot): (Vec<_>, Vec<_>) =
        empty.into_iter().partition(|table| ground.model.object(table).is_some_and(is_creatable));
    let can = (!can.is_empty()).then(|| format!("; no row of {} yet, but rows can be added", can.join(", ")));
    let cannot = (!cannot.is_empty()).then(|| {
        format!(
            "; to check: no row of {}, and none can be added by a Controller, so that its cases may not pass",
            cannot.join(", ")
        )
    });
    [can, cannot].into_iter().flatten().collect()
}

/// The innermost table that a path stands in.
fn table_of(path: &str) -> Option<&str> {
    path.get(..path.rfind("{i}.")? + "{i}.".len())
}
