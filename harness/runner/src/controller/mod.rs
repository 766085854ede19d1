//! The Controllers that the EUT talks to: they send, receive, answer Notifications, and write everything into the running Trace.
//!
//! One decision behind it: there is no task of its own. Whoever waits for something turns the crank ([`Controller::pump`]), so that nothing
//! happens that the Trace of the moment does not see, and a run under the paused clock is the same every time.

mod connections;
mod happening;
pub(crate) mod inbox;
mod intake;
mod last_sent;
mod sending;
pub(crate) mod side;
pub(crate) mod sightings;

use crate::{
    bounds::{self, SEND_LIMIT, WANTED_LOG, after},
    config::Timing,
    control::{ControlFault, EutControl},
    recorder::Recorder,
    second::Second,
};
use bytes::Bytes;
use inbox::Inbox;
use last_sent::LastSent;
pub(crate) use sending::{SendFailure, Sent};
use side::Side;
use std::{
    collections::{BTreeMap, VecDeque},
    future::Future,
    pin::pin,
    sync::Arc,
};
use tokio::{
    sync::mpsc,
    task::JoinSet,
    time::{Instant, sleep_until},
};
use uspec_mtp::{
    Handle, MtpError,
    event::{ConnectionId, EVENT_QUEUE, MtpEvent},
    network::Network,
};
use uspec_testplan::{
    case::{EutAction, Party},
    secrets::{self, Secret},
    trace::{Header, MtpFacts, StepRef, Trace, What},
};

/// The Record version until the EUT has told its own: every Agent reads it.
const FIRST_VERSION: &str = "1.0";

/// Plays our Controllers over one MTP.
#[derive(Debug)]
pub(crate) struct Controller {
    events: mpsc::Receiver<MtpEvent>,
    events_in: mpsc::Sender<MtpEvent>,
    network: Arc<dyn Network>,
    first: Side,
    second: Side,
    starts: JoinSet<Result<String, ControlFault>>,
    start_on_close: bool,
    /// Why the EUT could not be started again after it ended by itself; forgotten when it is back.
    pub(crate) start_failure: Option<ControlFault>,
    /// The EUT's Endpoint ID, when it is known.
    pub(crate) eut: Option<String>,
    /// The version that our Records carry.
    pub(crate) version: String,
    /// Limits and pauses.
    pub(crate) timing: Timing,
    /// What the MTP is.
    pub(crate) facts: MtpFacts,
    /// How the device is controlled.
    pub(crate) control: Arc<dyn EutControl>,
    /// How the second Controller is started, and which certificates there are.
    pub(crate) plan: Second,
    /// The running Trace.
    pub(crate) recorder: Recorder,
    /// What came in for the steps of the running case.
    pub(crate) inbox: Inbox,
    /// The variables of the running case.
    pub(crate) variables: BTreeMap<String, String>,
    /// The EUT takes GetInstances of tables only.
    pub(crate) tables_only: bool,
    /// Why a variable that bring-up defines has no value.
    pub(crate) unknown: BTreeMap<String, String>,
    /// The topic or destination to which the EUT last asked for answers, in a brokered MTP.
    pub(crate) eut_reached_at: Option<String>,
    handed_over: VecDeque<(Bytes, StepRef)>,
    last_sent: LastSent,
    /// By how much a step has delayed all that we send.
    pub(crate) delay: std::time::Duration,
    run: String,
    sent: u64,
    /// Octets of wanted Notifications that the running Trace still keeps.
    wanted_left: usize,
    /// Secrets of the profile and of the Traces so far.
    secrets: Vec<Secret>,
}

/// What a Controller is made from.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) handle: Handle,
    pub(crate) events: (mpsc::Sender<MtpEvent>, mpsc::Receiver<MtpEvent>),
    pub(crate) network: Arc<dyn Network>,
    pub(crate) ours: String,
    pub(crate) eut: Option<String>,
    pub(crate) timing: Timing,
    pub(crate) facts: MtpFacts,
    pub(crate) control: Arc<dyn EutControl>,
    pub(crate) plan: Second,
    pub(crate) recorder: Recorder,
    pub(crate) run: String,
    pub(crate) secrets: Vec<Secret>,
}

