//! How a client comes to its session: CONNECT, CONNACK, SUBSCRIBE.

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use super::session::{Phase, Session};
use crate::end::{Finish, Port};
use crate::event::{Failure, FailureKind, MtpHappening, OpenSession};
use crate::mqtt::packet::{
    ConnAck, Connect, MAX_REMAINING, Packet, Properties, PropertyId, PropertyValue, SubAck, Subscribe, Subscription,
};
use crate::mqtt::{ENDPOINT_ID, MqttVersion, SUBSCRIBE_TOPIC, reason, topic};

/// How long the broker may take to answer CONNECT or the first SUBSCRIBE.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// The QoS of subscriptions that the broker named, or that are there for the reply-to.
const OTHER_QOS: u8 = 1;

impl Session<'_> {
    /// Asks for a session.
    pub(super) fn connect(&mut self, port: &mut Port) {
        let changes = self.behaviour(|behaviour| behaviour.client.clone());
        let config = &self.config;
        let is_v5 = config.version == MqttVersion::V5;
        let configured = config.client_id.clone().filter(|id| !id.is_empty());
        let assigned = || self.memory.assigned().filter(|_| is_v5 && !changes.forget_assigned_client_id);
        let own = configured.or_else(assigned);
        // R-MQTT.8: without a configured identifier 3.1.1 uses the Endpoint ID, and 5.0 none.
        let own = own.unwrap_or_else(|| if is_v5 { String::new() } else { config.endpoint_id.clone() });
        let client_id = changes.client_id.apply(&own).unwrap_or_default();
        let mut properties = Properties::new();
        if is_v5 {
            if config.request_response_information && !changes.omit_request_response_information {
                properties = properties.with(PropertyId::RequestResponseInformation, PropertyValue::Byte(1));
            }
            if let Some(endpoint_id) = changes.endpoint_id.apply(&config.endpoint_id) {
                properties = properties.with_user(ENDPOINT_ID, endpoint_id);
            }
        }
        let with_credentials = !changes.omit_credentials;
        let connect = Connect {
            clean_start: config.clean_start,
            keep_alive: changes.keep_alive.unwrap_or(config.keep_alive),
            username: config.username.clone().filter(|_| with_credentials),
            password: config.password.clone().filter(|_| with_credentials).map(Bytes::from),
            properties,
            ..Connect::new(config.version, client_id.clone())
        };
        let connect = Connect { level: changes.level.unwrap_or(connect.level), ..connect };
        self.keep_alive = Duration::from_secs(u64::from(connect.keep_alive));
        self.client_id = client_id;
        self.put(port, &Packet::Connect(connect), None);
        self.phase = Phase::Connecting;
        self.timers.answer = Some(Instant::now() + ANSWER_TIMEOUT);
    }

    /// The broker has answered CONNECT.
    pub(super) async fn on_connack(&mut self, port: &mut Port, ack: &ConnAck) -> Option<Finish> {
        if ack.reason != reason::SUCCESS {
            let text = format!("the broker refused the session with {} (0x{:02X})", ack.reason, ack.reason);
            port.fail(Failure::new(FailureKind::Refused { reason: ack.reason }, text)).await;
            return Some(self.hang_up("the broker refused the session"));
        }
        let changes = self.behaviour(|behaviour| behaviour.client.clone());
        if let Some(assigned) = ack.properties.text(PropertyId::AssignedClientIdentifier) {
            self.memory.assign(assigned);
            assigned.clone_into(&mut self.client_id);
        }
        if let Some(seconds) = ack.properties.number(PropertyId::ServerKeepAlive)
            && !changes.ignore_server_keep_alive
        {
            self.keep_alive = Duration::from_secs(u64::from(seconds));
        }
        self.max_qos =
            ack.properties.number(PropertyId::MaximumQos).and_then(|qos| u8::try_from(qos).ok()).unwrap_or(2);
        let size = ack.properties.number(PropertyId::MaximumPacketSize);
        self.max_packet = size.and_then(|size| usize::try_from(size).ok()).unwrap_or(MAX_REMAINING);
        let information = ack.properties.text(PropertyId::ResponseInformation).map(str::to_owned);
        self.response_information = information.filter(|_| !changes.ignore_response_information);
        let named: Vec<String> = ack.properties.user(SUBSCRIBE_TOPIC).map(str::to_owned).collect();
        let named = if changes.ignore_subscribe_topics { Vec::new() } else { named };
        self.phase = Phase::Subscribing;
        self.timers.answer = Some(Instant::now() + ANSWER_TIMEOUT);
        self.arm_ping();
        let configured = self.end.settings.borrow().client.as_ref().map(|config| config.subscriptions.clone());
        let configured = configured.unwrap_or_default();
        if configured.is_empty() && named.is_empty() && !changes.stay_without_filter {
            self.disable(port).await;
            return None;
        }
        let wanted = self.wanted(configured, named);
        if wanted.is_empty() || changes.never_subscribe {
            self.open(port).await;
            return None;
        }
        self.subscribe(port, wanted, None);
        None
    }

    /// Every filter to subscribe to (R-MQTT.15).
    fn wanted(&self, configured: Vec<(String, u8)>, named: Vec<String>) -> Vec<(String, u8)> {
        let mut wanted = configured;
        for filter in named {
            if !wanted.iter().any(|(one, _)| *one == filter) {
                wanted.push((filter, OTHER_QOS));
            }
        }
        let reply_to = self.response_information.as_ref().or(self.config.response_topic.as_ref());
        if let Some(reply_to) = reply_to {
            // What is published to a client of 3.1.1 has a reply-to behind its topic.
            let filter = match self.config.version {
                MqttVersion::V5 => reply_to.clone(),
                MqttVersion::V311 => format!("{reply_to}/#"),
            };
            if !wanted.iter().any(|(one, _)| topic::includes(one, &filter)) {
                wanted.push((filter, OTHER_QOS));
            }
        }
        wanted
    }

    /// There is nothing to subscribe to (R-MQTT.16).
    async fn disable(&mut self, port: &mut Port) {
        let text = "neither a configured Topic Filter nor a subscribe-topic: the MTP counts as disabled";
        port.fail(Failure::against("R-MQTT.16", FailureKind::NothingSubscribed, text)).await;
        self.memory.disabled.store(true, Ordering::Relaxed);
        self.say_farewell(port, None, text, None);
    }

    /// Subscribes.
    pub(super) fn subscribe(
        &mut self,
        port: &mut Port,
        wanted: Vec<(String, u8)>,
        done: Option<tokio::sync::oneshot::Sender<()>>,
    ) {
        let packet_id = self.next_packet_id();
        let subscriptions = wanted.iter().map(|(filter, qos)| Subscription::new(filter, *qos)).collect();
        let subscribe = Subscribe { packet_id, subscriptions, properties: Properties::new() };
        self.put(port, &Packet::Subscribe(subscribe), done);
        self.asked.insert(packet_id, wanted.into_iter().map(|(filter, _)| filter).collect());
    }

    /// The broker has answered SUBSCRIBE.
    pub(super) async fn on_suback(&mut self, port: &mut Port, ack: &SubAck) {
        let Some(filters) = self.asked.remove(&ack.packet_id) else {
            return;
        };
        let granted = filters.into_iter().zip(&ack.reasons).filter(|(_, code)| **code < reason::UNSPECIFIED_ERROR);
        self.granted.extend(granted.map(|(filter, _)| filter));
        if !matches!(self.phase, Phase::Subscribing) {
            return;
        }
        if self.granted.is_empty() && !self.behaviour(|behaviour| behaviour.client.stay_without_grant) {
            self.leave_unsubscribed(port, "no subscription was granted").await;
        } else {
            self.open(port).await;
        }
    }

    /// Nothing is subscribed to (R-MQTT.17).
    pub(super) async fn leave_unsubscribed(&mut self, port: &mut Port, text: &str) {
        port.fail(Failure::against("R-MQTT.17", FailureKind::NothingSubscribed, text)).await;
        self.say_farewell(port, None, text, None);
    }

    /// Records can be exchanged from now on.
    pub(super) async fn open(&mut self, port: &mut Port) {
        self.phase = Phase::Open;
        self.timers.answer = None;
        self.reached_at = self.reply_to();
        let open = OpenSession {
            client_id: Some(self.client_id.clone()),
            subscriptions: self.granted.clone(),
            reached_at: self.reached_at.clone(),
            told_by_server: self.response_information.clone(),
            ..OpenSession::default()
        };
        self.opened.store(true, Ordering::Relaxed);
        self.end.registry.enter(self.id, None, self.orders.clone(), port.log.clone());
        port.log.emit(MtpHappening::Open(open.over(self.tls.take()))).await;
    }

    /// Where this end is reached: Response Information (R-MQTT.21), what is configured, or what is subscribed to.
    fn reply_to(&self) -> Option<String> {
        let told = self.response_information.clone().or_else(|| self.config.response_topic.clone());
        told.or_else(|| self.granted.iter().find(|filter| !topic::has_wildcard(filter)).cloned())
            .or_else(|| self.granted.iter().find_map(|filter| topic::without_wildcards(filter)))
    }
}
