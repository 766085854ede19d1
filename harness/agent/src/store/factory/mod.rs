//! The Instantiated Data Model of an Agent that starts for the first time.

mod mtps;

use super::{RowKey, Store, keys};
use crate::config::{AgentConfig, ControllerConfig, Identity, Pem};
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
    mtps::own(&mut store, config);
    for controller in &config.controllers {
        add_controller(&mut store, config, controller);
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

/// Forgets the sessions that there were before the Agent boots.
pub fn forget_sessions(store: &mut Store) {
    mtps::idle(store);
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

fn add_controller(store: &mut Store, config: &AgentConfig, controller: &ControllerConfig) {
    let values = [
        ("EndpointID", controller.endpoint_id.as_str()),
        ("Enable", "true"),
        ("AssignedRole", FULL_ACCESS),
        ("OnBoardingComplete", "true"),
    ];
    let row = add(store, "Device.LocalAgent.Controller.{i}.", &[], &values);
    mtps::of_controller(store, config, controller, &row);
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
    use crate::config::{ListenConfig, MqttTarget, StompTarget, UdsListenConfig, UdsTarget, WebSocketTarget};
    use crate::model::Protocol;

    /// Two Controllers over every MTP, at the same servers.
    fn whole() -> AgentConfig {
        let controller = |id: &str| ControllerConfig {
            endpoint_id: id.to_owned(),
            websocket: Some(WebSocketTarget::default()),
            mqtt: Some(MqttTarget { topic: format!("usp/{id}"), ..MqttTarget::default() }),
            stomp: Some(StompTarget { destination: format!("/{id}"), ..StompTarget::default() }),
            uds: Some(UdsTarget { path: format!("/run/{id}") }),
        };
        AgentConfig {
            listen: Some(ListenConfig::default()),
            listen_uds: Some(UdsListenConfig { path: "/run/agent".to_owned() }),
            controllers: ["a", "b"].map(controller).into(),
            ..AgentConfig::default()
        }
    }

    #[test]
    fn every_table_row_of_the_factory_is_unique() {
        let config = whole();
        let store = store(Model::supporting(&config.protocols()).unwrap(), &config);
        assert_eq!(store.all_of("Device.LocalAgent.Controller.{i}.").len(), 2);
        for (key, _) in store.rows() {
            assert_eq!(keys::conflict(&store, key).map(|key| key.params), None, "{}", key.path(store.model()));
        }
    }

    #[test]
    fn controllers_at_the_same_server_share_a_connection() {
        let config = whole();
        let store = store(Model::supporting(&config.protocols()).unwrap(), &config);
        let tables = ["Device.MQTT.Client.{i}.", "Device.STOMP.Connection.{i}."];
        assert_eq!(tables.map(|table| store.all_of(table).len()), [1, 1]);
        assert_eq!(store.all_of("Device.UnixDomainSockets.UnixDomainSocket.{i}.").len(), 3);
        // WebSocket, the shared MQTT and STOMP, and three sockets.
        assert_eq!(store.all_of("Device.LocalAgent.MTP.{i}.").len(), 6);
        let mqtt = RowKey::parse("Device.LocalAgent.Controller.2.MTP.2.MQTT.", store.model()).unwrap();
        let referred = RowKey::parse(store.text(&mqtt, "AgentMTPReference"), store.model()).unwrap();
        assert_eq!((store.text(&mqtt, "Topic"), store.text(&referred, "Protocol")), ("usp/b", "MQTT"));
    }

    #[test]
    fn without_a_target_a_controller_is_expected_to_connect() {
        let waiting = |config: AgentConfig| {
            let store = store(Model::supporting(&config.protocols()).unwrap(), &config);
            let row = store.all_of("Device.LocalAgent.Controller.{i}.MTP.{i}.").remove(0);
            (store.text(&row, "Protocol").to_owned(), store.all_of("Device.LocalAgent.MTP.{i}.").len())
        };
        let controllers = vec![ControllerConfig { endpoint_id: "a".to_owned(), ..ControllerConfig::default() }];
        let listen_uds = Some(UdsListenConfig { path: "/run/agent".to_owned() });
        let plain = AgentConfig { controllers, ..AgentConfig::default() };
        assert_eq!(waiting(plain.clone()), (Protocol::WebSocket.to_string(), 1));
        assert_eq!(waiting(AgentConfig { listen_uds, ..plain }), (Protocol::Uds.to_string(), 1));
    }
}
