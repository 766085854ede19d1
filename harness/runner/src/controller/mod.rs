//! The Controller that the EUT talks to: sends, receives, answers Notifications, and writes everything into the running Trace.
//!
//! One decision behind it: it has no task of its own. Whoever waits for something turns the crank ([`Controller::pump`]), so that nothing
//! happens that the Trace of the moment does not see, and a run under the paused clock is the same every time.

mod connections;
mod happening;
pub(crate) mod inbox;

use crate::{
    arrival::{Arrival, Carried, describe},
    bounds::{PENDING_ANSWERS, SEND_LIMIT, WANTED_LOG, after},
    config::Timing,
    control::{ControlFault, EutControl},
    outgoing::{Envelope, notify_response},
    recorder::{Keep, Recorder},
};
use bytes::Bytes;
use connections::{Change, Connections};
use inbox::{Addressing, AnswerSeen, Inbox, Notification};
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::pin,
    sync::Arc,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until, timeout},
};
use uspec_mtp::{
    Handle, MtpError,
    event::{ConnectionId, Direction, EVENT_QUEUE, MtpEvent, MtpHappening},
};
use uspec_testplan::{
    case::{Answer, EutAction},
    trace::{Header, StepRef, Trace, What},
};

/// The Record version until the EUT has told its own: every Agent reads it.
const FIRST_VERSION: &str = "1.0";

/// Plays one Controller over one MTP.
#[derive(Debug)]
#[allow(clippy::struct_excessive_bools, reason = "four facts that do not depend on each other")]
pub(crate) struct Controller {
    handle: Handle,
    events: mpsc::Receiver<MtpEvent>,
    replies: JoinSet<()>,
    starts: JoinSet<Result<String, ControlFault>>,
    start_on_close: bool,
    /// Our Endpoint ID.
    pub(crate) ours: String,
    /// The EUT's, when it is known.
    pub(crate) eut: Option<String>,
    /// The version that our Records carry.
    pub(crate) version: String,
    /// Limits and pauses.
    pub(crate) timing: Timing,
    /// How the device is controlled.
    pub(crate) control: Arc<dyn EutControl>,
    /// The running Trace.
    pub(crate) recorder: Recorder,
    /// What came in for the steps of the running case.
    pub(crate) inbox: Inbox,
    /// The variables of the running case.
    pub(crate) variables: BTreeMap<String, String>,
    /// Whether the EUT has announced itself with a Connect Record since its last session opened.
    pub(crate) announced: bool,
    /// Nobody connected within the limit, and nobody has since: further steps need not wait as long again.
    pub(crate) gave_up: bool,
    /// The EUT takes GetInstances of tables only.
    pub(crate) tables_only: bool,
    /// Why a variable that bring-up defines has no value.
    pub(crate) unknown: BTreeMap<String, String>,
    connections: Connections,
    handed_over: VecDeque<(Bytes, StepRef)>,
    run: String,
    sent: u64,
    /// Octets of wanted Notifications that the running Trace still keeps.
    wanted_left: usize,
}

/// What a Controller is made from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) handle: Handle,
    pub(crate) events: mpsc::Receiver<MtpEvent>,
    pub(crate) ours: String,
    pub(crate) eut: Option<String>,
    pub(crate) timing: Timing,
    pub(crate) control: Arc<dyn EutControl>,
    pub(crate) recorder: Recorder,
    pub(crate) run: String,
}

/// Why a Record could not be handed to the EUT.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum SendFailure {
    /// It was not there in time.
    #[error("{0}")]
    NotConnected(String),
    /// It went away, or took nothing, while the Record was being sent.
    #[error("{0}")]
    Lost(String),
}

/// A Record that went out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent {
    /// On which connection.
    pub(crate) connection: ConnectionId,
    /// When it was handed over.
    pub(crate) at: Instant,
}

/// An end that nobody reads any more must not go on: whoever drops a session early ends its end of the MTP as well.
impl Drop for Controller {
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let handle = self.handle.clone();
            runtime.spawn(async move { handle.shutdown().await });
        }
    }
}

