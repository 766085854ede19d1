//! MQTT over TLS.

use uspec_mtp::event::MtpHappening;
use uspec_mtp::mqtt::{MqttPlace, MqttVersion};
use uspec_mtp::network::{Address, MemoryNetwork};
use uspec_mtp::tls::{CertificateAuthority, TlsClient, TlsMaterial, TlsServer};

use crate::kit::{AGENT, Agent, CONTROLLER, Far};

#[tokio::test(start_paused = true)]
async fn records_travel_over_tls() {
    let authority = CertificateAuthority::generate("test authority").unwrap();
    let controller = TlsMaterial::generate(CONTROLLER, &authority).unwrap();
    let agent_material = TlsMaterial::generate(AGENT, &authority).unwrap();
    let address = Address::tcp("localhost", 8883);
    let network = MemoryNetwork::new();
    let place = MqttPlace::Broker { address: address.clone(), tls: Some(TlsServer::new(controller)) };
    let mut far = Far::start(&network, place, |_| {}).await;
    let mut agent = Agent::start(&network, MqttVersion::V5, |config| {
        config.address = address;
        config.tls = Some(TlsClient::new(agent_material));
    })
    .await;
    assert!(far.opened().await.tls.is_some());
    assert!(agent.opened().await.tls.is_some());
    far.handle.send_record("get").await.unwrap();
    assert_eq!(agent.record().await.0, b"get");
    assert!(far.seen.iter().any(|event| matches!(event.what, MtpHappening::TlsEstablished(_))));
    let other = TlsMaterial::generate(CONTROLLER, &CertificateAuthority::generate("other").unwrap()).unwrap();
    far.handle.set_identity(other).unwrap();
    far.handle.drop_connection().await.unwrap();
    far.until(|what| matches!(what, MtpHappening::TlsFailed(_)).then_some(())).await;
}
