//! The Instantiated Data Model of an Agent that starts for the first time.

use super::{RowKey, Store, keys};
use crate::config::{AgentConfig, ControllerConfig, Identity, ListenConfig, Pem, WebSocketTarget};
use crate::model::Model;
use crate::trust::{self, certificate::Certificate};
use std::sync::Arc;

/// The Role that allows everything.
pub const FULL_ACCESS: &str = "Device.LocalAgent.ControllerTrust.Role.1";
/// The Role of Controllers that nobody vouched for.
const UNTRUSTED: &str = "Device.LocalAgent.ControllerTrust.Role.2";

/// The image that the device boots out of the factory.
const FIRST_IMAGE: &str = "Device.DeviceInfo.FirmwareImage.1";
/// A passphrase in base64.
const CHALLENGE: &str = "dXNwZWMgcGFzc3BocmFzZQ==";

/// The store that `config` describes.
pub fn store(model: Arc<Model>, config: &AgentConfig) -> Store {
    let mut store = Store::new(model);
    apply_fixed(&mut store, config);
    roles(&mut store);
    firmware(&mut store, config);
    certificates(&mut store, config);
    challenge(&mut store);
    local_mtp(&mut store, config.listen.as_ref());
    for controller in &config.controllers {
        add_controller(&mut store, controller);
    }
    store
}

/// The values that come from the configuration at every start.
pub fn apply_fixed(store: &mut Store, config: &AgentConfig) {
    let Identity {
        manufacturer,
        oui,
        product_class,
        serial_number,
        model_name,
        model_number,
        hardware_version,
        software_version,
    } = &config.identity;
    set_all(
        store,
        "Device.DeviceInfo.",
        &[
            ("Manufacturer", manufacturer),
            ("ManufacturerOUI", oui),
            ("ProductClass", product_class),
            ("SerialNumber", serial_number),
            ("ModelName", model_name),
            ("ModelNumber", model_number),
            ("HardwareVersion", hardware_version),
            ("SoftwareVersion", software_version),
        ],
    );
    set_all(store, "Device.LocalAgent.", &[("EndpointID", &config.endpoint_id), ("SoftwareVersion", software_version)]);
}

fn roles(store: &mut Store) {
    let all = [("Param", "rwxn"), ("Obj", "rwxn"), ("InstantiatedObj", "rwxn"), ("CommandEvent", "rwxn")];
    let none: [(&str, &str); 0] = [];
    for (name, rights) in [("Full Access", &all[..]), ("Untrusted", &none[..])] {
        let role =
            add(store, "Device.LocalAgent.ControllerTrust.Role.{i}.", &[], &[("Enable", "true"), ("Name", name)]);
        let path = "Device.LocalAgent.ControllerTrust.Role.{i}.Permission.{i}.";
        let permission = add(store, path, &role.instances, &[("Enable", "true"), ("Targets", "Device.")]);
        for (column, letters) in rights {
            store.set(&permission, column, *letters);
        }
    }
    set_all(store, "Device.LocalAgent.ControllerTrust.", &[("UntrustedRole", UNTRUSTED)]);
}

/// Two images of the same firmware; the first is running.
fn firmware(store: &mut Store, config: &AgentConfig) {
    let version = config.identity.software_version.as_str();
    for (name, status) in [("main", "Active"), ("spare", "Available")] {
        let values = [("Name", name), ("Version", version), ("Status", status)];
        add(store, "Device.DeviceInfo.FirmwareImage.{i}.", &[], &values);
    }
    let images = [("ActiveFirmwareImage", FIRST_IMAGE), ("BootFirmwareImage", FIRST_IMAGE)];
    set_all(store, "Device.DeviceInfo.", &images);
}

/// The configured trust anchors, each as a Credential without a Role: Controllers that they vouch for start as untrusted.
fn certificates(store: &mut Store, config: &AgentConfig) {
    let Some(Pem::Text(anchors)) = config.tls.as_ref().and_then(|tls| tls.trust.as_ref()) else { return };
    for certificate in Certificate::parse_all(anchors).unwrap_or_default() {
        if let Some(row) = trust::enter(store, &certificate, None) {
            trust::vouch(store, &row);
        }
    }
}

