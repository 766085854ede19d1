//! What our row in the EUT's Controller table says: where it is, our Role, and the rows of the MTP in use.

use serde_json::Value;
use uspec_testplan::trace::MtpFacts;

/// The table that our row stands in.
pub(crate) const CONTROLLERS: &str = "Device.LocalAgent.Controller.";

/// The EUT's own MTPs.
pub(crate) const AGENT_MTPS: &str = "Device.LocalAgent.MTP.";

/// Our row in the EUT's Controller table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Row {
    /// Its path.
    pub(crate) path: String,
    /// Its Alias, where it has one.
    pub(crate) alias: Option<String>,
    /// Our first Role.
    pub(crate) role: Result<String, String>,
    /// The row of its MTP table that is in use.
    pub(crate) mtp: Result<String, String>,
    /// The name under which the EUT reaches us over that MTP.
    pub(crate) host: Option<String>,
    /// The row that describes the connection in use: a client of MQTT, a connection of STOMP, a UNIX domain socket.
    pub(crate) transport: Option<String>,
}

/// The row whose `EndpointID` is ours.
pub(crate) fn our_row(body: &Value, ours: &str, facts: &MtpFacts) -> Option<Row> {
    resolved(body).find_map(|(path, params)| {
        let is_ours = instance_of(CONTROLLERS, path) && text(params, "EndpointID") == Some(ours);
        is_ours.then(|| {
            let table = format!("{path}MTP.");
            let mtp = in_use(body, &table, facts, None);
            let webs = mtp.as_ref().ok().and_then(|row| params_of(body, &format!("{row}WebSocket.")));
            let host = webs.and_then(|params| text(params, "Host")).filter(|host| !host.is_empty());
            let transport = mtp.as_ref().ok().and_then(|row| transport(body, row, facts));
            Row {
                path: path.to_owned(),
                alias: text(params, "Alias").filter(|alias| !alias.is_empty()).map(str::to_owned),
                role: role(path, params),
                mtp,
                host: host.map(str::to_owned),
                transport,
            }
        })
    })
}

/// The EUT's own row for the MTP in use; `port` is where it listens, when it does.
pub(crate) fn agent_mtp(body: &Value, facts: &MtpFacts, port: Option<u16>) -> Result<String, String> {
    in_use(body, AGENT_MTPS, facts, port)
}

/// The row that an MTP row refers to for its connection, with the final dot; none where the MTP has no such thing, or the row does not say.
pub(crate) fn transport(body: &Value, row: &str, facts: &MtpFacts) -> Option<String> {
    let (object, parameter) = match facts.kind.as_str() {
        "mqtt" => ("MQTT.", "Reference"),
        "stomp" => ("STOMP.", "Reference"),
        "uds" => ("UDS.", "UnixDomainSocketRef"),
        _ => return None,
    };
    let path = text(params_of(body, &format!("{row}{object}"))?, parameter).filter(|path| !path.is_empty())?;
    Some(if path.ends_with('.') { path.to_owned() } else { format!("{path}.") })
}

/// The resolved paths of a GetResp and their parameters.
pub(crate) fn resolved(body: &Value) -> impl Iterator<Item = (&str, &Value)> {
    let results = body.get("req_path_results").and_then(Value::as_array).into_iter().flatten();
    let resolved = results.filter_map(|result| result.get("resolved_path_results")?.as_array()).flatten();
    resolved.filter_map(|one| Some((one.get("resolved_path")?.as_str()?, one.get("result_params")?)))
}

/// The Role that we were given counts before the one that our certificate brought; either is a list.
fn role(path: &str, params: &Value) -> Result<String, String> {
    let listed = ["AssignedRole", "InheritedRole"].into_iter().filter_map(|name| text(params, name));
    let first = listed.flat_map(|list| list.split(',')).map(str::trim).find(|role| !role.is_empty());
    let role = first.ok_or_else(|| format!("neither AssignedRole nor InheritedRole of {path} names a Role"))?;
    Ok(if role.ends_with('.') { role.to_owned() } else { format!("{role}.") })
}

/// The row of an MTP table that is for the MTP in use: an enabled one, and among several the one that fits best.
fn in_use(body: &Value, table: &str, facts: &MtpFacts, port: Option<u16>) -> Result<String, String> {
    let rows = resolved(body).filter(|(path, _)| instance_of(table, path));
    let fitting = rows.filter(|(_, params)| text(params, "Protocol") == Some(protocol(facts)));
    let score = |path: &str, params: &Value| {
        let details = params_of(body, &format!("{path}WebSocket."));
        let encrypted = details
            .and_then(|it| text(it, "EnableEncryption").or_else(|| text(it, "IsEncrypted")))
            .is_some_and(|value| is_true(value) == facts.tls);
        let at_port = port.is_some_and(|port| {
            details.and_then(|it| text(it, "Port")).and_then(|text| text.parse().ok()) == Some(port)
        });
        let enabled = text(params, "Enable").is_none_or(is_true);
        (enabled, at_port, encrypted)
    };
    let mut best: Option<(&str, (bool, bool, bool))> = None;
    for (path, params) in fitting {
        let score = score(path, params);
        if best.is_none_or(|(_, so_far)| score > so_far) {
            best = Some((path, score));
        }
    }
    best.map(|(path, _)| path.to_owned()).ok_or_else(|| format!("{table} shows no row for {}", protocol(facts)))
}

/// The value of `Protocol` for the MTP.
fn protocol(facts: &MtpFacts) -> &'static str {
    match facts.kind.as_str() {
        "mqtt" => "MQTT",
        "stomp" => "STOMP",
        "uds" => "UDS",
        _ => "WebSocket",
    }
}

