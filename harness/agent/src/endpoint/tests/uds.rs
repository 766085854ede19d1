use super::*;
use crate::config::{UdsListenConfig, UdsTarget};
use uspec_mtp::event::EndedBy;
use uspec_mtp::uds::{TYPE_ERROR, Tlv, UdsFarConfig, UdsHandle, UdsRole};

const PATH: &str = "/run/usp";

/// The Controller listens and the Agent connects, or the other way round.
async fn start(agent_connects: bool, faults: &[Fault]) -> Bench {
    let path = PATH.to_owned();
    let target = UdsTarget { path: path.clone() };
    let controller = ControllerConfig { uds: agent_connects.then_some(target), ..ControllerConfig::default() };
    let listen_uds = (!agent_connects).then(|| UdsListenConfig { path: path.clone() });
    let config = AgentConfig { listen_uds, ..agent(controller, faults) };
    let role = if agent_connects { UdsRole::Listen { path } } else { UdsRole::Connect { path } };
    Bench::start(FarConfig::Uds(UdsFarConfig::new(role, CONTROLLER)), config).await
}

fn uds(bench: &Bench) -> UdsHandle {
    let Handle::Uds(handle) = &bench.handle else { panic!("not a UNIX domain socket") };
    handle.clone()
}

/// The kind of the next frame of the Agent's, and its text.
async fn frame(bench: &mut Bench) -> (String, String) {
    bench
        .happening(|what| match what {
            MtpHappening::Packet { direction: Direction::Received, packet } => {
                Some((packet.kind, String::from_utf8_lossy(&packet.body).into_owned()))
            }
            _ => None,
        })
        .await
}

#[tokio::test(start_paused = true)]
async fn it_connects_or_is_connected_to_and_answers() {
    for agent_connects in [true, false] {
        let mut bench = start(agent_connects, &[]).await;
        assert!(matches!(bench.connected().await, RecordType::UdsConnect(_)));
        assert_eq!(bench.value("Device.LocalAgent.EndpointID").await, AGENT);
        assert_eq!(bench.value("Device.LocalAgent.SupportedProtocols").await, "UDS");
        assert_eq!(bench.value("Device.LocalAgent.MTP.1.Status").await, "Up");
        let mode = if agent_connects { "Connect" } else { "Listen" };
        assert_eq!(bench.value("Device.UnixDomainSockets.UnixDomainSocket.1.Mode").await, mode);
        assert_eq!(bench.value("Device.UnixDomainSockets.UnixDomainSocket.1.Path").await, PATH);
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_no_record_is_answered_with_an_error_and_ends_the_connection() {
    let mut bench = start(true, &[]).await;
    bench.connected().await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    assert_eq!(frame(&mut bench).await.0, "ERROR");
    assert_eq!(bench.closed().await.by, EndedBy::Peer);
    bench.connected().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_error_ends_the_connection_and_it_comes_back() {
    let mut bench = start(true, &[]).await;
    bench.connected().await;
    let error = Tlv { kind: TYPE_ERROR, value: "no".into() };
    uds(&bench).send_frame(vec![error]).await.unwrap();
    bench.closed().await;
    bench.connected().await;
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn it_says_goodbye_and_comes_back_after_a_reboot() {
    for agent_connects in [true, false] {
        let mut bench = start(agent_connects, &[]).await;
        bench.connected().await;
        bench.operate("Device.Reboot()").await;
        let farewell = bench.record().await.record_type.unwrap();
        assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
        bench.closed().await;
        bench.connected().await;
        bench.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_disabled_controller_is_left_alone() {
    let mut bench = start(true, &[]).await;
    bench.connected().await;
    bench.set("Device.LocalAgent.Controller.1.MTP.1.", "Enable", "false").await;
    let farewell = bench.record().await.record_type.unwrap();
    assert!(matches!(farewell, RecordType::Disconnect(_)), "{farewell:?}");
    bench.closed().await;
    assert!(bench.is_silent().await);
    bench.finish().await;
}

#[tokio::test(start_paused = true)]
async fn faults_are_seen_by_the_controller() {
    let mut bench = start(true, &[Fault::UdsWrongEndpointId]).await;
    assert_eq!(frame(&mut bench).await, ("HANDSHAKE".to_owned(), "proto::somebody-else".to_owned()));
    bench.finish().await;
    let mut bench = start(true, &[Fault::UdsSendsRecordsEarly]).await;
    assert_eq!(frame(&mut bench).await.0, "RECORD");
    assert_eq!(frame(&mut bench).await.0, "HANDSHAKE");
    bench.finish().await;
    let mut bench = start(true, &[Fault::UdsSendsNoErrors]).await;
    bench.connected().await;
    bench.handle.send_record(vec![0xff; 3]).await.unwrap();
    bench.closed().await;
    assert_eq!(frame(&mut bench).await.0, "HANDSHAKE");
    bench.finish().await;
}
