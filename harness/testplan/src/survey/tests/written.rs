//! What is written loads to what was found, whatever that was.

use std::path::Path;

use proptest::prelude::*;

use super::*;
use crate::profile::{Broker, Draft, EutProfile, FeaturePolicy, Stomp, TlsFiles, Uds};

/// Writes and reads.
fn round(survey: &Survey, mtp: &Mtp, name: Option<&str>) -> (String, EutProfile, Choices) {
    let choices = survey.choose(&CATALOGUE, mtp);
    let text = draft(survey, &choices, mtp, name).text();
    let read = EutProfile::parse("eut.yaml", &text, Path::new("")).unwrap_or_else(|wrong| panic!("{wrong}\n{text}"));
    (text, read, choices)
}

fn draft<'a>(survey: &'a Survey, choices: &'a Choices, mtp: &'a Mtp, name: Option<&'a str>) -> Draft<'a> {
    Draft {
        name,
        eut_endpoint_id: None,
        controller_endpoint_id: "proto::us",
        second_endpoint_id: "self::second",
        mtp,
        met: Some((survey, choices)),
    }
}

/// As [`super::surveyed`], of a device that also said who it is.
fn device(words: &[&str]) -> Survey {
    Survey {
        endpoint_id: Some("os::012345-1".into()),
        usp_versions: vec!["1.2".into(), "1.3".into()],
        device: Device { model_name: Some("Box".into()), software_version: Some("2.1".into()), ..Device::default() },
        ..surveyed(words, Some(&["Device.LocalAgent.Controller.1."]))
    }
}

#[test]
fn the_profile_says_what_was_found() {
    let (text, read, choices) = round(&device(&[BASE, "Device.SelfTestDiagnostics()&"]), &websocket(None), None);
    assert_eq!((read.name.as_str(), read.eut_endpoint_id.as_deref()), ("Box 2.1", Some("os::012345-1")));
    assert_eq!(read.usp_versions, ["1.2", "1.3"]);
    assert_eq!(read.mtps, [websocket(None)]);
    assert_eq!(read.elements["async_command"], "Device.SelfTestDiagnostics()");
    let has: Vec<_> = choices.features.iter().filter(|it| it.has == Some(true)).map(|it| it.id).collect();
    assert_eq!(read.features, FeaturePolicy::List(has));
    for feature in &choices.features {
        assert!(
            text.contains(&format!("# {}, {}: ", feature.id, feature.name).chars().take(40).collect::<String>()),
            "{}",
            feature.id
        );
    }
}

#[test]
fn a_model_that_is_not_whole_is_asked_for_again_at_each_run() {
    let survey =
        Survey { supported_whole: false, missing: vec!["half of it".into()], ..device(&[BASE, "Device.Reboot()"]) };
    let (text, read, _) = round(&survey, &websocket(None), None);
    assert!(matches!(&read.features, FeaturePolicy::Auto { claim, deny } if claim.contains(&1) && deny.is_empty()));
    assert!(text.contains("# MISSING: half of it"), "{text}");
    let (_, read, _) = round(&Survey::default(), &websocket(None), None);
    assert!(matches!(&read.features, FeaturePolicy::Auto { claim, .. } if claim == &[19]), "the MTP itself is known");
    assert_eq!((read.name.as_str(), read.eut_endpoint_id), ("My device", None));
}

#[rstest]
#[case::no_endpoint_id("nonsense")]
#[case::the_word_for_any("any")]
#[case::two_lines("os::1\n2")]
fn an_endpoint_id_that_is_none_is_shown_and_not_used(#[case] id: &str) {
    let survey = Survey { endpoint_id: Some(id.into()), ..device(&[BASE]) };
    let (text, read, _) = round(&survey, &websocket(None), None);
    assert_eq!(read.eut_endpoint_id, None);
    assert!(text.contains("which is none"), "{text}");
}

fn mtps() -> Vec<Mtp> {
    let address = || Address { host: "::1".into(), port: 9 };
    let named = |name: &str, transport| Mtp { name: name.into(), transport };
    let mut all = vec![websocket(None), websocket(Some(Tls::Generate)), mqtt(MqttVersion::V5), mqtt(MqttVersion::V311)];
    let stomp = |username: Option<&str>| {
        Transport::Stomp(Stomp {
            broker: Broker::Beside,
            address: address(),
            controller_destination: "/queue/c".into(),
            agent_destination: username.map(|_| "/queue/a".into()),
            username: username.map(str::to_owned),
            password: username.map(|_| "\"pass: #word".into()),
            virtual_host: username.map(|_| "/lab".into()),
            tls: None,
        })
    };
    all.push(named("s1", stomp(None)));
    all.push(named("s2", stomp(Some("us er"))));
    for role in [Role::EutConnects, Role::WeConnect] {
        all.push(named("u", Transport::Uds(Uds { role, path: "a b.sock".into() })));
        let it = WebSocket { role, address: address(), path: "/a b".into(), tls: None };
        all.push(named("w", Transport::WebSocket(it)));
    }
    all
}

#[test]
fn every_mtp_is_read_as_it_was_written() {
    for mtp in mtps() {
        let (_, read, _) = round(&device(&[BASE]), &mtp, None);
        assert_eq!(read.mtps, [mtp]);
    }
}

