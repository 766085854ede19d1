//! What comes of every kind of certificate, in both roles, in memory and on loopback: the events tell each apart.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use rstest::rstest;
use tokio::time::timeout;
use uspec_mtp::event::{MtpHappening, OpenSession};
use uspec_mtp::network::{Address, MemoryNetwork, Network, RealNetwork};
use uspec_mtp::tls::{
    CertificateProblem, ClientAuth, EndpointMatch, IdentityKind, KeyLogSink, Pki, ServerVerification, TlsClient,
    TlsError, TlsFailure, TlsMaterial, TlsServer, TlsVersions, Verification,
};
use uspec_mtp::websocket::WsRole;
use uspec_mtp::{AgentConfig, Handle, MtpError};

use crate::kit::{AGENT, Agent, CONTROLLER, Far, PATH};

const HOSTS: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// Longer than any handshake takes on a busy machine.
const LIMIT: Duration = Duration::from_secs(60);

fn listen(tls: TlsServer) -> WsRole {
    WsRole::Listen { address: Address::tcp("127.0.0.1", 0), path: PATH.to_owned(), tls: Some(tls) }
}

fn connect(address: &Address, tls: TlsClient) -> WsRole {
    WsRole::Connect { address: address.clone(), path: PATH.to_owned(), host: None, tls: Some(tls) }
}

/// What the far side saw.
#[derive(Debug)]
enum Seen {
    Open(Box<OpenSession>),
    Failed(Box<TlsFailure>),
}

impl Seen {
    async fn by(far: &mut Far) -> Self {
        far.until(|what| match what {
            MtpHappening::Open(open) => Some(Self::Open(Box::new(open.clone()))),
            MtpHappening::TlsFailed(failure) => Some(Self::Failed(failure.clone())),
            _ => None,
        })
        .await
    }

    fn problem(&self) -> Option<CertificateProblem> {
        match self {
            Self::Failed(failure) => failure.problem,
            Self::Open(open) => match &open.tls.as_ref().unwrap().verification {
                Verification::Accepted { problem, .. } => Some(*problem),
                Verification::Verified | Verification::NoCertificate => None,
            },
        }
    }
}

/// What is wrong with a certificate of that kind; the wrong name is no matter of TLS, and the wrong host one of a server's alone.
fn expected(kind: IdentityKind, server: bool) -> Option<CertificateProblem> {
    match kind {
        IdentityKind::WrongHost => server.then_some(CertificateProblem::WrongHost),
        IdentityKind::Trusted | IdentityKind::WrongName => None,
        IdentityKind::Expired => Some(CertificateProblem::Expired),
        IdentityKind::NotYetValid => Some(CertificateProblem::NotYetValid),
        IdentityKind::Untrusted => Some(CertificateProblem::UnknownIssuer),
        IdentityKind::SelfSigned | IdentityKind::Alternate => Some(CertificateProblem::SelfSigned),
    }
}

fn endpoint_match(kind: IdentityKind) -> EndpointMatch {
    match kind {
        IdentityKind::WrongName | IdentityKind::WrongHost => EndpointMatch::Other,
        _ => EndpointMatch::Urn,
    }
}

/// The Agent connects and shows a certificate of that kind.
async fn agent_connects(network: impl Network + Clone + 'static, kind: IdentityKind, demanded: bool) -> Seen {
    let pki = Pki::generate().unwrap();
    let server = TlsServer {
        client_auth: if demanded { ClientAuth::Require } else { ClientAuth::Record },
        ..TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap())
    };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let client = TlsClient::new(pki.issue(kind, AGENT, &HOSTS).unwrap());
    let role = connect(far.handle.address().unwrap(), client);
    let _agent = Agent::start(&network, role, |_| {}).await;
    timeout(LIMIT, Seen::by(&mut far)).await.unwrap()
}

/// The Agent listens and shows a certificate of that kind.
async fn agent_listens(network: impl Network + Clone + 'static, kind: IdentityKind, demanded: bool) -> Seen {
    let pki = Pki::generate().unwrap();
    let server = TlsServer::new(pki.issue(kind, AGENT, &HOSTS).unwrap());
    let agent = Agent::start(&network, listen(server), |_| {}).await;
    let verification = if demanded { ServerVerification::Full } else { ServerVerification::AcceptAny };
    let client =
        TlsClient { verification, ..TlsClient::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap()) };
    let mut far = Far::start(&network, connect(agent.handle.address().unwrap(), client), |_| {}).await;
    timeout(LIMIT, Seen::by(&mut far)).await.unwrap()
}

