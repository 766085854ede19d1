//! What a profile says about one of its MTPs, as the beginning of our end.

use super::{ConfigError, TlsSupply};
use crate::tls::Means;
use std::sync::Arc;
use uspec_mtp::{
    FarConfig,
    mqtt::{MqttFarConfig, MqttPlace, MqttVersion},
    network::Address,
    stomp::{Login, StompFarConfig, StompPlace},
    tls::Pki,
    uds::{UdsFarConfig, UdsRole},
    websocket::{WsFarConfig, WsRole},
};
use uspec_testplan::profile::{self, Broker, Mqtt, Role, Stomp, Transport, Uds, WebSocket};

type Far = (FarConfig, Option<Arc<Pki>>);

/// Our end, and the authority that issues what the profile does not name.
///
/// # Errors
/// As [`super::SessionConfig::from_profile`].
pub(super) fn of(transport: &Transport, controller: &str, supply: &TlsSupply) -> Result<Far, ConfigError> {
    let means = transport.tls().map(|tls| Means::read(tls, supply)).transpose()?;
    let far = match transport {
        Transport::WebSocket(it) => {
            FarConfig::WebSocket(WsFarConfig::new(web_socket(it, controller, means.as_ref())?, controller))
        }
        Transport::Mqtt(it) => FarConfig::Mqtt(mqtt(it, controller, means.as_ref())?),
        Transport::Stomp(it) => FarConfig::Stomp(stomp(it, controller, means.as_ref())?),
        Transport::Uds(it) => FarConfig::Uds(UdsFarConfig::new(uds(it), controller)),
    };
    Ok((far, means.and_then(|means| means.pki)))
}

/// Our topic or destination, over a broker.
pub(super) fn topic(far: &FarConfig) -> Option<&str> {
    match far {
        FarConfig::Mqtt(far) => Some(&far.topic),
        FarConfig::Stomp(far) => Some(&far.destination),
        FarConfig::WebSocket(_) | FarConfig::Uds(_) => None,
    }
}

fn web_socket(it: &WebSocket, controller: &str, means: Option<&Means>) -> Result<WsRole, ConfigError> {
    let host = &it.address.host;
    let (address, path) = (address(&it.address), it.path.clone());
    Ok(match it.role {
        Role::EutConnects => {
            WsRole::Listen { address, path, tls: means.map(|means| means.server(controller, host)).transpose()? }
        }
        Role::WeConnect => {
            let tls = means.map(|means| means.client(controller, host)).transpose()?;
            WsRole::Connect { address, path, host: None, tls }
        }
    })
}

fn mqtt(it: &Mqtt, controller: &str, means: Option<&Means>) -> Result<MqttFarConfig, ConfigError> {
    let host = &it.address.host;
    let place = match it.broker {
        Broker::BuiltIn => MqttPlace::Broker {
            address: address(&it.address),
            tls: means.map(|means| means.server(controller, host)).transpose()?,
        },
        Broker::Beside => {
            let mut place = MqttPlace::beside(address(&it.address));
            if let MqttPlace::Beside { tls, .. } = &mut place {
                *tls = means.map(|means| means.client(controller, host)).transpose()?;
            }
            place
        }
    };
    let mut far = MqttFarConfig::new(place, controller, &it.controller_topic);
    far.agent_topic.clone_from(&it.agent_topic);
    far.versions = vec![mqtt_version(it.version)];
    far.credentials = it.username.clone().map(|name| (name, it.password.clone().unwrap_or_default()));
    Ok(far)
}

fn mqtt_version(version: profile::MqttVersion) -> MqttVersion {
    match version {
        profile::MqttVersion::V311 => MqttVersion::V311,
        profile::MqttVersion::V5 => MqttVersion::V5,
    }
}

fn stomp(it: &Stomp, controller: &str, means: Option<&Means>) -> Result<StompFarConfig, ConfigError> {
    let host = &it.address.host;
    let place = match it.broker {
        Broker::BuiltIn => StompPlace::Broker {
            address: address(&it.address),
            tls: means.map(|means| means.server(controller, host)).transpose()?,
        },
        Broker::Beside => {
            let mut place = StompPlace::beside(address(&it.address));
            if let StompPlace::Beside { tls, virtual_host, .. } = &mut place {
                *tls = means.map(|means| means.client(controller, host)).transpose()?;
                virtual_host.clone_from(&it.virtual_host);
            }
            place
        }
    };
    let mut far = StompFarConfig::new(place, controller, &it.controller_destination);
    far.agent_destination.clone_from(&it.agent_destination);
    far.login = it.username.clone().map(|name| Login::new(name, it.password.clone().unwrap_or_default()));
    Ok(far)
}

fn uds(it: &Uds) -> UdsRole {
    let path = it.path.display().to_string();
    match it.role {
        Role::EutConnects => UdsRole::Listen { path },
        Role::WeConnect => UdsRole::Connect { path },
    }
}

fn address(address: &profile::Address) -> Address {
    Address::tcp(&address.host, address.port)
}
