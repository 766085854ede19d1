use proptest::{collection::vec, option, prelude::*};
use rstest::rstest;

use super::*;

#[rstest]
#[case("Device.", PathKind::Object)]
#[case("Device.IP.Interface.3.", PathKind::Object)]
#[case("Device.IP.Interface.*.", PathKind::Object)]
#[case("Device.LocalAgent.Subscription", PathKind::Parameter)]
#[case("Device.IP.Interface.*.Type", PathKind::Parameter)]
#[case(r#"Device.IP.Interface.[Type=="Normal"&&Stats.ErrorsSent>0].IPv4Address.[X!=-1].Y"#, PathKind::Parameter)]
#[case(r#"Device.NAT.PortMapping.[RemoteHost==""&&ExternalPort==0&&Protocol=="TCP"]."#, PathKind::Object)]
#[case(r#"Device.PCP.Client.*.Server.[Capabilities~="IPv6Firewall"]."#, PathKind::Object)]
#[case("Device.NAT.PortMapping.1.Interface+.Name", PathKind::Parameter)]
#[case("Device.WiFi.SSID.1.LowerLayers#1+.Name", PathKind::Parameter)]
#[case("Device.WiFi.SSID.1.LowerLayers#*+.", PathKind::Object)]
#[case(r#"Device.WiFi.AccessPoint.[SSIDReference+.SSID=="a]b&&c"].AssociatedDevice."#, PathKind::Object)]
#[case(r#"Device.IP.Interface.[Name=="eth0"].Reset()"#, PathKind::Command)]
#[case("Device.Boot!", PathKind::Event)]
fn what_the_grammar_has_is_read(#[case] text: &str, #[case] kind: PathKind) {
    let path = Path::parse(text).unwrap();
    assert_eq!(path.kind(), kind);
    assert_eq!(path.to_string(), text);
    assert_eq!(path.deviations(), []);
}

#[rstest]
#[case("Device.DSL.Line.[Enable==true].CurrentProfile", &[Deviation::UnquotedLiteral])]
#[case("Device.A.B.[ValidLifetime<2021-06-06T08:00:00Z].IPAddress", &[Deviation::UnquotedLiteral])]
#[case("Device.A.B.[DeviceClass==08].", &[Deviation::UnquotedLiteral])]
#[case("Device.A.B.[C == 1].", &[Deviation::Whitespace])]
#[case("Device.A.B.[C == true].", &[Deviation::Whitespace, Deviation::UnquotedLiteral])]
fn what_only_the_world_has_is_read_and_marked(#[case] text: &str, #[case] deviations: &[Deviation]) {
    let path = Path::parse(text).unwrap();
    assert_eq!(path.to_string(), text);
    assert_eq!(path.deviations(), deviations);
}

#[rstest]
#[case("", 0, "the end")]
#[case("Device", 6, "the end")]
#[case(".Device.", 0, "'.'")]
#[case("Device..", 7, "'.'")]
#[case("Device.1.", 7, "'1'")]
#[case("Device.IP.0.", 10, "'0'")]
#[case("Device.IP.Interface.1", 21, "the end")]
#[case("Device.IP.Interface.1.2.", 22, "'2'")]
#[case("Device.IP.Interface.{i}.", 20, "'{'")]
#[case("Device.IP.Interface.[].", 21, "']'")]
#[case("Device.IP.Interface.[Type].", 25, "']'")]
#[case(r#"Device.IP.Interface.[Type="x"]."#, 25, "'='")]
#[case("Device.IP.Interface.[Type==].", 27, "']'")]
#[case(r#"Device.IP.Interface.[Type=="x]."#, 31, "the end")]
#[case(r#"Device.IP.Interface.[Type=="x"||A==1]."#, 30, "'|'")]
#[case(r#"Device.IP.Interface.[A.*.B=="Static"].Status"#, 23, "'*'")]
#[case("Device.IP.Interface.[A+==1].", 23, "'='")]
#[case("Device.IP.Interface.99999999999999999999.", 20, "'9'")]
#[case("Device.A.B+", 11, "the end")]
#[case("Device.A.B+.1.", 12, "'1'")]
#[case("Device.A.B#0+.C", 11, "'0'")]
#[case("Device.Boot!.", 12, "'.'")]
#[case("Device.Reset().", 14, "'.'")]
#[case("Device.Reset(", 12, "'('")]
#[case("Device.Grün.", 9, "'ü'")]
fn anything_else_is_refused_at_its_place(#[case] text: &str, #[case] offset: usize, #[case] found: &str) {
    let error = Path::parse(text).unwrap_err();
    assert_eq!((error.offset, error.found.as_str()), (offset, found), "{error}");
}

