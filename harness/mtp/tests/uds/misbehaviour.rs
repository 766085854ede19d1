//! What each deviation of the frames does to the peer that gets them.

use rstest::rstest;
use uspec_mtp::network::MemoryNetwork;
use uspec_mtp::uds::{FrameChanges, LengthChange, TlvTypes, UdsBehaviour};

use crate::kit::{Agent, Far, connect, listen};

fn frames(change: impl FnOnce(&mut FrameChanges)) -> UdsBehaviour {
    let mut behaviour = UdsBehaviour::default();
    change(&mut behaviour.frames);
    behaviour
}

#[rstest]
#[case::sync(frames(|frames| frames.sync = Some(*b"_usp")), "R-UDS.8")]
#[case::too_short(frames(|frames| frames.length = LengthChange::Shifted(-1)), "R-UDS.9")]
#[case::much_too_short(frames(|frames| frames.length = LengthChange::Set(3)), "R-UDS.11")]
#[case::empty(frames(|frames| frames.length = LengthChange::Set(0)), "R-UDS.6")]
#[case::too_long(frames(|frames| frames.length = LengthChange::Shifted(8)), "R-UDS.9")]
#[case::lowest_first(frames(|frames| frames.length = LengthChange::LowestFirst), "R-UDS.9")]
#[case::tlv_too_long(frames(|frames| frames.tlv_length = LengthChange::Shifted(1)), "R-UDS.9")]
#[case::tlv_too_short(frames(|frames| frames.tlv_length = LengthChange::Shifted(-2)), "R-UDS.11")]
#[case::tlv_lowest_first(frames(|frames| frames.tlv_length = LengthChange::LowestFirst), "R-UDS.11")]
#[case::handshake_type(UdsBehaviour { types: TlvTypes { handshake: 4, ..TlvTypes::default() }, ..UdsBehaviour::default() }, "R-UDS.16")]
#[case::handshake_as_record(UdsBehaviour { types: TlvTypes { handshake: 3, ..TlvTypes::default() }, ..UdsBehaviour::default() }, "R-UDS.20")]
#[tokio::test(start_paused = true)]
async fn the_far_side_tells_what_is_wrong(#[case] behaviour: UdsBehaviour, #[case] requirement: &str) {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let _agent = Agent::start(&network, connect(), |config| config.behaviour = behaviour).await;
    let failure = far.failure().await;
    assert_eq!(failure.requirement.as_deref(), Some(requirement), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn faults_can_begin_with_the_first_record() {
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(), |_| {}).await;
    let agent = Agent::start(&network, connect(), |_| {}).await;
    far.opened().await;
    agent.handle.change_behaviour(|behaviour| behaviour.types.record = 1);
    agent.handle.send_record("x").await.unwrap();
    agent.handle.set_behaviour(frames(|frames| frames.sync = Some(*b"USP_")));
    agent.handle.send_record("y").await.unwrap();
    assert_eq!(far.failure().await.requirement.as_deref(), Some("R-UDS.8"));
    assert_eq!(far.story(1)[4..], ["<HANDSHAKE", "R-UDS.8"], "a second Handshake is ignored");
    far.ended().await;
    agent.handle.set_behaviour(UdsBehaviour::default());
    far.opened().await;
}
