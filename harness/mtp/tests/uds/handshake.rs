//! Who introduces itself when, and what happens otherwise (R-UDS.16 to R-UDS.21).

use std::time::Duration;

use rstest::rstest;
use tokio::time::{Instant, sleep};
use uspec_mtp::MtpError;
use uspec_mtp::event::{ConnectionId, Direction, FailureKind, MtpHappening, Party};
use uspec_mtp::network::{MemoryNetwork, Network};
use uspec_mtp::uds::{BadHandshake, HandshakeSent, SecondHandshake, Tlv, UdsRefusal, UdsRole};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, Raw, address, connect, frame, frame_of, listen};

#[rstest]
#[case::far_side_listens(listen(), connect())]
#[case::agent_listens(connect(), listen())]
#[tokio::test(start_paused = true)]
async fn both_ends_introduce_themselves(#[case] far: UdsRole, #[case] agent: UdsRole) {
    let network = MemoryNetwork::new();
    let listens = far == listen();
    let (mut far, mut agent) = if listens {
        let far = Far::start(&network, far, |_| {}).await;
        (far, Agent::start(&network, agent, |_| {}).await)
    } else {
        let agent = Agent::start(&network, agent, |_| {}).await;
        (Far::start(&network, far, |_| {}).await, agent)
    };
    let (connection, open) = far.opened().await;
    assert_eq!(open.peer_eid(), Some(AGENT));
    assert_eq!(open.eid.as_deref(), Some(AGENT));
    assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
    let order = if listens {
        ["attempt", "<HANDSHAKE", ">HANDSHAKE", "open"]
    } else {
        ["attempt", ">HANDSHAKE", "<HANDSHAKE", "open"]
    };
    assert_eq!(far.story(connection.0), order);
    assert_eq!(far.octets(Direction::Sent), frame(1, CONTROLLER.as_bytes()));
    assert_eq!(far.octets(Direction::Received), frame(1, AGENT.as_bytes()));
    assert!(far.handle.is_open() && agent.handle.is_open());
    assert_eq!(far.handle.address().is_some(), listens);
}

#[tokio::test(start_paused = true)]
async fn a_handshake_is_reported_with_its_fields() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _raw = Raw::open(&network).await;
    let packet = far.packet(Direction::Received).await;
    assert_eq!((&*packet.kind, &packet.body[..]), ("HANDSHAKE", AGENT.as_bytes()));
    assert_eq!(packet.fields.to_string(), r#"{"tlvs":[{"type":1,"length":16,"text":"os::012345-agent"}]}"#);
    let attempt = far.seen.iter().find_map(|event| match &event.what {
        MtpHappening::Attempt { opener, peer } => Some((*opener, peer.clone())),
        _ => None,
    });
    assert_eq!(attempt, Some((Party::Peer, address())));
}

#[tokio::test(start_paused = true)]
async fn a_server_waits_for_the_client() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    sleep(Duration::from_secs(20)).await;
    assert!(far.octets(Direction::Sent).is_empty() && !far.handle.is_open());
    raw.send(&frame(1, AGENT.as_bytes())).await;
    assert_eq!(raw.frame().await, [(1, CONTROLLER.as_bytes().to_vec())]);
    far.opened().await;
}