#[test]
fn files_of_tls_are_read_as_they_were_written() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["c.pem", "c.key", "ca.pem", "ca.key"] {
        std::fs::write(folder.path().join(name), "").unwrap();
    }
    let files = |at: &Path| TlsFiles {
        identity: Some((at.join("c.pem"), at.join("c.key"))),
        trust: Some(at.join("ca.pem")),
        authority: Some((at.join("ca.pem"), at.join("ca.key"))),
    };
    let mtp = websocket(Some(Tls::Files(files(Path::new("")))));
    let survey = device(&[BASE]);
    let choices = survey.choose(&CATALOGUE, &mtp);
    let text = draft(&survey, &choices, &mtp, None).text();
    let read = EutProfile::parse("eut.yaml", &text, folder.path()).unwrap();
    assert_eq!(read.mtps, [websocket(Some(Tls::Files(files(folder.path()))))]);
}

/// Any text, and more often than chance would have it those that YAML, terminals and comments are sensitive to.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[ -~]{0,40}",
        prop::collection::vec(
            prop::sample::select(vec![
                "\n",
                "\r",
                "\r\n",
                "# ",
                "\"",
                "'",
                "\\",
                ": ",
                "- ",
                "\t",
                "\0",
                "\u{1b}[31m",
                "\u{85}",
                "\u{2028}",
                "\u{2029}",
                "\u{feff}",
                "\u{202e}",
                "\u{fffe}",
                "---",
                "...",
                "%YAML",
                "&a",
                "*a",
                "!t",
                "{",
                "]",
                "é",
                "\u{10ffff}",
                "features: []",
                "known",
            ]),
            0..12
        )
        .prop_map(|parts| parts.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn whatever_was_found_the_file_loads_to_it(
        texts in prop::array::uniform6(hostile()),
        id in "[a-z]{1,6}:{0,1}:[ -~]{0,20}",
        versions in prop::collection::vec(prop_oneof![hostile(), "[0-9]\\.[0-9]"], 0..4),
        names in prop::collection::vec(hostile(), 0..6),
        access in 0..5_i32,
    ) {
        let [model_name, software, manufacturer, missing, name, path] = texts;
        let mut supported = model(&[BASE, "Device.Reboot()", "Device.LocalAgent.Subscription.{i}.ID=S"]);
        let object = SupportedObjectResult {
            supported_obj_path: format!("Device.{path}."),
            access,
            supported_commands: names.iter().map(|name| SupportedCommandResult {
                command_name: format!("{name}()"), command_type: CmdType::CmdAsync.into(), ..Default::default()
            }).collect(),
            supported_params: names.iter().map(|name| SupportedParamResult { param_name: name.clone(), access, value_type: access, ..Default::default() }).collect(),
            supported_events: names.iter().map(|name| SupportedEventResult { event_name: name.clone(), arg_names: names.clone() }).collect(),
            ..Default::default()
        };
        // The same names where elements are looked for.
        for place in ["Device.LocalAgent.Subscription.{i}.", "Device.LocalAgent.Controller.{i}.Z.{i}.", "Device.Z."] {
            let access = ObjAccessType::ObjAddDelete.into();
            supported.req_obj_results[0].supported_objs.push(SupportedObjectResult { supported_obj_path: place.into(), is_multi_instance: true, access, ..object.clone() });
        }
        supported.req_obj_results[0].supported_objs.push(object);
        let survey = Survey {
            endpoint_id: Some(id.clone()),
            usp_versions: versions.clone(),
            device: Device { model_name: Some(model_name.clone()), software_version: Some(software.clone()), manufacturer: Some(manufacturer), ..Device::default() },
            supported: Some(supported),
            supported_whole: true,
            instances: Some(names.iter().map(|it| format!("Device.{it}.1.")).collect()),
            missing: vec![missing],
        };
        let (text, read, choices) = round(&survey, &websocket(None), None);
        let written = draft(&survey, &choices, &websocket(None), None).device_name();
        prop_assert_eq!(&read.name, &written);
        if model_name.chars().count() + software.chars().count() < 200 && !model_name.trim().is_empty() && !software.trim().is_empty() {
            prop_assert_eq!(&read.name, &format!("{model_name} {software}"));
        }
        if let Some(read) = &read.eut_endpoint_id {
            prop_assert_eq!(read, &id);
        } else {
            prop_assert!(!id.contains("::") && id.matches(':').count() < 2);
        }
        let good: Vec<_> = versions.iter().filter(|it| it.len() == 3 && it.as_bytes().get(1) == Some(&b'.') && it.bytes().all(|b| b == b'.' || b.is_ascii_digit())).cloned().collect();
        prop_assert!(good.iter().all(|version| read.usp_versions.contains(version)));
        let chosen: BTreeMap<_, _> = choices.elements.iter().flat_map(|it| it.chosen.clone()).map(|(key, value)| (key.to_owned(), value)).collect();
        prop_assert_eq!(&read.elements, &chosen);
        prop_assert!(text.chars().all(|c| c == '\n' || !c.is_control()));
        let (_, read, _) = round(&survey, &websocket(None), Some(&name));
        if !name.is_empty() && name.chars().count() <= 240 {
            prop_assert_eq!(read.name, name);
        }
    }
}

#[test]
fn a_flood_of_names_makes_no_flood_of_text() {
    let long = "x".repeat(1_000_000);
    let many: BTreeSet<_> = (0..10_000).map(|it| format!("Device.Y{it}.1.")).collect();
    let survey = Survey {
        device: Device { software_version: Some(long.clone()), ..Device::default() },
        missing: vec![long.clone()],
        instances: Some(many),
        supported: Some(model(&[BASE, &format!("Device.{long}()&{long}")])),
        ..device(&[BASE])
    };
    let (text, _, _) = round(&survey, &websocket(None), None);
    assert!(text.len() < 64 * 1024, "{}", text.len());
}
