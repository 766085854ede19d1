//! What an EUT shows of itself to somebody who has no profile of it yet: `uspec init`.
//!
//! One decision behind it: after the bring-up nothing here can fail. What the EUT does not answer, refuses or gets wrong is one sentence
//! among what is missing, and the next question is asked; an EUT that answers nothing any more is not asked forever.

use crate::{
    bounds::WARNINGS,
    bring_up::{BringUp, WHOLE_MODEL, supported},
    controller::{Controller, inbox::AnswerSeen},
    exchange::ExchangeError,
    recorder::own_step,
    rows::resolved,
    session::Session,
    snapshot::TABLES,
};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use tokio_util::sync::CancellationToken;
use uspec_testplan::{
    case::CaseId,
    survey::{Device, Survey},
    trace::{Phase, StepOutcome, Trace},
};
use uspec_usp::{msg::GetSupportedDmResp, schema::MessageKind};

/// The id of the survey's own Trace, which no case describes.
const SURVEY: &str = "R-survey";

/// The root of every data model.
const ROOT: &str = "Device.";

/// Objects of the first level that are asked for one by one when the whole model does not come. TR-181 has about 60.
const PARTS: usize = 96;

/// Questions without any answer after which no further one is asked.
const UNANSWERED: usize = 3;

/// Rows that are kept of GetInstances. A gateway has some hundreds.
const ROWS: usize = 20_000;

/// Octets that a path may have. Those of TR-181 stay below 200.
const PATH: usize = 1024;

/// Objects asked for when an EUT does not even show its first level: those that features and elements stand in.
const KNOWN_PARTS: [&str; 8] = [
    "Device.LocalAgent.",
    "Device.DeviceInfo.",
    "Device.MQTT.",
    "Device.STOMP.",
    "Device.UnixDomainSockets.",
    "Device.BulkData.",
    "Device.IP.",
    "Device.DNS.",
];

impl Session {
    /// From now on a device that has gone away is awaited as long as this.
    pub fn await_return(&mut self, connect: std::time::Duration) {
        self.controller.timing.connect = connect;
    }

    /// Asks the EUT, which has been brought up, for what a profile of it needs, and gives back what it showed and what happened. After
    /// `cancel` nothing more is asked.
    pub async fn survey(&mut self, found: &BringUp, cancel: &CancellationToken) -> (Survey, Trace) {
        let header = self.header(CaseId::Own(SURVEY.to_owned()), BTreeMap::new());
        self.controller.begin_trace(header.clone());
        let mut asker = Asker { controller: &mut self.controller, survey: Survey::default(), steps: 0, unanswered: 0 };
        asker.survey = Survey {
            endpoint_id: Some(found.eut_endpoint_id.clone()).filter(|id| !id.is_empty()),
            usp_versions: found.usp_versions.clone(),
            device: Device { software_version: found.software_version.clone(), ..Device::default() },
            missing: found.warnings.clone(),
            ..Survey::default()
        };
        let cut = tokio::select! {
            () = asker.everything(found.supported_dm.as_ref()) => false,
            () = cancel.cancelled() => true,
        };
        let mut survey = asker.survey;
        if cut {
            survey.missing.push("a person ended the survey before its end".to_owned());
        }
        (survey, self.controller.end_trace(header))
    }
}

struct Asker<'a> {
    controller: &'a mut Controller,
    survey: Survey,
    steps: usize,
    /// Questions in a row that got no answer at all.
    unanswered: usize,
}