fn judge(seen: &Seen, kind: IdentityKind, server: bool, demanded: bool) {
    let expected = expected(kind, server);
    assert_eq!(seen.problem(), expected, "{seen:?}");
    let certificate = match seen {
        Seen::Failed(failure) => {
            assert!(demanded && expected.is_some(), "{failure:?}");
            assert_eq!(failure.alert, None);
            failure.peer_certificate.as_ref().unwrap()
        }
        Seen::Open(open) => {
            assert!(!demanded || expected.is_none(), "{open:?}");
            open.tls.as_ref().unwrap().peer_certificate.as_ref().unwrap()
        }
    };
    assert_eq!(certificate.stands_for(AGENT), endpoint_match(kind));
    assert_eq!(certificate.self_signed, matches!(kind, IdentityKind::SelfSigned | IdentityKind::Alternate));
    if kind == IdentityKind::WrongHost {
        assert_eq!(
            (certificate.dns_names.as_slice(), certificate.addresses.len()),
            (["elsewhere.invalid".to_owned()].as_slice(), 0)
        );
        return;
    }
    assert_eq!(certificate.dns_names, ["localhost"]);
    assert_eq!(certificate.addresses, ["127.0.0.1", "::1"]);
}

#[tokio::test(start_paused = true)]
async fn every_kind_is_told_apart_in_memory() {
    for kind in IdentityKind::ALL {
        for demanded in [true, false] {
            judge(&agent_connects(MemoryNetwork::new(), kind, demanded).await, kind, false, demanded);
            judge(&agent_listens(MemoryNetwork::new(), kind, demanded).await, kind, true, demanded);
        }
    }
}

#[tokio::test]
async fn every_kind_is_told_apart_on_loopback() {
    for kind in IdentityKind::ALL {
        judge(&agent_connects(RealNetwork, kind, true).await, kind, false, true);
        judge(&agent_listens(RealNetwork, kind, true).await, kind, true, true);
    }
}

#[tokio::test(start_paused = true)]
async fn the_open_session_says_whom_the_certificate_stands_for() {
    for kind in [IdentityKind::Trusted, IdentityKind::WrongName] {
        match agent_connects(MemoryNetwork::new(), kind, true).await {
            Seen::Open(open) => assert_eq!(open.certificate, Some(endpoint_match(kind))),
            Seen::Failed(failure) => panic!("{failure:?}"),
        }
    }
    match agent_listens(MemoryNetwork::new(), IdentityKind::Trusted, true).await {
        // A server names itself in the extension only, which was not asked for.
        Seen::Open(open) => assert_eq!((open.peer_eid(), open.certificate), (None, None)),
        Seen::Failed(failure) => panic!("{failure:?}"),
    }
}

#[rstest]
#[case::demanded(true)]
#[case::asked_for(false)]
#[tokio::test(start_paused = true)]
async fn no_client_certificate_is_told_apart(#[case] demanded: bool) {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let pki = Pki::generate().unwrap();
        let server = TlsServer {
            client_auth: if demanded { ClientAuth::Require } else { ClientAuth::Record },
            ..TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap())
        };
        let network = MemoryNetwork::new();
        let mut far = Far::start(&network, listen(server), |_| {}).await;
        let identity = pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap();
        let client = TlsClient { anonymous: true, versions, ..TlsClient::new(identity) };
        let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
        match Seen::by(&mut far).await {
            Seen::Failed(failure) if demanded => assert_eq!(failure.problem, Some(CertificateProblem::Missing)),
            Seen::Open(open) if !demanded => {
                assert_eq!(open.tls.unwrap().verification, Verification::NoCertificate);
                assert_eq!(open.certificate, None);
            }
            other => panic!("{other:?}"),
        }
    }
}

