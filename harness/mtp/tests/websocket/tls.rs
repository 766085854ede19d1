//! WebSocket over TLS (R-WS.22, R-SEC.0a).

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use rstest::rstest;
use tokio::sync::mpsc;
use uspec_mtp::MtpError;
use uspec_mtp::event::{EVENT_QUEUE, FailureKind, MtpHappening};
use uspec_mtp::network::{Address, MemoryNetwork};
use uspec_mtp::tls::{
    CertificateAuthority, CertificateRequest, ClientAuth, ServerVerification, TlsClient, TlsError, TlsMaterial,
    TlsServer, TlsSession, TlsVersions, Verification,
};
use uspec_mtp::websocket::{WsFarConfig, WsFarSide, WsRole};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, PATH, Raw};

fn address() -> Address {
    Address::tcp("localhost", 443)
}

fn listen(tls: TlsServer) -> WsRole {
    WsRole::Listen { address: address(), path: PATH.to_owned(), tls: Some(tls) }
}

fn connect(tls: TlsClient) -> WsRole {
    WsRole::Connect { address: address(), path: PATH.to_owned(), host: None, tls: Some(tls) }
}

/// Certificates of a Controller and an Agent, of one authority.
fn material() -> (TlsMaterial, TlsMaterial) {
    let authority = CertificateAuthority::generate("test authority").unwrap();
    (TlsMaterial::generate(CONTROLLER, &authority).unwrap(), TlsMaterial::generate(AGENT, &authority).unwrap())
}

async fn established(far: &mut Far) -> TlsSession {
    far.until(|what| match what {
        MtpHappening::TlsEstablished(session) => Some((**session).clone()),
        MtpHappening::TlsFailed(failure) => panic!("{failure:?}"),
        _ => None,
    })
    .await
}

async fn refused(far: &mut Far) -> String {
    far.until(|what| match what {
        MtpHappening::TlsFailed(failure) => Some(failure.error.clone()),
        MtpHappening::TlsEstablished(_) => panic!("TLS was established"),
        _ => None,
    })
    .await
}

fn nobody_vouches(error: &str) -> bool {
    error.contains("UnknownIssuer") || error.contains("BadSignature")
}

#[rstest]
#[case(TlsVersions::Both, "TLSv1_3")]
#[case(TlsVersions::Only12, "TLSv1_2")]
#[case(TlsVersions::Only13, "TLSv1_3")]
#[tokio::test(start_paused = true)]
async fn the_agent_opens_wss(#[case] versions: TlsVersions, #[case] version: &str) {
    let (controller, agent) = material();
    let network = MemoryNetwork::new();
    let server = TlsServer { client_auth: ClientAuth::Require, versions, ..TlsServer::new(controller) };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let mut agent = Agent::start(&network, connect(TlsClient::new(agent)), |_| {}).await;
    let session = established(&mut far).await;
    assert_eq!(session.version, version);
    assert_eq!(session.verification, Verification::Verified);
    let certificate = session.peer_certificate.unwrap();
    assert_eq!(certificate.endpoint_ids().collect::<Vec<_>>(), [AGENT]);
    assert_eq!(certificate.uris, ["urn:bbf:usp:id:os::012345-agent"]);
    assert!(certificate.issuer.contains("test authority"));
    far.opened().await;
    agent.opened().await;
    far.handle.send_record(vec![3; 100_000]).await.unwrap();
    assert_eq!(agent.record().await, vec![3; 100_000]);
    agent.handle.send_record(&b"clear text"[..]).await.unwrap();
    far.record().await;
    assert!(far.octets(uspec_mtp::event::Direction::Received).starts_with(b"GET /usp?eid="), "the log is clear text");
    agent.handle.close(1000, "").await.unwrap();
    assert!(far.closed().await.clean);
}

