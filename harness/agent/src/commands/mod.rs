//! The Commands of the data model: what each does at once, and what it leaves for the Agent to do.

mod certificates;

use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::messages::Caller;
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the self-test takes.
const SELF_TEST: Duration = Duration::from_secs(1);

/// Longest time that a route is traced, in milliseconds: a day.
const LONGEST_TRACE: u64 = 86_400_000;

/// A Command about to be executed.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// Who executes it.
    pub caller: &'a Caller<'a>,
    /// The Object that it belongs to.
    pub row: &'a RowKey,
    /// Its name with the parentheses.
    pub name: &'a str,
    /// The `command_key` of the Operate.
    pub key: &'a str,
    /// All input arguments, defaults included.
    pub arguments: BTreeMap<String, String>,
}

impl Invocation<'_> {
    /// An input argument; empty when there is none.
    fn argument(&self, name: &str) -> &str {
        self.arguments.get(name).map_or("", String::as_str)
    }

    fn number(&self, name: &str) -> u64 {
        self.argument(name).parse().unwrap_or(0)
    }
}

/// How an execution went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It is over.
    Done {
        /// The output arguments.
        output: BTreeMap<String, String>,
        /// What the Agent has to do once it has answered.
        effects: Vec<Effect>,
    },
    /// It goes on.
    Started {
        /// When it will be over, from now.
        duration: Duration,
        /// The output arguments that it will have then.
        output: BTreeMap<String, String>,
    },
}

/// Why the Agent boots: what `Boot!` will say.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct BootCause {
    /// The `command_key` of the Operate, or empty.
    pub command_key: String,
    /// `Cause`.
    pub cause: String,
    /// `Reason`.
    pub reason: String,
}

/// Something that an execution makes the Agent do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Restart.
    Reboot(BootCause),
    /// Forget everything and restart.
    FactoryReset(BootCause),
    /// Send an OnBoardRequest to the Controller in that row.
    OnBoard(RowKey),
    /// End the Command behind that Request.
    Cancel(RowKey),
    /// Bring about Timer! of a Controller later.
    Timer {
        /// The row of the Controller.
        controller: RowKey,
        /// When, from now.
        duration: Duration,
    },
    /// Complete a Command later.
    Started {
        /// The Request instance.
        request: RowKey,
        /// The Object of the Command.
        row: RowKey,
        /// Its name.
        command: String,
        /// Its `command_key`.
        key: String,
        /// When it will be over, from now.
        duration: Duration,
        /// Its output arguments.
        output: BTreeMap<String, String>,
    },
    /// Notify the completion of a Command at once (only a fault makes this).
    Completed {
        /// The Object of the Command.
        row: RowKey,
        /// Its name.
        command: String,
        /// Its `command_key`.
        key: String,
    },
}

/// Executes a Command; 7022 for a failure of the Command itself.
pub fn run(store: &mut Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    match invocation.name {
        "Reboot()" if invocation.caller.faults.has(Fault::RebootIsRefused) => {
            Err(Failure::new(code::COMMAND_FAILURE, "refused without a reason"))
        }
        "Reboot()" => Ok(done(vec![Effect::Reboot(boot_cause(invocation))])),
        "FactoryReset()" => Ok(done(vec![Effect::FactoryReset(boot_cause(invocation))])),
        "ScheduleTimer()" => Ok(schedule_timer(store, invocation)),
        "TraceRoute()" => Ok(trace_route(invocation)),
        "AddCertificate()" => certificates::add(store, invocation),
        "AddMyCertificate()" => certificates::add_mine(store, invocation),
        "Delete()" => certificates::delete(store, invocation),
        "GetFingerprint()" => certificates::fingerprint(store, invocation),
        "SelfTestDiagnostics()" => Ok(self_test()),
        "SendOnBoardRequest()" => send_on_board_request(store, invocation),
        "Cancel()" => {
            store.set(invocation.row, "Status", "Canceling");
            Ok(done(vec![Effect::Cancel(invocation.row.clone())]))
        }
        other => Err(Failure::new(code::COMMAND_FAILURE, format!("{other} cannot be executed"))),
    }
}

fn done(effects: Vec<Effect>) -> Outcome {
    Outcome::Done { output: BTreeMap::new(), effects }
}

fn boot_cause(invocation: &Invocation<'_>) -> BootCause {
    let argument = |name: &str| invocation.argument(name).to_owned();
    BootCause { command_key: invocation.key.to_owned(), cause: argument("Cause"), reason: argument("Reason") }
}

/// The one of `Device.` completes after the delay; that of a Controller, which TR-181 2.14 deprecated, is over at once and brings about
/// Timer! after the delay.
fn schedule_timer(store: &Store, invocation: &Invocation<'_>) -> Outcome {
    let duration = Duration::from_secs(invocation.number("DelaySeconds"));
    if invocation.row.object == store.model().root() {
        return Outcome::Started { duration, output: BTreeMap::new() };
    }
    done(vec![Effect::Timer { controller: invocation.row.clone(), duration }])
}

/// Nobody answers on the way: each hop costs all tries, and the target is never met.
fn trace_route(invocation: &Invocation<'_>) -> Outcome {
    let ignores_defaults = invocation.caller.faults.has(Fault::OperateIgnoresDefaults);
    let number = |name: &str| if ignores_defaults { 1 } else { invocation.number(name) };
    let hops = invocation.number("MaxHopCount").saturating_mul(number("NumberOfTries"));
    let millis = hops.saturating_mul(number("Timeout")).min(LONGEST_TRACE);
    let output = [("Status", "Error_MaxHopCountExceeded"), ("IPAddressUsed", ""), ("ResponseTime", "0")];
    Outcome::Started {
        duration: Duration::from_millis(millis),
        output: output.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

fn self_test() -> Outcome {
    let output = [("Status", "Complete"), ("Results", "no defect found")];
    Outcome::Started {
        duration: SELF_TEST,
        output: output.map(|(name, value)| (name.to_owned(), value.to_owned())).into(),
    }
}

/// R-NOT.5: for enabled Controllers only.
fn send_on_board_request(store: &mut Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    if !store.flag(invocation.row, "Enable") {
        return Err(Failure::new(code::COMMAND_FAILURE, "the Controller is not enabled"));
    }
    Ok(done(vec![Effect::OnBoard(invocation.row.clone())]))
}
