//! Deliberate mistakes of a bring-up: each is named, with both values where both can be known, and the side to change.

use crate::kit::{Setup, broken, is_to_change};
use rstest::rstest;
use uspec_agent::{ControllerConfig, Fault, MqttTarget, MqttVersion, StompTarget, WebSocketTarget};
use uspec_mtp::tls::IdentityKind;
use uspec_runner::doctor::{
    Side::{self, Eut, Profile},
    Stage,
};
use uspec_testplan::profile::Transport;

type Mistake = fn(&mut Setup);

fn controller(setup: &mut Setup) -> &mut ControllerConfig {
    setup.agent.controllers.first_mut().unwrap()
}

fn websocket(setup: &mut Setup) -> &mut WebSocketTarget {
    controller(setup).websocket.as_mut().unwrap()
}

fn mqtt(setup: &mut Setup) -> &mut MqttTarget {
    controller(setup).mqtt.as_mut().unwrap()
}

fn stomp(setup: &mut Setup) -> &mut StompTarget {
    controller(setup).stomp.as_mut().unwrap()
}

/// The Agent listens for its answers elsewhere.
fn another_agent_topic(setup: &mut Setup) {
    let at_below = if mqtt(setup).version == MqttVersion::V311 { "usp/other/#" } else { "usp/other" };
    let target = mqtt(setup);
    target.response_topic = "usp/other".into();
    target.subscriptions.first_mut().unwrap().topic = at_below.into();
}

fn demand_login(setup: &mut Setup) {
    let (name, word) = match &mut setup.mtp.transport {
        Transport::Mqtt(it) => (&mut it.username, &mut it.password),
        Transport::Stomp(it) => (&mut it.username, &mut it.password),
        Transport::WebSocket(_) | Transport::Uds(_) => panic!("there is no login"),
    };
    (*name, *word) = (Some("bench".to_owned()), Some("a secret".to_owned()));
}

fn listen_path(setup: &mut Setup) {
    setup.agent.listen.as_mut().unwrap().path = "/other".into();
}

fn listen_port(setup: &mut Setup) {
    setup.agent.listen.as_mut().unwrap().port = 8081;
}

fn listen_in_clear(setup: &mut Setup) {
    setup.agent.listen.as_mut().unwrap().tls = false;
}

fn listen_with_tls(setup: &mut Setup) {
    setup.agent_shows(IdentityKind::Trusted);
    setup.agent.listen.as_mut().unwrap().tls = true;
}

fn another_agent(setup: &mut Setup) {
    setup.agent.endpoint_id = "proto::somebody".into();
}

fn another_controller(setup: &mut Setup) {
    controller(setup).endpoint_id = "proto::another".into();
}

/// `words` stand in what was expected and seen; `changes` in what is to be changed, on that side.
#[rstest]
#[case::topic_of_the_controller("mqtt5", |s: &mut Setup| mqtt(s).topic = "usp/elsewhere".into(), Stage::Route,
    &["`usp/controller`", "`usp/elsewhere`"],
    &[(Eut, "Controller.{i}.MTP.{i}.MQTT.Topic` to `usp/controller`"), (Profile, "`controller_topic` of `mqtt5`: `usp/elsewhere`")])]
#[case::topic_of_the_controller_311("mqtt311", |s: &mut Setup| mqtt(s).topic = "usp/elsewhere".into(), Stage::Route,
    &["`usp/controller`", "`usp/elsewhere/reply-to=usp%2Fagent`"],
    &[(Eut, "MQTT.Topic` to `usp/controller`"), (Profile, "`controller_topic` of `mqtt311`: `usp/elsewhere`")])]
#[case::topic_of_the_agent("mqtt5", another_agent_topic, Stage::Route,
    &["the Agent subscribed to `usp/other`, the profile says `usp/agent`"],
    &[(Profile, "`agent_topic` of `mqtt5`: `usp/other`"), (Eut, "ResponseTopicConfigured` (or")])]
#[case::topic_of_the_agent_311("mqtt311", another_agent_topic, Stage::Route,
    &["the Agent subscribed to `usp/other/#`, the profile says `usp/agent`"],
    &[(Profile, "`agent_topic` of `mqtt311`: `usp/other`"), (Eut, "to `usp/agent`")])]
#[case::destination_of_the_controller("stomp", |s: &mut Setup| stomp(s).destination = "/usp/elsewhere".into(), Stage::Route,
    &["`/usp/controller`", "`/usp/elsewhere`"],
    &[(Eut, "STOMP.Destination` to `/usp/controller`"), (Profile, "`controller_destination` of `stomp`: `/usp/elsewhere`")])]
