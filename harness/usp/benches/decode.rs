//! How long one received Record takes: strict scan and typed value, of the Record and of the Message in it.
#![allow(missing_docs, clippy::unwrap_used, reason = "a benchmark is no library")]

use divan::{Bencher, black_box};
use prost::Message as _;
use serde_json::{Value, json};
use uspec_usp::{
    decode::{decode_message, decode_record, payload},
    json::{build_message, build_record, message_to_value},
    schema::{Content, MessageKind},
};

/// Rows of a Get Response: one Parameter, one Object, a large table.
const ROWS: [usize; 3] = [1, 20, 500];

fn main() {
    divan::main();
}

fn record(content: Content, body: &Value) -> Vec<u8> {
    let message = build_message(content, "1", body).unwrap().encode_to_vec();
    let hex = hex::encode(message);
    let record =
        json!({"version": "1.3", "to_id": "self::a", "from_id": "self::b", "no_session_context": {"payload": hex}});
    build_record(&record).unwrap().encode_to_vec()
}

fn get_resp(rows: usize) -> Vec<u8> {
    let results: Vec<_> = (1..=rows)
        .map(|row| {
            let params = json!({"Enable": "true", "ID": format!("subscription-{row}"), "NotifType": "ValueChange"});
            json!({"resolved_path": format!("Device.LocalAgent.Subscription.{row}."), "result_params": params})
        })
        .collect();
    let result = json!({"requested_path": "Device.LocalAgent.Subscription.", "resolved_path_results": results});
    record(Content::Response(MessageKind::Get), &json!({"req_path_results": [result]}))
}

fn decode(bytes: &[u8]) {
    let record = decode_record(black_box(bytes)).value.unwrap();
    black_box(decode_message(&payload(&record).message().unwrap()));
}

#[divan::bench]
fn get(bencher: Bencher<'_, '_>) {
    let bytes = record(Content::Request(MessageKind::Get), &json!({"param_paths": ["Device.DeviceInfo.ModelNumber"]}));
    bencher.bench_local(|| decode(&bytes));
}

#[divan::bench(args = ROWS)]
fn get_response(bencher: Bencher<'_, '_>, rows: usize) {
    let bytes = get_resp(rows);
    bencher.bench_local(|| decode(&bytes));
}

#[divan::bench(args = ROWS)]
fn get_response_to_json(bencher: Bencher<'_, '_>, rows: usize) {
    let bytes = get_resp(rows);
    let message = payload(&decode_record(&bytes).value.unwrap()).message().unwrap().into_owned();
    bencher.bench_local(|| black_box(message_to_value(black_box(&message))));
}