#[test]
fn a_reference_needs_no_dot() {
    let row = Path::parse_reference("Device.IP.Interface.1").unwrap();
    assert_eq!(row.to_string(), "Device.IP.Interface.1.");
    assert_eq!(Path::parse_reference("Device.LocalAgent").unwrap().kind(), PathKind::Parameter);
    assert!(Path::parse_reference("Device.IP.Interface.0").is_err());
}

#[rstest]
#[case("Device.A.1.B", false, true)]
#[case("Device.A.*.B", true, false)]
#[case("Device.A.[K==1].B", true, false)]
#[case("Device.A.1.B+.C", false, false)]
#[case("Device.A.1.B#*+.C", true, false)]
fn addressing_is_told(#[case] text: &str, #[case] search: bool, #[case] numbers_only: bool) {
    let path = Path::parse(text).unwrap();
    assert_eq!((path.is_search(), path.uses_instance_numbers_only()), (search, numbers_only));
}

#[rstest]
#[case("Device.A.1.B.[C==1].D", Some("Device.A.{i}.B.{i}.D"))]
#[case("Device.A.*.Go()", Some("Device.A.{i}.Go()"))]
#[case("Device.Boot!", Some("Device.Boot!"))]
#[case("Device.A.1.B+.C", None)]
fn rows_become_placeholders(#[case] text: &str, #[case] expected: Option<&str>) {
    let supported = Path::parse(text).unwrap().to_supported();
    assert_eq!(supported.map(|path| path.to_string()).as_deref(), expected);
}

#[test]
fn a_path_knows_its_neighbours() {
    let path = Path::parse("Device.IP.Interface.3.Name").unwrap();
    let row = path.parent().unwrap();
    assert_eq!(row.to_string(), "Device.IP.Interface.3.");
    assert_eq!((path.last_name(), row.last_name(), row.instance_number()), (Some("Name"), None, Some(3)));
    assert!(row.ends_in_instance() && !row.parent().unwrap().ends_in_instance());
    assert!(path.is_under(&row) && row.is_under(&row) && !row.is_under(&path));
    assert!(!Path::parse("Device.IP").unwrap().is_under(&Path::parse("Device.IP.").unwrap()));
    assert_eq!(Path::parse("Device.").unwrap().parent(), None);
}

#[rstest]
#[case("Device.IP.Interface.{i}.", true)]
#[case("Device.IP.Interface.{i}.Stats.", false)]
#[case("Device.IP.Interface.2.", true)]
#[case("Device.IP.Interface.{i}.Name", false)]
#[case("Device.IP.Interface.{i}.Reset()", false)]
fn supported_paths_are_read(#[case] text: &str, #[case] multi_instance: bool) {
    let path = SupportedPath::parse(text).unwrap();
    assert_eq!(path.to_string(), text);
    assert_eq!(path.is_multi_instance(), multi_instance);
}

#[rstest]
fn other_supported_paths_are_refused(
    #[values("Device", "Device.{i}.", "Device.A.{j}.", "Device.A.*.", "Device.A.{i}.{i}.", "Device.A.{i}")] text: &str,
) {
    assert!(SupportedPath::parse(text).is_err());
}