#[case::destination_of_the_agent("stomp", |s: &mut Setup| stomp(s).agent_destination = "/usp/other".into(), Stage::Route,
    &["the Agent subscribed to `/usp/other`, the profile says `/usp/agent`"],
    &[(Profile, "`agent_destination` of `stomp`: `/usp/other`"), (Eut, "STOMP.Destination` to `/usp/agent`")])]
#[case::path("websocket", |s: &mut Setup| websocket(s).path = "/other".into(), Stage::Handshake,
    &["`/usp`", "`/other?eid=proto::uspec-agent`", "404"],
    &[(Eut, "Controller.{i}.MTP.{i}.WebSocket.Path` to `/usp`"), (Profile, "`path` of `websocket`: `/other`")])]
#[case::path_where_the_agent_listens("websocket-server", listen_path, Stage::Handshake,
    &["GET /usp", "HTTP status 404"],
    &[(Profile, "`path` of `websocket-server`"), (Eut, "LocalAgent.MTP.{i}.WebSocket.Path` to `/usp`")])]
#[case::endpoint_id_of_the_agent("websocket", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody` has connected"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("websocket-server", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("mqtt5", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("mqtt311", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("stomp", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("uds", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_agent("uds-server", another_agent, Stage::EndpointIds,
    &["`proto::uspec-agent`", "`proto::somebody`"],
    &[(Profile, "`eut.endpoint_id`: `proto::somebody`"), (Eut, "`Device.LocalAgent.EndpointID` to `proto::uspec-agent`")])]
#[case::endpoint_id_of_the_controller("websocket", another_controller, Stage::EndpointIds,
    &["`proto::uspec-controller`", "`to_id` `proto::another`"],
    &[(Eut, "Controller.{i}.EndpointID` to `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`: `proto::another`")])]
#[case::endpoint_id_of_the_controller("mqtt5", another_controller, Stage::EndpointIds,
    &["`proto::uspec-controller`", "`to_id` `proto::another`"],
    &[(Eut, "Controller.{i}.EndpointID` to `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`: `proto::another`")])]
#[case::endpoint_id_of_the_controller("mqtt311", another_controller, Stage::EndpointIds,
    &["`proto::uspec-controller`", "`to_id` `proto::another`"],
    &[(Eut, "Controller.{i}.EndpointID` to `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`: `proto::another`")])]
#[case::endpoint_id_of_the_controller("stomp", another_controller, Stage::EndpointIds,
    &["`proto::uspec-controller`", "`to_id` `proto::another`"],
    &[(Eut, "Controller.{i}.EndpointID` to `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`: `proto::another`")])]
// Here the Agent takes our Endpoint ID from our own handshake, finds no row for it, and says nothing of the one that it has.
#[case::endpoint_id_of_the_controller("websocket-server", another_controller, Stage::Protocol,
    &["a Response to GetSupportedProtocol", "nothing within 30 s", "no Record at all"],
    &[(Eut, "`Device.LocalAgent.Controller.{i}.EndpointID` `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`")])]
#[case::endpoint_id_of_the_controller("uds", another_controller, Stage::Protocol,
    &["a Response to GetSupportedProtocol", "nothing within 30 s", "no Record at all"],
    &[(Eut, "`Device.LocalAgent.Controller.{i}.EndpointID` `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`")])]
#[case::endpoint_id_of_the_controller("uds-server", another_controller, Stage::Protocol,
    &["a Response to GetSupportedProtocol", "nothing within 30 s", "no Record at all"],
    &[(Eut, "`Device.LocalAgent.Controller.{i}.EndpointID` `proto::uspec-controller`"), (Profile, "`controller.endpoint_id`")])]
// Known by its certificate alone, we may do nothing.
#[case::no_permissions("websocket-server-tls", another_controller, Stage::Get,
    &["a row with our Endpoint ID `proto::uspec-controller`", "error 7026 for Device.LocalAgent.Controller."],
    &[(Eut, "give `proto::uspec-controller` a row in `Device.LocalAgent.Controller.` with full permissions"), (Profile, "`controller.endpoint_id`")])]
#[case::port("websocket", |s: &mut Setup| websocket(s).port = 8081, Stage::Stream,
    &["ws://127.0.0.1:8080/usp", "we listen at 127.0.0.1:8080; no TCP connection came"],
    &[(Eut, "port 8080 of this machine (`Device.LocalAgent.Controller.{i}.MTP.{i}.WebSocket.Port`"), (Profile, "`address` of `websocket`")])]
