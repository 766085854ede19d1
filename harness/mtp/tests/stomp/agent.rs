//! The Agent's end against the server: what TR-369's STOMP binding asks of an Agent.

use std::time::Duration;

use uspec_mtp::event::{Direction, EndedBy, FailureKind, MtpHappening, Route};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::stomp::{HeaderChange, Login, ServerRetry, StompRefusal};
use uspec_mtp::websocket::Retry;

use crate::kit::{AGENT, Agent, Far, TO_AGENT, TO_CONTROLLER, has_header, header, pair, pair_with};

fn soon() -> Retry {
    Retry::After(Duration::from_secs(5))
}

#[tokio::test(start_paused = true)]
async fn opens_a_session_as_the_binding_says() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut agent = Agent::start(&network, |config| {
        config.login = Some(Login::new("user:1", "pass\\word"));
        config.host = Some("/".to_owned());
        config.heart_beat = Some((15_000, 10_000));
    })
    .await;
    let opening = far.received("STOMP").await;
    assert_eq!(header(&opening, "accept-version"), "1.2");
    assert_eq!(header(&opening, "host"), "/");
    assert_eq!((header(&opening, "login"), header(&opening, "passcode")), ("user:1", "pass\\word"));
    assert_eq!(header(&opening, "endpoint-id"), AGENT);
    assert_eq!(header(&opening, "heart-beat"), "15000,10000");
    let connected = far.packet(Direction::Sent, "CONNECTED").await;
    assert_eq!((header(&connected, "version"), header(&connected, "heart-beat")), ("1.2", "10000,15000"));
    let subscribe = far.received("SUBSCRIBE").await;
    assert_eq!((header(&subscribe, "destination"), header(&subscribe, "ack")), (TO_AGENT, "auto"));
    let (_, open) = far.opened().await;
    assert_eq!((open.eid.as_deref(), &open.subscriptions[..]), (Some(AGENT), &[TO_AGENT.to_owned()][..]));
    let open = agent.opened().await;
    assert_eq!((open.reached_at.as_deref(), open.told_by_server), (Some(TO_AGENT), None));
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn the_octets_of_the_opening_frame_are_escaped() {
    let (far, _agent) = pair().await;
    let octets = far.seen.iter().find_map(|event| match &event.what {
        MtpHappening::Octets { direction: Direction::Received, bytes } => Some(bytes.clone()),
        _ => None,
    });
    let text = String::from_utf8(octets.unwrap().to_vec()).unwrap();
    assert!(text.contains("\nendpoint-id:os\\c\\c012345-agent\n"), "{text}");
}

