//! R-MTP.8 with R-MTP.6: after a session was opened, or a DisconnectRecord was sent, the Agent's first Record is the Connect Record of
//! the MTP.
//!
//! Connect Records came with USP 1.2. Judged only for sessions whose opening is in the Trace, and for an EUT of 1.2 or
//! later; where its versions are not known, the version of the Record itself decides.

use std::collections::BTreeMap;

use uspec_usp::{decode::RecordKind, version::UspVersion};

use super::Tally;
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    trace::SECOND_CONTROLLER,
    view::RecordSeen,
};

/// The version that brought Connect Records.
const SINCE: UspVersion = UspVersion::new(1, 2);

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("the Connect Record before any other");
    let header = &evidence.view.trace.header;
    let kind = header.mtp_facts.as_ref().map_or(&header.mtp, |facts| &facts.kind);
    let Some(right) = connect_record(kind) else { return };
    // Over a broker the channel is there before our second Controller is, and whether it becomes a new one with that is not said anywhere.
    let brokered = header.mtp_facts.as_ref().is_some_and(|facts| facts.broker.is_some());
    let own = evidence.view.connections.iter().filter(|it| !brokered || it.number < SECOND_CONTROLLER);
    let opened = own.filter_map(|it| Some((it.number, it.opened()?)));
    // For each connection, from which event on the next Record must be the Connect Record.
    let mut due: BTreeMap<u32, usize> = opened.collect();
    for record in evidence.view.received() {
        if due.get(&record.connection).is_some_and(|from| record.index > *from) {
            due.remove(&record.connection);
            let version = evidence.view.usp_version().or_else(|| version_of(record));
            if version.is_some_and(|version| version >= SINCE) {
                tally.holds(record.kind == Some(right), || {
                    let seen = format!("{} as the first Record", record.name());
                    unmet(format!("a {} Record", right.field()), seen, vec![record.seq])
                });
            }
        }
        if record.kind == Some(RecordKind::Disconnect) {
            due.insert(record.connection, record.index);
        }
    }
}

fn connect_record(mtp: &str) -> Option<RecordKind> {
    match mtp.to_ascii_lowercase().as_str() {
        "websocket" => Some(RecordKind::WebsocketConnect),
        "mqtt" => Some(RecordKind::MqttConnect),
        "stomp" => Some(RecordKind::StompConnect),
        "uds" => Some(RecordKind::UdsConnect),
        _ => None,
    }
}

fn version_of(record: &RecordSeen<'_>) -> Option<UspVersion> {
    record.typed()?.version.parse().ok()
}
