//! Captures, read again by a reader of their own that shares nothing with the writer: the octets of the Trace stand in them, whole and in
//! order, in packets that are right.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic, unreachable_pub)] // a test may stop on the first surprise

mod reader;
mod story;

use proptest::prelude::*;
use reader::{Capture, read};
use serde_json::json;
use std::collections::BTreeMap;
use story::{Story, opening};
use uspec_report::pcapng::{Openings, render};
use uspec_testplan::{
    profile::{Broker, Role},
    trace::{ConnectionState, Direction, MtpFacts, What},
    verdict::{CleanUp, Finding, Judgement, MetricResult, Outcome, Verdict},
};

/// The capture of a story by itself.
fn capture(story: &Story) -> Capture {
    read(&render(&story.trace, &Openings::default(), None))
}

#[test]
fn a_connection_is_called_used_and_ended() {
    let story = Story::websocket()
        .attempt(1, "peer")
        .octets(1, Direction::Received, b"GET / HTTP/1.1\r\n\r\n")
        .octets(1, Direction::Sent, b"HTTP/1.1 101 Switching Protocols\r\n\r\n")
        .connection(1, ConnectionState::Closed, json!({"closed": {"by": "peer"}}))
        .connection(1, ConnectionState::Closed, json!({"stream_ended": {"by": "peer"}}));
    let shown: Vec<_> = capture(&story).packets.iter().map(|it| format!("{} {}", it.way(), it.flags())).collect();
    let expected = [
        "192.0.2.2:50001 > 192.0.2.1:80 SYN",
        "192.0.2.1:80 > 192.0.2.2:50001 SYN ACK",
        "192.0.2.2:50001 > 192.0.2.1:80 ACK",
        "192.0.2.2:50001 > 192.0.2.1:80 PSH ACK",
        "192.0.2.1:80 > 192.0.2.2:50001 PSH ACK",
        "192.0.2.2:50001 > 192.0.2.1:80 FIN ACK",
    ];
    assert_eq!(shown, expected);
    let last = capture(&story).packets.pop().unwrap();
    assert!(
        last.comments.iter().any(|it| it.contains("How the harness ended its half is not in the Trace")),
        "{last:?}"
    );
}

/// How a connection that was used is shown to end: the packets after the octets, and the comments of the last one.
fn shown_end(story: &Story) -> (Vec<String>, Vec<String>) {
    let shown = capture(story);
    let flags = shown.packets.iter().skip(4).map(|it| format!("{} {}", it.from.0[3], it.flags()));
    (flags.collect(), shown.packets.last().unwrap().comments.clone())
}

#[test]
fn only_the_ends_that_the_trace_knows_are_drawn() {
    let used = || Story::websocket().attempt(2, "peer").octets(2, Direction::Received, b"x");
    let closed = |by: &str, reason: &str| json!({"closed": {"by": by, "code": null, "reason": reason, "clean": false}});
    let ended =
        |story: Story, by: &str| story.connection(2, ConnectionState::Closed, json!({"stream_ended": {"by": by}}));
    let reset = used().connection(2, ConnectionState::Closed, closed("us", "this end broke the stream"));
    let (flags, comments) = shown_end(&ended(reset, "us"));
    assert_eq!(flags, ["1 RST ACK"], "a reset of ours is one, and nobody answers it");
    assert!(comments.iter().any(|it| it.contains("the harness broke the stream")), "{comments:?}");
    let hung_up = used().connection(2, ConnectionState::Closed, closed("us", "this end hung up"));
    let (flags, comments) = shown_end(&ended(hung_up, "us"));
    assert_eq!(flags, ["1 FIN ACK"]);
    assert!(
        comments.iter().any(|it| it.contains("How the other side ended its half is not in the Trace")),
        "{comments:?}"
    );
    // Whose packet it was that broke it, nobody knows.
    let broke = used().connection(2, ConnectionState::Closed, closed("broken", "connection reset\u{7}"));
    let (flags, comments) = shown_end(&ended(broke, "broken"));
    assert_eq!(flags, [""; 0]);
    assert!(comments.iter().any(|it| it.contains("the stream broke here (connection reset\\x07)")), "{comments:?}");
    // An end that the EUT makes after we said that we would break it is the EUT's.
    let (flags, _) = shown_end(&ended(
        used().connection(2, ConnectionState::Closed, closed("peer", "this end broke the stream")),
        "us",
    ));
    assert_eq!(flags, ["1 FIN ACK"]);
}

#[test]
fn a_stream_that_ends_was_there() {
    let ended = json!({"stream_ended": {"by": "peer"}});
    let story = Story::websocket().attempt(1, "us").connection(1, ConnectionState::Closed, ended);
    let flags: Vec<_> = capture(&story).packets.iter().map(reader::Packet::flags).collect();
    assert_eq!(flags, ["SYN", "SYN ACK", "ACK", "FIN ACK"]);
}

