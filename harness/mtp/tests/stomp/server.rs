//! What the server does on command.

use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, timeout};
use uspec_mtp::event::{Direction, EndedBy, FailureKind, MtpHappening};
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::stomp::{HeaderChange, Login, StompBehaviour, StompFrame, StompRefusal};

use crate::kit::{Agent, Far, Raw, TO_AGENT, has_header, header, pair, pair_with};

const DELAY: Duration = Duration::from_secs(2);

#[tokio::test(start_paused = true)]
async fn connected_can_be_altered() {
    let network = MemoryNetwork::new();
    let _far = Far::start(&network, |config| {
        let connected = &mut config.behaviour.connected;
        connected.subscribe_dest = Some("/queue/os::1".to_owned());
        connected.heart_beat = Some((7, 8));
        connected.extra_headers.push(("x-more".to_owned(), "yes".to_owned()));
    })
    .await;
    let mut raw = Raw::connect(&network).await;
    raw.send("STOMP\naccept-version:1.0,1.1,1.2\nhost:a\n\n\0").await;
    let answer = raw.frame().await;
    for line in ["version:1.2", "heart-beat:7,8", "subscribe-dest:/queue/os::1", "x-more:yes"] {
        assert!(answer.contains(&format!("\n{line}\n")), "{line} in {answer}");
    }
}

#[tokio::test(start_paused = true)]
async fn messages_can_be_altered_and_be_normal_again() {
    let (mut far, mut agent) = pair().await;
    far.handle.change_behaviour(|behaviour| {
        let message = &mut behaviour.message;
        message.destination = Some("/queue/elsewhere".to_owned());
        message.reply_to = HeaderChange::Set("/queue/answers".to_owned());
        message.content_type = HeaderChange::Omit;
        message.content_length = false;
        message.extra_headers.push(("x-more".to_owned(), "yes".to_owned()));
    });
    far.handle.send_record(&b"record"[..]).await.unwrap();
    let sent = far.packet(Direction::Sent, "MESSAGE").await;
    assert!(!has_header(&sent, "content-type") && !has_header(&sent, "content-length"));
    assert_eq!((header(&sent, "x-more"), header(&sent, "destination")), ("yes", "/queue/elsewhere"));
    let (bytes, route) = agent.record().await;
    assert_eq!((&bytes[..], route.reply_to.as_deref()), (&b"record"[..], Some("/queue/answers")));
    far.handle.set_behaviour(StompBehaviour::default());
    far.handle.send_record(&b"record"[..]).await.unwrap();
    assert_eq!(header(&far.packet(Direction::Sent, "MESSAGE").await, "destination"), TO_AGENT);
}

#[tokio::test(start_paused = true)]
async fn a_record_can_be_sent_where_the_caller_wants() {
    let (far, mut agent) = pair().await;
    far.handle.send_record_to("/queue/named", &b"record"[..]).await.unwrap();
    assert_eq!(agent.record().await.1.to.as_deref(), Some("/queue/named"));
}

#[tokio::test(start_paused = true)]
async fn any_frame_and_any_octets_can_be_sent() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::open(&network).await;
    far.received("STOMP").await;
    // The session is not open yet: it has no subscription.
    let connection = far.seen.last().unwrap().connection;
    assert!(!far.handle.is_open() && !far.handle.at(connection).is_open());
    assert!(far.handle.send_record(&b"x"[..]).await.is_err());
    far.handle.at(connection).send_frame(StompFrame::new("RECEIPT").with("receipt-id", "a:b")).await.unwrap();
    assert_eq!(raw.frame().await, "RECEIPT\nreceipt-id:a\\cb\n\n");
    far.handle.at(connection).send_octets(&b"NONSENSE\n\n\0"[..]).await.unwrap();
    assert_eq!(raw.frame().await, "NONSENSE\n\n");
    far.handle.at(connection).drop_connection().await.unwrap();
    assert_eq!(far.ended().await, EndedBy::Us);
}

#[tokio::test(start_paused = true)]
async fn receipts_are_given_on_request_and_can_be_withheld() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/a").await;
    raw.send("SEND\ndestination:/queue/nobody\nreceipt:r-1\n\nx\0").await;
    assert_eq!(raw.frame().await, "RECEIPT\nreceipt-id:r-1\n\n");
    far.handle.change_behaviour(|behaviour| behaviour.receipts = false);
    raw.send("SEND\ndestination:/queue/nobody\nreceipt:r-2\n\nx\0").await;
    assert!(timeout(Duration::from_secs(60), raw.frame()).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn an_error_tells_its_message_and_body() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::subscribed(&network, "/queue/a").await;
    far.opened().await;
    far.handle.error("it is over: now", &b"why"[..]).await.unwrap();
    assert_eq!(
        raw.rest().await,
        b"ERROR\nmessage:it is over\\c now\ncontent-type:text/plain\ncontent-length:3\n\nwhy\0"
    );
    drop(raw);
    let closing = far.closed().await;
    assert_eq!((closing.by, closing.clean, closing.code), (EndedBy::Us, false, None));
    assert_eq!(far.ended().await, EndedBy::Us);
}