/// An end that nobody reads any more must not go on: whoever drops a session early ends its ends of the MTP as well.
impl Drop for Controller {
    fn drop(&mut self) {
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            for end in [self.first.end.take(), self.second.end.take()].into_iter().flatten() {
                runtime.spawn(async move { end.shutdown().await });
            }
        }
    }
}

impl Controller {
    pub(crate) fn new(parts: Parts) -> Self {
        let Parts { handle, events, network, ours, eut, timing, facts, control, plan, recorder, run, secrets } = parts;
        let (events_in, events) = events;
        Self {
            events,
            events_in,
            network,
            first: Side::first(ours, handle),
            second: Side::second(plan.endpoint_id.clone()),
            starts: JoinSet::new(),
            start_on_close: false,
            start_failure: None,
            eut,
            version: FIRST_VERSION.to_owned(),
            timing,
            facts,
            control,
            plan,
            recorder,
            inbox: Inbox::default(),
            variables: BTreeMap::new(),
            tables_only: false,
            unknown: BTreeMap::new(),
            eut_reached_at: None,
            handed_over: VecDeque::new(),
            last_sent: LastSent::default(),
            delay: std::time::Duration::ZERO,
            run,
            sent: 0,
            wanted_left: WANTED_LOG,
            secrets,
        }
    }

    /// Begins a Trace. What has happened since the last one ended, and was not looked at yet, goes to it.
    pub(crate) fn begin_trace(&mut self, header: Header) {
        for side in [&mut self.first, &mut self.second] {
            side.connections.forget_places();
        }
        self.wanted_left = WANTED_LOG;
        let first = self.events.try_recv().ok();
        let origin = first.as_ref().map_or_else(Instant::now, |event| event.at);
        self.recorder = Recorder::new(header, origin);
        if let Some(event) = first {
            self.take_in(event);
        }
        self.drain();
        self.last_sent.begin(&self.recorder.header().case.to_string());
    }

    /// Ends the running Trace, and marks its secrets. Nothing is taken in before the next one begins, which `idle` stands in for.
    pub(crate) fn end_trace(&mut self, idle: Header) -> Trace {
        let mut trace = std::mem::replace(&mut self.recorder, Recorder::new(idle, Instant::now())).finish();
        secrets::mark(&mut trace, &mut self.secrets);
        trace
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
        let (mut limit, mut again) = (limit, true);
        loop {
            if let Some(found) = seen(self) {
                return Some(found);
            }
            if self.pump(limit).await {
                continue;
            }
            match bounds::overslept(limit).filter(|_| again) {
                Some(later) => (limit, again) = (later, false),
                None => return seen(self),
            }
        }
    }

    /// That Controller's side of the MTP.
    pub(crate) fn side(&self, party: Party) -> &Side {
        match party {
            Party::First => &self.first,
            Party::Second => &self.second,
        }
    }

    pub(crate) fn side_mut(&mut self, party: Party) -> &mut Side {
        match party {
            Party::First => &mut self.first,
            Party::Second => &mut self.second,
        }
    }

    /// The first Controller's Endpoint ID.
    pub(crate) fn ours(&self) -> &str {
        &self.first.id
    }

    /// The EUT's newest session with the first Controller.
    pub(crate) fn current(&self) -> Option<ConnectionId> {
        self.current_of(Party::First)
    }

    /// The EUT's newest session with that Controller.
    pub(crate) fn current_of(&self, party: Party) -> Option<ConnectionId> {
        self.side(party).connections.current(self.eut.as_deref())
    }

    /// When the EUT's newest session opened, when there is one.
    pub(crate) fn up_since(&self) -> Option<Instant> {
        self.first.connections.up_since(self.eut.as_deref())
    }

    /// When the EUT's last session with that Controller opened, whether it lasts or not.
    pub(crate) fn last_opened(&self, party: Party) -> Option<(Instant, Option<u64>)> {
        self.side(party).connections.opened.map(|change| (change.at, change.seq))
    }

