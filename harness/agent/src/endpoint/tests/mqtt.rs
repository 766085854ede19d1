use super::*;
use crate::config::{MqttSubscription, MqttTarget, MqttVersion, Pem, TlsIdentity};
use serde_json::{Value, json};
use uspec_mtp::mqtt::{Change, ConnackChanges, MqttFarConfig, MqttHandle, MqttPlace};
use uspec_mtp::tls::{IdentityKind, Pki, TlsServer};

const TOPIC: &str = "usp/controller/one";
const CLIENT: &str = "Device.MQTT.Client.1.";

fn target(version: MqttVersion) -> MqttTarget {
    let filter = if version == MqttVersion::V5 { "usp/agent/1" } else { "usp/agent/1/#" };
    let response_topic = if version == MqttVersion::V5 { "" } else { "usp/agent/1" };
    MqttTarget {
        host: "broker".to_owned(),
        version,
        client_id: "client".to_owned(),
        username: "user".to_owned(),
        password: "secret".to_owned(),
        topic: TOPIC.to_owned(),
        subscriptions: vec![MqttSubscription { topic: filter.to_owned(), qos: 1 }],
        response_topic: response_topic.to_owned(),
        ..MqttTarget::default()
    }
}

fn far() -> MqttFarConfig {
    let place = MqttPlace::Broker { address: Address::tcp("broker", 1883), tls: None };
    MqttFarConfig::new(place, CONTROLLER, TOPIC)
}

async fn start_with(target: MqttTarget, connack: ConnackChanges, faults: &[Fault]) -> Bench {
    let mut far = far();
    far.behaviour.connack = connack;
    let controller = ControllerConfig { mqtt: Some(target), ..ControllerConfig::default() };
    Bench::start(FarConfig::Mqtt(far), agent(controller, faults)).await
}

async fn start(version: MqttVersion, faults: &[Fault]) -> Bench {
    start_with(target(version), ConnackChanges::default(), faults).await
}

fn mqtt(bench: &Bench) -> MqttHandle {
    let Handle::Mqtt(handle) = &bench.handle else { panic!("not MQTT") };
    handle.clone()
}

/// The filters of the next SUBSCRIBE.
async fn subscribed(bench: &mut Bench) -> Vec<String> {
    let subscribe = bench.packet("SUBSCRIBE").await;
    let filters = subscribe["subscriptions"].as_array().unwrap().iter();
    filters.map(|one| one["filter"].as_str().unwrap().to_owned()).collect()
}

/// What the Agent's next PUBLISH says beside its Record.
async fn published(bench: &mut Bench) -> (String, Value) {
    let publish = bench.packet("PUBLISH").await;
    (publish["topic"].as_str().unwrap().to_owned(), publish["properties"].clone())
}

