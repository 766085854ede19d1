//! The Controller as client of a broker that is there already, over real TCP. Our own broker plays the foreign one: it never sees the
//! Controller as anything but a client.

use std::time::Duration;

use rstest::rstest;
use tokio::time::timeout;
use uspec_mtp::event::{Direction, EndedBy, FailureKind, MtpHappening};
use uspec_mtp::mqtt::{Change, MqttPlace, MqttRefusal, MqttVersion};
use uspec_mtp::network::{Address, RealNetwork};
use uspec_mtp::tls::{CertificateAuthority, TlsClient, TlsMaterial, TlsServer};
use uspec_usp::record::record::RecordType;
use uspec_usp::record::{MqttConnectRecord, Record};

use crate::kit::{AGENT, AGENT_TOPIC, Agent, CONTROLLER, CONTROLLER_TOPIC, Far};

/// Longest wait for anything; the tests themselves take milliseconds, but for the retries.
const PATIENCE: Duration = Duration::from_secs(30);

/// A broker whose own Controller is at a topic that nobody uses.
async fn foreign(tls: Option<TlsServer>) -> (Far, Address) {
    let place = MqttPlace::Broker { address: Address::tcp("localhost", 0), tls };
    let far = Far::start(&RealNetwork, place, |config| "nobody/here".clone_into(&mut config.topic)).await;
    let port = far.handle.address().unwrap().port();
    (far, Address::tcp("localhost", port))
}

async fn controller(address: &Address, version: MqttVersion, agent_topic: Option<&str>) -> Far {
    Far::start(&RealNetwork, MqttPlace::beside(address.clone()), |config| {
        config.versions = vec![version];
        config.agent_topic = agent_topic.map(str::to_owned);
    })
    .await
}

async fn agent(address: &Address, version: MqttVersion) -> Agent {
    let mut agent = Agent::start(&RealNetwork, version, |config| config.address = address.clone()).await;
    agent.opened().await;
    agent
}

fn connect_record() -> Vec<u8> {
    let connect = MqttConnectRecord { subscribed_topic: AGENT_TOPIC.to_owned(), ..MqttConnectRecord::default() };
    let record = Record {
        version: "1.3".to_owned(),
        to_id: CONTROLLER.to_owned(),
        from_id: AGENT.to_owned(),
        record_type: Some(RecordType::MqttConnect(connect)),
        ..Record::default()
    };
    prost::Message::encode_to_vec(&record)
}