impl Asker<'_> {
    async fn everything(&mut self, whole: Option<&GetSupportedDmResp>) {
        self.device().await;
        match whole.filter(|model| is_whole(model)) {
            Some(model) => {
                self.survey.supported = Some(model.clone());
                self.survey.supported_whole = true;
            }
            None => self.model_in_parts(whole.cloned().unwrap_or_default()).await,
        }
        self.instances().await;
    }

    async fn device(&mut self) {
        const INFO: &str = "Device.DeviceInfo.";
        const AGENT: &str = "Device.LocalAgent.";
        let asked = ["Manufacturer", "ModelName", "HardwareVersion", "SoftwareVersion"].map(|name| (INFO, name));
        let asked: Vec<_> = asked.into_iter().chain([(AGENT, "SoftwareVersion")]).collect();
        let paths: Vec<_> = asked.iter().map(|(object, name)| format!("{object}{name}")).collect();
        let answer = self.ask(MessageKind::Get, &json!({"param_paths": paths}), "device").await;
        let body = match answer {
            Ok(answer) => answer.body,
            Err(error) => return self.miss(format!("what the device is: {error}")),
        };
        let value = |object: &str, name: &str| {
            let mut values = resolved(&body).filter(|(path, _)| *path == object);
            values.find_map(|(_, params)| params.get(name)?.as_str()).map(str::to_owned)
        };
        let known = self.survey.device.software_version.take();
        self.survey.device = Device {
            manufacturer: value(INFO, "Manufacturer"),
            model_name: value(INFO, "ModelName"),
            hardware_version: value(INFO, "HardwareVersion"),
            software_version: value(INFO, "SoftwareVersion").or(known),
            agent_version: value(AGENT, "SoftwareVersion"),
        };
    }

    /// Each object of the first level by itself: a device that cannot show the whole may show its parts.
    async fn model_in_parts(&mut self, mut model: GetSupportedDmResp) {
        for result in model.req_obj_results.iter().filter(|result| result.err_code != 0) {
            let said = format!(
                "the supported data model of {}: the EUT reports {} {:?}",
                result.req_obj_path, result.err_code, result.err_msg
            );
            push(&mut self.survey.missing, said);
        }
        let mut parts: Vec<String> = Vec::new();
        match self.supported(ROOT, true).await {
            Ok(first) => {
                let shown = first.req_obj_results.iter().flat_map(|result| &result.supported_objs);
                parts.extend(shown.map(|it| it.supported_obj_path.clone()).filter(|path| is_part(path)));
                model.req_obj_results.extend(first.req_obj_results);
            }
            Err(error) => self.miss(format!("the first level of the supported data model: {error}")),
        }
        if parts.is_empty() {
            parts.extend(KNOWN_PARTS.map(str::to_owned));
        }
        if parts.len() > PARTS {
            self.miss(format!("{} objects of the first level, of which only {PARTS} were asked for", parts.len()));
        }
        for part in parts.into_iter().take(PARTS) {
            match self.supported(&part, false).await {
                Ok(more) => model.req_obj_results.extend(more.req_obj_results),
                Err(error) => self.miss(format!("the supported data model of {part}: {error}")),
            }
        }
        let any = model.req_obj_results.iter().any(|result| result.err_code == 0 && !result.supported_objs.is_empty());
        self.survey.supported = any.then_some(model);
    }

    async fn supported(&mut self, path: &str, first_level_only: bool) -> Result<GetSupportedDmResp, String> {
        let body = json!({
            "obj_paths": [path], "first_level_only": first_level_only, "return_commands": true, "return_events": true,
            "return_params": true, "return_unique_key_sets": true,
        });
        let answer = self.ask(MessageKind::GetSupportedDM, &body, "supported_dm").await;
        supported(&answer.map_err(|error| error.to_string())?.body)
    }

    /// Below the root at once; or, where an Agent lists instances of tables only, of each table that it supports.
    async fn instances(&mut self) {
        let tables = self.tables();
        let mut refusals = Vec::new();
        for paths in [vec![ROOT.to_owned()], tables] {
            let body = json!({"obj_paths": paths, "first_level_only": false});
            let read = match self.ask(MessageKind::GetInstances, &body, "instances").await {
                Ok(answer) => read_instances(&answer.body),
                Err(error) => Err(error.to_string()),
            };
            match read {
                Ok(read) if read.paths.is_empty() => refusals.push("GetInstances shows none".to_owned()),
                Ok(read) => return self.keep(read),
                Err(why) => refusals.push(why),
            }
        }
        self.miss(format!("which instances there are: {}", refusals.join("; ")));
    }

    fn keep(&mut self, Instances { paths, left_out, failed }: Instances) {
        if left_out > 0 {
            self.miss(format!("{left_out} of the instances that GetInstances showed: more than are looked at"));
        }
        if let Some(first) = failed.first() {
            self.miss(format!("the instances of {} tables, such as {first}", failed.len()));
        }
        self.survey.instances = Some(paths);
    }

    /// The outermost tables of the supported data model; without one, those that every case is compared by.
    fn tables(&self) -> Vec<String> {
        let objects = self.survey.supported.iter().flat_map(|model| &model.req_obj_results);
        let paths = objects.flat_map(|result| &result.supported_objs).map(|object| object.supported_obj_path.as_str());
        let outermost = paths.filter_map(|path| path.strip_suffix("{i}.").filter(|table| is_table(table)));
        let found: BTreeSet<_> = outermost.map(str::to_owned).collect();
        if found.is_empty() { TABLES.map(str::to_owned).to_vec() } else { found.into_iter().take(PARTS).collect() }
    }

    async fn ask(&mut self, kind: MessageKind, body: &Value, label: &str) -> Result<AnswerSeen, ExchangeError> {
        if self.unanswered >= UNANSWERED {
            return Err(ExchangeError::Unsent(
                "not asked, because the EUT has answered nothing for some time".to_owned(),
            ));
        }
        let step = own_step(Phase::BringUp, self.steps, label);
        self.steps += 1;
        self.controller.recorder.step_started(&step, format!("request {kind}"));
        let response = self.controller.timing.response;
        let large = matches!(kind, MessageKind::GetSupportedDM | MessageKind::GetInstances);
        let limit = if large { response.max(WHOLE_MODEL) } else { response };
        let outcome = self.controller.exchange_within(&step, kind, body, limit).await;
        self.unanswered = match &outcome {
            Ok(_) | Err(ExchangeError::Refused { .. }) => 0,
            Err(ExchangeError::Unsent(_) | ExchangeError::Unanswered { .. }) => self.unanswered + 1,
        };
        let ended = match &outcome {
            Ok(answer) => StepOutcome::Done { matched: Some(answer.seq) },
            Err(ExchangeError::Unanswered { limit, .. }) => {
                StepOutcome::TimedOut { waited_ms: u64::try_from(limit.as_millis()).unwrap_or(u64::MAX) }
            }
            Err(error @ ExchangeError::Unsent(_)) => StepOutcome::NotReached { reason: error.to_string() },
            Err(ExchangeError::Refused { .. }) => StepOutcome::Done { matched: None },
        };
        self.controller.recorder.step_ended(&step, ended);
        outcome
    }

    fn miss(&mut self, what: String) {
        push(&mut self.survey.missing, what);
    }
}

