//! The Agent's end: what TR-369 wants of it, and its deviations.

use std::time::Duration;

use rstest::rstest;
use serde_json::json;
use tokio::time::{Instant, timeout};
use uspec_mtp::event::{EndedBy, FailureKind};
use uspec_mtp::mqtt::packet::PacketKind;
use uspec_mtp::mqtt::{Change, ClientChanges, MqttBehaviour, MqttVersion};
use uspec_mtp::mqtt::{Retry, RetryParameters};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{AGENT, Agent, CONTROLLER_TOPIC, Far, broker, pair, pair_on};

#[tokio::test(start_paused = true)]
async fn without_a_filter_the_mtp_is_disabled() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let mut agent = Agent::start(&network, MqttVersion::V5, |config| config.subscriptions.clear()).await;
    let failure = agent.failure().await;
    assert_eq!(failure.kind, FailureKind::NothingSubscribed);
    assert_eq!(failure.requirement.as_deref(), Some("R-MQTT.16"));
    far.packet("DISCONNECT").await;
    far.ended().await;
    let more = timeout(Duration::from_secs(3600), agent.events.recv()).await;
    assert!(more.is_err(), "{more:?}");
    far.handle.change_behaviour(|behaviour| behaviour.connack.subscribe_topics = vec!["usp/agent".to_owned()]);
    agent.handle.reconnect();
    assert_eq!(agent.opened().await.subscriptions, ["usp/agent", "usp/agent/1"]);
}

#[tokio::test(start_paused = true)]
async fn without_a_grant_it_leaves_and_tries_again() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.suback = Some(0x87));
    let mut agent = Agent::start(&network, MqttVersion::V5, |_| {}).await;
    let failure = agent.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("R-MQTT.17"));
    far.packet("DISCONNECT").await;
    agent.handle.send_record_to(CONTROLLER_TOPIC, "r").await.unwrap_err();
    far.handle.change_behaviour(|behaviour| behaviour.suback = None);
    agent.retrying().await;
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_part_of_the_grants_is_enough() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, broker(), |_| {}).await;
    let mut agent = Agent::start(&network, MqttVersion::V311, |config| {
        config.subscriptions = (0..300).map(|number| (format!("f/{number}"), 0)).collect();
    })
    .await;
    assert_eq!(agent.opened().await.subscriptions.len(), 256, "what the broker takes of one client");
}

#[tokio::test(start_paused = true)]
async fn waits_grow_to_their_maximum_and_begin_anew() {
    let network = MemoryNetwork::new();
    let parameters = RetryParameters {
        minimum_wait: Duration::from_secs(4),
        multiplier: 3000,
        maximum: Some(Duration::from_secs(20)),
    };
    let mut agent =
        Agent::start(&network, MqttVersion::V5, |config| config.retry = Retry::agent(move || parameters, 3)).await;
    for (number, low, high) in [(1, 4, 12), (2, 12, 20), (3, 20, 20), (4, 20, 20)] {
        assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
        let (retry, wait) = agent.retrying().await;
        assert_eq!(retry, number);
        assert!((low..=high).contains(&wait.as_secs()), "{wait:?}");
    }
    let mut far = Far::start(&network, broker(), |_| {}).await;
    agent.opened().await;
    far.opened().await;
    far.handle.disconnect_client(0x89).await.unwrap();
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.code, closing.clean), (EndedBy::Peer, Some(0x89), true));
    let (retry, wait) = agent.retrying().await;
    assert_eq!(retry, 1);
    assert!((4..=12).contains(&wait.as_secs()));
    let before = Instant::now();
    agent.handle.reconnect();
    agent.opened().await;
    assert!(before.elapsed() < Duration::from_secs(1), "told so, it does not wait");
}

#[tokio::test(start_paused = true)]
async fn it_subscribes_while_it_runs_and_again_later() {
    let (mut far, mut agent) = pair(MqttVersion::V5).await;
    agent.handle.subscribe("new/topic", 0).await.unwrap();
    assert_eq!(far.packet("SUBSCRIBE").await["subscriptions"][0]["filter"], json!("new/topic"));
    far.handle.send_record_to("new/topic", "there").await.unwrap();
    assert_eq!(agent.record().await.1.to.as_deref(), Some("new/topic"));
    far.handle.drop_connection().await.unwrap();
    assert_eq!(far.packet("SUBSCRIBE").await["subscriptions"][1]["filter"], json!("new/topic"));
    agent.opened().await;
    agent.handle.unsubscribe("new/topic").await.unwrap();
    assert_eq!(far.packet("UNSUBSCRIBE").await["filters"], json!(["new/topic"]));
    far.handle.drop_connection().await.unwrap();
    assert_eq!(far.packet("SUBSCRIBE").await["subscriptions"].as_array().unwrap().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_changed_counts_for_the_next_connection() {
    let (mut far, mut agent) = pair(MqttVersion::V5).await;
    agent
        .handle
        .change_client(|config| {
            config.client_id = Some("other".to_owned());
            config.keep_alive = 5;
        })
        .unwrap();
    agent.handle.disconnect().await;
    assert!(far.closed().await.clean);
    assert!(agent.closed().await.clean);
    agent.handle.reconnect();
    let connect = far.packet("CONNECT").await;
    assert_eq!((&connect["client_id"], &connect["keep_alive"]), (&json!("other"), &json!(5)));
}

#[tokio::test(start_paused = true)]
async fn without_an_identifier_311_uses_the_endpoint_id() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let _agent = Agent::start(&network, MqttVersion::V311, |config| config.client_id = None).await;
    assert_eq!(far.packet("CONNECT").await["client_id"], json!(AGENT));
}

#[tokio::test(start_paused = true)]
async fn a_silent_session_stays_alive() {
    let (mut far, mut agent) = pair(MqttVersion::V5).await;
    tokio::time::sleep(Duration::from_secs(1000)).await;
    far.packet("PINGREQ").await;
    assert!(agent.events.try_recv().is_err());
    agent.handle.change_behaviour(|behaviour| behaviour.withhold = [PacketKind::PingReq].into());
    let failure = far.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("MQTT 5.0 3.1.2.10"));
    assert_eq!(agent.closed().await.code, Some(0x8D));
}

