//! A Message from a known Controller: the right handler, its answer, and what follows from it.

use super::receive::{Sender, envelope};
use super::{Action, Core, timers};
use crate::commands::Effect;
use crate::errors::{Failure, code};
use crate::faults::kind::Kind;
use crate::faults::{Fault, mangle};
use crate::messages::{self, Caller, Refusal, SUPPORTED_VERSIONS};
use crate::store::Store;
use crate::subscriptions::Occurrence;
use std::collections::BTreeMap;
use tokio::time::Instant;
use uspec_usp::msg::{self, body::MsgBody, request::ReqType, response::RespType};

impl Core {
    /// Answers a Request, then does what it brought about.
    pub(super) fn dispatch(&mut self, now: Instant, sender: &Sender, msg_id: &str, request: &ReqType) -> Vec<Action> {
        let before = self.store.clone();
        let mut effects = Vec::new();
        let outcome = self.handle(now, sender, request, &mut effects);
        let body = match outcome {
            Ok(response) => MsgBody::Response(msg::Response { resp_type: Some(response) }),
            Err(refusal) => MsgBody::Error(refusal.into_error()),
        };
        let mut actions = Vec::new();
        if expects_answer(request, &body) || self.faults().has(Fault::OperateIgnoresSendResp) {
            let answer = envelope(msg_id.to_owned(), body);
            let answers = match Kind::of(request) {
                Some(kind) => mangle::answer(self.faults(), kind, answer),
                None => vec![answer],
            };
            actions.extend(answers.iter().map(|answer| self.reply(sender, answer)));
        }
        let mut occurrences = Vec::new();
        let reboot = self.carry_out(now, effects, &mut occurrences);
        self.settle(now, &before, occurrences);
        // What is due goes out before the connection closes.
        actions.append(&mut self.flush(now));
        actions.extend(reboot.or_else(|| self.worth_saving(&before)));
        actions
    }

    fn handle(
        &mut self,
        now: Instant,
        sender: &Sender,
        request: &ReqType,
        effects: &mut Vec<Effect>,
    ) -> Result<RespType, Refusal> {
        let faults = self.config.faults.clone();
        let caller = Caller { controller: &sender.row, faults: &faults, now: self.clock.wall(now) };
        let store = &mut self.store;
        Ok(match request {
            ReqType::Get(get) => RespType::GetResp(messages::get::handle(&caller.scope(store), get)),
            ReqType::GetInstances(get) => {
                RespType::GetInstancesResp(messages::get_instances::handle(&caller.scope(store), get))
            }
            ReqType::GetSupportedDm(get) => {
                RespType::GetSupportedDmResp(messages::get_supported_dm::handle(&caller.scope(store), get))
            }
            ReqType::GetSupportedProtocol(_) => RespType::GetSupportedProtocolResp(msg::GetSupportedProtocolResp {
                agent_supported_protocol_versions: SUPPORTED_VERSIONS.to_owned(),
            }),
            ReqType::Add(add) => RespType::AddResp(messages::add::handle(store, &caller, add)?),
            ReqType::Set(set) => RespType::SetResp(messages::set::handle(store, &caller, set)?),
            ReqType::Delete(delete) => RespType::DeleteResp(messages::delete::handle(store, &caller, delete)?),
            ReqType::Operate(operate) => {
                let (response, mut more) = messages::operate::handle(store, &caller, operate)?;
                effects.append(&mut more);
                RespType::OperateResp(response)
            }
            ReqType::Notify(_) | ReqType::Register(_) | ReqType::Deregister(_) => {
                return Err(Failure::new(code::MESSAGE_NOT_SUPPORTED, "an Agent does not answer this Message").into());
            }
        })
    }

    /// A Response from a Controller: only a NotifyResp means anything to an Agent (R-NOT.9: its subscription_id is not looked at).
    pub(super) fn response(&mut self, now: Instant, sender: &Sender, msg_id: &str, response: Option<&RespType>) {
        if !matches!(response, Some(RespType::NotifyResp(_))) || self.faults().has(Fault::NotifyRetriedAfterResponse) {
            return;
        }
        if let Some(delivered) = self.outbox.delivered(msg_id, &sender.endpoint_id)
            && delivered.subscription.is_none()
        {
            self.on_board_request_delivered(now, &delivered.controller_row);
        }
    }

    /// Does what Commands left to do; returns the restart, when one of them asked for it.
    fn carry_out(&mut self, now: Instant, effects: Vec<Effect>, occurrences: &mut Vec<Occurrence>) -> Option<Action> {
        let mut reboot = None;
        for effect in effects {
            match effect {
                Effect::Reboot(_) | Effect::FactoryReset(_) if self.faults().has(Fault::RebootDoesNotReboot) => {}
                Effect::Reboot(cause) => reboot = Some(self.reboot(cause, false)),
                Effect::FactoryReset(cause) => reboot = Some(self.reboot(cause, true)),
                Effect::OnBoard(controller) => self.start_on_boarding(now, &controller),
                Effect::Timer { controller, duration } => self.set_timer(now, controller, duration),
                Effect::Cancel(request) => self.cancel(&request, occurrences),
                Effect::Started { request, row, command, key, duration, output } => {
                    let at_once = self.faults().has(Fault::OperationCompletesAtOnce);
                    let ends = if at_once { now } else { now.checked_add(duration).unwrap_or(now) };
                    self.operations.push(timers::Operation { request, row, command, key, ends, output });
                }
                Effect::Completed { row, command, key } => {
                    occurrences.push(Occurrence::Completion { row, command, key, result: Ok(BTreeMap::new()) });
                }
            }
        }
        reboot
    }

    fn worth_saving(&self, before: &Store) -> Option<Action> {
        let persists = self.config.persistence != crate::config::Persistence::Memory;
        (persists && !before.is_untouched(&self.store)).then(|| Action::Save(self.saved(None)))
    }
}

/// R-OPR.4: without send_resp an Operate gets no OperateResp; an Error is sent in any case.
fn expects_answer(request: &ReqType, body: &MsgBody) -> bool {
    match request {
        ReqType::Operate(operate) => operate.send_resp || matches!(body, MsgBody::Error(_)),
        _ => true,
    }
}
