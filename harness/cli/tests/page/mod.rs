//! What is packed in a page of the report.
#![allow(unreachable_pub)] // a module of test binaries

use base64::{Engine as _, engine::general_purpose::STANDARD};
use flate2::read::DeflateDecoder;
use std::io::Read as _;

/// The details of its results that ran, in their order, as JSON.
pub fn details(page: &str) -> Vec<String> {
    let packed = page.split("id=\"detail-").skip(1).map(|it| it.split(['>', '<']).nth(1).unwrap());
    let unpacked = packed.map(|packed| {
        let mut detail = String::new();
        DeflateDecoder::new(STANDARD.decode(packed).unwrap().as_slice()).read_to_string(&mut detail).unwrap();
        detail
    });
    unpacked.collect()
}