#[case::port_where_the_agent_listens("websocket-server", listen_port, Stage::Stream,
    &["127.0.0.1:8080 refused the connection (20 attempts in all)"],
    &[(Eut, "port 8080 (`Device.LocalAgent.MTP.{i}.WebSocket.Port`"), (Profile, "`address` of `websocket-server`")])]
#[case::port_of_the_broker("mqtt5", |s: &mut Setup| mqtt(s).port = 1884, Stage::Stream,
    &["we listen at 127.0.0.1:1883; no TCP connection came"],
    &[(Eut, "port 1883 of this machine (`Device.MQTT.Client.{i}.BrokerPort`"), (Profile, "`address` of `mqtt5`")])]
#[case::port_of_the_stomp_server("stomp", |s: &mut Setup| stomp(s).port = 1, Stage::Stream,
    &["we listen at 127.0.0.1:61613; no TCP connection came"],
    &[(Eut, "port 61613 of this machine (`Device.STOMP.Connection.{i}.Port`"), (Profile, "`address` of `stomp`")])]
#[case::socket("uds", |s: &mut Setup| controller(s).uds.as_mut().unwrap().path = "other.sock".into(), Stage::Stream,
    &["uspec-controller.sock", "no connection came"],
    &[(Eut, "UnixDomainSocket.{i}.Path"), (Profile, "`path` of `uds`")])]
#[case::socket_of_the_agent("uds-server", |s: &mut Setup| s.agent.listen_uds.as_mut().unwrap().path = "other.sock".into(), Stage::Stream,
    &["uspec-agent.sock refused the connection"],
    &[(Eut, "UnixDomainSocket.{i}.Path"), (Profile, "`path` of `uds-server`")])]
#[case::authority_of_ours("websocket-tls", |s: &mut Setup| s.show(IdentityKind::Untrusted), Stage::Tls,
    &["the EUT trusts `CN=uspec untrusted authority", "the alert UnknownCA", "urn:bbf:usp:id:proto::uspec-controller"],
    &[(Eut, "add the certificate of `CN=uspec untrusted authority"), (Profile, "`tls.certificate` and `tls.key` of `websocket-tls`")])]
#[case::authority_of_ours_as_client("websocket-server-tls", |s: &mut Setup| s.show(IdentityKind::Untrusted), Stage::Tls,
    &["the EUT trusts `CN=uspec untrusted authority", "the alert UnknownCA"],
    &[(Eut, "add the certificate of `CN=uspec untrusted authority"), (Profile, "`tls.certificate` and `tls.key` of `websocket-server-tls`")])]
#[case::authority_of_the_agent("mqtt5-tls", |s: &mut Setup| s.agent_shows(IdentityKind::Untrusted), Stage::Tls,
    &["from an authority in `tls.trust` of `mqtt5-tls`", "issued by `CN=uspec untrusted authority"],
    &[(Profile, "add the certificate of the authority `CN=uspec untrusted authority"), (Eut, "give it a certificate of the authority")])]
#[case::authority_of_the_agent_as_server("websocket-server-tls", |s: &mut Setup| s.agent_shows(IdentityKind::Untrusted), Stage::Tls,
    &["from an authority in `tls.trust` of `websocket-server-tls`", "issued by `CN=uspec untrusted authority"],
    &[(Profile, "add the certificate of the authority `CN=uspec untrusted authority"), (Eut, "give it a certificate of the authority")])]
#[case::name_of_our_host("websocket-tls", |s: &mut Setup| s.show(IdentityKind::WrongHost), Stage::Tls,
    &["we listen at `127.0.0.1`", "the alert BadCertificate", "`elsewhere.invalid`"],
    &[(Profile, "`tls.certificate` and `tls.key` of `websocket-tls`: a certificate for"), (Eut, "call us by a name of our certificate")])]
#[case::name_of_the_called_host("stomp-tls", |s: &mut Setup| { s.show(IdentityKind::WrongHost); stomp(s).host = "localhost".into(); localhost(s); },
    Stage::Tls, &["the host that it calls, `localhost`", "the alert BadCertificate", "`elsewhere.invalid`"],
    &[(Profile, "a certificate for the host that it calls, `localhost`"), (Eut, "`Device.STOMP.Connection.{i}.Host`: call us by")])]
