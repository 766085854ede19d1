//! Several Controllers in one broker.

use uspec_mtp::event::{Direction, EndedBy, MtpHappening};
use uspec_mtp::mqtt::{MqttPlace, MqttVersion};
use uspec_mtp::network::MemoryNetwork;

use crate::kit::{CONTROLLER_TOPIC, Far, pair_on};

#[tokio::test(start_paused = true)]
async fn each_controller_gets_its_own_records() {
    let network = MemoryNetwork::new();
    let (mut far, mut agent) = pair_on(&network, MqttVersion::V5).await;
    let place = MqttPlace::Shared(far.handle.clone());
    let mut second = Far::start(&network, place, |config| config.topic = "usp/second".to_owned()).await;
    assert_eq!(second.opened().await.client_id.as_deref(), Some("agent-1"), "it is told of sessions that are open");
    second.handle.send_record("from two").await.unwrap();
    let (record, route) = agent.record().await;
    assert_eq!((record, route.reply_to.as_deref()), (b"from two".to_vec(), Some("usp/second")));
    agent.handle.send_record_to("usp/second", "for two").await.unwrap();
    agent.handle.send_record_to(CONTROLLER_TOPIC, "for one").await.unwrap();
    assert_eq!(second.record().await.0, b"for two");
    assert_eq!(far.record().await.0, b"for one");
    let records = |far: &Far| {
        let all = far.seen.iter().filter_map(|event| match &event.what {
            MtpHappening::Record { direction, bytes, .. } => Some((*direction, bytes.to_vec())),
            _ => None,
        });
        all.collect::<Vec<_>>()
    };
    assert_eq!(records(&far), [(Direction::Received, b"for one".to_vec())]);
    assert_eq!(records(&second), [(Direction::Sent, b"from two".to_vec()), (Direction::Received, b"for two".to_vec())]);
    let packets = far
        .seen
        .iter()
        .filter(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "PUBLISH"));
    assert_eq!(packets.count(), 3, "the first one sees every packet");
    far.handle.drop_connection().await.unwrap();
    second.closed().await;
    second.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_second_controller_comes_and_goes() {
    let network = MemoryNetwork::new();
    let (mut far, agent) = pair_on(&network, MqttVersion::V5).await;
    let place = MqttPlace::Shared(far.handle.clone());
    let mut second = Far::start(&network, place, |config| config.topic = "usp/second".to_owned()).await;
    second.opened().await;
    second.handle.disconnect().await;
    assert_eq!(second.closed().await.by, EndedBy::Us);
    agent.handle.send_record_to("usp/second", "unheard").await.unwrap();
    far.packet("PUBLISH").await;
    second.handle.reconnect();
    second.opened().await;
    agent.handle.send_record_to("usp/second", "heard").await.unwrap();
    assert_eq!(second.record().await.0, b"heard");
    second.handle.shutdown().await;
    assert!(far.handle.is_open(), "the broker goes on");
    agent.handle.send_record_to(CONTROLLER_TOPIC, "still").await.unwrap();
    assert_eq!(far.record().await.0, b"still");
}