/// The far side's identity is swapped for one that is wrong, then for a right one. The Agent's refusal comes as its alert.
#[rstest]
#[case(IdentityKind::Expired, &["CertificateExpired"])]
#[case(IdentityKind::NotYetValid, &["CertificateExpired", "BadCertificate"])]
#[case(IdentityKind::Untrusted, &["UnknownCA"])]
#[case(IdentityKind::SelfSigned, &["UnknownCA"])]
#[tokio::test(start_paused = true)]
async fn our_identity_can_be_swapped_when_we_listen(#[case] kind: IdentityKind, #[case] alerts: &[&str]) {
    let pki = Pki::generate().unwrap();
    let network = MemoryNetwork::new();
    let server = TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap());
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let client = TlsClient::new(pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap());
    let mut agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
    assert!(matches!(Seen::by(&mut far).await, Seen::Open(_)));
    agent.opened().await;

    far.handle.set_identity(pki.issue(kind, CONTROLLER, &HOSTS).unwrap()).unwrap();
    assert!(far.handle.is_open(), "open sessions are not touched");
    far.handle.drop_connection().await.unwrap();
    match Seen::by(&mut far).await {
        Seen::Failed(failure) => {
            assert!(failure.alert.as_deref().is_some_and(|alert| alerts.contains(&alert)), "{failure:?}");
            assert_eq!(failure.problem, None, "it was not ours to refuse");
        }
        Seen::Open(open) => panic!("{open:?}"),
    }

    far.handle.set_identity(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap()).unwrap();
    assert!(matches!(timeout(LIMIT, Seen::by(&mut far)).await, Ok(Seen::Open(_))));
    let seen = agent
        .until(|what| match what {
            uspec_mtp::event::AgentHappening::Opened(open) => Some(open.tls.clone()),
            _ => None,
        })
        .await;
    assert_eq!(seen.unwrap().stands_for(CONTROLLER), Some(EndpointMatch::Urn));
}

#[rstest]
#[case(TlsVersions::Only12)]
#[case(TlsVersions::Only13)]
#[tokio::test]
async fn our_identity_can_be_swapped_when_we_connect(#[case] versions: TlsVersions) {
    let pki = Pki::generate().unwrap();
    let server = TlsServer {
        client_auth: ClientAuth::Require,
        versions,
        ..TlsServer::new(pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap())
    };
    let mut agent = Agent::start(&RealNetwork, listen(server), |_| {}).await;
    let client = TlsClient::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap());
    let mut far = Far::start(&RealNetwork, connect(agent.handle.address().unwrap(), client), |_| {}).await;
    let whole = async {
        assert!(matches!(Seen::by(&mut far).await, Seen::Open(_)));
        agent.opened().await;
        far.handle.set_identity(pki.issue(IdentityKind::Expired, CONTROLLER, &HOSTS).unwrap()).unwrap();
        far.handle.open_another().unwrap();
        match Seen::by(&mut far).await {
            // Over TLS 1.3 it comes after our side of the handshake is through.
            Seen::Failed(failure) => assert_eq!(failure.alert.as_deref(), Some("CertificateExpired"), "{failure:?}"),
            Seen::Open(open) => panic!("{open:?}"),
        }
        far.handle.set_identity(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap()).unwrap();
        far.handle.open_another().unwrap();
        assert!(matches!(Seen::by(&mut far).await, Seen::Open(_)));
    };
    timeout(LIMIT, whole).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn an_end_without_tls_or_a_key_of_another_certificate_changes_nothing() {
    let pki = Pki::generate().unwrap();
    let identity = pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap();
    let other = pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap();
    let plain = Far::start(&MemoryNetwork::new(), crate::kit::listen(), |_| {}).await;
    let error = plain.handle.set_identity(identity.clone()).unwrap_err();
    assert!(matches!(error, MtpError::Tls(TlsError::NotInUse)));
    let network = MemoryNetwork::new();
    let mut far = Far::start(&network, listen(TlsServer::new(identity)), |_| {}).await;
    let mixed = uspec_mtp::tls::TlsMaterial::from_pem(
        &other.chain_pem(),
        &pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap().key_pem(),
        None,
    );
    let error = Handle::WebSocket(far.handle.clone()).set_identity(mixed.unwrap()).unwrap_err();
    assert!(matches!(error, MtpError::Tls(TlsError::Pair(_))));
    let client = TlsClient::new(pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap());
    let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
    assert!(matches!(Seen::by(&mut far).await, Seen::Open(_)));
}

