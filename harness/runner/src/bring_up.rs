//! Before the first case: the EUT connects, says who it is, which versions it speaks, where our row in its Controller table is, and
//! what it supports.
//!
//! One decision behind it: only an EUT that is not there, is another, or says nothing at all ends the run here. Whatever else it gets wrong
//! leaves a variable undefined and a warning, and the cases that need it are inconclusive with the reason.

use crate::{
    bounds::{CONNECT_RECORD_WAIT, STRANGER_GRACE, WARNINGS, after},
    controller::{Controller, inbox::AnswerSeen},
    exchange::ExchangeError,
    recorder::own_step,
    rows::{self, AGENT_MTPS, CONTROLLERS, Row, resolved},
    session::Session,
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use uspec_testplan::{
    case::Party,
    trace::{Phase, StepOutcome, Trace},
};
use uspec_usp::{msg::GetSupportedDmResp, schema::MessageKind};

/// The id of the bring-up's own Trace, which no case describes.
pub const BRING_UP: &str = "R-bring-up";

/// USP versions whose schema we have.
const VERSIONS: [&str; 6] = ["1.0", "1.1", "1.2", "1.3", "1.4", "1.5"];

/// The whole supported data model is the largest Message of all; a small device may need a while.
pub(crate) const WHOLE_MODEL: Duration = Duration::from_secs(60);

/// An instance number that no table has: none counts that far.
const UNUSED_INSTANCE: &str = "987654";

/// What was found out about the EUT.
#[derive(Debug, Clone)]
pub struct BringUp {
    /// Its Endpoint ID.
    pub eut_endpoint_id: String,
    /// The variables that every case starts with.
    pub variables: BTreeMap<String, String>,
    /// USP versions that it named in GetSupportedProtocol.
    pub usp_versions: Vec<String>,
    /// `Device.DeviceInfo.SoftwareVersion`.
    pub software_version: Option<String>,
    /// What it supports: its answer to GetSupportedDM of `Device.` with everything.
    pub supported_dm: Option<GetSupportedDmResp>,
    /// What could not be found out: one sentence each.
    pub warnings: Vec<String>,
    /// What happened.
    pub trace: Trace,
}

/// Why no case can be run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{reason}")]
pub struct BringUpFailure {
    /// Why.
    pub reason: BringUpReason,
    /// What happened.
    pub trace: Box<Trace>,
}

/// Why no case can be run.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BringUpReason {
    /// Nobody connected, or nobody was there to connect to.
    #[error("the EUT never connected (waited {waited:?}{})", .seen.as_ref().map(|seen| format!("; {seen}")).unwrap_or_default())]
    NeverConnected {
        /// How long was waited.
        waited: Duration,
        /// The last thing that went wrong on the way, when there was one.
        seen: Option<String>,
    },
    /// Somebody else did.
    #[error("the profile expects the EUT {expected}, but {found} connected")]
    OtherEndpoint {
        /// Whom the profile names.
        expected: String,
        /// Who connected.
        found: String,
    },
    /// It did not say who it is, and the profile does not either.
    #[error("the EUT did not say its Endpoint ID, and the profile does not name it")]
    Unidentified,
    /// It answered nothing.
    #[error("the EUT is connected, but answers nothing: {0}")]
    Silent(String),
    /// A person ended the run.
    #[error("the run was interrupted before the first case")]
    Interrupted,
}

impl Session {
    /// Waits for the EUT and finds out about it. Ends shortly after `cancel`.
    pub async fn bring_up(&mut self, cancel: &CancellationToken) -> Result<BringUp, BringUpFailure> {
        let mut found = Found::default();
        let outcome = tokio::select! {
            outcome = found.everything(&mut self.controller) => outcome,
            () = cancel.cancelled() => {
                self.controller.recorder.interrupt("the run was interrupted");
                Err(BringUpReason::Interrupted)
            }
        };
        self.usp_versions.clone_from(&found.usp_versions);
        let variables = self.variables(&found);
        let header = self.controller.recorder.header_mut();
        header.usp_versions.clone_from(&found.usp_versions);
        header.variables.clone_from(&variables);
        if let Some(eut) = &self.controller.eut {
            header.eut_endpoint_id.clone_from(eut);
        }
        let idle = header.clone();
        let trace = self.controller.end_trace(idle);
        if let Err(reason) = outcome {
            return Err(BringUpFailure { reason, trace: Box::new(trace) });
        }
        Ok(BringUp {
            eut_endpoint_id: self.controller.eut.clone().unwrap_or_default(),
            variables,
            usp_versions: found.usp_versions,
            software_version: found.software_version,
            supported_dm: found.supported_dm,
            warnings: found.warnings,
            trace,
        })
    }