#[case::name_of_the_agents_host("websocket-server-tls", |s: &mut Setup| s.agent_shows(IdentityKind::WrongHost), Stage::Tls,
    &["names the host `127.0.0.1`, which we call", "`elsewhere.invalid`"],
    &[(Eut, "a certificate with `127.0.0.1` in subjectAltName"), (Profile, "`address` of `websocket-server-tls`")])]
#[case::name_of_the_agent("websocket-tls", |s: &mut Setup| s.agent_shows(IdentityKind::WrongName), Stage::Tls,
    &["its Endpoint ID `proto::uspec-agent`", "it stands for proto::uspec-somebody-else"],
    &[(Eut, "`urn:bbf:usp:id:proto::uspec-agent` in subjectAltName"), (Profile, "`eut.endpoint_id`: `proto::uspec-somebody-else`")])]
#[case::name_of_the_controller("websocket-server-tls", |s: &mut Setup| s.show(IdentityKind::WrongName), Stage::Protocol,
    &["a Response to GetSupportedProtocol"],
    &[(Profile, "`urn:bbf:usp:id:proto::uspec-controller` in subjectAltName"), (Profile, "ours is for `urn:bbf:usp:id:proto::uspec-somebody-else`")])]
#[case::expired("stomp-tls", |s: &mut Setup| s.show(IdentityKind::Expired), Stage::Tls,
    &["a certificate of ours that is valid", "the alert CertificateExpired"],
    &[(Profile, "`tls.certificate` and `tls.key` of `stomp-tls`"), (Eut, "set its clock right")])]
#[case::expired_as_client("websocket-server-tls", |s: &mut Setup| s.show(IdentityKind::Expired), Stage::Tls,
    &["a certificate of ours that is valid", "the alert CertificateExpired"],
    &[(Profile, "one that is valid now; ours is valid from"), (Eut, "set its clock right")])]
#[case::expired_at_the_agent("websocket-tls", |s: &mut Setup| s.agent_shows(IdentityKind::Expired), Stage::Tls,
    &["a certificate of the EUT that is valid now", ": expired ("],
    &[(Eut, "give it a certificate that is valid now (it is valid from"), (Side::Bench, "this machine's clock")])]
#[case::expired_at_the_listening_agent("websocket-server-tls", |s: &mut Setup| s.agent_shows(IdentityKind::Expired), Stage::Tls,
    &["a certificate of the EUT that is valid now", ": expired ("],
    &[(Eut, "give it a certificate that is valid now (it is valid from"), (Side::Bench, "this machine's clock")])]
#[case::subprotocol("websocket", |s: &mut Setup| s.agent.faults = std::iter::once(Fault::WsOmitsSubprotocol).collect(), Stage::Handshake,
    &["`v1.usp`", "it asked for no subprotocol at all", "R-WS.12a"], &[(Eut, "the subprotocol `v1.usp`"), (Side::Bench, "a proxy")])]
#[case::subprotocol_of_the_listening_agent("websocket-server", |s: &mut Setup| s.agent.faults = std::iter::once(Fault::WsOmitsSubprotocol).collect(), Stage::Handshake,
    &["`v1.usp`", "it answered our upgrade with no subprotocol at all"], &[(Eut, "the subprotocol `v1.usp`"), (Side::Bench, "a proxy")])]
#[case::version("mqtt5", |s: &mut Setup| mqtt(s).version = MqttVersion::V311, Stage::Handshake,
    &["a CONNECT of MQTT 5.0", "a CONNECT of MQTT 3.1.1"],
    &[(Eut, "`Device.MQTT.Client.{i}.ProtocolVersion` to `5.0`"), (Profile, "`version` of `mqtt5`: \"3.1.1\"")])]
#[case::version("mqtt311", |s: &mut Setup| mqtt(s).version = MqttVersion::V5, Stage::Handshake,
    &["a CONNECT of MQTT 3.1.1", "a CONNECT of MQTT 5.0"],
    &[(Eut, "`Device.MQTT.Client.{i}.ProtocolVersion` to `3.1.1`"), (Profile, "`version` of `mqtt311`: \"5.0\"")])]
#[case::in_clear("websocket-tls", |s: &mut Setup| websocket(s).tls = false, Stage::Tls,
    &["begins TLS", "`GET /usp?eid=proto::uspec-agent HTTP/1.1`"],
    &[(Eut, "WebSocket.EnableEncryption` to `true`"), (Profile, "leave out `tls` of `websocket-tls`")])]
