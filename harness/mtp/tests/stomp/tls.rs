//! STOMP over TLS (R-STOMP.36).

use std::sync::Arc;

use tokio::sync::mpsc;
use uspec_mtp::event::{AgentHappening, Direction, EVENT_QUEUE, MtpHappening};
use uspec_mtp::network::{Address, MemoryNetwork};
use uspec_mtp::stomp::{Login, StompFarConfig, StompFarSide, StompPlace};
use uspec_mtp::tls::{CertificateAuthority, ClientAuth, TlsClient, TlsMaterial, TlsServer, Verification};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, TO_CONTROLLER};

fn address() -> Address {
    Address::tcp("localhost", 61614)
}

/// Certificates of a Controller and an Agent, of one authority.
fn material() -> (TlsMaterial, TlsMaterial) {
    let authority = CertificateAuthority::generate("test authority").unwrap();
    (TlsMaterial::generate(CONTROLLER, &authority).unwrap(), TlsMaterial::generate(AGENT, &authority).unwrap())
}

async fn far(network: &MemoryNetwork, tls: TlsServer, change: impl FnOnce(&mut StompFarConfig)) -> Far {
    Far::place(network, StompPlace::Broker { address: address(), tls: Some(tls) }, TO_CONTROLLER, change).await
}

async fn agent(network: &MemoryNetwork, tls: TlsClient) -> Agent {
    Agent::start(network, |config| {
        config.address = address();
        config.tls = Some(tls);
    })
    .await
}

#[tokio::test(start_paused = true)]
async fn records_go_through_tls() {
    let network = MemoryNetwork::new();
    let (ours, theirs) = material();
    let mut far = far(&network, TlsServer::new(ours), |_| {}).await;
    let mut agent = agent(&network, TlsClient::new(theirs)).await;
    let (_, open) = far.opened().await;
    assert!(open.tls.is_some());
    assert!(agent.opened().await.tls.is_some());
    far.handle.send_record(&b"request"[..]).await.unwrap();
    assert_eq!(agent.record().await.0, b"request");
    agent.handle.send_record(&b"response"[..]).await.unwrap();
    assert_eq!(far.record().await.0, b"response");
    let established = far.seen.iter().position(|event| matches!(event.what, MtpHappening::TlsEstablished(_)));
    let first = far.seen.iter().position(|event| matches!(event.what, MtpHappening::Octets { .. }));
    assert!(established.unwrap() < first.unwrap(), "nothing in clear text before TLS");
}

#[tokio::test(start_paused = true)]
async fn a_certificate_stands_for_the_endpoint_and_needs_no_password() {
    let network = MemoryNetwork::new();
    let (ours, theirs) = material();
    let mut server = TlsServer::new(ours);
    server.client_auth = ClientAuth::Require;
    let mut far = far(&network, server, |config| config.login = Some(Login::new("user", "pass"))).await;
    let _agent = agent(&network, TlsClient::new(theirs)).await;
    let (_, open) = far.opened().await;
    assert!(open.certificate.unwrap().is_exact());
    assert_eq!(open.tls.unwrap().verification, Verification::Verified);
}

#[tokio::test(start_paused = true)]
async fn a_stranger_is_refused_until_another_identity_is_shown() {
    let network = MemoryNetwork::new();
    let (ours, theirs) = material();
    let (stranger, _) = material();
    let mut far = far(&network, TlsServer::new(stranger), |_| {}).await;
    let mut agent = agent(&network, TlsClient::new(theirs)).await;
    agent.until(|what| matches!(what, AgentHappening::Failed(_)).then_some(())).await;
    far.handle.set_identity(ours).unwrap();
    agent.opened().await;
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn clear_text_in_place_of_tls_is_told() {
    let network = MemoryNetwork::new();
    let (ours, _) = material();
    let mut far = far(&network, TlsServer::new(ours), |_| {}).await;
    let _agent = Agent::start(&network, |config| config.address = address()).await;
    far.until(|what| matches!(what, MtpHappening::TlsFailed(_)).then_some(())).await;
    far.ended().await;
}

#[tokio::test(start_paused = true)]
async fn tls_in_place_of_clear_text_is_told() {
    let network = MemoryNetwork::new();
    let (_, theirs) = material();
    let mut far = Far::place(&network, StompPlace::broker(address()), TO_CONTROLLER, |_| {}).await;
    let _agent = agent(&network, TlsClient::new(theirs)).await;
    let failure = far.failure().await;
    assert!(failure.text.contains("TLS"), "{failure}");
    let octets =
        far.seen.iter().any(|event| matches!(event.what, MtpHappening::Octets { direction: Direction::Received, .. }));
    assert!(octets);
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_is_told_before_anything_runs() {
    let network = MemoryNetwork::new();
    let mut config = StompFarConfig::new(StompPlace::broker(address()), CONTROLLER, "");
    let started = StompFarSide::start(config.clone(), Arc::new(network.clone()), mpsc::channel(EVENT_QUEUE).0).await;
    assert!(started.is_err(), "a Controller without a destination");
    config.destination = TO_CONTROLLER.to_owned();
    let first = StompFarSide::start(config.clone(), Arc::new(network.clone()), mpsc::channel(EVENT_QUEUE).0).await;
    let second = StompFarSide::start(config, Arc::new(network), mpsc::channel(EVENT_QUEUE).0).await;
    assert!(first.is_ok() && second.is_err(), "a port in use");
}
