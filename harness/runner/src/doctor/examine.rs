//! Our end of the MTP while it is examined: waits for each step, asks two questions, and tells each step as it is reached.
//!
//! One decision behind it: everything is waited for within a limit of its own, whatever comes. What waits longest is the EUT that is to
//! connect, which the caller bounds.

use super::{
    diagnose::{Exchange, Exchanges, Finding, Patience, diagnose, sightings},
    evidence::Evidence,
    report::{Examination, Fault, Outcome, Stage, Step},
    subject::{Kind, Subject},
};
use crate::{
    bounds::{SEND_LIMIT, after},
    config::SessionConfig,
    outgoing::{joined, plain_record},
    rows::CONTROLLERS,
};
use bytes::Bytes;
use serde_json::{Value, json};
use std::{collections::VecDeque, sync::Arc, time::Duration};
use tokio::{
    sync::mpsc,
    time::{Instant, timeout, timeout_at},
};
use uspec_mtp::{
    Handle, MtpError,
    event::{EVENT_QUEUE, MtpEvent},
    network::{Network, NetworkError},
};
use uspec_usp::{json::encode_body, schema::MessageKind};

/// How long we call an EUT that is to be there: it is called again every second. A TLS handshake that gets no answer takes 15 s of it.
const CALLING: Duration = Duration::from_secs(20);

/// How long something better is waited for after a step has turned out broken: somebody else may have connected before the EUT, and an Agent
/// tries again within some seconds.
const SETTLED: Duration = Duration::from_secs(5);

/// How long the first Records of an open session are waited for.
const FIRST_RECORDS: Duration = Duration::from_secs(5);

/// How long the Connect Record is waited for when other Records have come, or none was promised.
const CONNECT_RECORD: Duration = Duration::from_secs(2);

/// When what was seen so far is told for the first time, and how often from then on.
const FIRST_WORD: Duration = Duration::from_secs(3);
const FURTHER_WORDS: Duration = Duration::from_secs(10);

/// How long our end may take to end.
const SHUTDOWN: Duration = Duration::from_secs(5);

/// Events that are taken in at a time, before the evidence is looked at again.
const BATCH: usize = 256;

/// USP versions that we name; those whose schema we have.
const VERSIONS: &str = "1.0,1.1,1.2,1.3,1.4,1.5";

/// What is told while an examination goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Progress<'a> {
    /// A step is decided: in order, or broken.
    Decided(&'a Step),
    /// Nothing is decided yet; where we are and what we have seen.
    Waiting(&'a str),
}

/// Brings the EUT up over one MTP, step by step, and stops at the first that is broken. An EUT that connects is waited for as long as
/// `patience`; everything else has limits of its own.
pub async fn examine(
    config: SessionConfig,
    network: Arc<dyn Network>,
    patience: Duration,
    tell: &mut (dyn FnMut(Progress<'_>) + Send),
) -> Examination {
    let subject = Subject::of(&config);
    let mut report = Report { subject: &subject, steps: Vec::new(), tell };
    let (sender, events) = mpsc::channel(EVENT_QUEUE);
    let started = Box::pin(config.mtp.clone().start(network, sender)).await;
    let handle = match started {
        Ok(handle) => handle,
        Err(error) => {
            report.decided(Stage::Place, Outcome::Broken(unusable(&subject, &error)));
            return report.finish();
        }
    };
    let now = Instant::now();
    let patience = if subject.calls { patience.min(CALLING) } else { patience };
    let mut bench = Bench {
        subject: &subject,
        handle,
        events,
        evidence: Evidence::default(),
        exchanges: Exchanges::default(),
        response: config.timing.response,
        deadline: after(now, patience),
        word_at: now + FIRST_WORD,
        run: uuid::Uuid::new_v4().simple().to_string(),
    };
    for stage in subject.stages() {
        bench.prepare(stage).await;
        match bench.settle(stage, &mut report).await {
            Ok((seen, remarks)) => report.decided(stage, Outcome::Good { seen, remarks }),
            Err(fault) => {
                report.decided(stage, Outcome::Broken(fault));
                break;
            }
        }
    }
    bench.shut_down().await;
    report.finish()
}

/// How long something better is waited for once a step is broken.
fn grace(stage: Stage) -> Duration {
    match stage {
        // The answer was waited for already.
        Stage::Protocol | Stage::Get | Stage::ReplyPath => Duration::ZERO,
        _ => SETTLED,
    }
}

/// Why our end could not be started.
fn unusable(subject: &Subject, error: &MtpError) -> Fault {
    let expected = match (&subject.kind, subject.calls) {
        (_, true) => format!("we can call {subject}"),
        (Kind::Uds, false) => format!("we can listen on the socket {}", subject.address),
        (_, false) => format!("we can listen at {}", subject.address),
    };
    let fault = Fault::new(expected, error.to_string());
    let address =
        format!("`{}` of `{}`", if matches!(subject.kind, Kind::Uds) { "path" } else { "address" }, subject.name);
    match error {
        MtpError::Network(NetworkError::InUse { address: at }) => fault
            .bench(format!("another process listens at {at}: end it (another `uspec` or broker, perhaps)"))
            .profile(format!("{address}: one that is free, and the same in the EUT")),
        MtpError::Network(_) => fault.profile(format!("{address}: one that this machine has, and that we may use")),
        MtpError::Tls(_) => fault.profile(format!("`tls` of `{}`", subject.name)),
        _ => fault.profile(format!("the entry `{}`", subject.name)),
    }
}

/// The steps so far, and who hears of them.
struct Report<'a> {
    subject: &'a Subject,
    steps: Vec<Step>,
    tell: &'a mut (dyn FnMut(Progress<'_>) + Send),
}