#[rstest]
#[case::no_endpoint_id(|client: &mut ClientChanges| client.endpoint_id = Change::Omit, "/properties/user_properties", None)]
#[case::no_request(
    |client: &mut ClientChanges| client.omit_request_response_information = true,
    "/properties/request_response_information",
    None
)]
#[case::no_credentials(|client: &mut ClientChanges| client.omit_credentials = true, "/username", None)]
#[case::other_id(
    |client: &mut ClientChanges| client.client_id = Change::Set("x".to_owned()),
    "/client_id",
    Some(json!("x"))
)]
#[case::other_keep_alive(|client: &mut ClientChanges| client.keep_alive = Some(7), "/keep_alive", Some(json!(7)))]
#[tokio::test(start_paused = true)]
async fn its_connect_can_be_wrong(
    #[case] change: fn(&mut ClientChanges),
    #[case] place: &str,
    #[case] expected: Option<serde_json::Value>,
) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    let _agent = Agent::start(&network, MqttVersion::V5, |config| {
        config.username = Some("joe".to_owned());
        change(&mut config.behaviour.client);
    })
    .await;
    let connect = far.packet("CONNECT").await;
    assert_eq!(connect.pointer(place), expected.as_ref());
}

#[tokio::test(start_paused = true)]
async fn it_can_stay_where_it_must_leave() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, broker(), |_| {}).await;
    far.handle.change_behaviour(|behaviour| behaviour.suback = Some(0x80));
    let mut agent = Agent::start(&network, MqttVersion::V5, |config| {
        config.behaviour.client.stay_without_grant = true;
    })
    .await;
    agent.opened().await;
    agent.handle.send_record_to(CONTROLLER_TOPIC, "r").await.unwrap();
    assert_eq!(far.record().await.0, b"r");
}

#[rstest]
#[case::whole(MqttBehaviour::default(), "usp/controller/1/reply-to=usp%2Fagent%2F1")]
#[case::slashes(
    MqttBehaviour { client: ClientChanges { keep_reply_to_slashes: true, ..ClientChanges::default() }, ..MqttBehaviour::default() },
    "usp/controller/1/reply-to=usp/agent/1"
)]
#[tokio::test(start_paused = true)]
async fn the_reply_to_of_311(#[case] behaviour: MqttBehaviour, #[case] topic: &str) {
    let (mut far, agent) = pair(MqttVersion::V311).await;
    agent.handle.set_behaviour(behaviour);
    agent.handle.send_record_to(CONTROLLER_TOPIC, "r").await.unwrap();
    assert_eq!(far.packet("PUBLISH").await["topic"], json!(topic));
    agent.handle.change_behaviour(|behaviour| behaviour.publish.response_topic = Change::Omit);
    agent.handle.send_record_to(CONTROLLER_TOPIC, "r").await.unwrap();
    assert_eq!(far.packet("PUBLISH").await["topic"], json!(CONTROLLER_TOPIC));
}

#[tokio::test(start_paused = true)]
async fn it_can_be_deaf_to_the_media_type() {
    let (far, mut agent) = pair(MqttVersion::V5).await;
    far.handle.change_behaviour(|behaviour| {
        behaviour.publish.content_type = Change::Set(uspec_mtp::mqtt::MEDIA_TYPE.to_owned());
    });
    far.handle.send_record("heard").await.unwrap();
    assert_eq!(agent.record().await.0, b"heard");
    agent.handle.change_behaviour(|behaviour| behaviour.client.refuse_media_type = true);
    far.handle.send_record("unheard").await.unwrap();
    far.handle.set_behaviour(MqttBehaviour::default());
    far.handle.send_record("heard again").await.unwrap();
    assert_eq!(agent.record().await.0, b"heard again");
}

#[tokio::test(start_paused = true)]
async fn every_end_of_a_stream_is_told_apart() {
    let network = MemoryNetwork::new();
    let (mut far, mut agent) = pair_on(&network, MqttVersion::V5).await;
    agent.handle.hang_up().await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
    far.opened().await;
    agent.opened().await;
    agent.handle.drop_connection().await.unwrap();
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Broken, false));
    far.opened().await;
    agent.opened().await;
    far.handle.hang_up().await.unwrap();
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, false));
}