#[tokio::test(start_paused = true)]
async fn the_controller_opens_wss() {
    let (controller, agent) = material();
    let network = MemoryNetwork::new();
    let mut agent = Agent::start(&network, listen(TlsServer::new(agent)), |_| {}).await;
    let mut far = Far::start(&network, connect(TlsClient::new(controller)), |_| {}).await;
    let session = established(&mut far).await;
    assert_eq!(session.verification, Verification::Verified);
    assert_eq!(session.peer_certificate.unwrap().endpoint_ids().collect::<Vec<_>>(), [AGENT]);
    far.opened().await;
    agent.opened().await;
    agent.handle.send_record(&b"x"[..]).await.unwrap();
    far.record().await;
    far.handle.drop_connection().await.unwrap();
    agent.closed().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_nobody_vouches_for_is_refused_unless_any_is_accepted() {
    let ((controller, _), (_, agent)) = (material(), material());
    let network = MemoryNetwork::new();
    let mut server = Agent::start(&network, listen(TlsServer::new(controller)), |_| {}).await;
    let mut far = Far::start(&network, connect(TlsClient::new(agent.clone())), |_| {}).await;
    let error = refused(&mut far).await;
    assert!(nobody_vouches(&error), "{error}");
    assert_eq!(server.failure().await.kind, FailureKind::Tls);
    far.handle.shutdown().await;

    let any = TlsClient { verification: ServerVerification::AcceptAny, ..TlsClient::new(agent) };
    let mut far = Far::start(&network, connect(any), |_| {}).await;
    let session = established(&mut far).await;
    assert!(matches!(session.verification, Verification::Accepted { in_spite_of, .. } if nobody_vouches(&in_spite_of)));
    far.opened().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_with_another_name_or_an_old_certificate_is_refused() {
    let authority = CertificateAuthority::generate("test authority").unwrap();
    let hour = Duration::from_secs(3600);
    let request = CertificateRequest::for_endpoint(CONTROLLER);
    let old = CertificateRequest {
        not_before: SystemTime::now() - 2 * hour,
        not_after: SystemTime::now() - hour,
        ..request.clone()
    };
    let elsewhere = CertificateRequest { dns_names: vec![], addresses: vec![], ..request }.host("elsewhere.example");
    for (request, reason) in [(old, "Expired"), (elsewhere, "NotValidForName")] {
        let network = MemoryNetwork::new();
        let server = TlsServer::new(authority.issue(&request).unwrap());
        let _server = Agent::start(&network, listen(server), |_| {}).await;
        let client = TlsClient::new(TlsMaterial::generate(AGENT, &authority).unwrap());
        let mut far = Far::start(&network, connect(client), |_| {}).await;
        let error = refused(&mut far).await;
        let spaced = error.to_lowercase().replace(' ', "");
        assert!(spaced.contains(&reason.to_lowercase()), "{error}");
    }
}

#[rstest]
#[case::required(ClientAuth::Require)]
#[case::recorded(ClientAuth::Record)]
#[case::not_asked_for(ClientAuth::Off)]
#[tokio::test(start_paused = true)]
async fn a_clients_certificate_is_treated_as_asked(#[case] client_auth: ClientAuth) {
    let (controller, _) = material();
    let (_, stranger) = material();
    let network = MemoryNetwork::new();
    let server = TlsServer { client_auth, ..TlsServer::new(controller) };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let client = TlsClient { verification: ServerVerification::AcceptAny, ..TlsClient::new(stranger) };
    let _agent = Agent::start(&network, connect(client), |_| {}).await;
    match client_auth {
        ClientAuth::Require => {
            let error = refused(&mut far).await;
            assert!(nobody_vouches(&error), "{error}");
        }
        ClientAuth::Record => {
            let session = established(&mut far).await;
            assert!(matches!(session.verification, Verification::Accepted { .. }));
            assert!(session.peer_certificate.is_some());
        }
        ClientAuth::Off => {
            let session = established(&mut far).await;
            assert_eq!(session.verification, Verification::NoCertificate);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn clear_text_on_a_tls_port_is_refused() {
    let (controller, _) = material();
    let network = MemoryNetwork::new();
    let role =
        WsRole::Listen { address: crate::kit::address(), path: PATH.to_owned(), tls: Some(TlsServer::new(controller)) };
    let mut far = Far::start(&network, role, |_| {}).await;
    let mut raw = Raw::connect(&network).await;
    raw.send(b"GET /usp HTTP/1.1\r\n\r\n").await;
    refused(&mut far).await;
    far.ended().await;
}

#[tokio::test(start_paused = true)]
async fn a_silent_tls_client_is_let_go() {
    let (controller, _) = material();
    let network = MemoryNetwork::new();
    let role =
        WsRole::Listen { address: crate::kit::address(), path: PATH.to_owned(), tls: Some(TlsServer::new(controller)) };
    let mut far = Far::start(&network, role, |_| {}).await;
    let raw = Raw::connect(&network).await;
    assert!(refused(&mut far).await.contains("in time"));
    drop(raw);
}

#[test]
fn pem_files_round_trip() {
    let (controller, _) = material();
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: String| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let certificate = file("certificate.pem", controller.chain_pem());
    let key = file("key.pem", controller.key_pem());
    let trust = file("trust.pem", controller.trust_pem());
    let read = TlsMaterial::from_pem_files(&certificate, &key, Some(&trust)).unwrap();
    assert_eq!(
        (read.chain_pem(), read.key_pem(), read.trust_pem()),
        (controller.chain_pem(), controller.key_pem(), controller.trust_pem())
    );
}

#[test]
fn an_unreadable_file_is_named() {
    let (controller, _) = material();
    let folder = tempfile::tempdir().unwrap();
    let good = folder.path().join("good.pem");
    std::fs::write(&good, controller.chain_pem() + &controller.key_pem()).unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "no section in here").unwrap();
    let missing = folder.path().join("missing.pem");
    let cases: [(&Path, &Path, &Path, &Path); 5] = [
        (&missing, &good, &good, &missing),
        (&good, &missing, &good, &missing),
        (&good, &good, &missing, &missing),
        (&empty, &good, &good, &empty),
        (&good, &empty, &good, &empty),
    ];
    for (certificate, key, trust, culprit) in cases {
        let error = TlsMaterial::from_pem_files(certificate, key, Some(trust)).unwrap_err();
        assert!(error.to_string().contains(&culprit.display().to_string()), "{error}");
    }
}

#[tokio::test(start_paused = true)]
async fn unusable_material_is_told_by_start() {
    let (controller, _) = material();
    let (other, _) = material();
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("certificate.pem"), folder.path().join("key.pem"));
    std::fs::write(&certificate, controller.chain_pem()).unwrap();
    std::fs::write(&key, other.key_pem()).unwrap();
    let mismatched = TlsMaterial::from_pem_files(&certificate, &key, None).unwrap();
    std::fs::write(&key, controller.key_pem()).unwrap();
    let trustless = TlsMaterial::from_pem_files(&certificate, &key, None).unwrap();
    let roles = [
        listen(TlsServer::new(mismatched)),
        listen(TlsServer { client_auth: ClientAuth::Require, ..TlsServer::new(trustless.clone()) }),
        connect(TlsClient::new(trustless)),
        connect(TlsClient { server_name: Some("not a name".to_owned()), ..TlsClient::new(controller) }),
    ];
    for role in roles {
        let (sender, _events) = mpsc::channel(EVENT_QUEUE);
        let network = Arc::new(MemoryNetwork::new());
        let error = WsFarSide::start(WsFarConfig::new(role, CONTROLLER), network, sender).await.unwrap_err();
        let expected =
            matches!(error, MtpError::Tls(TlsError::Pair(_) | TlsError::NoTrust | TlsError::ServerName { .. }));
        assert!(expected, "{error}");
    }
}
