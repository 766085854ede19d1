//! What is examined: one MTP of the profile, as both sides are to have it.

use super::report::Stage;
use crate::config::SessionConfig;
use std::fmt;
use uspec_mtp::{
    FarConfig,
    mqtt::MqttPlace,
    network::Address,
    stomp::StompPlace,
    tls::{ClientAuth, PeerCertificate, ServerVerification, TlsClient, TlsServer},
    uds::UdsRole,
    websocket::WsRole,
};
use uspec_testplan::trace::MtpFacts;

/// One MTP of the profile, as both sides are to have it. Holds no secret.
#[derive(Debug, Clone)]
pub(super) struct Subject {
    /// Its name in the profile.
    pub(super) name: String,
    /// What it is.
    pub(super) facts: MtpFacts,
    /// What it is made of.
    pub(super) kind: Kind,
    /// Where we listen, or whom we call.
    pub(super) address: Address,
    /// We open the connection: to the EUT, or to a broker of the lab's.
    pub(super) calls: bool,
    /// Our side of TLS.
    pub(super) tls: Option<OurTls>,
    /// Our Endpoint ID.
    pub(super) controller: String,
    /// The EUT's, when the profile names it.
    pub(super) eut: Option<String>,
}

/// What an MTP is made of.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    /// WebSocket, with the path of its URL.
    WebSocket { path: String },
    /// MQTT.
    Mqtt { version: String, controller_topic: String, agent_topic: Option<String>, username: Option<String> },
    /// STOMP.
    Stomp { controller_destination: String, agent_destination: Option<String>, username: Option<String> },
    /// A UNIX domain socket.
    Uds,
}

/// Our side of TLS.
#[derive(Debug, Clone)]
pub(super) struct OurTls {
    /// Our own certificate, if we show any.
    pub(super) certificate: Option<PeerCertificate>,
    /// The peer's certificate must verify.
    pub(super) verifies: bool,
}

impl Subject {
    /// The MTP that a session would be opened with.
    pub(super) fn of(config: &SessionConfig) -> Self {
        let (kind, address, calls, tls) = match &config.mtp {
            FarConfig::WebSocket(far) => {
                let (address, path, calls, tls) = match &far.role {
                    WsRole::Listen { address, path, tls } => (address, path, false, tls.as_ref().map(server)),
                    WsRole::Connect { address, path, tls, .. } => (address, path, true, tls.as_ref().map(client)),
                };
                (Kind::WebSocket { path: path.clone() }, address.clone(), calls, tls)
            }
            FarConfig::Mqtt(far) => {
                let (address, calls, tls) = match &far.place {
                    MqttPlace::Broker { address, tls } => (address.clone(), false, tls.as_ref().map(server)),
                    MqttPlace::Beside { address, tls, .. } => (address.clone(), true, tls.as_ref().map(client)),
                    MqttPlace::Shared(_) => (Address::tcp("", 0), false, None),
                };
                let kind = Kind::Mqtt {
                    version: config.facts.version.clone().unwrap_or_default(),
                    controller_topic: far.topic.clone(),
                    agent_topic: far.agent_topic.clone(),
                    username: far.credentials.as_ref().map(|(name, _)| name.clone()),
                };
                (kind, address, calls, tls)
            }
            FarConfig::Stomp(far) => {
                let (address, calls, tls) = match &far.place {
                    StompPlace::Broker { address, tls } => (address.clone(), false, tls.as_ref().map(server)),
                    StompPlace::Beside { address, tls, .. } => (address.clone(), true, tls.as_ref().map(client)),
                    StompPlace::Shared(_) => (Address::tcp("", 0), false, None),
                };
                let kind = Kind::Stomp {
                    controller_destination: far.destination.clone(),
                    agent_destination: far.agent_destination.clone(),
                    username: far.login.as_ref().map(|login| login.username.clone()),
                };
                (kind, address, calls, tls)
            }
            FarConfig::Uds(far) => match &far.role {
                UdsRole::Listen { path } => (Kind::Uds, Address::unix(path), false, None),
                UdsRole::Connect { path } => (Kind::Uds, Address::unix(path), true, None),
            },
        };
        Self {
            name: config.mtp_name.clone(),
            facts: config.facts.clone(),
            kind,
            address,
            calls,
            tls,
            controller: config.controller_endpoint_id.clone(),
            eut: config.eut_endpoint_id.clone(),
        }
    }

