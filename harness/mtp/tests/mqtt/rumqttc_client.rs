//! An independent client over real TCP.

use std::time::Duration;

use rstest::rstest;
use rumqttc::{AsyncClient, Event, Incoming, MqttOptions, QoS, v5};
use tokio::time::timeout;
use uspec_mtp::mqtt::{MqttPlace, MqttVersion};
use uspec_mtp::network::{Address, RealNetwork};

use crate::kit::{Agent, CONTROLLER_TOPIC, Far};

/// Longest wait for anything; the tests themselves take milliseconds.
const PATIENCE: Duration = Duration::from_secs(20);

async fn far() -> (Far, String, u16) {
    let place = MqttPlace::Broker { address: Address::tcp("127.0.0.1", 0), tls: None };
    let far = Far::start(&RealNetwork, place, |_| {}).await;
    let address = far.handle.address().unwrap();
    let (host, port) = (address.host().to_owned(), address.port());
    (far, host, port)
}

#[tokio::test]
async fn a_client_of_311() {
    let (mut far, host, port) = far().await;
    let (client, mut events) = AsyncClient::new(MqttOptions::new("rumqttc", host, port), 10);
    client.subscribe("usp/agent/#", QoS::AtLeastOnce).await.unwrap();
    let topic = format!("{CONTROLLER_TOPIC}/reply-to=usp%2Fagent%2F3");
    for qos in [QoS::AtMostOnce, QoS::AtLeastOnce, QoS::ExactlyOnce] {
        client.publish(&topic, qos, false, "boot").await.unwrap();
    }
    let exchange = async {
        far.opened().await;
        for _ in 0..3 {
            let (record, route) = far.record().await;
            assert_eq!((record, route.reply_to.as_deref()), (b"boot".to_vec(), Some("usp/agent/3")));
        }
        far.handle.send_record("get").await.unwrap();
    };
    let polling = async {
        loop {
            if let Event::Incoming(Incoming::Publish(publish)) = events.poll().await.unwrap() {
                return publish;
            }
        }
    };
    let ((), got) = timeout(PATIENCE, async { tokio::join!(exchange, polling) }).await.unwrap();
    assert_eq!(got.topic, "usp/agent/3/reply-to=usp%2Fcontroller%2F1");
    assert_eq!(got.payload, "get");
}

#[tokio::test]
async fn a_client_of_5() {
    let (mut far, host, port) = far().await;
    let mut options = v5::MqttOptions::new("rumqttc", host, port);
    options.set_request_response_info(Some(1));
    far.handle.change_behaviour(|behaviour| behaviour.connack.response_information = Some("usp/agent/5".to_owned()));
    let (client, mut events) = v5::AsyncClient::new(options, 10);
    client.subscribe("usp/agent/5", v5::mqttbytes::QoS::ExactlyOnce).await.unwrap();
    let properties = v5::mqttbytes::v5::PublishProperties {
        response_topic: Some("usp/agent/5".to_owned()),
        content_type: Some("usp.msg".to_owned()),
        ..Default::default()
    };
    client
        .publish_with_properties(CONTROLLER_TOPIC, v5::mqttbytes::QoS::ExactlyOnce, false, "boot", properties)
        .await
        .unwrap();
    let exchange = async {
        far.opened().await;
        assert_eq!(far.record().await.1.reply_to.as_deref(), Some("usp/agent/5"));
        far.handle.change_behaviour(|behaviour| behaviour.publish.qos = Some(2));
        far.handle.send_record("get").await.unwrap();
        far.packet("PUBCOMP").await;
    };
    let polling = async {
        let mut got = None;
        let mut information = None;
        loop {
            match events.poll().await.unwrap() {
                v5::Event::Incoming(v5::Incoming::ConnAck(ack)) => {
                    information = ack.properties.and_then(|properties| properties.response_information);
                }
                v5::Event::Incoming(v5::Incoming::Publish(publish)) => got = Some(publish),
                v5::Event::Outgoing(rumqttc::Outgoing::PubComp(_)) => return (got.unwrap(), information),
                _ => {}
            }
        }
    };
    let ((), (got, information)) = timeout(PATIENCE, async { tokio::join!(exchange, polling) }).await.unwrap();
    assert_eq!(information.as_deref(), Some("usp/agent/5"));
    assert_eq!(got.topic, "usp/agent/5");
    assert_eq!(got.properties.unwrap().response_topic.as_deref(), Some(CONTROLLER_TOPIC));
}

#[rstest]
#[tokio::test]
async fn our_own_ends_over_tcp(#[values(MqttVersion::V311, MqttVersion::V5)] version: MqttVersion) {
    let (mut far, host, port) = far().await;
    let mut agent = Agent::start(&RealNetwork, version, |config| config.address = Address::tcp(host, port)).await;
    let exchange = async {
        far.opened().await;
        agent.opened().await;
        far.handle.send_record(vec![7; 3_000_000]).await.unwrap();
        assert_eq!(agent.record().await.0.len(), 3_000_000);
        agent.handle.send_record(vec![8; 3_000_000]).await.unwrap();
        assert_eq!(far.record().await.0.len(), 3_000_000);
        agent.handle.shutdown().await;
        assert!(far.closed().await.clean);
    };
    timeout(PATIENCE, exchange).await.unwrap();
}