#[rstest]
#[tokio::test]
async fn records_go_through_the_other_broker(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let work = async {
        let (_broker, address) = foreign(None).await;
        let mut agent = agent(&address, version).await;
        let mut far = controller(&address, version, Some(AGENT_TOPIC)).await;
        far.opened().await;
        assert!(far.handle.is_open());
        far.handle.send_record("get").await.unwrap();
        let (record, route) = agent.record().await;
        assert_eq!((record, route.reply_to.as_deref()), (b"get".to_vec(), Some(CONTROLLER_TOPIC)));
        agent.handle.send_record("response").await.unwrap();
        let (record, route) = far.record().await;
        assert_eq!(record, b"response");
        assert_eq!(route.reply_to.as_deref(), Some(AGENT_TOPIC));
        far.handle.send_record(vec![5; 2_000_000]).await.unwrap();
        assert_eq!(agent.record().await.0.len(), 2_000_000);
        agent.handle.send_record(vec![6; 2_000_000]).await.unwrap();
        assert_eq!(far.record().await.0.len(), 2_000_000);
        let packets: Vec<_> = far
            .seen
            .iter()
            .filter_map(|event| match &event.what {
                MtpHappening::Packet { direction, packet } => Some((*direction, packet.kind.as_str())),
                _ => None,
            })
            .collect();
        for wanted in [(Direction::Sent, "CONNECT"), (Direction::Received, "SUBACK"), (Direction::Received, "PUBLISH")]
        {
            assert!(packets.contains(&wanted), "{packets:?}");
        }
        far.handle.shutdown().await;
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test]
async fn how_records_are_published_can_be_changed() {
    let work = async {
        let (_broker, address) = foreign(None).await;
        let mut agent = agent(&address, MqttVersion::V5).await;
        let mut far = controller(&address, MqttVersion::V5, Some(AGENT_TOPIC)).await;
        far.opened().await;
        far.handle.change_behaviour(|behaviour| {
            behaviour.publish.response_topic = Change::Set("elsewhere".to_owned());
            behaviour.publish.content_type = Change::Set(uspec_mtp::mqtt::MEDIA_TYPE.to_owned());
            behaviour.publish.qos = Some(2);
        });
        far.handle.send_record("r").await.unwrap();
        assert_eq!(agent.record().await.1.reply_to.as_deref(), Some("elsewhere"));
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test]
async fn the_agent_is_learnt_and_its_sessions_are_told_apart() {
    let work = async {
        let (_broker, address) = foreign(None).await;
        let mut far = controller(&address, MqttVersion::V5, None).await;
        far.packet("SUBACK").await;
        far.handle.send_record("to whom").await.unwrap_err();
        let mut agent = agent(&address, MqttVersion::V5).await;
        agent.handle.send_record_to(CONTROLLER_TOPIC, connect_record()).await.unwrap();
        let (first, open) = far.opened_at().await;
        assert_eq!(open.eid.as_deref(), Some(AGENT));
        assert_eq!(open.subscriptions, [AGENT_TOPIC]);
        far.record().await;
        far.handle.at(first).send_record("get").await.unwrap();
        agent.record().await;
        agent.handle.send_record_to(CONTROLLER_TOPIC, connect_record()).await.unwrap();
        assert_eq!(far.closed().await.by, EndedBy::Peer);
        let (second, _) = far.opened_at().await;
        assert_ne!(first, second);
        far.record().await;
        far.handle.at(first).send_record("late").await.unwrap_err();
        far.handle.at(second).send_record("get").await.unwrap();
        agent.record().await;
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test]
async fn a_lost_broker_is_called_again() {
    let work = async {
        let (broker, address) = foreign(None).await;
        let mut far = controller(&address, MqttVersion::V5, Some(AGENT_TOPIC)).await;
        far.opened().await;
        broker.handle.change_behaviour(|behaviour| behaviour.refuse = Some(MqttRefusal::Connack(0x88)));
        broker.handle.drop_connection().await.unwrap();
        assert_eq!(far.failure().await.kind, FailureKind::StreamEnded);
        assert!(!far.closed().await.clean);
        far.until(|what| matches!(what, MtpHappening::Waiting { .. }).then_some(())).await;
        assert_eq!(far.failure().await.kind, FailureKind::Refused { reason: 0x88 });
        broker.handle.change_behaviour(|behaviour| behaviour.refuse = None);
        far.opened().await;
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test]
async fn it_says_farewell_and_comes_back() {
    let work = async {
        let (mut broker, address) = foreign(None).await;
        let mut far = controller(&address, MqttVersion::V5, Some(AGENT_TOPIC)).await;
        far.opened().await;
        far.handle.disconnect().await;
        assert!(far.closed().await.clean);
        broker.packet("DISCONNECT").await;
        far.handle.reconnect();
        far.opened().await;
    };
    timeout(PATIENCE, work).await.unwrap();
}

#[tokio::test]
async fn tls_and_a_second_controller() {
    let work = async {
        let authority = CertificateAuthority::generate("test authority").unwrap();
        let material = |eid| TlsMaterial::generate(eid, &authority).unwrap();
        let (_broker, address) = foreign(Some(TlsServer::new(material(CONTROLLER)))).await;
        let place = MqttPlace::Beside {
            address: address.clone(),
            tls: Some(TlsClient::new(material(CONTROLLER))),
            reconnect: uspec_mtp::mqtt::Retry::Never,
        };
        let mut far = Far::start(&RealNetwork, place, |config| config.agent_topic = Some(AGENT_TOPIC.to_owned())).await;
        far.until(|what| matches!(what, MtpHappening::TlsEstablished(_)).then_some(())).await;
        far.opened().await;
        let mut second = Far::start(&RealNetwork, MqttPlace::Shared(far.handle.clone()), |config| {
            config.topic = "usp/second".to_owned();
            config.agent_topic = Some(AGENT_TOPIC.to_owned());
        })
        .await;
        second.opened().await;
        let mut agent = Agent::start(&RealNetwork, MqttVersion::V5, |config| {
            config.address = address;
            config.tls = Some(TlsClient::new(material(AGENT)));
        })
        .await;
        agent.opened().await;
        second.handle.send_record("from two").await.unwrap();
        assert_eq!(agent.record().await.1.reply_to.as_deref(), Some("usp/second"));
        agent.handle.send_record("for two").await.unwrap();
        assert_eq!(second.record().await.0, b"for two");
        agent.handle.send_record_to(CONTROLLER_TOPIC, "for one").await.unwrap();
        assert_eq!(far.record().await.0, b"for one");
    };
    timeout(PATIENCE, work).await.unwrap();
}
