#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| uspec_mtp::fuzzing::websocket_frames(octets));