#[test]
fn octets_behind_the_end_of_their_stream_say_so() {
    let ended = json!({"stream_ended": {"by": "us"}});
    let story = Story::websocket()
        .attempt(1, "peer")
        .octets(1, Direction::Received, b"before")
        .connection(1, ConnectionState::Closed, ended)
        .octets(1, Direction::Received, b"after");
    let capture = capture(&story);
    assert_eq!(capture.stream(1, Direction::Received), b"beforeafter", "nothing is left out");
    let late = |it: &reader::Packet| it.comments.iter().any(|it| it.contains("behind the end of their stream"));
    let told: Vec<_> = capture.packets.iter().filter(|it| late(it)).map(|it| it.payload.clone()).collect();
    assert_eq!(told, [b"after"]);
}

#[test]
fn the_comments_of_one_packet_are_bounded() {
    let notes =
        |story: Story, count: usize| (0..count).fold(story, |it, nth| it.event(What::Note { text: format!("n{nth}") }));
    let many = capture(&notes(Story::websocket(), 70).attempt(1, "peer").octets(1, Direction::Sent, b"x"));
    let comments = &many.packets[0].comments;
    // 70 notes and the attempt itself.
    assert_eq!((comments.len(), comments[49].as_str(), comments[50].as_str()), (51, "note: n49", "and 21 more"));
    let few = capture(&notes(Story::websocket(), 49).attempt(1, "peer"));
    assert_eq!(few.packets[0].comments.len(), 50, "what fits is not cut");
    let none = capture(&notes(Story::websocket(), 70));
    assert_eq!(none.comments.last().unwrap(), "and 20 more", "nor is there a packet for them");
}

#[test]
fn who_called_is_the_client() {
    let ports = |facts: MtpFacts, opener: &str| {
        capture(&Story::over(facts).attempt(7, opener).octets(7, Direction::Sent, b"x")).packets[0].way()
    };
    let we_connect = MtpFacts::direct("websocket", Some(Role::WeConnect), false);
    assert_eq!(ports(we_connect, "us"), "192.0.2.1:50007 > 192.0.2.2:80");
    assert_eq!(ports(MtpFacts::brokered("mqtt", Broker::BuiltIn, true), "peer"), "192.0.2.2:50007 > 192.0.2.1:1883");
    assert_eq!(ports(MtpFacts::brokered("stomp", Broker::Beside, false), "us"), "192.0.2.1:50007 > 192.0.2.4:61613");
}

#[test]
fn a_call_that_is_refused_is_reset_and_one_without_an_answer_has_none() {
    let failed = |text: &str| json!({"failed": {"kind": "connect_failed", "text": text}});
    let story = Story::websocket()
        .attempt(1, "us")
        .connection(1, ConnectionState::Failed, failed("Connection refused (os error 111)"))
        .attempt(2, "us")
        .connection(2, ConnectionState::Failed, failed("no answer in time"));
    let capture = capture(&story);
    let flags: Vec<_> = capture.packets.iter().map(reader::Packet::flags).collect();
    assert_eq!(flags, ["SYN", "RST ACK", "SYN"]);
    for (packet, said) in [(0, "Connection refused"), (2, "no answer in time")] {
        assert!(capture.packets[packet].comments.iter().any(|it| it.contains(said)), "{said}: {capture:?}");
    }
}

#[test]
fn a_connection_from_before_has_its_opening() {
    let before = Story::websocket()
        .attempt(1, "peer")
        .octets(1, Direction::Received, b"GET")
        .octets(1, Direction::Sent, b"101")
        .connection(1, ConnectionState::Open, json!({}))
        .octets(1, Direction::Received, b"of the case before");
    let mut openings = Openings::default();
    openings.learn(&before.trace);
    let now = Story::websocket().octets(1, Direction::Sent, b"of this case");
    let capture = read(&render(&now.trace, &openings, None));
    assert_eq!(capture.stream(1, Direction::Received), b"GET");
    assert_eq!(capture.stream(1, Direction::Sent), b"101of this case");
    assert!(capture.packets[0].comments[0].contains("repeated here from the Trace of 1.1"), "{:?}", capture.packets[0]);

    let ended = Story::websocket().connection(1, ConnectionState::Closed, json!({"stream_ended": {"by": "us"}}));
    openings.learn(&ended.trace);
    let capture = read(&render(&now.trace, &openings, None));
    assert_eq!(capture.stream(1, Direction::Sent), b"of this case");
    assert!(capture.packets[0].comments[0].contains("its opening is not known here"), "{:?}", capture.packets[0]);
}

#[test]
fn an_opening_that_the_full_log_has_cut_is_not_repeated() {
    let full =
        || What::Note { text: "from here on, octets are not kept any more: the Trace has enough of them".to_owned() };
    let open = |story: Story| story.connection(1, ConnectionState::Open, json!({}));
    let request = || Story::websocket().attempt(1, "peer").octets(1, Direction::Received, b"GET");
    let after = Story::websocket().event(full()).attempt(1, "peer").octets(1, Direction::Received, b"GET");
    let whole = open(request()).event(full());
    for (before, repeated) in [(open(request().event(full())), false), (open(after), false), (whole, true)] {
        let mut openings = Openings::default();
        openings.learn(&before.trace);
        let now = Story::websocket().octets(1, Direction::Sent, b"of this case");
        let capture = read(&render(&now.trace, &openings, None));
        assert_eq!(capture.stream(1, Direction::Received) == b"GET", repeated);
        let said = if repeated { "its opening is repeated" } else { "its opening is not known here" };
        assert!(capture.packets[0].comments[0].contains(said), "{:?}", capture.packets[0]);
    }
}