fn params_of<'a>(body: &'a Value, wanted: &str) -> Option<&'a Value> {
    resolved(body).find(|(path, _)| *path == wanted).map(|(_, params)| params)
}

fn text<'a>(params: &'a Value, name: &str) -> Option<&'a str> {
    params.get(name).and_then(Value::as_str)
}

fn is_true(value: &str) -> bool {
    matches!(value, "true" | "1")
}

/// Whether a path is that of a row of this very table.
fn instance_of(table: &str, path: &str) -> bool {
    let number = path.strip_prefix(table).and_then(|rest| rest.strip_suffix('.')).unwrap_or_default();
    !number.is_empty() && number.bytes().all(|digit| digit.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use serde_json::json;
    use uspec_testplan::profile::Role;

    fn facts(tls: bool) -> MtpFacts {
        MtpFacts::direct("websocket", Some(Role::EutConnects), tls)
    }

    fn body(objects: &[(&str, Value)]) -> Value {
        let all: Vec<_> =
            objects.iter().map(|(path, params)| json!({"resolved_path": path, "result_params": params})).collect();
        json!({"req_path_results": [{"resolved_path_results": all}]})
    }

    fn whole() -> Value {
        let row = |n: u8| format!("Device.LocalAgent.Controller.2.MTP.{n}.");
        body(&[
            ("Device.LocalAgent.Controller.1.", json!({"EndpointID": "self::other", "AssignedRole": "x"})),
            (
                "Device.LocalAgent.Controller.2.",
                json!({"EndpointID": "self::us", "Alias": "cpe-2", "AssignedRole": "",
                "InheritedRole": "Device.LocalAgent.ControllerTrust.Role.3, Device.LocalAgent.ControllerTrust.Role.4"}),
            ),
            (&row(1), json!({"Protocol": "MQTT", "Enable": "true"})),
            (&row(2), json!({"Protocol": "WebSocket", "Enable": "false"})),
            (&row(3), json!({"Protocol": "WebSocket", "Enable": "1"})),
            (&format!("{}WebSocket.", row(3)), json!({"Host": "bench.example", "EnableEncryption": "false"})),
            (&row(4), json!({"Protocol": "WebSocket", "Enable": "true"})),
            (&format!("{}WebSocket.", row(4)), json!({"Host": "tls.example", "EnableEncryption": "1"})),
        ])
    }

    #[rstest]
    #[case(false, "Device.LocalAgent.Controller.2.MTP.3.", "bench.example")]
    #[case(true, "Device.LocalAgent.Controller.2.MTP.4.", "tls.example")]
    fn our_row_tells_role_and_mtp(#[case] tls: bool, #[case] mtp: &str, #[case] host: &str) {
        let row = our_row(&whole(), "self::us", &facts(tls)).unwrap();
        assert_eq!(row.path, "Device.LocalAgent.Controller.2.");
        assert_eq!(row.role.as_deref(), Ok("Device.LocalAgent.ControllerTrust.Role.3."));
        assert_eq!((row.mtp.as_deref(), row.host.as_deref()), (Ok(mtp), Some(host)));
    }

    #[test]
    fn what_the_row_does_not_say_has_a_reason() {
        let row = our_row(
            &body(&[("Device.LocalAgent.Controller.1.", json!({"EndpointID": "self::us"}))]),
            "self::us",
            &facts(false),
        )
        .unwrap();
        assert!(row.role.unwrap_err().contains("AssignedRole") && row.mtp.unwrap_err().contains("WebSocket"));
    }

    #[rstest]
    #[case("mqtt", "MQTT", json!({"Reference": "Device.MQTT.Client.2"}), Some("Device.MQTT.Client.2."))]
    #[case("stomp", "STOMP", json!({"Reference": "Device.STOMP.Connection.1."}), Some("Device.STOMP.Connection.1."))]
    #[case("uds", "UDS", json!({"UnixDomainSocketRef": "Device.UnixDomainSockets.UnixDomainSocket.3"}),
        Some("Device.UnixDomainSockets.UnixDomainSocket.3."))]
    #[case("mqtt", "MQTT", json!({"Reference": ""}), None)]
    #[case("websocket", "WebSocket", json!({"Host": "h"}), None)]
    fn the_row_refers_to_its_connection(
        #[case] kind: &str,
        #[case] object: &str,
        #[case] params: Value,
        #[case] expected: Option<&str>,
    ) {
        let body = body(&[
            ("Device.LocalAgent.Controller.1.", json!({"EndpointID": "self::us", "AssignedRole": "a"})),
            ("Device.LocalAgent.Controller.1.MTP.1.", json!({"Protocol": object, "Enable": "true"})),
            (&format!("Device.LocalAgent.Controller.1.MTP.1.{object}."), params),
        ]);
        let row = our_row(&body, "self::us", &MtpFacts { kind: kind.into(), ..facts(false) }).unwrap();
        assert_eq!(row.transport.as_deref(), expected);
    }

    #[rstest]
    #[case(Some(9000), Ok("Device.LocalAgent.MTP.2."))]
    #[case(None, Ok("Device.LocalAgent.MTP.1."))]
    fn where_the_eut_listens_its_port_tells_the_row(#[case] port: Option<u16>, #[case] expected: Result<&str, &str>) {
        let body = body(&[
            ("Device.LocalAgent.MTP.1.", json!({"Protocol": "WebSocket", "Enable": "true"})),
            ("Device.LocalAgent.MTP.1.WebSocket.", json!({"Port": "8183"})),
            ("Device.LocalAgent.MTP.2.", json!({"Protocol": "WebSocket", "Enable": "true"})),
            ("Device.LocalAgent.MTP.2.WebSocket.", json!({"Port": "9000"})),
        ]);
        assert_eq!(agent_mtp(&body, &facts(false), port).as_deref().map_err(|_| ""), expected);
    }
}