#[rstest]
#[case::server(listen(), "R-UDS.16")]
#[case::client(connect(), "R-UDS.17")]
#[tokio::test(start_paused = true)]
async fn a_peer_that_does_not_introduce_itself_is_left(#[case] role: UdsRole, #[case] requirement: &str) {
    let network = MemoryNetwork::new();
    let start = Instant::now();
    let (mut far, mut raw) = if role == listen() {
        let far = Far::start(&network, role, |_| {}).await;
        (far, Raw::connect(&network).await)
    } else {
        let mut listener = network.listen(&address()).await.unwrap();
        let far = Far::start(&network, role, |_| {}).await;
        let mut raw = Raw::accept(&mut listener).await;
        assert_eq!(raw.frame().await, [(1, CONTROLLER.as_bytes().to_vec())]);
        (far, raw)
    };
    assert_eq!(raw.error().await, "no Handshake came within 30 s");
    assert_eq!(start.elapsed().as_secs(), 30, "R-UDS.18");
    assert!(raw.rest().await.is_empty());
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::Timeout, Some(requirement)));
    drop(raw);
    far.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_with_a_fault_waits_for_ever() {
    let network = MemoryNetwork::new();
    let mut listener = network.listen(&address()).await.unwrap();
    let mut agent = Agent::start(&network, connect(), |config| config.behaviour.handshake_limit = None).await;
    let mut raw = Raw::accept(&mut listener).await;
    raw.frame().await;
    sleep(Duration::from_secs(1000)).await;
    raw.send(&frame(1, CONTROLLER.as_bytes())).await;
    assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_withholds_its_handshake_makes_a_client_leave() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.handshake = HandshakeSent::Withheld).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let start = Instant::now();
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::Timeout, Some("R-UDS.17")));
    assert_eq!(start.elapsed().as_secs(), 30);
    far.ended().await;
    assert_eq!(
        far.story(1),
        ["attempt", "<HANDSHAKE", "<ERROR", "Refused { reason: 0 }", "ended by Us"],
        "no session came about"
    );
    far.handle.change_behaviour(|behaviour| behaviour.handshake = HandshakeSent::Own);
    agent.opened().await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_withholds_its_handshake_gets_none() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _agent = Agent::start(&network, connect(), |config| config.behaviour.handshake = HandshakeSent::Withheld).await;
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::Timeout, Some("R-UDS.16")));
    assert!(!far.story(1).contains(&">HANDSHAKE".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn an_end_can_introduce_itself_as_somebody_else() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| {
        config.behaviour.handshake = HandshakeSent::Other("self::somebody".to_owned());
    })
    .await;
    let mut agent = Agent::start(&network, connect(), |config| {
        config.behaviour.handshake = HandshakeSent::Octets("self::else".into());
    })
    .await;
    assert_eq!(far.opened().await.1.eid.as_deref(), Some("self::else"));
    assert_eq!(agent.opened().await.as_deref(), Some("self::somebody"));
}

#[rstest]
#[case::text(b"agent", "no Endpoint ID")]
#[case::empty(b"", "no Endpoint ID")]
#[case::c_string(b"os::012345-agent\0", "control character")]
#[case::octets(b"os::\xFF\xFE", "not UTF-8")]
#[tokio::test(start_paused = true)]
async fn a_handshake_that_cannot_be_processed_is_answered_with_an_error(#[case] value: &[u8], #[case] text: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, value)).await;
    let error = raw.error().await;
    assert!(error.contains(text), "{error}");
    assert!(raw.rest().await.is_empty(), "R-UDS.21: the connection ends");
    let failure = far.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::ProtocolViolation, Some("R-UDS.16")));
    assert_eq!((&failure.text, &failure.octets[..]), (&error, value));
    drop(raw);
    far.ended().await;
    assert_eq!(far.story(1), ["attempt", "<HANDSHAKE", "R-UDS.16", ">ERROR", "ended by Us"]);
}

#[rstest]
#[case::silently(UdsRefusal::HangUp, "")]
#[case::with_an_error(UdsRefusal::Error("not now".to_owned()), "not now")]
#[tokio::test(start_paused = true)]
async fn a_peer_can_be_refused(#[case] refusal: UdsRefusal, #[case] text: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.refuse = Some(refusal)).await;
    let mut raw = Raw::connect(&network).await;
    sleep(Duration::from_secs(10)).await;
    raw.send(&frame(1, AGENT.as_bytes())).await;
    if !text.is_empty() {
        assert_eq!(raw.error().await, text);
    }
    assert!(raw.rest().await.is_empty());
    drop(raw);
    far.ended().await;
    assert!(!far.story(1).contains(&"open".to_owned()));
    far.handle.change_behaviour(|behaviour| behaviour.refuse = None);
    let _raw = Raw::open(&network).await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_refuses_the_servers_bad_handshake() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| {
        config.behaviour.handshake = HandshakeSent::Octets((&b"\xC3\x28"[..]).into());
    })
    .await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::ProtocolViolation, Some("R-UDS.17")));
    far.until(|what| matches!(what, MtpHappening::Packet { packet, .. } if packet.kind == "ERROR").then_some(())).await;
}

