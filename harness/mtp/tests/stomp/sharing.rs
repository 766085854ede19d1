//! A further Controller on the same server.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use uspec_mtp::MtpError;
use uspec_mtp::event::{Direction, EVENT_QUEUE, MtpHappening};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::stomp::{StompFarConfig, StompFarSide, StompPlace};

use crate::kit::{AGENT, Agent, Far, TO_AGENT, TO_CONTROLLER, header, pair};

const TO_SECOND: &str = "/queue/second";

async fn second(network: &MemoryNetwork, far: &Far) -> Far {
    Far::place(network, StompPlace::Shared(far.handle.clone()), TO_SECOND, |_| {}).await
}

#[tokio::test(start_paused = true)]
async fn each_controller_gets_the_records_to_its_own_destination() {
    let network = MemoryNetwork::new();
    let (mut far, mut agent) = pair().await;
    let mut second = second(&network, &far).await;
    let (id, open) = second.opened().await;
    assert_eq!((open.eid.as_deref(), &open.subscriptions[..]), (Some(AGENT), &[TO_AGENT.to_owned()][..]));
    second.handle.send_record(&b"from the second"[..]).await.unwrap();
    let (bytes, route) = agent.record().await;
    assert_eq!((&bytes[..], route.reply_to.as_deref()), (&b"from the second"[..], Some(TO_SECOND)));
    agent.handle.send_record(&b"to the second"[..]).await.unwrap();
    assert_eq!(second.record().await.0, b"to the second");
    agent.handle.send_record_to(TO_CONTROLLER, &b"to the first"[..]).await.unwrap();
    assert_eq!(far.record().await.0, b"to the first");
    assert_eq!(second.handle.at(id).is_open(), second.handle.is_open());

    let records = |far: &Far| {
        let records = far.seen.iter().filter_map(|event| match &event.what {
            MtpHappening::Record { bytes, .. } => Some(bytes.to_vec()),
            _ => None,
        });
        records.collect::<Vec<_>>()
    };
    assert_eq!(records(&far), [b"to the first".to_vec()]);
    assert_eq!(records(&second), [b"from the second".to_vec(), b"to the second".to_vec()]);
    // The first sees every packet.
    let sends = far
        .seen
        .iter()
        .filter(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "SEND"));
    assert_eq!(sends.count(), 2);
    assert!(
        !second
            .seen
            .iter()
            .any(|event| matches!(event.what, MtpHappening::Packet { .. } | MtpHappening::Octets { .. }))
    );
}

#[tokio::test(start_paused = true)]
async fn it_is_told_of_sessions_that_begin_and_end_later() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut second = second(&network, &far).await;
    assert!(!second.handle.is_open());
    assert!(matches!(second.handle.send_record(&b"x"[..]).await, Err(MtpError::NotOpen)));
    let agent = Agent::start(&network, |_| {}).await;
    let (id, _) = second.opened().await;
    assert_eq!(far.opened().await.0, id);
    agent.handle.disconnect().await;
    assert!(second.closed().await.clean);
    assert_eq!(second.seen.len(), 2, "{:#?}", second.seen);
}

#[tokio::test(start_paused = true)]
async fn it_ends_nothing_but_itself() {
    let network = MemoryNetwork::new();
    let (far, mut agent) = pair().await;
    let second = second(&network, &far).await;
    second.handle.pause();
    second.handle.disconnect().await;
    second.handle.shutdown().await;
    drop(second);
    far.handle.send_record(&b"x"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"x");
    agent.handle.send_record_to(TO_SECOND, &b"nobody"[..]).await.unwrap();
    agent.handle.disconnect().await;
    agent.closed().await;
}

#[tokio::test(start_paused = true)]
async fn it_can_break_the_agents_connection() {
    let network = MemoryNetwork::new();
    let (mut far, mut agent) = pair().await;
    let mut second = second(&network, &far).await;
    second.opened().await;
    second.handle.drop_connection().await.unwrap();
    agent.closed().await;
    far.closed().await;
    second.closed().await;
}

#[tokio::test(start_paused = true)]
async fn only_a_server_has_room_for_it() {
    let network = MemoryNetwork::new();
    let (_far, agent) = pair().await;
    let config = StompFarConfig::new(StompPlace::Shared(agent.handle.clone()), "self::second", TO_SECOND);
    let started = StompFarSide::start(config, Arc::new(network), mpsc::channel(EVENT_QUEUE).0).await;
    assert!(matches!(started, Err(MtpError::Config(_))));
}

#[tokio::test(start_paused = true)]
async fn its_messages_are_packets_of_the_server() {
    let network = MemoryNetwork::new();
    let (mut far, _agent) = pair().await;
    let mut second = second(&network, &far).await;
    second.opened().await;
    second.handle.send_record(&b"x"[..]).await.unwrap();
    assert_eq!(header(&far.packet(Direction::Sent, "MESSAGE").await, "reply-to-dest"), TO_SECOND);
    let events = far.watch(Duration::from_secs(1)).await;
    assert!(!events.iter().any(|what| matches!(what, MtpHappening::Record { .. })));
}