fn push(missing: &mut Vec<String>, what: String) {
    if missing.len() < WARNINGS {
        missing.push(what);
    }
}

/// Whether the answer for the root is there, and without an error.
fn is_whole(model: &GetSupportedDmResp) -> bool {
    let good = model.req_obj_results.iter().all(|result| result.err_code == 0);
    good && model.req_obj_results.iter().any(|result| !result.supported_objs.is_empty())
}

/// Whether it is an object directly below the root, and can be asked for.
fn is_part(path: &str) -> bool {
    let name = path.strip_prefix(ROOT).and_then(|rest| rest.strip_suffix('.')).unwrap_or_default();
    !name.is_empty() && path.len() <= PATH && name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it))
}

/// Whether it is the path of a table that stands in no other one, and can be asked for.
fn is_table(path: &str) -> bool {
    let good = |name: &str| name.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    path.len() <= PATH && path.starts_with(ROOT) && path.split('.').all(good)
}

/// What a GetInstancesResp shows.
struct Instances {
    paths: BTreeSet<String>,
    /// How many paths were too many or too long.
    left_out: usize,
    /// Which of the paths that were asked for failed, and with what.
    failed: Vec<String>,
}

/// The error is that each path that was asked for failed.
fn read_instances(body: &Value) -> Result<Instances, String> {
    let results = body.get("req_path_results").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let failure = |result: &Value| {
        let code = result.get("err_code").and_then(Value::as_u64).filter(|code| *code != 0)?;
        let path = result.get("requested_path").and_then(Value::as_str).unwrap_or_default();
        Some(format!("{path} ({code})"))
    };
    let failed: Vec<_> = results.iter().filter_map(failure).collect();
    if failed.len() == results.len() {
        let first = failed.first().map_or("it yielded no result", String::as_str);
        return Err(format!("GetInstances failed: {first}"));
    }
    let all = results.iter().filter_map(|result| result.get("curr_insts")?.as_array()).flatten();
    let (mut paths, mut left_out) = (BTreeSet::new(), 0);
    for path in all.filter_map(|instance| instance.get("instantiated_obj_path")?.as_str()) {
        if paths.len() < ROWS && path.len() <= PATH {
            paths.insert(path.to_owned());
        } else {
            left_out += 1;
        }
    }
    Ok(Instances { paths, left_out, failed })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case("Device.LocalAgent.", true)]
    #[case("Device.X_EXAMPLE-COM_Thing.", true)]
    #[case("Device.", false)]
    #[case("Device.LocalAgent.MTP.", false)]
    #[case("Device.a\"b.", false)]
    #[case("Other.Thing.", false)]
    fn parts_are_objects_of_the_first_level(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_part(path), expected);
    }

    #[test]
    fn instances_are_counted_and_bounded() {
        let long = format!("Device.{}.1.", "x".repeat(PATH));
        let rows = |paths: &[&str]| {
            let all: Vec<_> = paths.iter().map(|path| json!({"instantiated_obj_path": path})).collect();
            json!({"req_path_results": [{"requested_path": "Device.", "err_code": 0, "curr_insts": all}]})
        };
        let Instances { paths, left_out, failed } =
            read_instances(&rows(&["Device.A.1.", "Device.A.2.", &long])).unwrap();
        assert_eq!((paths.len(), left_out, failed.len()), (2, 1, 0));
        let failed = json!({"req_path_results": [{"requested_path": "Device.", "err_code": 7016}]});
        assert!(read_instances(&failed).err().unwrap().contains("Device. (7016)"));
        assert!(read_instances(&json!({})).is_err());
    }

    #[rstest]
    #[case("Device.LocalAgent.MTP.", true)]
    #[case("Device.LocalAgent.Controller.{i}.MTP.", false)]
    #[case("Device.a\nb.", false)]
    fn tables_are_asked_for_by_paths_that_have_no_row_in_them(#[case] path: &str, #[case] expected: bool) {
        assert_eq!(is_table(path), expected);
    }
}