#[case::in_clear_where_the_agent_listens("websocket-server-tls", listen_in_clear, Stage::Tls,
    &["begins TLS", "`HTTP/1.1 400 Bad Request`"],
    &[(Eut, "WebSocket.EnableEncryption` to `true`"), (Profile, "leave out `tls`")])]
#[case::in_clear_to_the_broker("mqtt5-tls", |s: &mut Setup| mqtt(s).tls = false, Stage::Tls,
    &["begins TLS", "an MQTT CONNECT"], &[(Eut, "TransportProtocol` to `TLS`"), (Profile, "leave out `tls`")])]
#[case::in_clear_to_the_stomp_server("stomp-tls", |s: &mut Setup| stomp(s).tls = false, Stage::Tls,
    &["begins TLS", "`STOMP`"], &[(Eut, "EnableEncryption` to `true`"), (Profile, "leave out `tls`")])]
#[case::with_tls("websocket", |s: &mut Setup| { s.agent_shows(IdentityKind::Trusted); websocket(s).tls = true; }, Stage::Handshake,
    &["in clear text", "a TLS ClientHello"], &[(Eut, "WebSocket.EnableEncryption` to `false`"), (Profile, "give `websocket` its `tls`")])]
#[case::with_tls_where_the_agent_listens("websocket-server", listen_with_tls, Stage::Handshake,
    &["in clear text", "a TLS alert"], &[(Eut, "WebSocket.EnableEncryption` to `false`"), (Profile, "give `websocket-server` its `tls`")])]
#[case::with_tls_to_the_broker("mqtt311", |s: &mut Setup| { s.agent_shows(IdentityKind::Trusted); mqtt(s).tls = true; }, Stage::Handshake,
    &["in clear text", "a TLS ClientHello"], &[(Eut, "TransportProtocol` to `TCP/IP`"), (Profile, "give `mqtt311` its `tls`")])]
#[case::with_tls_to_the_stomp_server("stomp", |s: &mut Setup| { s.agent_shows(IdentityKind::Trusted); stomp(s).tls = true; }, Stage::Handshake,
    &["in clear text", "a TLS ClientHello"], &[(Eut, "EnableEncryption` to `false`"), (Profile, "give `stomp` its `tls`")])]
#[case::login("mqtt5", demand_login, Stage::Handshake,
    &["the User Name `bench`", "the CONNECT has the User Name `uspec-agent`"],
    &[(Eut, "`Device.MQTT.Client.{i}.Username`"), (Profile, "`username` and `password` of `mqtt5`")])]
#[case::login("stomp", demand_login, Stage::Handshake,
    &["the login `bench`", "the login `uspec-agent`"],
    &[(Eut, "`Device.STOMP.Connection.{i}.Username`"), (Profile, "`username` and `password` of `stomp`")])]
#[case::silent("websocket", |s: &mut Setup| s.agent.faults = std::iter::once(Fault::GspNotAnswered).collect(), Stage::Protocol,
    &["a Response to GetSupportedProtocol", "nothing within 30 s"], &[(Eut, "its Controller table must know us"), (Profile, "`eut.endpoint_id`")])]
#[case::silent_to_get("stomp", |s: &mut Setup| s.agent.faults = std::iter::once(Fault::GetNotAnswered).collect(), Stage::Get,
    &["a Response to Get", "nothing within 30 s"], &[(Eut, "its Controller table must know us"), (Eut, "`reply-to-dest` that we give it, `/usp/controller`")])]
#[tokio::test(start_paused = true)]
async fn is_named(
    #[case] mtp: &str,
    #[case] mistake: Mistake,
    #[case] stage: Stage,
    #[case] words: &[&str],
    #[case] changes: &[(Side, &str)],
) {
    let (examination, _) = Setup::with(mtp, mistake).examine().await;
    let (at, fault) = broken(&examination);
    assert_eq!(at, stage, "{examination:#?}");
    let said = format!("{} | {}", fault.expected, fault.seen);
    for word in words {
        assert!(said.contains(word), "{word:?} is not said: {said}");
    }
    for (side, change) in changes {
        assert!(is_to_change(&fault, *side, change), "{side:?} {change:?} is not to be changed: {:#?}", fault.remedies);
    }
    assert!(!format!("{examination:?}").contains("secret"), "{examination:#?}");
}

/// Our end listens, and the Agent calls, by name.
fn localhost(setup: &mut Setup) {
    let Transport::Stomp(it) = &mut setup.mtp.transport else { panic!("not STOMP") };
    it.address.host = "localhost".into();
}
