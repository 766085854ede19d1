//! Starting: what is taken over from before, and the Boot! Event.

use super::clock::Clock;
use super::{Action, Core};
use crate::commands::BootCause;
use crate::config::AgentConfig;
use crate::faults::Fault;
use crate::model::{Model, ModelError};
use crate::random::Random;
use crate::store::snapshot::Snapshot;
use crate::store::{RowKey, Store, factory};
use crate::subscriptions::outbox::Outbox;
use crate::subscriptions::{self, Occurrence};
use std::collections::BTreeMap;
use tokio::time::Instant;

/// What a restart needs to know of the time before.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Saved {
    /// The data model; none after a factory reset.
    pub data_model: Option<Snapshot>,
    /// Why the Agent boots; none when it just stopped.
    pub cause: Option<BootCause>,
}

impl Core {
    /// Starts an Agent, for the first time or with what was kept of it. `origin` is the instant at which the configured
    /// `start_time` held; over restarts of one process it stays the same.
    pub fn boot(config: AgentConfig, saved: Option<Saved>, origin: Instant, now: Instant) -> Result<Self, ModelError> {
        let model = Model::supporting(&config.protocols())?;
        let (data_model, cause) = saved.map_or((None, None), |saved| (saved.data_model, saved.cause));
        let mut store = match &data_model {
            Some(snapshot) => Store::restore(&model, snapshot),
            None => factory::store(model, &config),
        };
        factory::apply_fixed(&mut store, &config);
        factory::forget_sessions(&mut store);
        let firmware_updated = load_firmware(&mut store);
        forget_what_does_not_persist(&mut store, config.faults.has(Fault::PersistentSubscriptionsLost));
        let mut core = Self {
            clock: Clock::new(origin, config.start_time, now),
            random: Random::new(config.seed),
            outbox: Outbox::default(),
            links: BTreeMap::new(),
            operations: Vec::new(),
            timers: Vec::new(),
            periodic: BTreeMap::new(),
            on_boarding: BTreeMap::new(),
            ghosts: Vec::new(),
            next_msg_id: u64::try_from(core_epoch(&config, origin, now)).unwrap_or(0),
            config,
            store,
        };
        core.announce_boot(now, &cause.unwrap_or_else(BootCause::power_on), firmware_updated);
        core.expire_subscriptions(now);
        for controller in core.store.all_of("Device.LocalAgent.Controller.{i}.") {
            core.on_board_if_wanted(now, &controller);
        }
        Ok(core)
    }

    /// What a restart needs, with the reason for it.
    pub fn saved(&self, cause: Option<BootCause>) -> Saved {
        Saved { data_model: Some(self.store.snapshot()), cause }
    }

    /// The Boot! Event: each Controller gets the Parameters that its BootParameter table asks for.
    fn announce_boot(&mut self, now: Instant, cause: &BootCause, firmware_updated: bool) {
        if self.faults().has(Fault::BootNotNotified) {
            return;
        }
        let row = RowKey { object: self.store.model().root(), instances: Vec::new() };
        let controllers = self.store.all_of("Device.LocalAgent.Controller.{i}.");
        let events = controllers.into_iter().map(|controller| Occurrence::Event {
            row: row.clone(),
            name: "Boot!".to_owned(),
            arguments: self.boot_arguments(&controller, cause, firmware_updated),
            only: Some(controller),
        });
        let events: Vec<Occurrence> = events.collect();
        let before = self.store.clone();
        self.occurred(now, &before, &events);
    }

    fn boot_arguments(
        &self,
        controller: &RowKey,
        cause: &BootCause,
        firmware_updated: bool,
    ) -> BTreeMap<String, String> {
        let wrong_cause = self.faults().has(Fault::BootWrongCause);
        let omits_key = self.faults().has(Fault::BootWrongCommandKey);
        [
            ("CommandKey", if omits_key { String::new() } else { cause.command_key.clone() }),
            ("Cause", if wrong_cause { "LocalFactoryReset".to_owned() } else { cause.cause.clone() }),
            ("Reason", cause.reason.clone()),
            ("FirmwareUpdated", firmware_updated.to_string()),
            ("ParameterMap", self.parameter_map(controller)),
        ]
        .map(|(name, value)| (name.to_owned(), value))
        .into()
    }

    /// The values of the Controller's enabled BootParameters as a JSON object.
    fn parameter_map(&self, controller: &RowKey) -> String {
        let mut map = serde_json::Map::new();
        let scope = crate::path::Scope { store: &self.store, faults: self.faults(), controller: Some(controller) };
        let table = self.store.model().find("Device.LocalAgent.Controller.{i}.BootParameter.{i}.");
        let rows = table.map(|table| self.store.rows_of(table, &controller.instances)).unwrap_or_default();
        let wanted = rows
            .iter()
            .filter(|row| self.store.flag(row, "Enable") && !self.faults().has(Fault::BootOmitsParameterMap));
        let paths: Vec<String> = wanted.map(|row| self.store.text(row, "ParameterName").to_owned()).collect();
        let request = uspec_usp::msg::Get { param_paths: paths, max_depth: 0 };
        for requested in crate::messages::get::handle(&scope, &request).req_path_results {
            for resolved in requested.resolved_path_results {
                let pairs = resolved.result_params.into_iter();
                map.extend(pairs.map(|(name, value)| (format!("{}{name}", resolved.resolved_path), value.into())));
            }
        }
        serde_json::Value::Object(map).to_string()
    }

    /// Restarting for `cause`.
    pub(super) fn reboot(&self, cause: BootCause, factory_reset: bool) -> Action {
        let mut saved = self.saved(Some(cause));
        if factory_reset {
            saved.data_model = None;
        }
        Action::Reboot(saved)
    }
}

impl BootCause {
    /// A start that nobody asked for through USP.
    fn power_on() -> Self {
        Self { command_key: String::new(), cause: "LocalReboot".to_owned(), reason: "Unknown".to_owned() }
    }
}

/// Runs the image that was chosen for this boot; tells whether it is another one than before.
fn load_firmware(store: &mut Store) -> bool {
    let Some(info) = RowKey::parse("Device.DeviceInfo.", store.model()) else { return false };
    let chosen = store.text(&info, "BootFirmwareImage").to_owned();
    let updated = store.text(&info, "ActiveFirmwareImage") != chosen;
    for image in store.all_of("Device.DeviceInfo.FirmwareImage.{i}.") {
        let runs = image.reference(store.model()) == chosen;
        store.set(&image, "Status", if runs { "Active" } else { "Available" });
    }
    store.set(&info, "ActiveFirmwareImage", chosen);
    updated
}

/// Requests end with the Agent, and so do inherited Roles and Subscriptions that are not persistent.
fn forget_what_does_not_persist(store: &mut Store, all_subscriptions: bool) {
    for row in store.all_of("Device.LocalAgent.Request.{i}.") {
        store.remove(&row);
    }
    // R-SEC.21: what a certificate has brought is worked out again when it is shown again.
    for row in store.all_of("Device.LocalAgent.Controller.{i}.") {
        store.set(&row, "InheritedRole", "");
    }
    for row in store.all_of(subscriptions::TABLE) {
        if all_subscriptions || !store.flag(&row, "Persistent") {
            store.remove(&row);
        }
    }
}

/// Where msg_ids go on from, so that those of different boots differ: milliseconds since the start of the process.
fn core_epoch(config: &AgentConfig, origin: Instant, now: Instant) -> u128 {
    u128::from(config.seed)
        .saturating_mul(1_000_000_000)
        .saturating_add(now.saturating_duration_since(origin).as_millis())
}