    fn variables(&mut self, found: &Found) -> BTreeMap<String, String> {
        let mut variables = self.controller.variables.clone();
        let mut set = |name: &str, value: String| variables.insert(name.to_owned(), value);
        set("controller.endpoint_id", self.controller.ours().to_owned());
        set("unused.instance", UNUSED_INSTANCE.to_owned());
        if let Some(eut) = &self.controller.eut {
            set("eut.endpoint_id", eut.clone());
        }
        if let Some(row) = &found.row {
            let id = format!("EndpointID==\"{}\"", literal(self.controller.ours()));
            let alias = row.alias.as_ref().map(|alias| format!("Alias==\"{}\"", literal(alias)));
            set("controller.path", row.path.clone());
            set("controller.search", format!("[{}]", alias.as_ref().unwrap_or(&id)));
            set("controller.unique_key", alias.map_or_else(|| format!("[{id}]"), |alias| format!("[{id}&&{alias}]")));
            for (name, value) in [("controller.role", &row.role), ("controller.mtp", &row.mtp)] {
                if let Ok(value) = value {
                    set(name, value.clone());
                }
            }
        }
        if let Some(Ok(row)) = &found.agent_mtp {
            set("agent.mtp", row.clone());
        }
        if let (Some(name), Some(row)) = (transport_variable(&self.controller.facts.kind), found.transport()) {
            set(name, row);
        }
        if let Some(reached_at) = &self.controller.eut_reached_at {
            set("agent.topic", reached_at.clone());
        }
        let plan = &mut self.controller.plan;
        if let Some(host) = found.row.as_ref().and_then(|row| row.host.as_ref()) {
            plan.reached_as(host);
        }
        set("second.endpoint_id", plan.endpoint_id.clone());
        set("second.host", plan.host().to_owned());
        set("second.port", plan.port().to_string());
        set("second.path", plan.path().to_owned());
        if let Some(topic) = plan.topic() {
            set("second.topic", topic.to_owned());
        }
        set("second.tls", self.controller.facts.tls.to_string());
        set("alternate.certificate", plan.alternate());
        match plan.certificate() {
            Ok(pem) => drop(set("second.certificate", pem)),
            Err(error) => {
                let why = format!("the second Controller's certificate cannot be made: {error}");
                self.controller.unknown.insert("second.certificate".to_owned(), why);
            }
        }
        variables
    }
}

/// What bring-up finds out, piece by piece.
#[derive(Debug, Default)]
struct Found {
    usp_versions: Vec<String>,
    row: Option<Row>,
    agent_mtp: Option<Result<String, String>>,
    /// What the EUT's own MTP row refers to for its connection.
    agent_transport: Option<String>,
    supported_dm: Option<GetSupportedDmResp>,
    software_version: Option<String>,
    warnings: Vec<String>,
    steps: usize,
}

impl Found {
    async fn everything(&mut self, controller: &mut Controller) -> Result<(), BringUpReason> {
        self.connection(controller).await?;
        let protocol = self.protocol(controller).await;
        let row = self.our_row(controller).await;
        if let (Some(protocol), Some(row)) = (protocol, row) {
            return Err(BringUpReason::Silent(format!("{protocol}; {row}")));
        }
        self.own_mtp(controller).await;
        self.model(controller).await;
        self.software(controller).await;
        Ok(())
    }

    async fn connection(&mut self, controller: &mut Controller) -> Result<(), BringUpReason> {
        let step = own_step(Phase::BringUp, self.next_step(), "connect");
        controller.recorder.step_started(&step, "await the EUT's connection".to_owned());
        let outcome = connect(controller).await;
        let ended = match &outcome {
            Ok(()) => StepOutcome::Done { matched: controller.last_opened(Party::First).and_then(|(_, seq)| seq) },
            Err(reason) => StepOutcome::NotReached { reason: reason.to_string() },
        };
        controller.recorder.step_ended(&step, ended);
        outcome
    }

