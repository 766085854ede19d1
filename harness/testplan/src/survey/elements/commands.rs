//! Commands and events.

use uspec_usp::{
    msg::get_supported_dm_resp::{CmdType, SupportedCommandResult},
    path::SupportedPath,
};

use super::Pick;
use crate::survey::Ground;

/// A command of TR-181 that can be run at any time without hurting the device or its users.
struct Harmless {
    path: &'static str,
    /// The argument that it is given, with its value; none when it takes none.
    argument: Option<(&'static str, &'static str)>,
    check: &'static str,
}

const HARMLESS: [Harmless; 5] = [
    Harmless {
        path: "Device.ScheduleTimer()",
        argument: Some(("DelaySeconds", "10")),
        check: "it does nothing but wait",
    },
    Harmless {
        path: "Device.IP.Diagnostics.IPPing()",
        argument: Some(("Host", "127.0.0.1")),
        check: "it pings the device itself; another Host if the device cannot reach that one",
    },
    Harmless {
        path: "Device.IP.Diagnostics.TraceRoute()",
        argument: Some(("Host", "127.0.0.1")),
        check: "it traces the route to the device itself; another Host if the device cannot reach that one",
    },
    Harmless {
        path: "Device.DNS.Diagnostics.NSLookupDiagnostics()",
        argument: Some(("HostName", "localhost")),
        check: "it asks the device's DNS server; a HostName that the server knows, if not this one",
    },
    Harmless {
        path: "Device.SelfTestDiagnostics()",
        argument: None,
        check: "what the self-test does is the vendor's affair: it must not disturb what else is tested",
    },
];

/// Parts of names of commands that are never proposed: they end what runs, change what is installed, or touch credentials.
const HARMFUL: [&str; 21] = [
    "reboot",
    "reset",
    "restart",
    "shutdown",
    "power",
    "firmware",
    "download",
    "upload",
    "activate",
    "install",
    "update",
    "upgrade",
    "remove",
    "delete",
    "cancel",
    "clear",
    "certificate",
    "key",
    "password",
    "secur",
    "onboard",
];

/// The plan's own command with its argument.
const TIMER: &str = "Device.ScheduleTimer()";

pub(super) fn asynchronous(ground: &Ground<'_>) -> Pick {
    pick(ground, "async_command", |known| {
        let command = vec![("async_command", known.path.to_owned())];
        let argument = known.argument.iter().flat_map(|(name, value)| {
            [("async_argument", (*name).to_owned()), ("async_argument_value", (*value).to_owned())]
        });
        Some(command.into_iter().chain(argument).collect())
    })
}

/// A command whose argument counts: one without an argument cannot serve. How long another than the timer takes is not known.
pub(super) fn with_arguments(ground: &Ground<'_>) -> Pick {
    pick(ground, "command_with_args", |known| {
        let (name, value) = known.argument?;
        Some(vec![
            ("command_with_args", known.path.to_owned()),
            ("command_with_args_argument", name.to_owned()),
            ("command_with_args_value", value.to_owned()),
            ("command_with_args_time", "0s".to_owned()),
        ])
    })
}

fn pick(
    ground: &Ground<'_>,
    element: &'static str,
    lines: impl Fn(&Harmless) -> Option<Vec<(&'static str, String)>>,
) -> Pick {
    if ground.model.commands().next().is_none() {
        return Pick::unknown("command at all");
    }
    for known in &HARMLESS {
        let Some(command) = ground.model.command(known.path).filter(|it| fits(it, known)) else { continue };
        let shown = describe(known.path, command);
        if known.path == TIMER {
            return Pick::plans(shown);
        }
        if let Some(lines) = lines(known) {
            return Pick::replaced(lines, format!("no {TIMER} that fits; in its place {shown}")).check(known.check);
        }
    }
    let none = format!(
        "GetSupportedDM shows no {TIMER} that fits, and no other asynchronous command that is known to be harmless"
    );
    let Some((path, command)) = vendor(ground) else { return Pick::nothing(none) };
    let check = "that it does no harm; its argument and value must be given as well";
    Pick::proposed(vec![(element, path.clone())], format!("{none}; there is {}", describe(&path, command)), check)
}

/// Whether the device shows the command as asynchronous, or without a type as before USP 1.2, and with the argument that it is to get.
fn fits(command: &SupportedCommandResult, known: &Harmless) -> bool {
    let argument = known.argument.is_none_or(|(name, _)| {
        command.input_arg_names.is_empty() || command.input_arg_names.iter().any(|it| it == name)
    });
    command.command_type() != CmdType::CmdSync && argument
}

/// An asynchronous command that nobody here knows, outside of tables or in a row that is there.
fn vendor<'a>(ground: &Ground<'a>) -> Option<(String, &'a SupportedCommandResult)> {
    let mut all = ground.model.commands();
    all.find_map(|(object, command)| {
        let path = format!("{object}{}", command.command_name);
        let lower = path.to_ascii_lowercase();
        let harmful = HARMFUL.iter().any(|part| lower.contains(part));
        if harmful || command.command_type() != CmdType::CmdAsync || SupportedPath::parse(&path).is_err() {
            return None;
        }
        Some((ground.concrete(&path)?, command))
    })
}

