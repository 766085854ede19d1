#![no_main]

libfuzzer_sys::fuzz_target!(|octets: &[u8]| uspec_mtp::fuzzing::mqtt_packets(octets));