#[tokio::test(start_paused = true)]
async fn records_go_both_ways_with_their_headers() {
    let (mut far, mut agent) = pair().await;
    far.handle.send_record(&b"re\0quest\n"[..]).await.unwrap();
    let message = far.packet(Direction::Sent, "MESSAGE").await;
    assert_eq!(header(&message, "destination"), TO_AGENT);
    assert_eq!(header(&message, "content-type"), "application/vnd.bbf.usp.msg");
    assert_eq!((header(&message, "content-length"), header(&message, "reply-to-dest")), ("9", TO_CONTROLLER));
    assert_eq!(&message.body[..], b"re\0quest\n");
    let route = Route { to: Some(TO_AGENT.to_owned()), reply_to: Some(TO_CONTROLLER.to_owned()) };
    assert_eq!(agent.record().await, (b"re\0quest\n".to_vec(), route.clone()));
    let sent = far.next().await;
    assert!(matches!(sent.what, MtpHappening::Record { direction: Direction::Sent, route: seen, .. } if seen == route));

    agent.handle.send_record(&b"\0\0response"[..]).await.unwrap();
    let carrier = far.received("SEND").await;
    assert_eq!((header(&carrier, "destination"), header(&carrier, "reply-to-dest")), (TO_CONTROLLER, TO_AGENT));
    assert_eq!(
        (header(&carrier, "content-length"), header(&carrier, "content-type")),
        ("10", "application/vnd.bbf.usp.msg")
    );
    let route = Route { to: Some(TO_CONTROLLER.to_owned()), reply_to: Some(TO_AGENT.to_owned()) };
    assert_eq!(far.record().await, (b"\0\0response".to_vec(), route));
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn an_agent_sends_first_where_it_is_told_to() {
    let (mut far, agent) = pair().await;
    assert!(agent.handle.send_record(&b"where to?"[..]).await.is_err());
    agent.handle.send_record_to(TO_CONTROLLER, &b"notify"[..]).await.unwrap();
    assert_eq!(far.record().await.0, b"notify");
}

#[tokio::test(start_paused = true)]
async fn the_servers_destination_counts_before_the_configured_one() {
    let (mut far, mut agent) =
        pair_with(|config| config.behaviour.connected.subscribe_dest = Some("/queue/given:1".to_owned()), |_| {}).await;
    far.handle.send_record(&b"x"[..]).await.unwrap();
    assert_eq!(agent.record().await.1.to.as_deref(), Some("/queue/given:1"));
    agent.handle.send_record(&b"y"[..]).await.unwrap();
    assert_eq!(far.record().await.1.reply_to.as_deref(), Some("/queue/given:1"));
    // R-STOMP.29 is for those that were told no destination.
    agent.handle.set_destination(Some("/queue/other".to_owned()));
    agent.handle.send_record(&b"z"[..]).await.unwrap();
    assert_eq!(far.record().await.1.reply_to.as_deref(), Some("/queue/given:1"));
    assert!(
        !far.seen
            .iter()
            .any(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "UNSUBSCRIBE"))
    );
}

#[tokio::test(start_paused = true)]
async fn without_a_destination_the_session_is_ended_and_tried_again() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut agent = Agent::start(&network, |config| {
        config.destination = Some(String::new());
        config.retry = soon();
    })
    .await;
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::NothingSubscribed, Some("R-STOMP.16")));
    far.received("DISCONNECT").await;
    far.packet(Direction::Sent, "RECEIPT").await;
    assert_eq!(far.ended().await, EndedBy::Peer);
    assert_eq!(agent.retrying().await, (1, Duration::from_secs(5)));
    agent.failure().await;
    assert_eq!(agent.retrying().await.0, 2);
    assert!(!far.seen.iter().any(|event| matches!(event.what, MtpHappening::Open(_) | MtpHappening::Closed(_))));
    agent.handle.set_destination(Some(TO_AGENT.to_owned()));
    assert_eq!(agent.opened().await.reached_at.as_deref(), Some(TO_AGENT));
}

#[tokio::test(start_paused = true)]
async fn another_destination_is_subscribed_to_at_once() {
    let (mut far, mut agent) = pair().await;
    far.handle.send_record(&b"before"[..]).await.unwrap();
    agent.handle.send_record_to(TO_CONTROLLER, &b"answer"[..]).await.unwrap();
    far.record().await;
    agent.handle.set_destination(Some("/queue/moved".to_owned()));
    let former = far.received("UNSUBSCRIBE").await;
    let subscribe = far.received("SUBSCRIBE").await;
    assert_ne!(header(&former, "id"), header(&subscribe, "id"));
    assert_eq!(header(&subscribe, "destination"), "/queue/moved");
    assert_eq!(agent.record().await.0, b"before");
    // The reply-to-dest that was last seen is not listened at any more.
    far.handle.send_record(&b"after"[..]).await.unwrap();
    assert_eq!(agent.record().await.1.to.as_deref(), Some("/queue/moved"));
    agent.handle.send_record(&b"answer"[..]).await.unwrap();
    assert_eq!(far.record().await.1.reply_to.as_deref(), Some("/queue/moved"));
    assert_eq!(far.failures(), []);
}