    /// When the EUT's last session to end has ended.
    pub(crate) fn last_closed(&self, party: Party) -> Option<(Instant, Option<u64>)> {
        self.side(party).connections.closed.map(|change| (change.at, change.seq))
    }

    /// How the EUT's last session ended, in words that continue a sentence; empty when the running Trace does not have it.
    pub(crate) fn last_end(&self) -> String {
        let shown = self.last_closed(Party::First).and_then(|(_, seq)| self.shown(seq?));
        let Some(shown) = shown else { return String::new() };
        let word = |name: &str| shown.get(name).map(ToString::to_string).unwrap_or_default();
        let code = if shown.get("code").is_some() { format!(", code {}", word("code")) } else { String::new() };
        format!("; its connection was ended by {}{code}; the last Records sent: {}", word("by"), self.last_sent.words())
    }

    /// Whether that session is open.
    pub(crate) fn is_open(&self, connection: ConnectionId) -> bool {
        self.side(side::party_of(connection)).connections.is_open(connection)
    }

    /// Whom the EUT's session is with, as far as anybody said.
    pub(crate) fn peer(&self) -> Option<&str> {
        self.current().and_then(|id| self.first.connections.peer(id))
    }

    /// Endpoint IDs of those who are connected and are not the EUT.
    pub(crate) fn strangers(&self) -> Vec<String> {
        self.first.connections.strangers(self.eut.as_deref())
    }

    /// Why bring-up has not defined a variable.
    pub(crate) fn no_value_reason(&self, name: &str) -> &str {
        self.unknown.get(name).map_or("no step before has captured it", String::as_str)
    }

    /// Starts the second Controller's own end, in place of one that it may have.
    pub(crate) async fn start_second(&mut self, far: uspec_mtp::FarConfig) -> Result<(), MtpError> {
        self.stop_second().await;
        let (sender, events) = mpsc::channel(EVENT_QUEUE);
        let end = far.start(Arc::clone(&self.network), sender).await?;
        self.second.begin(end, events, self.events_in.clone());
        Ok(())
    }

    /// Ends the second Controller, and takes in what its end still says.
    pub(crate) async fn stop_second(&mut self) {
        self.answers_first(Party::Second).await;
        let (end, relay) = self.second.cease();
        let limit = Instant::now() + SEND_LIMIT;
        if let Some(end) = &end {
            let _ = self.drive(end.shutdown(), limit).await;
        }
        drop(end);
        if let Some(relay) = relay {
            let _ = self.drive(relay, limit).await;
        }
        self.drain();
        self.second.forget(self.eut.as_deref());
    }

    /// Ends our ends of the MTP; what happened since the last Trace goes to the running one.
    pub(crate) async fn shut_down(&mut self) {
        self.stop_second().await;
        self.answers_first(Party::First).await;
        let limit = Instant::now() + SEND_LIMIT;
        if let Some(end) = self.first.end.clone() {
            let _ = self.drive(end.shutdown(), limit).await;
        }
        self.drain();
    }

    /// The EUT ends by itself now and is to be started again as soon as its connection is gone.
    pub(crate) fn start_when_gone(&mut self) {
        if self.current().is_some() { self.start_on_close = true } else { self.spawn_start() }
    }

    fn spawn_start(&mut self) {
        self.start_on_close = false;
        let control = Arc::clone(&self.control);
        self.starts.spawn(async move { control.perform(EutAction::Start).await });
    }

    fn started(&mut self, outcome: Result<Result<String, ControlFault>, tokio::task::JoinError>) {
        let (outcome, ok) = match outcome {
            Ok(Ok(line)) => (line, true),
            Ok(Err(fault)) => {
                let text = fault.to_string();
                self.start_failure = Some(fault);
                (text, false)
            }
            Err(error) => (format!("starting the EUT broke off: {error}"), false),
        };
        self.recorder.now(What::Eut { action: "start".to_owned(), outcome, ok });
    }
}
