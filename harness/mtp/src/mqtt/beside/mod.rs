//! The Controller as a client of a broker that is not ours.
//!
//! The one decision behind it: rumqttc keeps to the protocol (it connects, acknowledges and pings), over a loopback stream whose other end we
//! hold; TLS, the octet log, the packets and what they mean are ours, as they are everywhere else. It is always clear text on the loopback
//! side, so that rumqttc's own TLS is never needed.

mod client;
mod pump;
mod session;

use tokio::sync::mpsc;

use super::MqttVersion;
use super::command::Order;
use super::end::End;
use crate::event::ConnectionId;
use crate::wire::Wire;

/// What a client of a foreign broker is started with, beside what every end is.
#[derive(Debug)]
pub(super) struct BesideConfig {
    pub(super) version: MqttVersion,
    pub(super) endpoint_id: String,
    /// User Name and Password for the broker.
    pub(super) credentials: Option<(String, String)>,
    pub(super) max_record: usize,
    /// The Controller's topic.
    pub(super) topic: String,
    /// Where the Agent is reached while it has not told it.
    pub(super) agent_topic: Option<String>,
}

/// Stays with a connection to the broker from its first octet to its last. Tells whether an Agent could be reached.
pub(super) async fn converse(
    end: &End,
    config: &BesideConfig,
    id: ConnectionId,
    wire: Wire,
    (orders, queue): (mpsc::Sender<Order>, mpsc::Receiver<Order>),
) -> bool {
    session::Session::new(end, config, id, orders).run(wire, queue).await
}