#[tokio::test(start_paused = true)]
async fn an_error_is_followed_by_another_try() {
    let network = MemoryNetwork::new();
    let refuse = StompRefusal::Error("not now".to_owned());
    let mut far = Far::start(&network, |config| config.behaviour.refuse = Some(refuse)).await;
    let mut agent = Agent::start(&network, |config| config.retry = soon()).await;
    let failure = agent.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("R-STOMP.7"));
    assert!(failure.text.contains("not now"), "{failure}");
    assert_eq!(agent.retrying().await.0, 1);
    agent.failure().await;
    assert_eq!(agent.retrying().await.0, 2);
    far.handle.change_behaviour(|behaviour| behaviour.refuse = None);
    agent.opened().await;

    far.opened().await;
    far.handle.error("that was all", &b"details"[..]).await.unwrap();
    let failure = agent.failure().await;
    assert_eq!(
        (failure.kind, failure.requirement.as_deref()),
        (FailureKind::Refused { reason: 0 }, Some("R-STOMP.25"))
    );
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.clean, &*closing.reason), (EndedBy::Peer, false, "that was all"));
    assert_eq!(far.closed().await.by, EndedBy::Us);
    assert_eq!(agent.retrying().await.0, 1);
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn retries_stay_within_tr181s_intervals() {
    let network = MemoryNetwork::new();
    let parameters = ServerRetry::default();
    let mut agent = Agent::start(&network, |config| config.retry = ServerRetry::retry(move || parameters, 3)).await;
    for expected in 1..=12 {
        let (retry, wait) = agent.retrying().await;
        assert_eq!(retry, expected);
        assert!(wait <= parameters.longest(retry), "{retry}: {wait:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_orderly_end_is_a_disconnect_with_its_receipt() {
    let (mut far, mut agent) = pair().await;
    agent.handle.disconnect().await;
    let disconnect = far.received("DISCONNECT").await;
    let receipt = far.packet(Direction::Sent, "RECEIPT").await;
    assert_eq!(header(&disconnect, "receipt"), header(&receipt, "receipt-id"));
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Peer, true));
    assert_eq!(far.ended().await, EndedBy::Peer);
    let closing = agent.closed().await;
    assert_eq!((closing.by, closing.clean), (EndedBy::Us, true));
    agent.handle.reconnect();
    agent.opened().await;
    far.opened().await;
    agent.handle.shutdown().await;
    assert!(far.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn a_withheld_receipt_does_not_keep_an_agent() {
    let (mut far, mut agent) = pair_with(|config| config.behaviour.receipts = false, |_| {}).await;
    agent.handle.disconnect().await;
    far.received("DISCONNECT").await;
    assert!(far.closed().await.clean);
    assert!(agent.closed().await.clean);
    assert!(
        !far.seen
            .iter()
            .any(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "RECEIPT"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_ends_the_stream_is_tried_again() {
    let (mut far, mut agent) = pair_with(|_| {}, |config| config.retry = soon()).await;
    far.handle.hang_up().await.unwrap();
    assert_eq!(agent.closed().await.by, EndedBy::Peer);
    agent.opened().await;
    far.opened().await;
    far.handle.drop_connection().await.unwrap();
    assert_eq!(agent.closed().await.by, EndedBy::Broken);
    agent.opened().await;
    far.opened().await;
    far.handle.disconnect().await;
    agent.closed().await;
    assert_eq!(agent.failure().await.kind, FailureKind::ConnectFailed);
    far.handle.reconnect();
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_answers_is_left() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.behaviour.refuse = Some(StompRefusal::Silence)).await;
    let mut agent = Agent::start(&network, |config| config.retry = soon()).await;
    assert_eq!(agent.failure().await.kind, FailureKind::Timeout);
    far.received("STOMP").await;
    assert_eq!(far.ended().await, EndedBy::Broken);
    far.handle.change_behaviour(|behaviour| behaviour.refuse = Some(StompRefusal::HangUp));
    assert_eq!(agent.failure().await.kind, FailureKind::StreamEnded);
    far.handle.change_behaviour(|behaviour| behaviour.refuse = None);
    agent.opened().await;
}

#[tokio::test(start_paused = true)]
async fn another_version_is_left() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, |config| config.behaviour.connected.version = Some("1.1".to_owned())).await;
    let mut agent = Agent::start(&network, |_| {}).await;
    let failure = agent.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some("STOMP 1.2 Protocol Negotiation"));
    assert_eq!(agent.retrying().await.0, 1);
}

#[tokio::test(start_paused = true)]
async fn every_deviation_can_be_had() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut agent = Agent::start(&network, |config| {
        let client = &mut config.behaviour.client;
        client.opening_command = "CONNECT".to_owned();
        client.endpoint_id = HeaderChange::Omit;
        client.host = HeaderChange::Omit;
        client.heart_beat = HeaderChange::Set("1000,0".to_owned());
        client.ack = "client-individual".to_owned();
        client.content_length = HeaderChange::Omit;
        client.content_type = HeaderChange::Set("text/plain".to_owned());
        client.reply_to = HeaderChange::Omit;
        client.transactions = true;
        client.acknowledge = true;
        client.say_goodbye = false;
    })
    .await;
    let opening = far.received("CONNECT").await;
    assert!(!has_header(&opening, "endpoint-id") && !has_header(&opening, "host"));
    assert_eq!(header(&opening, "heart-beat"), "1000,0");
    assert_eq!(far.failure().await.requirement.as_deref(), Some("STOMP 1.2 CONNECT or STOMP Frame"));
    assert_eq!(header(&far.received("SUBSCRIBE").await, "ack"), "client-individual");
    let (_, open) = far.opened().await;
    assert_eq!(open.eid, None);
    far.handle.send_record(&b"x"[..]).await.unwrap();
    let message = far.packet(Direction::Sent, "MESSAGE").await;
    agent.record().await;
    let ack = far.received("ACK").await;
    assert_eq!(header(&ack, "id"), header(&message, "ack"));
    far.handle.change_behaviour(|_| {});
    agent.handle.change_behaviour(|behaviour| behaviour.client.transactions = false);
    agent.handle.send_record(&b"y"[..]).await.unwrap();
    let send = far.received("SEND").await;
    assert!(!has_header(&send, "content-length") && !has_header(&send, "reply-to-dest"));
    assert_eq!(header(&send, "content-type"), "text/plain");
    assert_eq!(far.record().await.0, b"y");
    agent.handle.change_behaviour(|behaviour| behaviour.client.transactions = true);
    agent.handle.send_record(&b"z"[..]).await.unwrap();
    far.received("BEGIN").await;
    assert!(far.closed().await.reason.contains("BEGIN"));
}