impl Report<'_> {
    fn decided(&mut self, stage: Stage, outcome: Outcome) {
        let step = Step { stage, title: self.subject.title(stage).to_owned(), outcome };
        (self.tell)(Progress::Decided(&step));
        self.steps.push(step);
    }

    fn finish(self) -> Examination {
        let Self { subject, mut steps, .. } = self;
        let reached = steps.len();
        steps.extend(subject.stages().into_iter().skip(reached).map(|stage| Step {
            stage,
            title: subject.title(stage).to_owned(),
            outcome: Outcome::NotReached,
        }));
        Examination { mtp: subject.name.clone(), steps }
    }
}

/// Our end of the MTP, and what has happened at it.
struct Bench<'a> {
    subject: &'a Subject,
    handle: Handle,
    events: mpsc::Receiver<MtpEvent>,
    evidence: Evidence,
    exchanges: Exchanges,
    /// How long an answer may take.
    response: Duration,
    /// Until when the EUT is to be there.
    deadline: Instant,
    /// When what was seen is told next.
    word_at: Instant,
    /// Makes the ids of our Messages unlike those of any other run.
    run: String,
}

impl Bench<'_> {
    /// Does what a step needs done before it can be looked at.
    async fn prepare(&mut self, stage: Stage) {
        match stage {
            Stage::Protocol => {
                let body = json!({"controller_supported_protocol_versions": VERSIONS});
                self.exchanges.protocol = Some(self.ask("protocol", MessageKind::GetSupportedProtocol, &body).await);
            }
            Stage::Get => {
                let body = json!({"param_paths": [CONTROLLERS]});
                self.exchanges.get = Some(self.ask("get", MessageKind::Get, &body).await);
            }
            _ => {}
        }
    }

    /// Waits until a step is decided.
    async fn settle(&mut self, stage: Stage, report: &mut Report<'_>) -> Result<(String, Vec<String>), Fault> {
        let limit = self.limit(stage);
        let mut broken_since = None;
        loop {
            let until = match self.diagnose(stage, Patience::Left) {
                Finding::Good(seen, remarks) => return Ok((seen, remarks)),
                Finding::Broken(fault) => {
                    let until = *broken_since.get_or_insert_with(|| Instant::now() + grace(stage));
                    if Instant::now() >= until {
                        return Err(fault);
                    }
                    until
                }
                Finding::Pending(fault) => {
                    broken_since = None;
                    if Instant::now() >= limit {
                        return match self.diagnose(stage, Patience::Spent) {
                            Finding::Good(seen, remarks) => Ok((seen, remarks)),
                            Finding::Broken(fault) | Finding::Pending(fault) => Err(fault),
                        };
                    }
                    self.tell_so_far(stage, &fault, report);
                    limit.min(self.word_at)
                }
            };
            self.pump(until).await;
        }
    }

    /// Until when a step is waited for.
    fn limit(&self, stage: Stage) -> Instant {
        let now = Instant::now();
        match stage {
            Stage::Place | Stage::Stream | Stage::Tls | Stage::Handshake => self.deadline,
            Stage::Route | Stage::EndpointIds => now + FIRST_RECORDS,
            Stage::ConnectRecord => now + CONNECT_RECORD,
            Stage::Protocol | Stage::Get | Stage::ReplyPath => now,
        }
    }

    fn diagnose(&self, stage: Stage, patience: Patience) -> Finding {
        diagnose(stage, self.subject, &self.evidence, &self.exchanges, patience)
    }

    /// While nobody is there: what we listen on, and what we have seen.
    fn tell_so_far(&mut self, stage: Stage, fault: &Fault, report: &mut Report<'_>) {
        let now = Instant::now();
        if now < self.word_at {
            return;
        }
        self.word_at = now + FURTHER_WORDS;
        let subject = self.subject;
        let text = match (stage, subject.calls) {
            (Stage::Stream, false) => {
                format!("waiting for the EUT at {subject}; {}", sightings(subject, &self.evidence))
            }
            (_, false) => format!("waiting for the EUT at {subject}; {}", fault.seen),
            (Stage::Route | Stage::EndpointIds | Stage::ConnectRecord, true) => format!("at {subject}; {}", fault.seen),
            (_, true) => format!("calling {subject}; {}", fault.seen),
        };
        (report.tell)(Progress::Waiting(&text));
    }

    /// Takes in what happens until `limit`; returns earlier when something did.
    async fn pump(&mut self, limit: Instant) {
        let mut batch = Vec::with_capacity(BATCH);
        let received = timeout_at(limit, self.events.recv_many(&mut batch, BATCH)).await;
        if received == Ok(0) {
            // Our end has ended; time still has to pass, or nobody would ever come to the limit.
            tokio::time::sleep_until(limit).await;
        }
        for event in &batch {
            self.take(event);
        }
    }

    fn take(&mut self, event: &MtpEvent) {
        let kind = &self.subject.kind;
        self.evidence.take(event, |place| match kind {
            // What is published below our topic is for us as well (R-MQTT.24).
            Kind::Mqtt { controller_topic, .. } => place
                .strip_prefix(controller_topic.as_str())
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/')),
            Kind::Stomp { controller_destination, .. } => place == controller_destination,
            Kind::WebSocket { .. } | Kind::Uds => true,
        });
    }

    /// Waits until the evidence has something; false when `limit` passed before.
    async fn until(&mut self, limit: Instant, seen: impl Fn(&Evidence) -> bool) -> bool {
        while !seen(&self.evidence) {
            if Instant::now() >= limit {
                return false;
            }
            self.pump(limit).await;
        }
        true
    }

    /// Sends a request and waits for its answer.
    async fn ask(&mut self, label: &str, kind: MessageKind, body: &Value) -> Exchange {
        let msg_id = format!("doctor-{}-{label}", self.run);
        let unsent = self.send(&msg_id, kind, body).await.err();
        if unsent.is_none() {
            self.await_answer(&msg_id).await;
        }
        Exchange { msg_id, waited: self.response, unsent }
    }

    async fn send(&mut self, msg_id: &str, kind: MessageKind, body: &Value) -> Result<(), String> {
        let eut = self.subject.eut.clone();
        let back = Instant::now() + SETTLED;
        if !self.until(back, |evidence| evidence.session(eut.as_deref()).is_some()).await {
            return Err("the EUT is not connected any more".to_owned());
        }
        let session = self.evidence.session(eut.as_deref()).ok_or("no session is open")?;
        let to = eut.or_else(|| self.evidence.best(None).and_then(|(_, seen)| seen.peer_id().map(str::to_owned)));
        let to = to.ok_or("the EUT has not said its Endpoint ID")?;
        let message = encode_body(kind, msg_id, body).map_err(|errors| joined(&errors))?;
        let record = Bytes::from(plain_record(&self.evidence.version(), &to, &self.subject.controller, message));
        let target = self.handle.at(session);
        let mut sending = Box::pin(timeout(SEND_LIMIT, target.send_record(record)));
        let mut came = VecDeque::new();
        let outcome = loop {
            tokio::select! {
                biased;
                outcome = &mut sending => break outcome,
                // The events are read meanwhile, or our end would stop.
                Some(event) = self.events.recv() => came.push_back(event),
            }
            while let Some(event) = came.pop_front() {
                self.take(&event);
            }
        };
        match outcome {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err(format!("the EUT took nothing for {} s", SEND_LIMIT.as_secs())),
        }
    }

    /// Waits for an answer; not much longer when nobody is connected any more, or when it has gone elsewhere.
    async fn await_answer(&mut self, msg_id: &str) {
        let eut = self.subject.eut.clone();
        let limit = after(Instant::now(), self.response);
        let over = |evidence: &Evidence| {
            evidence.answer(msg_id).is_some()
                || evidence.strayed(msg_id).is_some()
                || evidence.session(eut.as_deref()).is_none()
        };
        if self.until(limit, over).await && self.evidence.answer(msg_id).is_none() {
            let grace = limit.min(Instant::now() + SETTLED);
            self.until(grace, |evidence| evidence.answer(msg_id).is_some()).await;
        }
    }

    /// Ends our end in order.
    async fn shut_down(&mut self) {
        let handle = self.handle.clone();
        let mut ending = Box::pin(timeout(SHUTDOWN, handle.shutdown()));
        loop {
            tokio::select! {
                biased;
                _ = &mut ending => return,
                Some(_) = self.events.recv() => {}
            }
        }
    }
}
