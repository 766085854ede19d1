//! The settings of OB-USP-A against the files that are known to work.

use std::{collections::BTreeMap, path::Path};

use rstest::rstest;

use super::*;
use crate::profile::EutProfile;

const EUT: &str = "proto::obuspa-eut";

fn lines(text: &str) -> BTreeMap<&str, &str> {
    text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_once(' ')).collect()
}

/// The user and password are the lab's own affair, and what is switched off needs no place.
#[rstest]
#[case("websocket-client", "127.0.0.1", &["Device.LocalAgent.MTP.1.WebSocket."])]
#[case("websocket-server", "", &["Device.LocalAgent.Controller.1.MTP.1.WebSocket."])]
#[case("mqtt5", "localhost", &["Device.MQTT.Client.1.Username", "Device.MQTT.Client.1.Password"])]
#[case("mqtt311", "localhost", &["Device.MQTT.Client.1.Username", "Device.MQTT.Client.1.Password"])]
#[case("stomp", "localhost", &["Device.STOMP.Connection.1.Username", "Device.STOMP.Connection.1.Password"])]
#[case("uds", "", &[])]
fn the_factory_reset_file_is_the_one_that_is_known_to_work(
    #[case] name: &str,
    #[case] host: &str,
    #[case] apart_from: &[&str],
) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fixtures/eut/obuspa");
    let profile = EutProfile::load(&folder.join(format!("{name}.yaml"))).unwrap();
    let known = std::fs::read_to_string(folder.join(format!("{name}.factory-reset.txt"))).unwrap();
    let made = agent_side(&profile.mtps[0], &profile.controller_endpoint_id, Some(EUT), host);
    let mine = |all: BTreeMap<&str, &str>| -> BTreeMap<String, String> {
        let kept = all.into_iter().filter(|(path, _)| !apart_from.iter().any(|it| path.starts_with(it)));
        kept.map(|(path, value)| (path.to_owned(), value.to_owned())).collect()
    };
    assert_eq!(mine(lines(&made.obuspa_reset)), mine(lines(&known)));
    assert!(made.obuspa_command.contains(EUT));
}

#[test]
fn any_other_agent_is_told_the_same_without_rows_that_are_switched_off() {
    let said = agent_side(&websocket(None), "proto::us", None, "bench.example").parameters;
    let value = |path: &str| said.iter().find(|(it, _)| it == path).map(|(_, value)| value.as_str());
    assert_eq!(value("Device.LocalAgent.Controller.{i}.EndpointID"), Some("proto::us"));
    assert_eq!(value("Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.Host"), Some("bench.example"));
    assert_eq!(value("Device.LocalAgent.MTP.{i}.Protocol"), None);
    let said = agent_side(&mqtt(MqttVersion::V5), "proto::us", None, "b").parameters;
    let refers = ("Device.LocalAgent.MTP.{i}.MQTT.Reference".to_owned(), "Device.MQTT.Client.{i}".to_owned());
    assert!(said.contains(&refers), "{said:?}");
}

#[test]
fn a_value_that_the_file_cannot_hold_is_left_to_a_person() {
    let mut mtp = mqtt(MqttVersion::V5);
    if let Transport::Mqtt(it) = &mut mtp.transport {
        it.username = Some("u\"x\nDevice.Evil \"1\"".into());
    }
    let made = agent_side(&mtp, "proto::us", None, "b").obuspa_reset;
    assert!(made.contains("# Device.MQTT.Client.1.Username: set this one by hand"), "{made}");
    assert!(!made.contains("Evil"), "{made}");
}

#[test]
fn tls_needs_certificates_and_for_some_a_name() {
    assert!(agent_side(&websocket(None), "c", None, "127.0.0.1").notes.is_empty());
    assert_eq!(agent_side(&websocket(Some(Tls::Generate)), "c", None, "127.0.0.1").notes.len(), 1);
    let mut mtp = mqtt(MqttVersion::V5);
    if let Transport::Mqtt(it) = &mut mtp.transport {
        it.tls = Some(Tls::Generate);
    }
    assert!(agent_side(&mtp, "c", None, "127.0.0.1").notes[1].contains("MQTT"));
    assert_eq!(agent_side(&mtp, "c", None, "localhost").notes.len(), 1);
}
