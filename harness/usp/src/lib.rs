//! TR-369 itself, without I/O and without a clock: Record, Message, Endpoint ID, path grammar, error codes.
//!
//! One decision behind it: what a peer sent is never judged by prost's lenient decoder alone. Typed values
//! (`record`, `msg`) are for code that acts; the strict scanner in `decode` reports everything that prost keeps silent about.

/// The USP Record (R-ENC.1), typed by prost from `proto/usp-record.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod record {
    include!(concat!(env!("OUT_DIR"), "/usp_record.rs"));
}

/// The USP Message (R-ENC.0), typed by prost from `proto/usp-msg.proto`.
#[allow(missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]
pub mod msg {
    include!(concat!(env!("OUT_DIR"), "/usp.rs"));
}

pub mod decode;
pub mod endpoint_id;
pub mod error_code;
pub mod field_path;
pub mod json;
pub mod path;
pub mod schema;
pub mod version;