    /// Which versions the EUT speaks. The error is that it said nothing.
    async fn protocol(&mut self, controller: &mut Controller) -> Option<String> {
        let body = json!({"controller_supported_protocol_versions": VERSIONS.join(",")});
        match self.ask(controller, MessageKind::GetSupportedProtocol, &body, "protocol").await {
            Ok(answer) => {
                let named =
                    answer.body.get("agent_supported_protocol_versions").and_then(Value::as_str).unwrap_or_default();
                self.usp_versions =
                    named.split(',').map(str::trim).filter(|it| !it.is_empty()).map(str::to_owned).take(32).collect();
                match VERSIONS.iter().rev().find(|version| self.usp_versions.iter().any(|named| named == *version)) {
                    Some(version) => (*version).clone_into(&mut controller.version),
                    None => self.warn(format!("GetSupportedProtocol names no version that we know: {named:?}")),
                }
                None
            }
            Err(error) => self.lacking("its USP versions are not known", &error),
        }
    }

    /// Where our row in the Controller table is. The error is that the EUT said nothing.
    async fn our_row(&mut self, controller: &mut Controller) -> Option<String> {
        let body = json!({"param_paths": [CONTROLLERS]});
        let outcome = self.ask(controller, MessageKind::Get, &body, "controller").await;
        let why = match &outcome {
            Ok(answer) => match rows::our_row(&answer.body, controller.ours(), &controller.facts) {
                Some(row) => {
                    for (name, value) in [("controller.role", &row.role), ("controller.mtp", &row.mtp)] {
                        if let Err(why) = value {
                            controller.unknown.insert(name.to_owned(), format!("bring-up did not find it ({why})"));
                        }
                    }
                    self.row = Some(row);
                    return None;
                }
                None => format!("the EUT's Controller table has no row with our Endpoint ID {}", controller.ours()),
            },
            Err(error) => error.to_string(),
        };
        for name in ["path", "search", "unique_key", "role", "mtp"] {
            let name = format!("controller.{name}");
            controller.unknown.insert(name, format!("bring-up did not find it ({why})"));
        }
        match outcome {
            Ok(_) => {
                self.warn(why);
                None
            }
            Err(error) => self.lacking("our row in its Controller table is not known", &error),
        }
    }

    /// Which of the EUT's own MTPs is in use. An EUT that connects need not have a row for it.
    async fn own_mtp(&mut self, controller: &mut Controller) {
        let outcome = self.ask(controller, MessageKind::Get, &json!({"param_paths": [AGENT_MTPS]}), "agent_mtp").await;
        let port = controller.plan.called_port();
        let found = match outcome {
            Ok(answer) => rows::agent_mtp(&answer.body, &controller.facts, port).inspect(|row| {
                self.agent_transport = rows::transport(&answer.body, row, &controller.facts);
            }),
            Err(error) => Err(error.to_string()),
        };
        if let Err(why) = &found {
            controller.unknown.insert("agent.mtp".to_owned(), format!("bring-up did not find it ({why})"));
        }
        self.agent_mtp = Some(found);
    }

    async fn model(&mut self, controller: &mut Controller) {
        let body = json!({
            "obj_paths": ["Device."], "first_level_only": false, "return_commands": true, "return_events": true,
            "return_params": true, "return_unique_key_sets": true,
        });
        match self.ask(controller, MessageKind::GetSupportedDM, &body, "supported_dm").await {
            Ok(answer) => match supported(&answer.body) {
                Ok(model) => self.supported_dm = Some(model),
                Err(why) => self.warn(format!("its supported data model is not known: {why}")),
            },
            Err(error) => drop(self.lacking("its supported data model is not known", &error)),
        }
    }

    async fn software(&mut self, controller: &mut Controller) {
        let path = "Device.DeviceInfo.SoftwareVersion";
        let answer = self.ask(controller, MessageKind::Get, &json!({"param_paths": [path]}), "software").await;
        let value = answer.as_ref().ok().and_then(|answer| first_parameter(&answer.body, "SoftwareVersion"));
        match (value, answer) {
            (Some(value), _) => self.software_version = Some(value),
            (None, Ok(_)) => self.warn(format!("{path} cannot be read")),
            (None, Err(error)) => drop(self.lacking("its software version is not known", &error)),
        }
    }

