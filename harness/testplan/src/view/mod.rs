//! A Trace, indexed: which Record carried what, which step sent it, what answered it, and how each step ended.
//!
//! One decision behind it: Records are decoded here from their bytes, once, and nothing else about them is believed. Any
//! Trace has a view, one that was cut or edited by hand included.

mod connection;
mod packet;
mod record;
mod step;

use std::collections::BTreeMap;

use uspec_usp::version::UspVersion;

use crate::{
    case::{Party, TestCase},
    trace::{Direction, Event, Phase, SECOND_CONTROLLER, Trace, What},
};
pub(crate) use connection::{ConnectionSeen, Handshake};
pub(crate) use packet::PacketSeen;
pub(crate) use record::RecordSeen;
pub(crate) use step::{StepSeen, phase_name};

/// A Trace with its indices.
#[derive(Debug)]
pub(crate) struct View<'t> {
    /// The Trace.
    pub(crate) trace: &'t Trace,
    /// Every Record, in order.
    pub(crate) records: Vec<RecordSeen<'t>>,
    /// Every packet, in order; there are none over WebSocket.
    pub(crate) packets: Vec<PacketSeen<'t>>,
    /// Every step that began, in order.
    pub(crate) steps: Vec<StepSeen<'t>>,
    /// What happened to each connection, in order of its first event.
    pub(crate) connections: Vec<ConnectionSeen<'t>>,
    /// Every variable's last value.
    pub(crate) variables: BTreeMap<String, String>,
}

impl<'t> View<'t> {
    /// Indexes a Trace.
    pub(crate) fn new(trace: &'t Trace) -> Self {
        let mut view = Self {
            trace,
            records: Vec::new(),
            packets: Vec::new(),
            steps: Vec::new(),
            connections: connection::all(trace),
            variables: trace.header.variables.clone(),
        };
        for (index, event) in trace.events.iter().enumerate() {
            view.add(index, event);
        }
        view
    }

    fn add(&mut self, index: usize, event: &'t Event) {
        match &event.what {
            What::Record { connection, direction, step, bytes, .. } => {
                let seen = RecordSeen::new(index, event, *connection, *direction, step.as_ref(), bytes);
                self.records.push(seen);
            }
            What::Packet { .. } => self.packets.extend(PacketSeen::of(index, event)),
            What::StepStarted { step, .. } => self.steps.push(StepSeen::new(index, event, step)),
            What::StepEnded { step, outcome } => {
                let began = self.steps.iter_mut().rev().find(|seen| seen.is(step.phase, step.index));
                match began.filter(|seen| seen.ended.is_none()) {
                    Some(seen) => seen.end(index, event, outcome),
                    // Its beginning was cut off: what it came to is known all the same.
                    None => self.steps.push(StepSeen::only_ended(index, event, step, outcome)),
                }
            }
            What::Captured { name, value } => {
                self.variables.insert(name.clone(), value.clone());
            }
            _ => {}
        }
    }

    /// The step at this place of the case, which has this label there.
    pub(crate) fn step(&self, phase: Phase, index: usize, label: Option<&str>) -> Option<&StepSeen<'t>> {
        self.steps.iter().find(|step| step.is(phase, index) && step.step.label.as_deref() == label)
    }

    /// The Records that a step sent, in order. The label counts: the runner has steps of its own beside the case's.
    pub(crate) fn sent_by(&self, step: &StepSeen<'_>) -> impl Iterator<Item = &RecordSeen<'t>> {
        let step = step.step;
        self.sent().filter(move |record| record.step == Some(step))
    }

    /// Every Record that we sent, in order.
    pub(crate) fn sent(&self) -> impl Iterator<Item = &RecordSeen<'t>> {
        self.records.iter().filter(|record| record.direction == Direction::Sent)
    }

    /// Every Record that came, in order.
    pub(crate) fn received(&self) -> impl Iterator<Item = &RecordSeen<'t>> {
        self.records.iter().filter(|record| record.direction == Direction::Received)
    }

    /// What came after `sent` and carries its msg_id: Responses, Errors, and Messages that are no recognisable Request.
    pub(crate) fn answers(&self, sent: &RecordSeen<'_>) -> Vec<&RecordSeen<'t>> {
        let Some(msg_id) = sent.msg_id().filter(|id| !id.is_empty()) else { return Vec::new() };
        self.received().filter(|it| it.index > sent.index && it.is_answer() && it.msg_id() == Some(msg_id)).collect()
    }

    /// What an answer answers: the last Record with its msg_id that we had sent before it came.
    pub(crate) fn request_of(&self, answer: &RecordSeen<'_>) -> Option<&RecordSeen<'t>> {
        let msg_id = answer.msg_id().filter(|id| !id.is_empty() && answer.is_answer())?;
        let fits = |sent: &&RecordSeen<'_>| {
            sent.index < answer.index && sent.request().is_some() && sent.msg_id() == Some(msg_id)
        };
        self.sent().filter(fits).last()
    }

    /// The Record at this event.
    pub(crate) fn record_at(&self, seq: u64) -> Option<&RecordSeen<'t>> {
        self.records.iter().find(|record| record.seq == seq)
    }

    /// The packet that carried a Record; `None` over WebSocket, and in a Trace that lost it.
    pub(crate) fn carrier(&self, record: &RecordSeen<'_>) -> Option<&PacketSeen<'t>> {
        packet::carrier(&self.packets, record)
    }

    /// For which of our Controllers a Record came, or which sent it.
    pub(crate) fn party(&self, record: &RecordSeen<'_>) -> Party {
        let second = &self.trace.header.second_endpoint_id;
        let id = record.typed().map(|typed| match record.direction {
            Direction::Sent => &typed.from_id,
            Direction::Received => &typed.to_id,
        });
        let named = !second.is_empty() && id == Some(second);
        if named || record.connection >= SECOND_CONTROLLER { Party::Second } else { Party::First }
    }

    /// The connection with this number.
    pub(crate) fn connection(&self, number: u32) -> Option<&ConnectionSeen<'t>> {
        self.connections.iter().find(|connection| connection.number == number)
    }

    /// The highest version of USP that the EUT named; `None` when it is not known.
    pub(crate) fn usp_version(&self) -> Option<UspVersion> {
        self.trace.header.usp_versions.iter().filter_map(|text| text.trim().parse().ok()).max()
    }
}

/// Where in a case the steps with this label stand: one, or several of which each exists over certain MTPs only.
pub(crate) fn steps_of_case<'c>(
    case: &'c TestCase,
    label: &str,
) -> impl Iterator<Item = (Phase, usize, &'c crate::case::Step)> {
    let phases = [(Phase::Setup, &case.setup), (Phase::Procedure, &case.procedure), (Phase::CleanUp, &case.cleanup)];
    let all = phases
        .into_iter()
        .flat_map(|(phase, steps)| steps.iter().enumerate().map(move |(index, step)| (phase, index, step)));
    all.filter(move |(_, _, step)| step.label.as_deref() == Some(label))
}