#[rstest]
#[case("plain", r#""plain""#)]
#[case(r#"50% "off""#, r#""50%25 %22off%22""#)]
#[case("%22", r#""%2522""#)]
fn a_literal_is_escaped(#[case] text: &str, #[case] written: &str) {
    let value = Value::literal(text);
    assert_eq!(value.to_string(), written);
    assert_eq!(value.text(), text);
}

fn name() -> impl Strategy<Value = String> {
    "[A-Za-z_][A-Za-z_0-9]{0,5}"
}

fn follow() -> impl Strategy<Value = Follow> {
    prop_oneof![Just(Follow::First), (1..u64::MAX).prop_map(Follow::Item), Just(Follow::All)]
}

fn component() -> impl Strategy<Value = Component> {
    let value = prop_oneof![
        ".{0,6}".prop_map(|text| Value::literal(&text)),
        "-?[1-9][0-9]{0,4}|0".prop_map(Value::Number),
        "[a-z+.:-][a-z0-9:.-]{1,6}".prop_map(Value::Unquoted),
    ];
    let steps = vec((name(), option::of(follow())).prop_map(|(name, follow)| Step { name, follow }), 1..3);
    (steps, 0..Operator::ALL.len(), value, any::<bool>()).prop_map(|(mut parameter, operator, value, spaced)| {
        parameter.last_mut().unwrap().follow = None;
        let value = match value {
            Value::Unquoted(text) if text.bytes().skip(1).all(|byte| byte.is_ascii_digit()) => {
                Value::Unquoted(text + "x")
            }
            value => value,
        };
        Component { parameter, operator: Operator::ALL[operator], value, spaced }
    })
}

/// A name, alone or followed by what the grammar allows behind it.
fn unit() -> impl Strategy<Value = Vec<Segment>> {
    let row = prop_oneof![
        (1..u64::MAX).prop_map(Segment::Instance),
        Just(Segment::Wildcard),
        vec(component(), 1..3).prop_map(|components| Segment::Expression(Expression(components))),
    ];
    prop_oneof![
        name().prop_map(|name| vec![Segment::Name(name)]),
        (name(), row).prop_map(|(name, row)| vec![Segment::Name(name), row]),
        (name(), follow(), name())
            .prop_map(|(name, follow, next)| vec![Segment::Follow(name, follow), Segment::Name(next)]),
    ]
}

fn path() -> impl Strategy<Value = Path> {
    let kinds =
        prop_oneof![Just(PathKind::Object), Just(PathKind::Parameter), Just(PathKind::Command), Just(PathKind::Event),];
    (name(), vec(unit(), 0..5), name(), kinds).prop_map(|(root, units, last, kind)| {
        let mut segments = vec![Segment::Name(root)];
        segments.extend(units.into_iter().flatten());
        if kind != PathKind::Object {
            segments.push(Segment::Name(last));
        }
        Path { segments, kind }
    })
}

proptest! {
    #[test]
    fn every_path_is_read_back(path in path()) {
        prop_assert_eq!(Path::parse(&path.to_string()), Ok(path));
    }

    #[test]
    fn every_supported_path_is_read_back(path in path()) {
        if let Some(supported) = path.to_supported() {
            prop_assert_eq!(SupportedPath::parse(&supported.to_string()), Ok(supported));
        }
    }

    #[test]
    fn any_text_is_judged(text in ".*") {
        prop_assert!(Path::parse(&text).map_or(true, |path| Path::parse(&path.to_string()).is_ok()));
        let _ = SupportedPath::parse(&text);
    }

    #[test]
    fn text_of_the_right_characters_is_judged(text in r#"Device\.[A-B1.*+#\[\]=!~<>&"() ]{0,30}"#) {
        match Path::parse(&text) {
            Ok(path) => prop_assert_eq!(Path::parse(&path.to_string()), Ok(path)),
            Err(error) => prop_assert!(error.offset <= text.chars().count()),
        }
    }

    #[test]
    fn a_literal_round_trips(text in ".*") {
        prop_assert_eq!(Value::literal(&text).text(), text);
    }
}
