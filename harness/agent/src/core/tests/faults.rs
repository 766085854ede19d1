//! Every fault must be visible: a dialogue that touches everything goes differently when it is on.

use super::*;

/// Faults that, like those of one MTP, act outside the engine, in the endpoint around it, or on what only TLS shows (core/tests/trust.rs).
const OUTSIDE: [Fault; 10] = [
    Fault::TlsAcceptsAnyCertificate,
    Fault::TlsIgnoresEndpointId,
    Fault::CertificateLosesAliasWhenUsed,
    Fault::TlsRefusesAfterFirstSession,
    Fault::TlsNotUsedAfterReboot,
    Fault::AddedCertificateIsNotTrusted,
    Fault::UntrustedRoleIsNotAssigned,
    Fault::UntrustedGetFullAccess,
    Fault::UnknownControllersAreRefused,
    Fault::RebootNeverReturns,
];

/// A self-signed certificate; nobody has its key, and its validity is never looked at.
const CERTIFICATE: &str = include_str!("certificate.pem");

#[test]
fn every_fault_changes_the_dialogue() {
    let usual = dialogue([]);
    let inside = Fault::all().iter().filter(|fault| {
        let of_an_mtp = ["ws-", "mqtt-", "stomp-", "uds-"].iter().any(|mtp| fault.name().starts_with(mtp));
        !of_an_mtp && !OUTSIDE.contains(fault)
    });
    let invisible = inside.filter(|fault| dialogue([**fault]) == usual);
    assert_eq!(invisible.map(|fault| fault.name()).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn the_dialogue_is_repeatable() {
    assert_eq!(dialogue([]), dialogue([]));
}

/// A Controller that writes down everything it gets.
struct Talk {
    bench: Bench,
    seen: Vec<String>,
}

fn dialogue(faults: impl IntoIterator<Item = Fault>) -> Vec<String> {
    let mut talk = Talk { bench: Bench::with(faults), seen: Vec::new() };
    talk.records();
    talk.channels();
    talk.reading();
    talk.adding();
    talk.setting();
    talk.searching();
    talk.describing();
    talk.notifying();
    talk.operating();
    talk.certificates();
    talk.permissions();
    talk.deleting();
    talk.rebooting();
    talk.seen
}

impl Talk {
    /// Sends a Request and notes whatever comes.
    fn say(&mut self, request: ReqType) {
        self.bench.sent += 1;
        let msg_id = format!("test-{}", self.bench.sent);
        self.bench.send_message(&request_message(&msg_id, request));
        self.note();
    }

    fn note(&mut self) {
        for (connection, record) in std::mem::take(&mut self.bench.inbox) {
            let inside = message(&record);
            let Record { version, to_id, from_id, record_type, .. } = record;
            let says = match &record_type {
                Some(RecordType::MqttConnect(connect)) => format!("{connect:?}"),
                Some(RecordType::StompConnect(connect)) => format!("{connect:?}"),
                _ => String::new(),
            };
            let kind = record_type.map(|kind| std::mem::discriminant(&kind));
            self.seen.push(format!("{connection:?} {version} {to_id} {from_id} {kind:?} {says} {inside:?}"));
        }
        for action in &self.bench.other {
            if let Action::Close { code, .. } = action {
                self.seen.push(format!("close {code}"));
            }
        }
        self.bench.other.retain(|action| !matches!(action, Action::Close { .. }));
    }

    fn wait(&mut self, seconds: u64) {
        self.bench.pass(seconds);
        self.note();
    }

    fn get(&mut self, paths: &[&str], max_depth: u32) {
        let param_paths = paths.iter().map(|path| (*path).to_owned()).collect();
        self.say(ReqType::Get(msg::Get { param_paths, max_depth }));
    }

    fn add(&mut self, allow_partial: bool, objects: &[(&str, &[(&str, &str)])]) {
        self.say(ReqType::Add(add_request(allow_partial, objects)));
    }

    fn set(&mut self, allow_partial: bool, objects: &[Update<'_>]) {
        self.say(ReqType::Set(set_request(allow_partial, objects)));
    }

    fn delete(&mut self, allow_partial: bool, paths: &[&str]) {
        let obj_paths = paths.iter().map(|path| (*path).to_owned()).collect();
        self.say(ReqType::Delete(msg::Delete { allow_partial, obj_paths }));
    }

    fn operate(&mut self, command: &str, arguments: &[(&str, &str)], send_resp: bool) {
        let input_args = arguments.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let command_key = "key".to_owned();
        self.say(ReqType::Operate(msg::Operate { command: command.to_owned(), command_key, send_resp, input_args }));
    }

    fn records(&mut self) {
        self.bench.open(ConnectionId(2), SECOND);
        let get = || {
            request_message(
                "r",
                ReqType::Get(msg::Get { param_paths: vec!["Device.LocalAgent.EndpointID".to_owned()], max_depth: 0 }),
            )
        };
        for (from, to) in [(CONTROLLER, "proto::other"), (AGENT, AGENT), ("proto::stranger", AGENT)] {
            self.bench.record(&plain(from, to, &get()));
            self.note();
        }
        self.bench.record(&Record { version: "9.9".to_owned(), ..plain(CONTROLLER, AGENT, &get()) });
        self.note();
        let actions = self.bench.core.handle_record(self.bench.now, CONNECTION, b"\xff\xff");
        self.bench.take(actions);
        self.note();
        let header = Some(msg::Header { msg_id: "empty".to_owned(), msg_type: 1 });
        self.bench.send_message(&Msg { header, body: Some(msg::Body { msg_body: None }) });
        self.note();
    }

    /// Comes over MQTT and STOMP as well, and goes again.
    fn channels(&mut self) {
        let reached = || Some("usp/agent".to_owned());
        let channels = [Channel::Mqtt { v5: true, topic: reached() }, Channel::Stomp { destination: reached() }];
        for (channel, number) in channels.into_iter().zip(8..) {
            let connection = ConnectionId(number);
            let arrival = Arrival { channel, ..Arrival::of(Some(CONTROLLER), None) };
            let actions = self.bench.core.opened(self.bench.now, connection, arrival);
            let actions = actions.into_iter().chain(self.bench.core.handle_record(self.bench.now, connection, b"\xff"));
            let actions = actions.collect();
            self.bench.take(actions);
            let farewell = self.bench.core.farewell_over(connection, "it is over");
            self.bench.take(farewell.into_iter().collect());
            self.bench.core.closed(connection);
            self.note();
        }
    }

    fn certificates(&mut self) {
        let add = "Device.LocalAgent.AddCertificate()";
        self.operate(add, &[("Alias", "added"), ("Certificate", CERTIFICATE)], true);
        self.get(&["Device.LocalAgent.Certificate."], 0);
        self.operate("Device.LocalAgent.Certificate.1.Delete()", &[], true);
        self.get(&["Device.LocalAgent.Certificate."], 0);
        self.operate(
            "Device.IP.Diagnostics.TraceRoute()",
            &[("Host", "192.0.2.1"), ("ProtocolVersion", "Any"), ("MaxHopCount", "1")],
            true,
        );
        self.wait(5);
        self.get(&["Device.LocalAgent.Request."], 0);
        self.wait(20);
    }

    /// The second Controller, with a Role of its own.
    fn permissions(&mut self) {
        let code = "Device.LocalAgent.Controller.*.ProvisioningCode";
        let subscription: &[(&str, &str)] = &[("Enable", "true"), ("ID", "theirs"), ("ReferenceList", code)];
        self.second(ReqType::Add(add_request(false, &[("Device.LocalAgent.Subscription.", subscription)])));
        let role = "Device.LocalAgent.ControllerTrust.Role.";
        self.add(false, &[(role, &[("Enable", "true"), ("Name", "narrow")]), (role, &[("Name", "off")])]);
        let everything = [("Param", "rwxn"), ("Obj", "rwxn"), ("InstantiatedObj", "rwxn"), ("CommandEvent", "rwxn")];
        let nothing = everything.map(|(name, _)| (name, "----"));
        let permission =
            |targets, order, enable| vec![("Enable", enable), ("Targets", targets), ("Order", order)].into_iter();
        let on = |role: &str| format!("Device.LocalAgent.ControllerTrust.Role.{role}.Permission.");
        let enable = "Device.LocalAgent.Controller.*.BootParameter.*.Enable";
        let (narrow, off, full) = (on("3"), on("4"), on("1"));
        let all: Vec<(&str, Vec<(&str, &str)>)> = vec![
            (&narrow, permission("Device.", "1", "true").chain(everything).collect()),
            (&narrow, permission("Device.LocalAgent.Subscription.", "2", "true").chain(nothing).collect()),
            (&narrow, permission("Device.LocalAgent.Controller.*.", "3", "true").chain(everything).collect()),
            (&narrow, permission(code, "4", "true").chain(nothing).collect()),
            (&narrow, permission("Device.SelfTestDiagnostics()", "5", "true").chain(nothing).collect()),
            (&narrow, permission(enable, "7", "true").chain(nothing).collect()),
            (&narrow, permission("Device.DeviceInfo.", "6", "false").chain(nothing).collect()),
            (&off, permission("Device.", "1", "true").chain(everything).collect()),
            (&full, permission("Device.DeviceInfo.", "3", "true").chain(everything).collect()),
        ];
        for (table, settings) in &all {
            self.add(false, &[(table, settings)]);
        }
        let second = "Device.LocalAgent.Controller.2.";
        for roles in ["Device.LocalAgent.ControllerTrust.Role.3,Device.LocalAgent.ControllerTrust.Role.4", ""] {
            self.set(false, &[(second, &[("AssignedRole", roles, true)])]);
            if roles.is_empty() {
                self.bench.core.report(second, "InheritedRole", "Device.LocalAgent.ControllerTrust.Role.1");
            }
            self.as_second();
        }
    }

    fn as_second(&mut self) {
        let subscription = add_request(false, &[("Device.LocalAgent.Subscription.", &[("ID", "denied")])]);
        let boot = "Device.LocalAgent.Controller.2.BootParameter.";
        let value = "Device.LocalAgent.ControllerTrust.Challenge.1.Value";
        let get = |path: &str| ReqType::Get(msg::Get { param_paths: vec![path.to_owned()], max_depth: 1 });
        let instances = |path: &str| {
            ReqType::GetInstances(msg::GetInstances { obj_paths: vec![path.to_owned()], first_level_only: true })
        };
        let subscriptions = "Device.LocalAgent.Subscription.";
        let supported = msg::GetSupportedDm {
            obj_paths: vec![subscriptions.to_owned()],
            return_params: true,
            ..msg::GetSupportedDm::default()
        };
        let requests = [
            ReqType::Add(subscription),
            ReqType::Add(add_request(false, &[(boot, &[("ParameterName", "Device.DeviceInfo.")])])),
            get(value),
            get("Device.LocalAgent.Controller.2."),
            get("Device.DeviceInfo."),
            instances(subscriptions),
            ReqType::GetSupportedDm(supported),
            ReqType::Delete(msg::Delete { allow_partial: true, obj_paths: vec![format!("{subscriptions}*.")] }),
            ReqType::Operate(msg::Operate {
                command: "Device.SelfTestDiagnostics()".to_owned(),
                send_resp: true,
                ..msg::Operate::default()
            }),
            ReqType::Set(set_request(
                true,
                &[("Device.LocalAgent.Controller.2.", &[("ProvisioningCode", "denied", true)])],
            )),
        ];
        for secured in ["", "Device.LocalAgent.ControllerTrust.Role.1,Device.LocalAgent.ControllerTrust.Role.3"] {
            self.set(false, &[("Device.LocalAgent.ControllerTrust.", &[("SecuredRoles", secured, true)])]);
            for request in requests.clone() {
                self.second(request);
            }
            self.set(false, &[("Device.LocalAgent.Controller.1.", &[("ProvisioningCode", secured, true)])]);
        }
    }

    /// The second Controller sends a Request.
    fn second(&mut self, request: ReqType) {
        self.bench.sent += 1;
        let message = request_message(&format!("second-{}", self.bench.sent), request);
        self.bench.record(&plain(SECOND, AGENT, &message));
        self.note();
    }

    fn reading(&mut self) {
        self.get(&["Device.LocalAgent.EndpointID", "Device.LocalAgent.Invalid", "Device.LocalAgent.Subscription."], 0);
        for max_depth in [0, 1, 2] {
            self.get(&["Device.LocalAgent.Controller.1."], max_depth);
        }
        self.get(&["Device.LocalAgent.Subscription.[Enable==true]."], 0);
        for path in ["Device.LocalAgent.Controller.", "Device.LocalAgent.Controller.[Alias==\"none\"].MTP."] {
            let obj_paths = vec![path.to_owned()];
            self.say(ReqType::GetInstances(msg::GetInstances { obj_paths, first_level_only: false }));
        }
        let controller_supported_protocol_versions = "1.4".to_owned();
        self.say(ReqType::GetSupportedProtocol(msg::GetSupportedProtocol { controller_supported_protocol_versions }));
    }

    fn adding(&mut self) {
        let table = "Device.LocalAgent.Subscription.";
        self.add(
            false,
            &[
                (table, &[("Enable", "true"), ("ID", "one"), ("NotifExpiration", "5")]),
                (table, &[("Enable", "true"), ("NotifExpiration", "10")]),
            ],
        );
        self.add(false, &[(table, &[("ID", "good")]), (table, &[("Enable", "InvalidValue"), ("ID", "bad")])]);
        self.add(
            true,
            &[
                (table, &[("ID", "twenty"), ("NotifExpiration", "20")]),
                (table, &[("ID", "worse"), ("Enable", "InvalidValue")]),
            ],
        );
        self.add(false, &[(table, &[("ID", "one")])]);
        let mut optional = add_request(false, &[(table, &[("Alias", "88InvalidAlias")])]);
        optional.create_objs[0].param_settings[0].required = false;
        self.say(ReqType::Add(optional));
        self.add(
            false,
            &[(
                "Device.LocalAgent.Controller.[Enable==true].BootParameter.",
                &[("Enable", "true"), ("ParameterName", "Device.LocalAgent.EndpointID")],
            )],
        );
        self.get(&[table, "Device.LocalAgent.Controller.*.BootParameter."], 0);
    }

    fn setting(&mut self) {
        let (one, two) = ("Device.LocalAgent.Subscription.1.", "Device.LocalAgent.Subscription.2.");
        self.set(false, &[(one, &[("NotifRetry", "true", true)]), (two, &[("Nothing", "x", true)])]);
        self.set(
            true,
            &[
                (one, &[("NotifExpiration", "6", true)]),
                (two, &[("NotifRetry", "true", true), ("Enable", "InvalidValue", true)]),
            ],
        );
        self.set(
            false,
            &[("Device.LocalAgent.Subscription.*.", &[("TimeToLive", "100000", true), ("Nothing", "x", false)])],
        );
        self.set(true, &[("Device.LocalAgent.Subscription.[Alias==\"none\"].", &[("Enable", "true", true)])]);
        self.set(false, &[(one, &[("ID", "other", true)])]);
        self.set(false, &[("Device.LocalAgent.Controller.1.BootParameter.1.", &[("Alias", "other", true)])]);
        self.get(&["Device.LocalAgent.Subscription.", "Device.LocalAgent.Controller.1.BootParameter."], 0);
    }

    fn searching(&mut self) {
        for identifier in [
            "*",
            "[NotifExpiration>10]",
            "[NotifExpiration<10]",
            "[NotifExpiration>=10]",
            "[NotifExpiration<=10]",
            "[NotifExpiration!=10]",
            "[Enable==true&&NotifExpiration>10]",
        ] {
            self.get(&[&format!("Device.LocalAgent.Subscription.{identifier}.NotifExpiration")], 0);
        }
    }

    fn describing(&mut self) {
        for (path, first_level_only, all) in [
            ("Device.", false, true),
            ("Device.LocalAgent.", true, true),
            ("Device.LocalAgent.", true, false),
            ("Device.LocalAgent.UnsupportedObject.", false, true),
            ("Device.Reboot()", false, true),
        ] {
            self.say(ReqType::GetSupportedDm(msg::GetSupportedDm {
                obj_paths: vec![path.to_owned()],
                first_level_only,
                return_commands: all,
                return_events: all,
                return_params: all,
                return_unique_key_sets: all,
            }));
        }
    }

    fn subscribe(&mut self, id: &str, kind: &str, references: &str, more: &[(&str, &str)]) {
        let mut settings =
            vec![("Enable", "true"), ("ID", id), ("Alias", id), ("NotifType", kind), ("ReferenceList", references)];
        settings.extend_from_slice(more);
        self.add(false, &[("Device.LocalAgent.Subscription.", &settings)]);
    }

    /// Answers the last notification with an id that was noted.
    fn confirm_last(&mut self) {
        let last = self.seen.iter().rev().find(|line| line.contains("msg_type: Notify"));
        let msg_id =
            last.and_then(|line| line.split("msg_id: \"").nth(1)?.split('"').next()).unwrap_or_default().to_owned();
        self.bench.confirm(&msg_id);
        self.note();
    }

    fn notifying(&mut self) {
        let controller = "Device.LocalAgent.Controller.1.";
        self.set(false, &[(controller, &[("PeriodicNotifInterval", "60", true)])]);
        self.subscribe("new", "ObjectCreation", "Device.LocalAgent.Controller.1.BootParameter.", &[]);
        self.subscribe("gone", "ObjectDeletion", "Device.LocalAgent.Controller.1.BootParameter.", &[]);
        self.subscribe("periodic", "Event", "Device.LocalAgent.Periodic!", &[]);
        self.subscribe("search", "ValueChange", "Device.LocalAgent.Controller.*.ProvisioningCode", &[]);
        let settings = "Device.DeviceInfo.FriendlyName=triggered";
        self.subscribe(
            "trigger",
            "ValueChange",
            "Device.LocalAgent.Controller.1.ProvisioningCode",
            &[("TriggerAction", "Config"), ("TriggerConfigSettings", settings)],
        );
        self.subscribe(
            "trigger and tell",
            "ValueChange",
            "Device.LocalAgent.Controller.1.ProvisioningCode",
            &[("TriggerAction", "NotifyAndConfig"), ("TriggerConfigSettings", settings)],
        );
        self.add(
            false,
            &[("Device.LocalAgent.Controller.1.BootParameter.", &[("ParameterName", "Device.DeviceInfo.ModelName")])],
        );
        self.delete(false, &["Device.LocalAgent.Controller.1.BootParameter.2."]);
        self.set(false, &[(controller, &[("ProvisioningCode", "a", true)])]);
        self.get(&["Device.DeviceInfo.FriendlyName"], 0);
        self.wait(130);
        self.delete(false, &["Device.LocalAgent.Subscription.[ID!=\"kept\"]."]);
        self.set(false, &[(controller, &[("ProvisioningCode", "b", true)])]);
        self.set(false, &[(controller, &[("PeriodicNotifInterval", "86400", true)])]);
        self.retrying(controller);
    }

    fn retrying(&mut self, controller: &str) {
        let code = "Device.LocalAgent.Controller.1.ProvisioningCode";
        self.subscribe(
            "retry",
            "ValueChange",
            code,
            &[("NotifRetry", "true"), ("NotifExpiration", "40"), ("TimeToLive", "300")],
        );
        self.set(false, &[(controller, &[("ProvisioningCode", "c", true)])]);
        self.wait(6);
        self.wait(100);
        self.set(false, &[(controller, &[("ProvisioningCode", "d", true)])]);
        self.confirm_last();
        self.wait(30);
        self.wait(200);
        self.set(false, &[(controller, &[("ProvisioningCode", "e", true)])]);
        self.wait(50);
        self.on_boarding(controller);
    }

    fn on_boarding(&mut self, controller: &str) {
        for restart in ["60", "0"] {
            self.set(
                false,
                &[(controller, &[("OnBoardingRestartTime", restart, true), ("OnBoardingComplete", "true", true)])],
            );
            self.operate(&format!("{controller}SendOnBoardRequest()"), &[], true);
            self.confirm_last();
            self.get(&[&format!("{controller}OnBoardingComplete")], 0);
            self.wait(65);
            self.confirm_last();
            self.set(false, &[(controller, &[("OnBoardingComplete", "true", true)])]);
            self.wait(70);
        }
    }

    fn operating(&mut self) {
        self.subscribe("op", "OperationComplete", "Device.ScheduleTimer()", &[]);
        self.operate("Device.ScheduleTimer()", &[("DelaySeconds", "10"), ("InvalidArgument", "2")], true);
        self.get(&["Device.LocalAgent.Request."], 0);
        self.operate("Device.ScheduleTimer()", &[], true);
        self.operate("Device.ScheduleTimer()", &[("DelaySeconds", "10")], false);
        self.wait(20);
        let rights = [("Enable", "true"), ("Targets", "Device.DeviceInfo."), ("Param", "r---"), ("Obj", "r---")];
        self.add(false, &[("Device.LocalAgent.ControllerTrust.Role.1.Permission.", &rights)]);
        self.set(false, &[("Device.DeviceInfo.", &[("ProvisioningCode", "denied", true)])]);
    }

    fn deleting(&mut self) {
        for id in ["d1", "d2", "d3", "d4"] {
            self.subscribe(id, "Event", "Device.Boot!", &[("NotifExpiration", "77")]);
        }
        self.delete(false, &["Device.LocalAgent.Subscription.[ID==\"d1\"].", "Device.LocalAgent.InvalidObject."]);
        self.delete(true, &["Device.LocalAgent.Subscription.[ID==\"d1\"].", "Device.LocalAgent.InvalidObject."]);
        self.delete(false, &["Device.LocalAgent.Subscription.9999."]);
        self.delete(false, &["Device.LocalAgent.Subscription.[Alias==\"none\"]."]);
        self.delete(false, &["Device.LocalAgent.Subscription.[NotifExpiration==77]."]);
        let theirs = add_request(false, &[("Device.LocalAgent.Subscription.", &[("ID", "theirs")])]);
        self.bench.record(&plain(SECOND, AGENT, &request_message("s", ReqType::Add(theirs))));
        self.delete(false, &["Device.LocalAgent.Controller.2."]);
        self.get(&["Device.LocalAgent.Subscription."], 0);
    }

    fn rebooting(&mut self) {
        self.subscribe("boot", "Event", "Device.Boot!", &[("Persistent", "true")]);
        self.operate("Device.Reboot()", &[], true);
        if self.bench.other.is_empty() {
            self.seen.push("no reboot".to_owned());
            return;
        }
        self.bench.restart();
        self.note();
        self.get(&["Device.LocalAgent.Subscription."], 0);
    }
}