#[tokio::test(start_paused = true)]
async fn a_subscription_can_be_left_where_it_is() {
    let (mut far, agent) = pair_with(
        |_| {},
        |config| {
            config.behaviour.client.unsubscribe = false;
        },
    )
    .await;
    agent.handle.set_destination(Some("/queue/moved".to_owned()));
    far.received("SUBSCRIBE").await;
    assert!(
        !far.seen
            .iter()
            .any(|event| matches!(&event.what, MtpHappening::Packet { packet, .. } if packet.kind == "UNSUBSCRIBE"))
    );
    agent.handle.change_behaviour(|behaviour| behaviour.client.resubscribe = false);
    agent.handle.set_destination(Some("/queue/again".to_owned()));
    agent.handle.send_record_to(TO_CONTROLLER, &b"x"[..]).await.unwrap();
    assert_eq!(far.record().await.1.reply_to.as_deref(), Some("/queue/moved"));
}

#[tokio::test(start_paused = true)]
async fn one_more_connection_can_be_opened() {
    let (mut far, mut agent) = pair().await;
    agent.handle.open_another().unwrap();
    let (second, _) = far.opened().await;
    agent.opened().await;
    assert!(far.seen.iter().any(|event| matches!(event.what, MtpHappening::Superseded { by } if by == second)));
}
