//! What the Controller sends: Records as they should be, and Records that need not be right.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use uspec_testplan::{case::Send, template::Undefined, template::substitute_in};
use uspec_usp::{
    json::{build_record, encode_body, record_to_value},
    msg::{Msg, NotifyResp, body::MsgBody, header::MsgType, response::RespType},
    record::{NoSessionContextRecord, Record, record::RecordType},
};

/// A Record without session context that carries `payload` in the clear.
pub(crate) fn plain_record(version: &str, to: &str, from: &str, payload: Vec<u8>) -> Vec<u8> {
    let record = Record {
        version: version.to_owned(),
        to_id: to.to_owned(),
        from_id: from.to_owned(),
        record_type: Some(RecordType::NoSessionContext(NoSessionContextRecord { payload })),
        ..Record::default()
    };
    prost::Message::encode_to_vec(&record)
}

/// The Message that answers a Notify (R-NOT.2).
pub(crate) fn notify_response(msg_id: &str, subscription_id: &str) -> Vec<u8> {
    let response = uspec_usp::msg::Response {
        resp_type: Some(RespType::NotifyResp(NotifyResp { subscription_id: subscription_id.to_owned() })),
    };
    let message = Msg {
        header: Some(uspec_usp::msg::Header { msg_id: msg_id.to_owned(), msg_type: MsgType::NotifyResp.into() }),
        body: Some(uspec_usp::msg::Body { msg_body: Some(MsgBody::Response(response)) }),
    };
    prost::Message::encode_to_vec(&message)
}

/// Who the Controller is and whom it talks to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Envelope {
    pub(crate) version: String,
    pub(crate) to: String,
    pub(crate) from: String,
}

impl Envelope {
    /// A right Record around a Message.
    pub(crate) fn wrap(&self, message: Vec<u8>) -> Vec<u8> {
        plain_record(&self.version, &self.to, &self.from, message)
    }
}

/// Why what a step says cannot be built.
#[derive(Debug, thiserror::Error)]
pub(crate) enum BuildError {
    /// A variable without a value: an earlier step did not yield it.
    #[error(transparent)]
    Undefined(#[from] Undefined),
    /// The author's text does not fit the schema once its variables are filled in.
    #[error("{0}")]
    Unfit(String),
}

/// The bytes that a `send` step puts into one message of the MTP.
pub(crate) fn build_send(
    send: &Send,
    msg_id: &str,
    envelope: &Envelope,
    variables: &BTreeMap<String, String>,
) -> Result<Vec<u8>, BuildError> {
    if let Some(bytes) = &send.bytes {
        return Ok(bytes.clone());
    }
    let message = match &send.message {
        Some((kind, body)) => {
            let body = substitute_in(body, variables)?;
            encode_body(*kind, msg_id, &body).map_err(|errors| BuildError::Unfit(joined(&errors)))?
        }
        None => Vec::new(),
    };
    let overrides = substitute_in(&Value::Object(send.record.clone().into_iter().collect()), variables)?;
    let mut bytes = overridden(envelope.wrap(message), &overrides)?;
    if let Some(cut) = send.truncate {
        bytes.truncate(bytes.len().saturating_sub(cut));
    }
    Ok(bytes)
}

/// The Record with some of its fields replaced. A member of `record_type` takes the place of the one that is there.
fn overridden(bytes: Vec<u8>, overrides: &Value) -> Result<Vec<u8>, BuildError> {
    let Some(overrides) = overrides.as_object().filter(|fields| !fields.is_empty()) else { return Ok(bytes) };
    let unfit = |error: &dyn std::fmt::Display| BuildError::Unfit(error.to_string());
    let mut record = record_to_value(&bytes).map_err(|error| unfit(&error))?;
    let Some(fields) = record.as_object_mut() else { return Ok(bytes) };
    if overrides.keys().any(|name| RECORD_TYPES.contains(&name.as_str())) {
        for name in RECORD_TYPES {
            fields.shift_remove(name);
        }
    }
    fields.extend(overrides.clone());
    let built = build_record(&record).map_err(|errors| BuildError::Unfit(joined(&errors)))?;
    Ok(prost::Message::encode_to_vec(&built))
}

/// The members of the Record's oneof.
pub(crate) const RECORD_TYPES: [&str; 7] = [
    "no_session_context",
    "session_context",
    "websocket_connect",
    "mqtt_connect",
    "stomp_connect",
    "disconnect",
    "uds_connect",
];

/// Field errors in one line.
pub(crate) fn joined(errors: &[impl std::fmt::Display]) -> String {
    errors.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// The body of an Operate that the runner itself sends.
pub(crate) fn operate(command: &str, command_key: &str) -> Value {
    json!({"command": command, "command_key": command_key, "send_resp": true})
}

#[cfg(test)]
mod tests {
    use super::*;
    use uspec_usp::schema::MessageKind;

    fn envelope() -> Envelope {
        Envelope { version: "1.3".into(), to: "self::eut".into(), from: "self::us".into() }
    }

    fn variables() -> BTreeMap<String, String> {
        BTreeMap::from([("eut.endpoint_id".to_owned(), "self::eut".to_owned())])
    }

    fn get() -> Send {
        Send { message: Some((MessageKind::Get, json!({"param_paths": ["Device."]}))), ..Send::default() }
    }

    fn read(bytes: &[u8]) -> Record {
        prost::Message::decode(bytes).unwrap()
    }

    #[test]
    fn any_field_of_the_record_can_be_replaced() {
        let record = BTreeMap::from([
            ("version".to_owned(), json!("9.9")),
            ("from_id".to_owned(), json!("not {{eut.endpoint_id}}")),
        ]);
        let send = Send { record, ..get() };
        let built = read(&build_send(&send, "m", &envelope(), &variables()).unwrap());
        assert_eq!(
            (built.version.as_str(), built.from_id.as_str(), built.to_id.as_str()),
            ("9.9", "not self::eut", "self::eut")
        );
        let right = read(&build_send(&get(), "m", &envelope(), &variables()).unwrap());
        assert_eq!(built.record_type, right.record_type);
    }

    #[test]
    fn another_record_type_takes_the_place_of_the_right_one() {
        let record = BTreeMap::from([("disconnect".to_owned(), json!({"reason": "enough", "reason_code": 7100}))]);
        let built = read(&build_send(&Send { record, ..get() }, "m", &envelope(), &variables()).unwrap());
        assert!(matches!(built.record_type, Some(RecordType::Disconnect(_))));
    }

    #[test]
    fn bytes_go_out_as_they_are_and_records_are_cut_at_their_end() {
        let bytes = Send { bytes: Some(vec![0xff; 3]), ..Send::default() };
        assert_eq!(build_send(&bytes, "m", &envelope(), &variables()).unwrap(), [0xff; 3]);
        let whole = build_send(&get(), "m", &envelope(), &variables()).unwrap();
        let cut = build_send(&Send { truncate: Some(3), ..get() }, "m", &envelope(), &variables()).unwrap();
        assert_eq!(cut, whole[..whole.len() - 3]);
    }

    #[test]
    fn an_undefined_variable_is_the_eut_s_and_a_wrong_field_the_author_s() {
        let send = |name: &str, value: Value| Send { record: BTreeMap::from([(name.to_owned(), value)]), ..get() };
        let undefined = build_send(&send("to_id", json!("{{gone}}")), "m", &envelope(), &variables());
        assert!(matches!(undefined, Err(BuildError::Undefined(_))));
        let unfit = build_send(&send("to", json!("x")), "m", &envelope(), &variables());
        assert!(matches!(unfit, Err(BuildError::Unfit(_))));
    }
}