pub(super) fn synchronous(ground: &Ground<'_>) -> Pick {
    if ground.model.commands().next().is_none() || ground.model.events().next().is_none() {
        return Pick::unknown("command or no event at all");
    }
    let (reboot, boot) = (ground.model.command("Device.Reboot()"), ground.model.event("Device.Boot!"));
    if let (Some(command), Some(event)) = (reboot, boot) {
        let shown = format!(
            "{}, and Device.Boot! with the arguments {}",
            describe("Device.Reboot()", command),
            listed(&event.arg_names)
        );
        return Pick::plans(shown);
    }
    let lacks: Vec<_> = [("Device.Reboot()", reboot.is_none()), ("Device.Boot!", boot.is_none())]
        .into_iter()
        .filter_map(|(path, lacks)| lacks.then_some(path))
        .collect();
    let lacks = format!("GetSupportedDM does not show {}", lacks.join(" and "));
    let (command, event) = ("Device.BulkData.Profile.{i}.ForceCollection()", "Device.BulkData.Profile.{i}.Push!");
    let pair = ground
        .model
        .command(command)
        .zip(ground.model.event(event))
        .zip(ground.concrete("Device.BulkData.Profile.{i}."));
    let Some(((collection, push), row)) = pair else {
        return Pick::nothing(format!(
            "{lacks}, nor another synchronous command that is known to bring about an event"
        ));
    };
    let lines = vec![
        ("sync_command", format!("{row}ForceCollection()")),
        ("event", format!("{row}Push!")),
        ("event_parent", row),
    ];
    let reason = format!(
        "{lacks}; there is {}, which brings about Push! with the arguments {}",
        describe(command, collection),
        listed(&push.arg_names)
    );
    Pick::proposed(lines, reason, "that the profile is enabled and its Protocol is USPEventNotif")
}

/// The command of 1.92. How long it takes on a bench is not to be seen from a data model.
pub(super) fn with_defaults(ground: &Ground<'_>) -> Pick {
    if ground.model.commands().next().is_none() {
        return Pick::unknown("command at all");
    }
    let path = "Device.IP.Diagnostics.TraceRoute()";
    match ground.model.command(path) {
        Some(command) => {
            let times = vec![("defaulted_least", "148500ms".to_owned()), ("defaulted_most", "454500ms".to_owned())];
            let check = "what answers on the way to 192.0.2.1 on this bench; these times hold when nothing does, and without times the case is inconclusive";
            Pick { proposed: times, ..Pick::plans(describe(path, command)) }.check(check)
        }
        None => Pick::nothing(format!(
            "GetSupportedDM does not show {path}; of no other command is known how long its defaults take"
        )),
    }
}

/// The command as the device shows it.
fn describe(path: &str, command: &SupportedCommandResult) -> String {
    let kind = match command.command_type() {
        CmdType::CmdSync => "synchronous",
        CmdType::CmdAsync => "asynchronous",
        CmdType::CmdUnknown => "without a command_type",
    };
    format!("{path}, {kind}, with the input arguments {}", listed(&command.input_arg_names))
}

/// How many names of a list are told.
const TOLD: usize = 8;

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "(none)".to_owned();
    }
    let told = names.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join(", ");
    if names.len() > TOLD { format!("{told} and {} more", names.len() - TOLD) } else { told }
}