#[rstest]
#[case::takes(BadHandshake::Take)]
#[case::ignores(BadHandshake::Ignore)]
#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_puts_up_with_a_bad_handshake(#[case] what: BadHandshake) {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |config| config.behaviour.bad_handshake = what).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, b"nobody")).await;
    agent.failure().await;
    if what == BadHandshake::Ignore {
        assert!(!agent.handle.is_open());
        raw.send(&frame(1, CONTROLLER.as_bytes())).await;
        assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
    } else {
        assert_eq!(agent.opened().await.as_deref(), Some("nobody"));
    }
    assert_eq!(raw.frame().await, [(1, AGENT.as_bytes().to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_id_that_breaks_a_rule_is_reported_and_taken() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, b"os::012345-a b")).await;
    let failure = far.failure().await;
    assert_eq!(failure.kind, FailureKind::ProtocolViolation);
    assert!(failure.requirement.as_deref().is_some_and(|requirement| requirement.starts_with("R-ARC.")), "{failure}");
    assert_eq!(far.opened().await.1.eid.as_deref(), Some("os::012345-a b"));
}

#[tokio::test(start_paused = true)]
async fn records_before_the_handshake_are_ignored_and_reported() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(3, b"early")).await;
    // Behind its own Handshake the client still has to wait for the server's.
    raw.send(&[frame(1, AGENT.as_bytes()), frame(3, b"still early")].concat()).await;
    far.opened().await;
    raw.frame().await;
    raw.send(&frame(3, b"in time")).await;
    assert_eq!(far.record().await, b"in time");
    assert_eq!(
        far.story(1),
        [
            "attempt",
            "<RECORD",
            "R-UDS.20",
            "<HANDSHAKE",
            "<RECORD",
            "R-UDS.20",
            ">HANDSHAKE",
            "open",
            "<RECORD",
            "<record"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn a_server_that_introduces_itself_and_sends_at_once_is_heard() {
    let network = MemoryNetwork::new();
    let mut listener = network.listen(&address()).await.unwrap();
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let mut raw = Raw::accept(&mut listener).await;
    raw.frame().await;
    raw.send(&[frame(1, CONTROLLER.as_bytes()), frame(3, b"first")].concat()).await;
    assert_eq!(agent.opened().await.as_deref(), Some(CONTROLLER));
    assert_eq!(&agent.record().await[..], b"first");
    raw.send(&frame_of(&[(3, b"second"), (3, b"third")])).await;
    assert_eq!(&agent.record().await[..], b"second");
    assert_eq!(&agent.record().await[..], b"third");
}

#[tokio::test(start_paused = true)]
async fn a_far_side_can_send_records_before_the_handshake() {
    let network = MemoryNetwork::new();
    let far = Far::start(&network, listen(), |config| config.behaviour.early_records = vec!["early".into()]).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let failure = agent.failure().await;
    assert_eq!((failure.requirement.as_deref(), &failure.octets[..]), (Some("R-UDS.20"), &b"early"[..]));
    agent.opened().await;
    far.handle.send_record("in time").await.unwrap();
    assert_eq!(&agent.record().await[..], b"in time");
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_takes_and_answers_early_records() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |config| config.behaviour.take_early_records = true).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(3, b"early")).await;
    assert_eq!(&agent.record().await[..], b"early");
    agent.handle.send_record("answer").await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"answer".to_vec())]);
    agent.handle.change_behaviour(|behaviour| behaviour.take_early_records = false);
    assert!(matches!(agent.handle.send_record("answer").await, Err(MtpError::NotOpen)));
}

#[tokio::test(start_paused = true)]
async fn before_the_handshake_all_but_records_can_be_sent() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |config| config.behaviour.handshake = HandshakeSent::Withheld).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(1, AGENT.as_bytes())).await;
    far.packet(Direction::Received).await;
    let there = far.handle.at(ConnectionId(1));
    assert!(!there.is_open());
    assert!(matches!(there.send_record("x").await, Err(MtpError::NotOpen)));
    there.send_frame(vec![Tlv::record("provoking")]).await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"provoking".to_vec())]);
    there.error("enough").await.unwrap();
    assert_eq!(raw.error().await, "enough");
    assert!(raw.rest().await.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_server_with_a_fault_introduces_itself_first() {
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(), |config| config.behaviour.handshake_first = true).await;
    let mut raw = Raw::connect(&network).await;
    assert_eq!(raw.frame().await, [(1, AGENT.as_bytes().to_vec())]);
    assert!(!agent.handle.is_open());
    raw.send(&frame(1, CONTROLLER.as_bytes())).await;
    agent.opened().await;
    agent.handle.send_record("x").await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"x".to_vec())], "no second Handshake");
}