#[tokio::test(start_paused = true)]
async fn it_greets_and_answers_in_both_versions() {
    for version in [MqttVersion::V5, MqttVersion::V311] {
        let mut bench = start(version, &[]).await;
        let RecordType::MqttConnect(connect) = bench.connected().await else { panic!("no Connect Record of MQTT") };
        assert_eq!(
            (connect.subscribed_topic.as_str(), connect.version),
            ("usp/agent/1", i32::from(version == MqttVersion::V5))
        );
        assert_eq!(bench.value("Device.LocalAgent.SupportedProtocols").await, "MQTT");
        assert_eq!(bench.value(&format!("{CLIENT}Status")).await, "Connected");
        assert_eq!(bench.value(&format!("{CLIENT}Subscription.1.Status")).await, "Subscribed");
        assert_eq!(bench.value("Device.LocalAgent.MTP.1.Status").await, "Up");
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn connect_says_what_the_data_model_says() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    let connect = bench.packet("CONNECT").await;
    assert_eq!(connect["client_id"], "client");
    assert_eq!((&connect["username"], &connect["keep_alive"]), (&json!("user"), &json!(60)));
    assert_eq!(connect["properties"]["request_response_information"], 1);
    assert_eq!(connect["properties"]["user_properties"], json!([{"name": "usp-endpoint-id", "value": AGENT}]));
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn notifications_go_to_the_topic_and_answers_where_they_are_wanted() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    mqtt(&bench).change_behaviour(|it| it.publish.response_topic = Change::Set(format!("{TOPIC}/elsewhere")));
    let get = msg::Get { param_paths: vec!["Device.LocalAgent.EndpointID".to_owned()], max_depth: 0 };
    bench.handle.send_record(request_record(ReqType::Get(get))).await.unwrap();
    let (topic, properties) = published(&mut bench).await;
    assert_eq!(topic, format!("{TOPIC}/elsewhere"));
    assert_eq!(
        (&properties["response_topic"], &properties["content_type"]),
        (&json!("usp/agent/1"), &json!("usp.msg"))
    );
    bench.record().await;
    bench.operate("Device.Reboot()").await;
    assert_eq!(published(&mut bench).await.0, TOPIC);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_says_is_kept_and_used() {
    let connack = ConnackChanges {
        assigned_client_id: Some("assigned".to_owned()),
        response_information: Some("usp/told".to_owned()),
        subscribe_topics: vec!["usp/named".to_owned()],
        ..ConnackChanges::default()
    };
    let nameless = MqttTarget { client_id: String::new(), ..target(MqttVersion::V5) };
    let mut bench = start_with(nameless.clone(), connack.clone(), &[]).await;
    assert_eq!(subscribed(&mut bench).await, ["usp/agent/1", "usp/named", "usp/told"]);
    let RecordType::MqttConnect(connect) = bench.connected().await else { panic!("no Connect Record of MQTT") };
    assert_eq!(connect.subscribed_topic, "usp/told");
    assert_eq!(bench.value(&format!("{CLIENT}ClientID")).await, "assigned");
    assert_eq!(bench.value(&format!("{CLIENT}ResponseInformation")).await, "usp/told");
    assert_eq!(bench.value("Device.LocalAgent.MTP.1.MQTT.ResponseTopicDiscovered").await, "usp/told");
    bench.operate("Device.Reboot()").await;
    assert_eq!(bench.packet("CONNECT").await["client_id"], "assigned");
    bench.finish().await;
    let mut bench = start_with(nameless, connack, &[Fault::MqttIgnoresAssignedClientId]).await;
    bench.connected().await;
    assert_eq!(bench.value(&format!("{CLIENT}ClientID")).await, "");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn subscriptions_come_and_go_with_their_rows() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    let row =
        bench.add(&format!("{CLIENT}Subscription."), &[("Enable", "true"), ("Topic", "usp/new"), ("QoS", "0")]).await;
    let subscribe = bench.packet("SUBSCRIBE").await;
    assert_eq!(
        (&subscribe["subscriptions"][0]["filter"], &subscribe["subscriptions"][0]["qos"]),
        (&json!("usp/new"), &json!(0))
    );
    mqtt(&bench).send_record_to("usp/new", request_record(ReqType::Get(msg::Get::default()))).await.unwrap();
    bench.record().await;
    bench.set(&row, "Enable", "false").await;
    assert_eq!(bench.packet("UNSUBSCRIBE").await["filters"], json!(["usp/new"]));
    assert_eq!(bench.value(&format!("{row}Status")).await, "Unsubscribed");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_dropped() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    assert!(bench.is_silent().await);
    assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn it_says_goodbye_and_comes_back_after_a_reboot() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    bench.operate("Device.Reboot()").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    bench.packet("DISCONNECT").await;
    assert!(bench.closed().await.clean);
    bench.connected().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_goes_is_tried_again_in_time() {
    for (faults, expected) in
        [(vec![], 5..=10), (vec![Fault::MqttReconnectsTooEarly], 1..=4), (vec![Fault::MqttReconnectsTooLate], 11..=40)]
    {
        let mut bench = start(MqttVersion::V5, &faults).await;
        bench.connected().await;
        mqtt(&bench).disconnect_client(0x8B).await.unwrap();
        bench.closed().await;
        let wait = bench.attempt().await.as_secs();
        assert!(expected.contains(&wait), "{faults:?} {wait}");
        bench.connected().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_topic_or_a_grant_it_leaves() {
    let none = MqttTarget { subscriptions: Vec::new(), ..target(MqttVersion::V5) };
    let mut bench = start_with(none.clone(), ConnackChanges::default(), &[]).await;
    bench.packet("DISCONNECT").await;
    bench.finish().await;
    let mut bench = start_with(none, ConnackChanges::default(), &[Fault::MqttStaysWithoutTopic]).await;
    bench.packet("CONNECT").await;
    assert!(timeout(PATIENCE / 2, bench.packet("DISCONNECT")).await.is_err());
    bench.finish().await;

    let refused = async |faults: &[Fault]| {
        let mut far = far();
        far.behaviour.suback = Some(0x80);
        let controller = ControllerConfig { mqtt: Some(target(MqttVersion::V5)), ..ControllerConfig::default() };
        Bench::start(FarConfig::Mqtt(far), agent(controller, faults)).await
    };
    let kinds = async |bench: &mut Bench| {
        let mut kinds = Vec::new();
        while let Ok(kind) = timeout(
            Duration::from_secs(4),
            bench.happening(|what| match what {
                MtpHappening::Packet { direction: Direction::Received, packet } => Some(packet.kind),
                _ => None,
            }),
        )
        .await
        {
            kinds.push(kind);
        }
        kinds
    };
    for (faults, expected) in [
        (vec![], vec!["CONNECT", "SUBSCRIBE", "DISCONNECT"]),
        (vec![Fault::MqttStaysAfterRefusedSubscription], vec!["CONNECT", "SUBSCRIBE"]),
        (vec![Fault::MqttPublishesAfterRefusedSubscription], vec!["CONNECT", "SUBSCRIBE", "PUBLISH", "DISCONNECT"]),
    ] {
        let mut bench = refused(&faults).await;
        assert_eq!(kinds(&mut bench).await, expected, "{faults:?}");
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_controller_that_is_not_served_any_more_is_told_and_the_session_stays() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    bench.set("Device.LocalAgent.Controller.1.", "Enable", "false").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    assert!(bench.is_silent().await);
    assert!(bench.handle.is_open());
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_shares_the_session() {
    let mut bench = start(MqttVersion::V5, &[]).await;
    bench.connected().await;
    let second = "proto::second";
    let row = bench
        .add(
            "Device.LocalAgent.Controller.",
            &[
                ("Enable", "true"),
                ("EndpointID", second),
                ("AssignedRole", "Device.LocalAgent.ControllerTrust.Role.1"),
                ("OnBoardingComplete", "true"),
            ],
        )
        .await;
    let settings = [
        ("Enable", "true"),
        ("Protocol", "MQTT"),
        ("MQTT.Topic", "usp/controller/two"),
        ("MQTT.AgentMTPReference", "Device.LocalAgent.MTP.1"),
    ];
    bench.add(&format!("{row}MTP."), &settings).await;
    let (topic, _) = published(&mut bench).await;
    assert_eq!(topic, "usp/controller/two");
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn over_tls_it_serves_a_controller_whose_broker_it_trusts() {
    let pki = Pki::generate().unwrap();
    for (kind, served) in [
        (IdentityKind::Trusted, true),
        (IdentityKind::Untrusted, false),
        (IdentityKind::Expired, false),
        (IdentityKind::WrongName, false),
    ] {
        let shown = pki.issue(kind, CONTROLLER, &["broker"]).unwrap();
        let own = pki.issue(IdentityKind::Trusted, AGENT, &["agent"]).unwrap();
        let identity = TlsIdentity {
            certificate: Pem::Text(own.chain_pem()),
            key: Pem::Text(own.key_pem()),
            trust: Some(Pem::Text(pki.authority().certificate_pem())),
        };
        let place = MqttPlace::Broker { address: Address::tcp("broker", 1883), tls: Some(TlsServer::new(shown)) };
        let far = MqttFarConfig { place, ..far() };
        let target = MqttTarget { tls: true, ..target(MqttVersion::V5) };
        let controller = ControllerConfig { mqtt: Some(target), ..ControllerConfig::default() };
        let config = AgentConfig { tls: Some(identity), ..agent(controller, &[]) };
        let mut bench = Bench::start(FarConfig::Mqtt(far), config).await;
        if served {
            bench.connected().await;
            assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        } else {
            assert!(bench.is_silent().await, "{kind}");
        }
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn faults_are_seen_by_the_server() {
    let mut bench = start(MqttVersion::V5, &[Fault::MqttOmitsReplyTo]).await;
    assert_eq!(published(&mut bench).await.1["response_topic"], Value::Null);
    bench.finish().await;
    let mut bench = start(MqttVersion::V311, &[Fault::MqttReplyToKeepsSlashes]).await;
    assert_eq!(published(&mut bench).await.0, format!("{TOPIC}/reply-to=usp/agent/1"));
    bench.finish().await;
    let mut bench = start(MqttVersion::V5, &[Fault::MqttSpeaksAnUnknownVersion]).await;
    assert_eq!(bench.packet("CONNECT").await["version"], "level 3");
    bench.finish().await;
    let mut bench = start(MqttVersion::V5, &[Fault::ConnectRecordWrongTopic]).await;
    let RecordType::MqttConnect(connect) = bench.connected().await else { panic!("no Connect Record of MQTT") };
    assert_eq!(connect.subscribed_topic, "usp/agent/1-other");
    bench.finish().await;
}
