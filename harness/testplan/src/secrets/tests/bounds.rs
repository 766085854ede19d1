//! What is looked for is bounded, whatever an EUT tells.

use super::*;
use crate::secrets::{forms::MAX_PATTERN, search::MAX_PATTERNS};

#[test]
fn a_huge_secret_is_a_small_pattern() {
    let huge: String = (0u32..).map(|n| format!("{n:x}-")).take(200_000).collect();
    let secret = &huge[..1_000_000];
    let trace = told(secret).trace;
    let marked = secrets(&trace);
    assert_eq!(marked[0].value.len(), 1_000_000);
    let mask = Mask::of(&trace);
    assert_eq!(mask.size(), MAX_PATTERN);
    let text = format!("x{secret}y{}z", &secret[..5000]);
    assert_eq!(mask.apply_to_theirs(&text), format!("x{MASK}y{MASK}z"));
    let hex = hex::encode(&text);
    assert_eq!(mask.apply_to_theirs(&hex), format!("78{MASK}79{MASK}7a"));
    let shown = masked(&trace).to_json_lines().unwrap();
    assert!(!shown.contains(&secret[..20]) && !shown.contains(&secret[999_900..]));
    assert!(!shown.contains(&hex::encode(&secret[999_900..])));
}

#[test]
fn a_long_secret_is_masked_as_far_as_it_goes() {
    // Each beginning of it is found within it again.
    let secret = format!("{}b", "a".repeat(10_000));
    let mask = Mask::new(&[Secret::new("password", &secret)]);
    assert_eq!(mask.apply_to_theirs(&format!("-{}{secret}-", "a".repeat(500))), format!("-{MASK}-"));
    assert_eq!(mask.apply_to_theirs(&format!("-{}c", "a".repeat(9_000))), format!("-{MASK}c"));
}

#[test]
fn long_secrets_that_begin_alike_are_all_masked() {
    let secret = |nth: usize| format!("{}-{nth:03}-{}", "a".repeat(300), "b".repeat(nth));
    for count in [2, 200] {
        let secrets: Vec<_> = (0..count).map(|nth| Secret::new("password", &secret(nth))).collect();
        let mask = Mask::new(&secrets);
        assert_eq!(mask.size(), MAX_PATTERN);
        for nth in [0, count - 1] {
            let masked = mask.apply_to_theirs(&format!("<{}>", secret(nth)));
            assert!(
                masked.starts_with(&format!("<{MASK}")) && !masked.contains('b') && !masked.contains('-'),
                "{masked}"
            );
        }
    }
}

#[test]
fn a_hostile_text_has_as_many_cuts_as_words_of_a_cut() {
    let secret = format!("{}b", "a".repeat(10_000));
    let mask = Mask::new(&[Secret::new("password", &secret)]);
    let dots = "…".repeat(30_000);
    assert_eq!(mask.apply(&dots), dots);
    let text = format!("{}c…", "a".repeat(200)).repeat(500);
    assert_eq!(mask.apply(&text), text, "no cut is there, and no whole secret");
    let text = format!("{}… (1 more characters)", "a".repeat(200)).repeat(500);
    assert_eq!(mask.apply(&text), format!("{MASK}… (1 more characters)").repeat(500));
}

#[test]
fn what_is_looked_for_has_a_bound_and_the_rest_is_masked_by_its_name() {
    let secret = |nth: usize| format!("{nth:05}-{}", "s".repeat(300));
    let params: serde_json::Map<_, _> =
        (0..600).map(|nth| (format!("X_{nth}_Token"), Value::from(secret(nth)))).collect();
    let story = Story::new().get("get", "Device.X.1.", &json!({"Device.X.1.": params}));
    let trace = &story.trace;
    let mask = Mask::of(trace);
    assert!(mask.size() <= MAX_PATTERNS && mask.size() > MAX_PATTERNS / 2, "{}", mask.size());
    let last = secret(599);
    assert_eq!(mask.apply(&last), last, "it has no place any more");
    let shown = masked(trace).to_json_lines().unwrap();
    for nth in 0..600 {
        assert!(!shown.contains(&secret(nth)) && !shown.contains(&hex::encode(secret(nth))), "{nth}");
    }
    let mut known = Vec::new();
    for _ in 0..3 {
        mark(&mut trace.clone(), &mut known);
    }
    let patterns: usize = known.iter().map(|secret| secret.value.len().min(MAX_PATTERN)).sum();
    assert!(patterns <= MAX_PATTERNS && patterns > MAX_PATTERNS / 2, "{patterns}");
}

#[test]
fn the_credentials_of_an_mtp_come_first() {
    let params: serde_json::Map<_, _> =
        (0..600).map(|nth| (format!("X_{nth}_Token"), Value::from(format!("{nth:05}-{}", "s".repeat(300))))).collect();
    let story = Story::new().get("get", "Device.X.1.", &json!({"Device.X.1.": params})).came(
        "CONNECT",
        json!({"password": "from-the-bench"}),
        b"",
    );
    assert_eq!(Mask::of(&story.trace).apply("from-the-bench"), MASK);
}

#[test]
fn what_a_trace_marks_has_a_bound() {
    let huge = |nth: usize| format!("{nth}{}", "x".repeat(1_500_000));
    let story = (0..4).fold(Story::new(), |story, nth| {
        story.event(What::Captured { name: format!("{nth}.password"), value: huge(nth) })
    });
    let lengths: Vec<_> = secrets(&story.trace).iter().map(|secret| secret.value.len()).collect();
    assert_eq!(lengths, [1_500_001, 1_500_001, MAX_PATTERN, MAX_PATTERN]);
    assert!(!masked(&story.trace).to_json_lines().unwrap().contains("xxx"));
}

#[test]
fn words_are_not_learnt() {
    let mut known = Vec::new();
    for secret in ["Enable", "Recipient", EUT_ID, "hunter22"] {
        let row = json!({"Device.X.1.": {"Recipient": "x", "Enable": "true", "X_Token": secret}});
        mark(&mut Story::new().get("get", "Device.X.1.", &row).trace, &mut known);
    }
    assert_eq!(known, [Secret::new("Device.X.1. X_Token", "hunter22")]);
}

const EUT_ID: &str = crate::testing::EUT;