#[rstest]
#[case::right("login:user\npasscode:pass\n", None)]
#[case::missing("", Some("R-STOMP.3"))]
#[case::half("login:user\n", Some("R-STOMP.3"))]
#[case::wrong("login:user\npasscode:word\n", Some(""))]
#[tokio::test(start_paused = true)]
async fn a_login_is_checked(#[case] headers: &str, #[case] refused: Option<&str>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.login = Some(Login::new("user", "pass"))).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(format!("STOMP\naccept-version:1.2\nhost:a\n{headers}\n\0")).await;
    let answer = raw.frame().await;
    assert_eq!(answer.starts_with("CONNECTED\n"), refused.is_none(), "{answer}");
    if let Some(requirement) = refused {
        assert!(answer.starts_with("ERROR\nmessage:"), "{answer}");
        assert_eq!(raw.rest().await, b"");
        let failure = far.failure().await;
        assert_eq!(failure.kind, FailureKind::Refused { reason: 0 });
        assert_eq!(failure.requirement.unwrap_or_default(), requirement);
        drop(raw);
        assert_eq!(far.ended().await, EndedBy::Us);
    }
}

#[rstest]
#[case("1.0,1.1", Some("STOMP 1.2 Protocol Negotiation"))]
#[case("12", Some("STOMP 1.2 Protocol Negotiation"))]
#[case("1.1,1.2", None)]
#[tokio::test(start_paused = true)]
async fn the_version_is_negotiated(#[case] versions: &str, #[case] refused: Option<&str>) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(format!("CONNECT\naccept-version:{versions}\nhost:a\n\n\0")).await;
    let answer = raw.frame().await;
    match refused {
        None => assert!(answer.starts_with("CONNECTED\nversion:1.2\n"), "{answer}"),
        Some(requirement) => {
            assert!(answer.starts_with("ERROR\nversion:1.2\n"), "{answer}");
            assert_eq!(far.failure().await.requirement.as_deref(), Some(requirement));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn everything_that_is_sent_can_be_delayed() {
    let (mut far, mut agent) = pair_with(|config| config.behaviour.send_delay = DELAY, |_| {}).await;
    let start = Instant::now();
    let (first, second) = tokio::join!(far.handle.send_record(&b"one"[..]), far.handle.send_record(&b"two"[..]));
    first.unwrap();
    second.unwrap();
    assert_eq!(start.elapsed().as_secs(), 2);
    assert_eq!((agent.record().await.0, agent.record().await.0), (b"one".to_vec(), b"two".to_vec()));
    let start = Instant::now();
    agent.handle.disconnect().await;
    far.packet(Direction::Sent, "RECEIPT").await;
    assert_eq!(start.elapsed().as_secs(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_delay_longer_than_the_agents_patience_is_a_refusal() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.behaviour.send_delay = Duration::from_secs(60)).await;
    let mut agent = Agent::start(&network, |_| {}).await;
    assert_eq!(agent.failure().await.kind, FailureKind::Timeout);
    assert_eq!(far.ended().await, EndedBy::Broken);
}

#[tokio::test(start_paused = true)]
async fn a_stream_without_octets_is_an_attempt_and_nothing_else() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |_| {}).await;
    drop(Raw::connect(&network).await);
    assert_eq!(far.ended().await, EndedBy::Peer);
    let kinds: Vec<_> = far.seen.iter().map(|event| std::mem::discriminant(&event.what)).collect();
    assert_eq!(kinds.len(), 3, "{:#?}", far.seen);
    assert!(matches!(far.seen[0].what, MtpHappening::Listening { .. }));
    assert!(matches!(far.seen[1].what, MtpHappening::Attempt { .. }));
}

#[tokio::test(start_paused = true)]
async fn listening_stops_and_begins_again() {
    let (mut far, mut agent) = pair().await;
    far.handle.pause();
    far.until(|what| matches!(what, MtpHappening::ListeningStopped).then_some(())).await;
    far.handle.send_record(&b"still open"[..]).await.unwrap();
    agent.record().await;
    far.handle.reconnect();
    far.until(|what| matches!(what, MtpHappening::Listening { .. }).then_some(())).await;
    far.handle.shutdown().await;
    agent.closed().await;
    assert!(far.handle.send_record(&b"x"[..]).await.is_err());
}

#[rstest]
#[case(StompRefusal::Error("busy".to_owned()), true)]
#[case(StompRefusal::HangUp, true)]
#[case(StompRefusal::Silence, false)]
#[tokio::test(start_paused = true)]
async fn refusals(#[case] refusal: StompRefusal, #[case] ends: bool) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, |config| config.behaviour.refuse = Some(refusal.clone())).await;
    let mut raw = Raw::connect(&network).await;
    // Without an opening frame the stream stays open.
    assert!(timeout(Duration::from_secs(60), raw.frame()).await.is_err());
    raw.send("STOMP\naccept-version:1.2\nhost:a\nendpoint-id:os\\c\\c1\n\n\0").await;
    let answer = timeout(Duration::from_secs(60), raw.rest()).await;
    drop(raw);
    assert_eq!(answer.is_ok(), ends);
    if let Ok(octets) = answer {
        let expected: &[u8] = if refusal == StompRefusal::HangUp { b"" } else { b"ERROR\nmessage:busy\n\n\0" };
        assert_eq!(octets, expected);
    }
    assert_eq!(far.ended().await, if ends { EndedBy::Us } else { EndedBy::Peer });
    far.handle.set_behaviour(StompBehaviour::default());
    Raw::open(&network).await;
}