    /// The steps that this MTP has, in order.
    pub(super) fn stages(&self) -> Vec<Stage> {
        let all = [
            Stage::Place,
            Stage::Stream,
            Stage::Tls,
            Stage::Handshake,
            Stage::Route,
            Stage::EndpointIds,
            Stage::ConnectRecord,
            Stage::Protocol,
            Stage::Get,
            Stage::ReplyPath,
        ];
        let has = |stage: &Stage| match stage {
            Stage::Tls => self.tls.is_some(),
            Stage::Route => self.is_brokered(),
            _ => true,
        };
        all.into_iter().filter(has).collect()
    }

    /// What a step is called over this MTP.
    pub(super) fn title(&self, stage: Stage) -> &'static str {
        match (stage, &self.kind) {
            (Stage::Place, Kind::Uds) => "socket file",
            (Stage::Place, _) if self.calls => "address",
            (Stage::Place, _) => "port",
            (Stage::Stream, Kind::Uds) => "connection",
            (Stage::Stream, _) => "TCP",
            (Stage::Tls, _) => "TLS",
            (Stage::Handshake, Kind::WebSocket { .. }) => "WebSocket upgrade",
            (Stage::Handshake, Kind::Mqtt { .. }) => "MQTT CONNECT",
            (Stage::Handshake, Kind::Stomp { .. }) => "STOMP frame",
            (Stage::Handshake, Kind::Uds) => "UDS handshake",
            (Stage::Route, Kind::Stomp { .. }) => "destinations",
            (Stage::Route, _) => "topics",
            (Stage::EndpointIds, _) => "Endpoint IDs",
            (Stage::ConnectRecord, _) => "Connect Record",
            (Stage::Protocol, _) => "GetSupportedProtocol",
            (Stage::Get, _) => "Get",
            (Stage::ReplyPath, _) => "reply path",
        }
    }

    /// Whether there is a broker between the two.
    pub(super) fn is_brokered(&self) -> bool {
        matches!(self.kind, Kind::Mqtt { .. } | Kind::Stomp { .. })
    }

    /// Whether the broker is the lab's own, at which we see no packets of the EUT.
    pub(super) fn is_beside(&self) -> bool {
        self.is_brokered() && self.calls
    }

    /// Our certificate, when the EUT cannot know us by it: it has to stand for our Endpoint ID where the two are connected directly (R-SEC.0a).
    pub(super) fn foreign_certificate(&self) -> Option<&PeerCertificate> {
        let own = self.tls.as_ref()?.certificate.as_ref()?;
        let stands = own.stands_for(&self.controller);
        (!self.is_brokered() && !stands.is_exact()).then_some(own)
    }

    /// Whom our stream is with: the EUT, or a broker.
    pub(super) fn peer(&self) -> &'static str {
        if self.is_beside() { "the broker" } else { "the EUT" }
    }
}

/// As a person writes the place.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let secure = if self.tls.is_some() { "s" } else { "" };
        match &self.kind {
            Kind::WebSocket { path } => write!(f, "ws{secure}://{}{path}", self.address),
            Kind::Mqtt { .. } => write!(f, "mqtt{secure}://{}", self.address),
            Kind::Stomp { .. } => write!(f, "stomp{secure}://{}", self.address),
            Kind::Uds => write!(f, "{}", self.address),
        }
    }
}

fn server(tls: &TlsServer) -> OurTls {
    OurTls { certificate: own(tls.material.certificate_der()), verifies: tls.client_auth == ClientAuth::Require }
}

fn client(tls: &TlsClient) -> OurTls {
    OurTls { certificate: own(tls.material.certificate_der()), verifies: tls.verification == ServerVerification::Full }
}

fn own(der: &[u8]) -> Option<PeerCertificate> {
    (!der.is_empty()).then(|| PeerCertificate::read(der))
}
