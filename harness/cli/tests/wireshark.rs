//! Captures, as Wireshark reads them: `tshark` dissects the bundled Agent's connections over each MTP without finding anything malformed.
//! `ci/check` runs these where tshark is installed; elsewhere they are shown as ignored.
#![allow(clippy::unwrap_used)] // a test may stop on the first surprise

use rstest::rstest;
use std::{collections::BTreeSet, fs, path::Path, process::Command};
use uspec_cli::{
    bundled::{Bundled, Where},
    campaign::Event,
    load,
};
use uspec_report::pcapng::{Openings, render};
use uspec_testplan::{
    catalogue::{Catalogue, Source},
    selection::Selection,
    trace::{Direction, Trace, What},
};

/// Runs cases over one MTP of the bundled Agent; the Traces in their order, that of bring-up first.
fn traces(mtp: &str, cases: &[&str]) -> Vec<Trace> {
    let mut profile = load::profile(None).unwrap();
    profile.mtps.retain(|it| it.name == mtp);
    let catalogue = Catalogue::load(&Source::Embedded).unwrap();
    let selection = cases.iter().fold(Selection::all(), |all, case| all.id(case).unwrap());
    let mut traces = Vec::new();
    let agent = Bundled::new(&profile, &[], Where::Memory).unwrap();
    let judged = agent.judge(&catalogue, &selection, &mut |event| {
        if let Event::BroughtUp { trace, .. } | Event::Judged { trace, .. } = event {
            traces.push(trace.clone());
        }
        None
    });
    judged.unwrap();
    traces
}

/// What tshark prints of a capture.
fn tshark(capture: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new("tshark");
    command.args(["-o", "tcp.check_checksum:TRUE", "-o", "ip.check_checksum:TRUE", "-r"]).arg(capture).args(arguments);
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Everything that it does not like: what cannot be dissected, wrong checksums, streams with holes.
const WRONG: &str = "_ws.malformed || _ws.expert.severity >= 0x00600000 || tcp.analysis.flags || tcp.checksum.status == 0 || ip.checksum.status == 0";

#[rstest]
#[case::websocket("websocket", &["websocket"])]
#[case::websocket_tls("websocket-tls", &["websocket"])]
#[case::websocket_server("websocket-server", &["websocket"])]
#[case::mqtt5("mqtt5", &["mqtt"])]
#[case::mqtt5_tls("mqtt5-tls", &["mqtt"])]
#[case::mqtt311("mqtt311", &["mqtt"])]
// Wireshark has no dissector for these: their octets are shown as they are.
#[case::stomp("stomp", &["tcp"])]
#[case::uds("uds", &["tcp"])]
#[ignore = "needs tshark, which ci/check looks for"]
fn tshark_dissects_every_capture(#[case] mtp: &str, #[case] protocols: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut openings = Openings::default();
    // Each kind of Message, a reconnection, pings, and a second case on the same connection.
    for trace in traces(mtp, &["1.1", "1.36", "1.66", "7.7", "6.8", "11.15"]) {
        let path = folder.path().join(format!("{}.pcapng", trace.header.case));
        fs::write(&path, render(&trace, &openings, None)).unwrap();
        openings.learn(&trace);
        assert_eq!(tshark(&path, &["-Y", WRONG]), "", "{} over {mtp}", trace.header.case);
        let seen: BTreeSet<String> = tshark(&path, &["-T", "fields", "-e", "frame.protocols"])
            .lines()
            .flat_map(|line| line.split(':').map(str::to_owned).collect::<Vec<_>>())
            .collect();
        for protocol in protocols {
            assert!(seen.contains(*protocol), "{} over {mtp}: {seen:?}", trace.header.case);
        }
        assert_same_octets(&path, &trace);
    }
}

#[test]
#[ignore = "needs tshark, which ci/check looks for"]
fn a_connection_that_the_harness_breaks_is_reset_by_the_harness() {
    let folder = tempfile::tempdir().unwrap();
    let mut openings = Openings::default();
    for trace in traces("websocket", &["7.8"]) {
        let path = folder.path().join(format!("{}.pcapng", trace.header.case));
        fs::write(&path, render(&trace, &openings, None)).unwrap();
        openings.learn(&trace);
        assert_eq!(tshark(&path, &["-Y", &format!("({WRONG}) && !(tcp.flags.reset == 1)")]), "");
        let resets = tshark(&path, &["-T", "fields", "-e", "ip.src", "-Y", "tcp.flags.reset == 1"]);
        let expected = if trace.header.case.to_string() == "7.8" { "192.0.2.1\n" } else { "" };
        assert_eq!(resets, expected, "{}", trace.header.case);
    }
}

/// What tshark sees of each direction ends with what the Trace has of it: its opening may stand before.
fn assert_same_octets(path: &Path, trace: &Trace) {
    let fields = ["-T", "fields", "-e", "ip.src", "-e", "tcp.payload", "-Y", "tcp.len > 0"];
    let rows = tshark(path, &fields);
    for (way, address) in [(Direction::Sent, "192.0.2.1"), (Direction::Received, "192.0.2.2")] {
        let of_trace: Vec<u8> = trace
            .events
            .iter()
            .filter_map(|event| match &event.what {
                What::Octets { direction, bytes, .. } if *direction == way => Some(bytes.as_slice()),
                _ => None,
            })
            .collect::<Vec<_>>()
            .concat();
        let of_capture: String = rows
            .lines()
            .filter_map(|row| row.split_once('\t'))
            .filter(|(from, _)| *from == address)
            .map(|it| it.1)
            .collect();
        assert!(of_capture.ends_with(&hex::encode(&of_trace)), "{} over {}", trace.header.case, trace.header.mtp);
    }
}