#[tokio::test(start_paused = true)]
async fn a_second_handshake_is_ignored() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut raw = Raw::open(&network).await;
    raw.send(&[frame(1, b"self::other"), frame(1, b"\xFF"), frame(3, b"x")].concat()).await;
    assert_eq!(far.record().await, b"x");
    assert_eq!(far.story(1)[4..], ["<HANDSHAKE", "<HANDSHAKE", "<RECORD", "<record"]);
    assert!(far.handle.is_open());
    far.handle.send_record("y").await.unwrap();
    assert_eq!(raw.frame().await, [(3, b"y".to_vec())], "and not answered");
}

#[tokio::test(start_paused = true)]
async fn an_agent_with_a_fault_answers_or_refuses_a_second_handshake() {
    let network = MemoryNetwork::new();
    let mut agent =
        Agent::start(&network, listen(), |config| config.behaviour.second_handshake = SecondHandshake::Answer).await;
    let mut raw = Raw::connect(&network).await;
    for _ in 0..2 {
        raw.send(&frame(1, CONTROLLER.as_bytes())).await;
        assert_eq!(raw.frame().await, [(1, AGENT.as_bytes().to_vec())]);
    }
    agent.handle.change_behaviour(|behaviour| behaviour.second_handshake = SecondHandshake::Refuse);
    raw.send(&frame(1, CONTROLLER.as_bytes())).await;
    raw.error().await;
    assert!(raw.rest().await.is_empty());
    drop(raw);
    agent.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_newer_connection_of_the_same_peer_is_the_current_one() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let mut older = Raw::open(&network).await;
    far.opened().await;
    let mut newer = Raw::open(&network).await;
    far.opened().await;
    assert_eq!(far.story(1).last().map(String::as_str), Some("superseded by #2"));
    far.handle.send_record("to the newer").await.unwrap();
    far.handle.at(ConnectionId(1)).send_record("to the older").await.unwrap();
    assert_eq!(newer.frame().await, [(3, b"to the newer".to_vec())]);
    assert_eq!(older.frame().await, [(3, b"to the older".to_vec())]);
    drop(newer);
    far.ended().await;
    far.handle.send_record("to the older again").await.unwrap();
    assert_eq!(older.frame().await, [(3, b"to the older again".to_vec())]);
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_ends_before_the_handshake_is_told_unless_it_was_silent() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    drop(Raw::connect(&network).await);
    far.ended().await;
    assert_eq!(far.story(1), ["attempt", "ended by Peer"], "somebody has looked whether anybody is there");
    let mut raw = Raw::connect(&network).await;
    raw.send(&frame(9, b"?")).await;
    drop(raw);
    far.ended().await;
    assert_eq!(far.story(2), ["attempt", "<FRAME", "R-UDS.16", "ended by Peer"]);
}

#[tokio::test(start_paused = true)]
async fn a_server_that_hangs_up_before_the_handshake_is_told() {
    let network = MemoryNetwork::new();
    let mut listener = network.listen(&address()).await.unwrap();
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    drop(Raw::accept(&mut listener).await);
    let failure = agent.failure().await;
    assert_eq!((failure.kind, failure.requirement.as_deref()), (FailureKind::StreamEnded, Some("R-UDS.17")));
}

#[tokio::test(start_paused = true)]
async fn a_handshake_can_come_late() {
    let network = MemoryNetwork::new();
    let delay = Duration::from_secs(20);
    let mut far = Far::start(&network, listen(), |config| config.behaviour.send_delay = delay).await;
    let mut agent = Agent::start(&network, connect(), |_| {}).await;
    let start = Instant::now();
    agent.opened().await;
    far.opened().await;
    assert_eq!(start.elapsed().as_secs(), 20);
}