impl Controller {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { handle, events, ours, eut, timing, control, recorder, run } = parts;
        Self {
            handle,
            events,
            replies: JoinSet::new(),
            starts: JoinSet::new(),
            start_on_close: false,
            ours,
            eut,
            version: FIRST_VERSION.to_owned(),
            timing,
            control,
            recorder,
            inbox: Inbox::default(),
            variables: BTreeMap::new(),
            announced: false,
            gave_up: false,
            tables_only: false,
            unknown: BTreeMap::new(),
            connections: Connections::default(),
            handed_over: VecDeque::new(),
            run,
            sent: 0,
            wanted_left: WANTED_LOG,
        }
    }

    /// Begins a Trace. What has happened since the last one ended, and was not looked at yet, goes to it.
    pub(crate) fn begin_trace(&mut self, header: Header) {
        self.connections.forget_places();
        self.wanted_left = WANTED_LOG;
        let first = self.events.try_recv().ok();
        let origin = first.as_ref().map_or_else(Instant::now, |event| event.at);
        self.recorder = Recorder::new(header, origin);
        if let Some(event) = first {
            self.take_in(event);
        }
        self.drain();
    }

    /// Ends the running Trace. Nothing is taken in before the next one begins, which `idle` stands in for.
    pub(crate) fn end_trace(&mut self, idle: Header) -> Trace {
        std::mem::replace(&mut self.recorder, Recorder::new(idle, Instant::now())).finish()
    }

    /// Waits until something happened and takes it in; false when `limit` has passed.
    pub(crate) async fn pump(&mut self, limit: Instant) -> bool {
        if Instant::now() >= limit {
            self.drain();
            return false;
        }
        tokio::select! {
            biased;
            Some(event) = self.events.recv() => {
                self.take_in(event);
                true
            }
            Some(started) = self.starts.join_next() => {
                self.started(started);
                true
            }
            () = sleep_until(limit) => {
                self.drain();
                false
            }
        }
    }

    /// Lets time pass.
    pub(crate) async fn idle_until(&mut self, limit: Instant) {
        while self.pump(limit).await {}
    }

    /// The profile's pause before a Request.
    pub(crate) async fn pause(&mut self) {
        self.idle_until(after(Instant::now(), self.timing.pace)).await;
    }

    /// Turns the crank while `work` is under way; `None` when `limit` passed before it ended.
    pub(crate) async fn drive<T>(&mut self, work: impl Future<Output = T>, limit: Instant) -> Option<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Some(done),
                () = sleep_until(limit) => return None,
                Some(event) = self.events.recv() => self.take_in(event),
                Some(started) = self.starts.join_next() => self.started(started),
            }
        }
    }

    /// Waits until `seen` yields something; `None` when `limit` passed before.
    pub(crate) async fn until<T>(&mut self, limit: Instant, mut seen: impl FnMut(&mut Self) -> Option<T>) -> Option<T> {
        loop {
            if let Some(found) = seen(self) {
                return Some(found);
            }
            if !self.pump(limit).await {
                return seen(self);
            }
        }
    }

    /// The EUT's newest session.
    pub(crate) fn current(&self) -> Option<ConnectionId> {
        self.connections.current(self.eut.as_deref())
    }

    /// When the EUT's newest session opened, when there is one.
    pub(crate) fn up_since(&self) -> Option<Instant> {
        self.connections.up_since(self.eut.as_deref())
    }

    /// When the EUT's last session opened, whether it lasts or not.
    pub(crate) fn last_opened(&self) -> Option<(Instant, Option<u64>)> {
        self.connections.opened.map(|change| (change.at, change.seq))
    }

    /// When the EUT's last session to end has ended.
    pub(crate) fn last_closed(&self) -> Option<(Instant, Option<u64>)> {
        self.connections.closed.map(|change| (change.at, change.seq))
    }

    /// Whether that session is open.
    pub(crate) fn is_open(&self, connection: ConnectionId) -> bool {
        self.connections.is_open(connection)
    }

    /// Whom the EUT's session is with, as far as anybody said.
    pub(crate) fn peer(&self) -> Option<&str> {
        self.current().and_then(|id| self.connections.peer(id))
    }

    /// Endpoint IDs of those who are connected and are not the EUT.
    pub(crate) fn strangers(&self) -> Vec<String> {
        self.connections.strangers(self.eut.as_deref())
    }

    /// A msg_id that this run has not used.
    pub(crate) fn next_msg_id(&mut self) -> String {
        self.sent += 1;
        format!("{}-{}", self.run, self.sent)
    }

    /// Who we are and whom we talk to.
    pub(crate) fn envelope(&self) -> Envelope {
        Envelope { version: self.version.clone(), to: self.eut.clone().unwrap_or_default(), from: self.ours.clone() }
    }

    /// Waits for the EUT's session, as long as the profile allows from when it went away; not at all when it has been waited for in vain.
    pub(crate) async fn connected(&mut self) -> Result<ConnectionId, SendFailure> {
        let wait = self.timing.connect;
        let limit = if self.gave_up { Instant::now() } else { after(Instant::now(), wait) };
        if let Some(connection) = self.until(limit, |it| it.current()).await {
            return Ok(connection);
        }
        let waited = if self.gave_up { "it did not come back before".to_owned() } else { format!("waited {wait:?}") };
        self.gave_up = true;
        Err(SendFailure::NotConnected(format!("the EUT is not connected ({waited})")))
    }

    /// Sends bytes as one Record of `step`.
    pub(crate) async fn send(&mut self, step: &StepRef, bytes: Vec<u8>) -> Result<Sent, SendFailure> {
        let bytes = Bytes::from(bytes);
        let mut tries = 0;
        loop {
            let connection = self.connected().await?;
            let at = Instant::now();
            self.handed_over.push_back((bytes.clone(), step.clone()));
            let target = self.handle.at(connection);
            let sending = target.send_record(bytes.clone());
            let outcome = self.drive(sending, at + SEND_LIMIT).await;
            self.drain();
            self.handed_over.retain(|(_, owner)| owner != step);
            tries += 1;
            match outcome {
                Some(Ok(())) => return Ok(Sent { connection, at }),
                // It went away before anything was written: the next one may take it.
                Some(Err(MtpError::NotOpen)) if tries == 1 => self.ended_unseen(connection),
                Some(Err(error)) => {
                    return Err(SendFailure::Lost(format!("the connection was lost while sending: {error}")));
                }
                None => {
                    self.break_off(connection).await;
                    let text = format!("the EUT took nothing for {SEND_LIMIT:?}; its connection was broken off");
                    return Err(SendFailure::Lost(text));
                }
            }
        }
    }

    /// Waits for the answer to what was sent. When its connection has ended and the EUT is back on another, not much longer.
    pub(crate) async fn answer(&mut self, msg_id: &str, sent: Sent, limit: Instant) -> Option<AnswerSeen> {
        loop {
            if let Some(answer) = self.inbox.answer(msg_id) {
                return Some(answer.clone());
            }
            let back = self.up_since().filter(|_| !self.is_open(sent.connection));
            let grace = back.map(|since| since.max(sent.at) + crate::bounds::RECONNECT_GRACE);
            if !self.pump(grace.map_or(limit, |grace| grace.min(limit))).await {
                return self.inbox.answer(msg_id).cloned();
            }
        }
    }

    /// The EUT ends by itself now and is to be started again as soon as its connection is gone.
    pub(crate) fn start_when_gone(&mut self) {
        if self.current().is_some() { self.start_on_close = true } else { self.spawn_start() }
    }

    /// Why bring-up has not defined a variable.
    pub(crate) fn no_value_reason(&self, name: &str) -> &str {
        self.unknown.get(name).map_or("no step before has captured it", String::as_str)
    }

    /// An answer to this msg_id is expected.
    pub(crate) fn expect(&mut self, msg_id: &str, addressing: Addressing) {
        self.inbox.ask(msg_id, addressing);
    }

    /// Ends our end of the MTP, and gives back what happened since the last Trace.
    pub(crate) async fn shut_down(&mut self) {
        let handle = self.handle.clone();
        let limit = Instant::now() + SEND_LIMIT;
        let _ = self.drive(handle.shutdown(), limit).await;
        self.drain();
    }

    async fn break_off(&mut self, connection: ConnectionId) {
        let target = self.handle.at(connection);
        let _ = self.drive(target.drop_connection(), Instant::now() + SEND_LIMIT).await;
    }

    fn ended_unseen(&mut self, connection: ConnectionId) {
        let change = Change { at: Instant::now(), seq: None };
        self.connections.close(connection, self.eut.as_deref(), change);
    }

    /// Takes in what waits already, and no more than the queue holds.
    fn drain(&mut self) {
        for _ in 0..EVENT_QUEUE {
            let Ok(event) = self.events.try_recv() else { return };
            self.take_in(event);
        }
    }

    fn take_in(&mut self, event: MtpEvent) {
        while self.replies.try_join_next().is_some() {}
        let MtpEvent { at, connection, what } = event;
        if let MtpHappening::Record { direction, bytes, .. } = what {
            match direction {
                Direction::Sent => self.record_sent(at, connection, &bytes),
                Direction::Received => self.record_received(at, connection, &bytes),
            }
            return;
        }
        let seq = happening::what(connection.0, &what).and_then(|what| self.recorder.log(at, what, Keep::WithinBounds));
        let change = Change { at, seq };
        match what {
            MtpHappening::Open(open) => {
                self.announced = false;
                self.gave_up = false;
                let peer = open.peer_eid().map(str::to_owned);
                self.connections.open(connection, peer, self.eut.as_deref(), change);
            }
            MtpHappening::Closed(_) | MtpHappening::StreamEnded { .. } => {
                self.connections.close(connection, self.eut.as_deref(), change);
                if self.start_on_close && self.current().is_none() {
                    self.spawn_start();
                }
            }
            _ => {}
        }
    }

    fn record_sent(&mut self, at: Instant, connection: ConnectionId, bytes: &Bytes) {
        let owner = self.handed_over.iter().position(|(handed, _)| handed == bytes);
        let step = owner.and_then(|index| self.handed_over.remove(index)).map(|(_, step)| step);
        let keep = if step.is_some() { Keep::Always } else { Keep::WithinBounds };
        self.log_record(at, connection, Direction::Sent, step, bytes, describe(bytes), keep);
    }

    fn record_received(&mut self, at: Instant, connection: ConnectionId, bytes: &Bytes) {
        let arrival = Arrival::read(bytes);
        self.connections.heard(connection, &arrival.from);
        let is_ours = arrival.to == self.ours && self.eut.as_deref().is_none_or(|eut| eut == arrival.from);
        match arrival.content {
            Carried::Answer { msg_id, body, is_error } if self.inbox.expects(&msg_id, is_ours) => {
                if let Some(seq) = self.log_received(at, connection, bytes, arrival.decoded, Keep::Always) {
                    self.inbox.answered(&msg_id, AnswerSeen { seq, body, is_error });
                }
            }
            Carried::Notify { msg_id, subscription_id, send_resp, body } if is_ours => {
                let sorted = self.inbox.sort(&subscription_id, &body, &self.variables);
                let keep = if sorted.is_wanted() { self.keep_wanted(bytes) } else { Keep::WithinBounds };
                if send_resp && sorted.answer == Answer::Normal {
                    self.reply(connection, notify_response(&msg_id, &subscription_id));
                }
                if let Some(seq) = self.log_received(at, connection, bytes, arrival.decoded, keep) {
                    self.inbox.notified(&sorted, Notification::new(seq, at, bytes.len(), subscription_id, body));
                }
            }
            Carried::Answer { msg_id, .. } => {
                if let Some(seq) = self.log_received(at, connection, bytes, arrival.decoded, Keep::WithinBounds)
                    && !is_ours
                {
                    self.inbox.strayed(&msg_id, seq);
                }
            }
            content => {
                if content == Carried::Connect && is_ours {
                    self.announced = true;
                    self.adopt_version(&arrival.version);
                }
                self.log_received(at, connection, bytes, arrival.decoded, Keep::WithinBounds);
            }
        }
    }

    /// Whoever sends very much of what a step waits for or forbids has shown it by then.
    fn keep_wanted(&mut self, bytes: &Bytes) -> Keep {
        let left = self.wanted_left.checked_sub(bytes.len());
        self.wanted_left = left.unwrap_or(0);
        if left.is_some() { Keep::Always } else { Keep::WithinBounds }
    }

    /// Until GetSupportedProtocol has told, the EUT's own Records say which version it speaks.
    fn adopt_version(&mut self, version: &str) {
        let minor = version.strip_prefix("1.").and_then(|minor| minor.parse::<u16>().ok());
        if self.version == FIRST_VERSION && minor.is_some() {
            version.clone_into(&mut self.version);
        }
    }

    fn log_received(
        &mut self,
        at: Instant,
        connection: ConnectionId,
        bytes: &Bytes,
        decoded: serde_json::Value,
        keep: Keep,
    ) -> Option<u64> {
        self.log_record(at, connection, Direction::Received, None, bytes, decoded, keep)
    }

    #[allow(clippy::too_many_arguments, reason = "the fields of one event")]
    fn log_record(
        &mut self,
        at: Instant,
        connection: ConnectionId,
        direction: Direction,
        step: Option<StepRef>,
        bytes: &Bytes,
        decoded: serde_json::Value,
        keep: Keep,
    ) -> Option<u64> {
        let direction = happening::way(direction);
        let what = What::Record { connection: connection.0, direction, step, bytes: bytes.to_vec(), decoded };
        self.recorder.log(at, what, keep)
    }

    /// Sends what no step asked for. The events go on being read meanwhile, so that it cannot be waited for here.
    fn reply(&mut self, connection: ConnectionId, message: Vec<u8>) {
        if self.replies.len() >= PENDING_ANSWERS {
            self.recorder
                .note(format!("a Notify is not answered: the EUT has {PENDING_ANSWERS} answers to read first"));
            return;
        }
        let target = self.handle.at(connection);
        let record = self.envelope().wrap(message);
        self.replies.spawn(async move {
            // A session that has ended takes no answer; the EUT sends its Notify again.
            let _ = timeout(SEND_LIMIT, target.send_record(record)).await;
        });
    }

    fn spawn_start(&mut self) {
        self.start_on_close = false;
        let control = Arc::clone(&self.control);
        self.starts.spawn(async move { control.perform(EutAction::Start).await });
    }

    fn started(&mut self, outcome: Result<Result<String, ControlFault>, tokio::task::JoinError>) {
        let (outcome, ok) = match outcome {
            Ok(Ok(line)) => (line, true),
            Ok(Err(fault)) => (fault.to_string(), false),
            Err(error) => (format!("starting the EUT broke off: {error}"), false),
        };
        self.recorder.now(What::Eut { action: "start".to_owned(), outcome, ok });
    }
}