    async fn ask(
        &mut self,
        controller: &mut Controller,
        kind: MessageKind,
        body: &Value,
        label: &str,
    ) -> Result<AnswerSeen, ExchangeError> {
        let step = own_step(Phase::BringUp, self.next_step(), label);
        controller.recorder.step_started(&step, format!("request {kind}"));
        let response = controller.timing.response;
        let limit = if kind == MessageKind::GetSupportedDM { response.max(WHOLE_MODEL) } else { response };
        let outcome = controller.exchange_within(&step, kind, body, limit).await;
        let ended = match &outcome {
            Ok(answer) => StepOutcome::Done { matched: Some(answer.seq) },
            Err(ExchangeError::Unanswered { limit, .. }) => {
                StepOutcome::TimedOut { waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
            }
            Err(error @ ExchangeError::Unsent(_)) => StepOutcome::NotReached { reason: error.to_string() },
            Err(ExchangeError::Refused { .. }) => StepOutcome::Done { matched: None },
        };
        controller.recorder.step_ended(&step, ended);
        outcome
    }

    /// A warning; the answer tells whether the EUT said nothing at all, and why.
    fn lacking(&mut self, what: &str, error: &ExchangeError) -> Option<String> {
        self.warn(format!("{what}: {error}"));
        match error {
            ExchangeError::Refused { .. } => None,
            ExchangeError::Unsent(_) | ExchangeError::Unanswered { .. } => Some(error.to_string()),
        }
    }

    fn warn(&mut self, text: String) {
        if self.warnings.len() < WARNINGS {
            self.warnings.push(text);
        }
    }

    /// The row of the connection in use. Our own row counts first: it is the one over which the EUT talks to us.
    fn transport(&self) -> Option<String> {
        self.row.as_ref().and_then(|row| row.transport.clone()).or_else(|| self.agent_transport.clone())
    }

    fn next_step(&mut self) -> usize {
        let index = self.steps;
        self.steps += 1;
        index
    }
}

/// The variable that names the row of the connection in use.
fn transport_variable(kind: &str) -> Option<&'static str> {
    match kind {
        "mqtt" => Some("mqtt.client"),
        "stomp" => Some("stomp.connection"),
        "uds" => Some("uds.socket"),
        _ => None,
    }
}

/// Waits for the EUT's session, and a moment for its Connect Record.
async fn connect(controller: &mut Controller) -> Result<(), BringUpReason> {
    let wait = controller.timing.connect;
    let limit = after(Instant::now(), wait);
    loop {
        let stranger_since = await_somebody(controller, limit).await;
        if let Some(since) = stranger_since {
            let grace = limit.min(since + STRANGER_GRACE);
            controller.until(grace, |it| it.current()).await;
        }
        if controller.current().is_none() {
            return Err(nobody(controller, wait));
        }
        let announced = limit.min(Instant::now() + CONNECT_RECORD_WAIT);
        controller
            .until(announced, |it| (it.side(Party::First).announced || it.current().is_none()).then_some(()))
            .await;
        if controller.current().is_some() {
            break;
        }
        // It went away, or turned out to be somebody else.
        if Instant::now() >= limit || !controller.strangers().is_empty() {
            return Err(nobody(controller, wait));
        }
    }
    if controller.eut.is_none() {
        controller.eut = Some(controller.peer().ok_or(BringUpReason::Unidentified)?.to_owned());
    }
    Ok(())
}

/// Waits for the EUT; ends earlier when somebody else connects, and says when.
async fn await_somebody(controller: &mut Controller, limit: Instant) -> Option<Instant> {
    let seen = controller.until(limit, |it| match it.current() {
        Some(_) => Some(None),
        None => (!it.strangers().is_empty()).then(|| Some(Instant::now())),
    });
    seen.await.flatten()
}

fn nobody(controller: &Controller, waited: Duration) -> BringUpReason {
    match (&controller.eut, controller.strangers().into_iter().next()) {
        (Some(expected), Some(found)) => BringUpReason::OtherEndpoint { expected: expected.clone(), found },
        _ => BringUpReason::NeverConnected { waited, seen: controller.recorder.last_failure() },
    }
}

fn first_parameter(body: &Value, name: &str) -> Option<String> {
    resolved(body).find_map(|(_, params)| params.get(name)?.as_str().map(str::to_owned))
}

/// The typed form of a GetSupportedDMResp.
pub(crate) fn supported(body: &Value) -> Result<GetSupportedDmResp, String> {
    use uspec_usp::{
        json::build_message,
        msg::{body::MsgBody, response::RespType},
        schema::Content,
    };
    let message = build_message(Content::Response(MessageKind::GetSupportedDM), "", body)
        .map_err(|errors| crate::outgoing::joined(&errors))?;
    match message.body.and_then(|body| body.msg_body) {
        Some(MsgBody::Response(response)) => match response.resp_type {
            Some(RespType::GetSupportedDmResp(model)) => Ok(model),
            _ => Err("another Response came".to_owned()),
        },
        _ => Err("no Response came".to_owned()),
    }
}

/// A string as it stands in a search expression: what would end it there is percent-encoded.
fn literal(value: &str) -> String {
    value.replace('%', "%25").replace('"', "%22")
}
