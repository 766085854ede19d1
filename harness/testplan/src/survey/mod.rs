//! What a device showed of itself before anybody had written its profile, and what is chosen from that.
//!
//! One decision behind it: finding out is the runner's, choosing is here and pure. A choice always carries its reason, and what could not
//! be found out is said, so that a strange device gets a profile that a person can finish.

mod agent_side;
mod elements;
mod features;
mod rows;

use std::collections::BTreeSet;

use uspec_usp::msg::GetSupportedDmResp;

use crate::{catalogue::Catalogue, model::DataModel, profile::Mtp};
pub use agent_side::{AgentSide, agent_side};
pub use elements::{ElementChoice, Standing};
pub use features::FeatureChoice;
use rows::Rows;

/// What a device showed of itself.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Survey {
    /// The Endpoint ID as it came in its handshake or its first Record.
    pub endpoint_id: Option<String>,
    /// USP versions that it named in GetSupportedProtocol.
    pub usp_versions: Vec<String>,
    /// What `Device.DeviceInfo.` says.
    pub device: Device,
    /// Its supported data model: one Response, or what several added up to.
    pub supported: Option<GetSupportedDmResp>,
    /// Whether that is the whole model, as far as the device says.
    pub supported_whole: bool,
    /// The paths of the objects that GetInstances showed; `None` when it showed nothing.
    pub instances: Option<BTreeSet<String>>,
    /// What could not be found out: one sentence each. May hold what the device said.
    pub missing: Vec<String>,
}

/// What the device says that it is: `Device.DeviceInfo.`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Device {
    /// `Manufacturer`.
    pub manufacturer: Option<String>,
    /// `ModelName`.
    pub model_name: Option<String>,
    /// `HardwareVersion`.
    pub hardware_version: Option<String>,
    /// `SoftwareVersion`.
    pub software_version: Option<String>,
    /// `Device.LocalAgent.SoftwareVersion`.
    pub agent_version: Option<String>,
}

/// What is chosen for the profile.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Choices {
    /// One entry for each feature ID that the plan still knows, by number.
    pub features: Vec<FeatureChoice>,
    /// Whether the list of features can stand alone. Otherwise each run must ask the device again.
    pub features_whole: bool,
    /// One entry for each group of elements that belong together.
    pub elements: Vec<ElementChoice>,
    /// Whether the device shows `Device.Reboot()`; `None` when it shows no data model.
    pub reboot: Option<bool>,
    /// Whether it shows `Device.FactoryReset()`.
    pub factory_reset: Option<bool>,
    /// Where the device contradicts itself: one sentence each.
    pub contradictions: Vec<String>,
}

impl Survey {
    /// Chooses features and elements for a profile that has this MTP.
    pub fn choose(&self, catalogue: &Catalogue, mtp: &Mtp) -> Choices {
        let nothing = GetSupportedDmResp::default();
        let model = DataModel::new(self.supported.as_ref().unwrap_or(&nothing));
        let rows = self.instances.as_ref().map(Rows::new);
        let ground = Ground { model: &model, rows: rows.as_ref() };
        let features = features::choose(&catalogue.features, &ground, mtp);
        let elements = elements::choose(catalogue, &ground, &features);
        let known = !model.is_empty();
        Choices {
            features_whole: known && self.supported_whole && ground.shows_parameters(),
            features,
            elements,
            reboot: known.then(|| model.command("Device.Reboot()").is_some()),
            factory_reset: known.then(|| model.command("Device.FactoryReset()").is_some()),
            contradictions: contradictions(&ground),
        }
    }
}

/// What choices stand on.
struct Ground<'a> {
    model: &'a DataModel<'a>,
    rows: Option<&'a Rows>,
}

impl Ground<'_> {
    /// A device that shows objects and not one parameter has not shown them all.
    fn shows_parameters(&self) -> bool {
        self.model.objects().any(|object| !object.supported_params.is_empty())
    }

    /// The path of an object or element in which `{i}` is the number of a row that is there.
    fn concrete(&self, path: &str) -> Option<String> {
        let Some(end) = path.rfind("{i}.").map(|at| at + "{i}.".len()) else { return Some(path.to_owned()) };
        let (table, rest) = path.split_at_checked(end)?;
        Some(format!("{}{rest}", self.rows?.first(table)?))
    }
}

/// How many contradictions are told one by one.
const TOLD: usize = 8;

/// Rows that are there of tables that are not supported.
fn contradictions(ground: &Ground<'_>) -> Vec<String> {
    let Some(rows) = ground.rows.filter(|_| !ground.model.is_empty()) else { return Vec::new() };
    let unsupported: Vec<_> = rows.tables().filter(|(table, _)| ground.model.object(table).is_none()).collect();
    let mut told: Vec<_> = unsupported
        .iter()
        .take(TOLD)
        .map(|(table, row)| format!("GetInstances shows {row}, and GetSupportedDM does not show {table}"))
        .collect();
    if unsupported.len() > TOLD {
        told.push(format!("and {} more such tables", unsupported.len() - TOLD));
    }
    told
}

#[cfg(test)]
mod tests;
