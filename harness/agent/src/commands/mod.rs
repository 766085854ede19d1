//! The Commands of the data model: what each does at once, and what it leaves for the Agent to do.

use crate::errors::{Failure, code};
use crate::store::{RowKey, Store};
use std::collections::BTreeMap;
use std::time::Duration;

/// How long the self-test takes.
const SELF_TEST: Duration = Duration::from_secs(1);

/// A Command about to be executed.
#[derive(Debug, Clone)]
pub struct Invocation<'a> {
    /// The Object that it belongs to.
    pub row: &'a RowKey,
    /// Its name with the parentheses.
    pub name: &'a str,
    /// The `command_key` of the Operate.
    pub key: &'a str,
    /// All input arguments, defaults included.
    pub arguments: BTreeMap<String, String>,
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
        "Reboot()" => Ok(done(vec![Effect::Reboot(boot_cause(invocation))])),
        "FactoryReset()" => Ok(done(vec![Effect::FactoryReset(boot_cause(invocation))])),
        "ScheduleTimer()" => Ok(schedule_timer(invocation)),
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
    let argument = |name: &str| invocation.arguments.get(name).cloned().unwrap_or_default();
    BootCause { command_key: invocation.key.to_owned(), cause: argument("Cause"), reason: argument("Reason") }
}

fn schedule_timer(invocation: &Invocation<'_>) -> Outcome {
    let seconds = invocation.arguments.get("DelaySeconds").and_then(|text| text.parse().ok()).unwrap_or(0);
    Outcome::Started { duration: Duration::from_secs(seconds), output: BTreeMap::new() }
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