#[rstest]
#[case::after(IdentityKind::Expired)]
#[case::before(IdentityKind::NotYetValid)]
#[case::still_verified_otherwise(IdentityKind::Untrusted)]
#[tokio::test(start_paused = true)]
async fn an_endpoint_without_a_clock_ignores_the_time_and_nothing_else(#[case] kind: IdentityKind) {
    let expected = if kind == IdentityKind::Untrusted { Some(CertificateProblem::UnknownIssuer) } else { None };
    let pki = Pki::generate().unwrap();
    let network = MemoryNetwork::new();
    let agent = Agent::start(&network, listen(TlsServer::new(pki.issue(kind, AGENT, &HOSTS).unwrap())), |_| {}).await;
    let ours = pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap();
    let client = TlsClient { ignores_time: true, ..TlsClient::new(ours.clone()) };
    let mut far = Far::start(&network, connect(agent.handle.address().unwrap(), client), |_| {}).await;
    assert_eq!(Seen::by(&mut far).await.problem(), expected);

    let server = TlsServer { client_auth: ClientAuth::Require, ignores_time: true, ..TlsServer::new(ours) };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let client = TlsClient::new(pki.issue(kind, AGENT, &HOSTS).unwrap());
    let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
    assert_eq!(Seen::by(&mut far).await.problem(), expected);
}

#[tokio::test(start_paused = true)]
async fn the_key_log_has_the_lines_that_wireshark_reads() {
    for versions in [TlsVersions::Only12, TlsVersions::Only13] {
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let sink = {
            let lines = Arc::clone(&lines);
            KeyLogSink::new(move |line| lines.lock().unwrap().push(line.to_owned()))
        };
        let pki = Pki::generate().unwrap();
        let network = MemoryNetwork::new();
        let server = TlsServer {
            key_log: Some(sink),
            versions,
            ..TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap())
        };
        let mut far = Far::start(&network, listen(server), |_| {}).await;
        let client = TlsClient::new(pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap());
        let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
        far.opened().await;
        let lines = lines.lock().unwrap();
        let label = if versions == TlsVersions::Only12 { "CLIENT_RANDOM" } else { "CLIENT_TRAFFIC_SECRET_0" };
        assert!(lines.iter().any(|line| line.starts_with(label)), "{lines:?}");
        for line in lines.iter() {
            let parts: Vec<_> = line.split(' ').collect();
            assert_eq!((parts.len(), parts[1].len()), (3, 64), "{line}");
            assert!(parts[1..].iter().all(|part| part.bytes().all(|digit| digit.is_ascii_hexdigit())), "{line}");
        }
    }
}