#[test]
fn what_is_missing_is_told() {
    let note = "from here on, octets are not kept any more: the Trace has enough of them".to_owned();
    let story = Story::websocket().attempt(1, "peer").octets(1, Direction::Sent, b"x").event(What::Note { text: note });
    let last = capture(&story).packets.pop().unwrap();
    assert!(last.comments.iter().any(|it| it.contains("Octets are missing from here on")), "{last:?}");
}

#[test]
fn steps_records_and_findings_stand_at_their_packets() {
    let decoded = json!({"message": {"header": {"msg_type": "GET_RESP", "msg_id": "m1"}}});
    let story = Story::websocket().attempt(1, "peer").step("get").octets(1, Direction::Sent, b"get").octets(
        1,
        Direction::Received,
        b"answer",
    );
    let seq = u64::try_from(story.trace.events.len()).unwrap();
    let direction = Direction::Received;
    let story = story.event(What::Record { connection: 1, direction, step: None, bytes: vec![1], decoded });
    let finding = Finding {
        outcome: Outcome::Unmet,
        requirement: None,
        expected: "one".to_owned(),
        seen: "two\u{1b}[2J".to_owned(),
        path: None,
        events: vec![seq],
    };
    let metrics = vec![MetricResult { metric: "2".into(), outcome: Outcome::Unmet, findings: vec![finding] }];
    let judgement =
        Judgement { verdict: Verdict::Fail, reason: None, metrics, universal: Vec::new(), clean_up: CleanUp::Clean };
    let capture = read(&render(&story.trace, &Openings::default(), Some(&judgement)));
    let [.., sent, answered] = capture.packets.as_slice() else { panic!("{capture:?}") };
    assert_eq!(sent.comments, ["procedure step 1 `get` begins: request"]);
    assert_eq!(answered.comments, ["USP GET_RESP m1", "metric 2 unmet: expected one, seen two\\x1b[2J"]);
}

#[test]
fn a_trace_without_connections_is_a_capture_without_packets() {
    let capture = capture(&Story::websocket().event(What::Note { text: "nobody came".to_owned() }));
    assert!(capture.packets.is_empty());
    assert!(capture.comments.iter().any(|it| it == "note: nobody came"), "{:?}", capture.comments);
}

/// What may happen to the connections of a Trace.
fn happenings() -> impl Strategy<Value = Vec<(u32, u8, Vec<u8>)>> {
    let connection = prop_oneof![1u32..4, Just(1001)];
    let octets = prop_oneof![
        prop::collection::vec(any::<u8>(), 0..40),
        prop::collection::vec(any::<u8>(), 1400..1500),
        prop::collection::vec(any::<u8>(), 4000..9000)
    ];
    prop::collection::vec((connection, 0u8..8, octets), 0..40)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_octets_of_a_trace_stand_in_its_capture(happenings in happenings(), server in any::<bool>()) {
        let role = if server { Role::WeConnect } else { Role::EutConnects };
        let mut story = Story::over(MtpFacts::direct("websocket", Some(role), false));
        let mut streams: BTreeMap<(u32, bool), Vec<u8>> = BTreeMap::new();
        for (connection, kind, octets) in happenings {
            story = match kind {
                0 => story.connection(connection, ConnectionState::Open, json!({"open": {}})),
                1 => story.connection(connection, ConnectionState::Tls, json!({"tls_established": {"version": "TLSv1_3"}})),
                2 => story.step("step"),
                3 => {
                    let by = ["us", "peer", "broken"][octets.len() % 3];
                    let reason = if octets.len() % 2 == 0 { "this end broke the stream" } else { "" };
                    let state = ConnectionState::Closed;
                    let story = story.connection(connection, state, json!({"closed": {"by": "us", "reason": reason}}));
                    story.connection(connection, state, json!({"stream_ended": {"by": by}}))
                }
                _ => {
                    let sent = kind % 2 == 0;
                    streams.entry((connection, sent)).or_default().extend(&octets);
                    story.octets(connection, if sent { Direction::Sent } else { Direction::Received }, &octets)
                }
            };
        }
        let mut openings = Openings::default();
        openings.learn(&opening(2).trace);
        // The reader checks lengths, checksums and sequence numbers.
        let capture = read(&render(&story.trace, &openings, None));
        for ((connection, sent), octets) in streams {
            let way = if sent { Direction::Sent } else { Direction::Received };
            let stream = capture.stream(connection, way);
            let before = stream.len() - octets.len();
            prop_assert_eq!(&stream[before..], &octets[..]);
            prop_assert!(before == 0 || connection == 2, "only what was opened before has anything before");
        }
    }
}
