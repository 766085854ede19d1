//! What holds for every exchange, whatever a case tests: TP-469's four universal metrics, and requirements of TR-369 about
//! every Record and Message.
//!
//! One decision behind it: a rule here demands no more than TR-369's MUST, judges only what the Trace shows, and leaves out what a
//! right Agent could do differently; each file says what that is. One file a rule, one line in [`RULES`].

mod answered;
mod answered_in_kind;
mod binary_frames;
mod connect_contents;
mod connect_record;
mod connections;
mod echoed_paths;
mod endpoint_id;
mod error_codes;
pub(crate) mod eut;
mod handshake;
mod instance_numbers;
mod message_parts;
pub(crate) mod mqtt;
mod msg_id;
mod msg_type;
mod mtp_violations;
mod path_fields;
mod path_names;
mod record_fields;
mod schema;
mod stomp;
mod stray_answers;
pub(crate) mod subscriptions;
#[cfg(test)]
mod tests;
mod uds;

use uspec_usp::version::UspVersion;

use crate::{
    judge::{
        evidence::Evidence,
        finding::{met, unmet, worst},
    },
    verdict::{Finding, MetricResult, Outcome},
    view::RecordSeen,
};

/// How many violations of one rule are told one by one: an EUT that breaks it always would fill the report otherwise.
const MAX_FINDINGS: usize = 8;

/// The rule that each Request is answered.
pub(crate) const ANSWERED: &str = "R-MSG.0";

type Rule = fn(Evidence<'_>, &mut Tally);

/// Every rule by the name under which it is reported: TP-469's number, or the requirement.
pub(crate) const RULES: &[(&str, Rule)] = &[
    ("universal 1", endpoint_id::judge),
    ("universal 2", schema::judge),
    ("universal 3", path_names::judge),
    ("universal 4", instance_numbers::judge),
    (ANSWERED, answered::judge),
    ("R-MSG.0a", answered_in_kind::judge),
    ("R-MSG.6", message_parts::header),
    ("R-MSG.7", message_parts::body),
    ("R-MSG.8", msg_id::judge),
    ("R-MSG.9", stray_answers::judge),
    ("R-MSG.10", msg_type::judge),
    ("R-MTP.4b", record_fields::judge),
    ("R-MTP.6", connect_contents::judge),
    ("R-MTP.8", connect_record::judge),
    ("R-WS.10", handshake::subprotocol_asked),
    ("R-WS.10b", handshake::endpoint_id_told),
    ("R-WS.11", handshake::subprotocol_answered),
    ("R-WS.14", binary_frames::judge),
    ("R-MQTT.13", mqtt::endpoint_id),
    ("R-MQTT.17", mqtt::nothing_subscribed),
    ("R-MQTT.21", mqtt::response_information),
    ("R-MQTT.22", mqtt::reply_topic),
    ("R-MQTT.27", mqtt::content_type),
    ("R-STOMP.2", stomp::first_frame),
    ("R-STOMP.4", stomp::endpoint_id),
    ("R-STOMP.13", stomp::subscribe_destination),
    ("R-STOMP.17", stomp::subscribe_ack),
    ("R-STOMP.19", stomp::content_length),
    ("R-STOMP.20", stomp::content_type),
    ("R-STOMP.21", stomp::reply_destination),
    ("R-STOMP.26", stomp::no_transactions),
    ("R-STOMP.27", stomp::no_acknowledgements),
    ("R-UDS.16", uds::client_handshake),
    ("R-UDS.17", uds::server_handshake),
    ("R-UDS.20", uds::early_records),
    ("mtp violations", mtp_violations::judge),
    ("connections", connections::judge),
    ("error codes", error_codes::judge),
    ("requested paths", echoed_paths::judge),
];

/// The result of every rule of which the Trace shows anything, in the order of [`RULES`].
pub(crate) fn judge(evidence: Evidence<'_>) -> Vec<MetricResult> {
    let judged = RULES.iter().filter_map(|(name, rule)| {
        let mut tally = Tally::default();
        rule(evidence, &mut tally);
        let findings = tally.finish();
        (!findings.is_empty()).then(|| MetricResult { metric: (*name).to_owned(), outcome: worst(&findings), findings })
    });
    judged.collect()
}

/// What a rule looked at and what it found.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    right: usize,
    wrong: Vec<Finding>,
    more: usize,
    expected: &'static str,
}

impl Tally {
    /// What the rule expects, for the line that says how often it held.
    fn expects(&mut self, expected: &'static str) {
        self.expected = expected;
    }

    /// One thing that is as it must be.
    fn right(&mut self) {
        self.right = self.right.saturating_add(1);
    }

    /// One thing that is not, or of which it could not be seen.
    fn wrong(&mut self, finding: Finding) {
        if self.wrong.len() < MAX_FINDINGS {
            self.wrong.push(finding);
        } else if finding.outcome == Outcome::Unmet {
            self.more = self.more.saturating_add(1);
        }
    }

    /// One thing that holds or does not.
    fn holds(&mut self, holds: bool, finding: impl FnOnce() -> Finding) {
        if holds {
            self.right();
        } else {
            self.wrong(finding());
        }
    }

    fn finish(self) -> Vec<Finding> {
        let mut findings = self.wrong;
        if self.more > 0 {
            findings.push(unmet(self.expected, format!("{} more like these", self.more), Vec::new()));
        }
        if self.right > 0 {
            findings.push(met(self.expected, format!("{} times", self.right), Vec::new()));
        }
        findings
    }
}

/// Whether a Record says that it is of a later version of USP than this harness knows: what is unknown in it may be new.
fn is_newer(record: &RecordSeen<'_>) -> bool {
    let version = record.typed().and_then(|record| record.version.parse::<UspVersion>().ok());
    version.is_some_and(|version| version > UspVersion::LATEST)
}