/// A certificate that is its own trust anchor, as a device that was trusted on first use has it.
#[rstest]
#[case::plain(false)]
#[case::calls_itself_an_authority(true)]
#[tokio::test(start_paused = true)]
async fn a_self_signed_certificate_that_is_trusted_itself_verifies(#[case] authority: bool) {
    let pki = Pki::generate().unwrap();
    let network = MemoryNetwork::new();
    let own = if authority {
        // As `openssl req -x509` makes it: a self-signed certificate that calls itself an authority's.
        let authority = uspec_mtp::tls::CertificateAuthority::generate("device").unwrap();
        let (certificate, key) = (authority.certificate_pem(), authority.key_pem());
        uspec_mtp::tls::TlsMaterial::from_pem(&certificate, &key, None).unwrap()
    } else {
        pki.issue(IdentityKind::SelfSigned, AGENT, &HOSTS).unwrap()
    };
    let trusting = |pem: &str| {
        let ours = pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap();
        TlsClient::new(ours.trusting_pem(pem).unwrap())
    };
    let host_is_named = !authority;
    let agent = Agent::start(&network, listen(TlsServer::new(own.clone())), |_| {}).await;
    let client = trusting(&own.chain_pem());
    let mut far = Far::start(&network, connect(agent.handle.address().unwrap(), client), |_| {}).await;
    match Seen::by(&mut far).await {
        Seen::Open(open) => assert_eq!(open.tls.unwrap().verification, Verification::Verified),
        // The name is still asked for.
        Seen::Failed(failure) => {
            assert_eq!((failure.problem, host_is_named), (Some(CertificateProblem::WrongHost), false), "{failure:?}");
        }
    }

    let ours = pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap().trusting_pem(&own.chain_pem()).unwrap();
    let server = TlsServer { client_auth: ClientAuth::Require, ..TlsServer::new(ours) };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let client = TlsClient { verification: ServerVerification::AcceptAny, ..TlsClient::new(own) };
    let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
    match Seen::by(&mut far).await {
        Seen::Open(open) => assert_eq!(open.tls.unwrap().verification, Verification::Verified),
        Seen::Failed(failure) => panic!("{failure:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn an_agents_end_of_any_mtp_takes_material_from_memory() {
    let pki = Pki::generate().unwrap();
    let identity = pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap();
    let config = uspec_mtp::websocket::WsAgentConfig::new(listen(TlsServer::new(identity)), AGENT);
    let (handle, _events) = AgentConfig::WebSocket(config).start(Arc::new(MemoryNetwork::new())).await.unwrap();
    handle.set_identity(pki.issue(IdentityKind::Alternate, AGENT, &HOSTS).unwrap()).unwrap();
    handle.shutdown().await;
}

#[rstest]
#[case::by_name("localhost", Some("localhost"))]
#[case::by_address("127.0.0.1", None)]
#[tokio::test(start_paused = true)]
async fn a_server_tells_by_which_name_it_was_called(#[case] host: &str, #[case] expected: Option<&str>) {
    let network = MemoryNetwork::new();
    let pki = Pki::generate().unwrap();
    for (kind, opens) in [(IdentityKind::Trusted, true), (IdentityKind::WrongHost, false)] {
        let server = TlsServer::new(pki.issue(kind, CONTROLLER, &HOSTS).unwrap());
        let role = WsRole::Listen { address: Address::tcp(host, 0), path: PATH.to_owned(), tls: Some(server) };
        let mut far = Far::start(&network, role, |_| {}).await;
        let client = TlsClient::new(pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap());
        let _agent = Agent::start(&network, connect(far.handle.address().unwrap(), client), |_| {}).await;
        let name = match Seen::by(&mut far).await {
            Seen::Open(open) if opens => open.tls.unwrap().server_name,
            Seen::Failed(failure) if !opens => {
                assert!(failure.received.starts_with(&[0x16, 0x03]), "{failure:?}");
                failure.server_name
            }
            other => panic!("{kind}: {other:?}"),
        };
        assert_eq!(name.as_deref(), expected);
    }
}

#[rstest]
#[case::clear(b"GET /usp HTTP/1.1\r\n\r\n".to_vec())]
#[case::nothing(Vec::new())]
#[case::long(vec![b'x'; 10_000])]
#[tokio::test(start_paused = true)]
async fn what_came_in_place_of_tls_is_shown(#[case] octets: Vec<u8>) {
    let network = MemoryNetwork::new();
    let pki = Pki::generate().unwrap();
    let server = TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap());
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let mut stream = network.connect(far.handle.address().unwrap()).await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, &octets).await.unwrap();
    drop(stream);
    let Seen::Failed(failure) = Seen::by(&mut far).await else { panic!("no TLS was spoken") };
    let shown = octets.get(..uspec_mtp::event::SHOWN_OCTETS).unwrap_or(&octets);
    assert_eq!(failure.received, shown);
    assert_eq!((failure.alert, failure.problem, failure.server_name), (None, None, None));
}

#[tokio::test(start_paused = true)]
async fn the_chain_of_a_certificate_is_shown() {
    let network = MemoryNetwork::new();
    let pki = Pki::generate().unwrap();
    let server = TlsServer {
        client_auth: ClientAuth::Require,
        ..TlsServer::new(pki.issue(IdentityKind::Trusted, CONTROLLER, &HOSTS).unwrap())
    };
    let mut far = Far::start(&network, listen(server), |_| {}).await;
    let own = pki.issue(IdentityKind::Trusted, AGENT, &HOSTS).unwrap();
    let chain = format!("{}{}", own.chain_pem(), pki.authority().certificate_pem());
    let shown = TlsMaterial::from_pem(&chain, &own.key_pem(), Some(&own.trust_pem())).unwrap();
    let role = connect(far.handle.address().unwrap(), TlsClient::new(shown));
    let _agent = Agent::start(&network, role, |_| {}).await;
    let certificate = far.opened().await.tls.unwrap().peer_certificate.unwrap();
    assert_eq!(certificate.chain, [certificate.issuer]);
}
