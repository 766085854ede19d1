//! A Trace as a capture in the pcapng format (IETF draft-ietf-opsawg-pcapng): every octet of every MTP connection in clear text, as Wireshark
//! and the like read it, without keys.
//!
//! One decision behind it: the packets are synthesised, and say so. The Trace has what crossed the streams, after TLS, and no packets. So the
//! addresses are those of RFC 5737, which show who is who (192.0.2.1 the harness, .2 the EUT, .3 our second Controller, .4 a broker beside us);
//! the port of the side that listens is the MTP's usual one, by which the tools know the protocol; that of the other side is 50000 and the
//! number of the connection. Octets that the Trace does not have are never made up: a comment tells where some are missing.

mod block;
mod capture;
mod conversation;
mod opening;
mod packet;

use uspec_testplan::{
    trace::Trace,
    verdict::{Judgement, MetricResult, Outcome},
};

pub use opening::Openings;

use crate::text::{cut, visible_line};
use capture::Capture;

/// A comment is for reading; the report has everything.
const COMMENT_LIMIT: usize = 500;

/// Nobody reads more comments of one packet, and tools show them slowly.
const MOST_COMMENTS: usize = 50;

/// The Trace as a capture. `before` has the openings of the connections that began before it. Steps, and findings of `judgement` that are not
/// met, stand as comments at the packets that they are about.
pub fn render(trace: &Trace, before: &Openings, judgement: Option<&Judgement>) -> Vec<u8> {
    let mut capture = Capture::new(trace, before);
    let findings = judgement.map(findings).unwrap_or_default();
    for event in &trace.events {
        capture.event(event);
        for (_, text) in findings.iter().filter(|(seq, _)| *seq == event.seq) {
            capture.about(event, text.clone());
        }
    }
    block::file(trace, capture.finish())
}

/// What is not met, in words, at the first event that shows it.
fn findings(judgement: &Judgement) -> Vec<(u64, String)> {
    let metrics = judgement.metrics.iter().map(|metric| (metric, false));
    let universal = judgement.universal.iter().map(|rule| (rule, true));
    metrics.chain(universal).flat_map(|(metric, only_unmet)| of_metric(metric, only_unmet)).collect()
}

/// What a universal rule could not decide does not weigh.
fn of_metric(metric: &MetricResult, only_unmet: bool) -> impl Iterator<Item = (u64, String)> + '_ {
    let told = move |outcome| outcome == Outcome::Unmet || (outcome == Outcome::Unknown && !only_unmet);
    let number = metric.metric.bytes().all(|c| c.is_ascii_digit());
    metric.findings.iter().filter(move |finding| told(finding.outcome)).filter_map(move |finding| {
        let name = if number { format!("metric {}", metric.metric) } else { metric.metric.clone() };
        let what = if finding.outcome == Outcome::Unmet { "unmet" } else { "unknown" };
        let text = format!("{name} {what}: expected {}, seen {}", finding.expected, finding.seen);
        Some((*finding.events.first()?, comment(&text)))
    })
}

/// Leaves as many comments as are read, and the number of the others.
fn bound(comments: &mut Vec<String>) {
    if let Some(more) = comments.len().checked_sub(MOST_COMMENTS).filter(|more| *more > 0) {
        comments.truncate(MOST_COMMENTS);
        comments.push(format!("and {more} more"));
    }
}

/// A text as a comment has it.
fn comment(text: &str) -> String {
    cut(&visible_line(text), COMMENT_LIMIT)
}