/// A challenge that is switched off. Its Value is a secured Parameter.
fn challenge(store: &mut Store) {
    let values = [("Description", "Passphrase of the administrator"), ("Role", FULL_ACCESS), ("Value", CHALLENGE)];
    add(store, "Device.LocalAgent.ControllerTrust.Challenge.{i}.", &[], &values);
}

/// The Agent's own end of the MTP: in use when it listens, there and switched off when it only connects.
fn local_mtp(store: &mut Store, listen: Option<&ListenConfig>) {
    let (enable, status) = if listen.is_some() { ("true", "Up") } else { ("false", "Down") };
    let row = add(
        store,
        "Device.LocalAgent.MTP.{i}.",
        &[],
        &[("Enable", enable), ("Protocol", "WebSocket"), ("Status", status)],
    );
    let off = ListenConfig::default();
    let listen = listen.unwrap_or(&off);
    let (port, tls, keep_alive) = (listen.port.to_string(), listen.tls.to_string(), listen.keep_alive.to_string());
    let values = [
        ("Port", port.as_str()),
        ("Path", &listen.path),
        ("EnableEncryption", &tls),
        ("KeepAliveInterval", &keep_alive),
    ];
    set_below(store, &row, "WebSocket", &values);
}

fn add_controller(store: &mut Store, config: &ControllerConfig) {
    let values = [
        ("EndpointID", config.endpoint_id.as_str()),
        ("Enable", "true"),
        ("AssignedRole", FULL_ACCESS),
        ("OnBoardingComplete", "true"),
    ];
    let controller = add(store, "Device.LocalAgent.Controller.{i}.", &[], &values);
    let path = "Device.LocalAgent.Controller.{i}.MTP.{i}.";
    let mtp = add(store, path, &controller.instances, &[("Enable", "true"), ("Protocol", "WebSocket")]);
    if let Some(target) = &config.websocket {
        let WebSocketTarget { host, port, path, tls, keep_alive } = target;
        let (port, tls, keep_alive) = (port.to_string(), tls.to_string(), keep_alive.to_string());
        let values = [
            ("Host", host.as_str()),
            ("Port", &port),
            ("Path", path),
            ("EnableEncryption", &tls),
            ("KeepAliveInterval", &keep_alive),
        ];
        set_below(store, &mtp, "WebSocket", &values);
    }
}

fn add(store: &mut Store, path: &str, parent: &[u32], values: &[(&str, &str)]) -> RowKey {
    let object = store.model().find(path).unwrap_or(store.model().root());
    let row = store.create(object, parent);
    for (name, value) in values {
        store.set(&row, name, *value);
    }
    let given: Vec<&str> = values.iter().map(|(name, _)| *name).collect();
    keys::complete(store, &row, &given);
    row
}

fn set_all(store: &mut Store, path: &str, values: &[(&str, &str)]) {
    if let Some(row) = RowKey::parse(path, store.model()) {
        for (name, value) in values {
            store.set(&row, name, *value);
        }
    }
}

fn set_below(store: &mut Store, row: &RowKey, object: &str, values: &[(&str, &str)]) {
    if let Some(object) = store.model().child(row.object, object) {
        let below = RowKey { object, instances: row.instances.clone() };
        for (name, value) in values {
            store.set(&below, name, *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_row_of_the_factory_is_unique() {
        let config = AgentConfig {
            listen: Some(ListenConfig::default()),
            controllers: ["a", "b"]
                .map(|id| ControllerConfig { endpoint_id: id.to_owned(), websocket: Some(WebSocketTarget::default()) })
                .into(),
            ..AgentConfig::default()
        };
        let store = store(Model::device().unwrap(), &config);
        assert_eq!(store.all_of("Device.LocalAgent.Controller.{i}.").len(), 2);
        for (key, _) in store.rows() {
            assert_eq!(keys::conflict(&store, key).map(|key| key.params), None, "{}", key.path(store.model()));
        }
    }
}
