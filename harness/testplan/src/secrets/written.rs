//! Secrets in a text that stand there with their names, as JSON, lines of an exchange and paths of findings write them.

use std::ops::Range;

use super::{
    find::{NAMES, VALUES},
    names::{CHALLENGES, is_secret},
};

/// A longer name is none.
const MAX_NAME: usize = 256;

/// A shorter run of stars is none that stands for a secret.
const MIN_STARS: usize = 3;

/// The values in quotes whose names say that they are secrets.
pub(super) fn named(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let place = CHALLENGES.iter().find(|it| text.contains(*it)).copied().unwrap_or_default();
    let mut told = "";
    let mut done = 0;
    for (quote, _) in text.match_indices('"') {
        let start = quote + 1;
        if start <= done {
            continue;
        }
        let Some(key) = text.get(..quote).and_then(key) else { continue };
        if NAMES.contains(&key) {
            let most = text.as_bytes().get(start..).unwrap_or_default().iter().take(MAX_NAME);
            let length = most.take_while(|octet| **octet != b'"').count();
            told = text.get(start..start + length).unwrap_or_default();
            continue;
        }
        let name = if VALUES.contains(&key) && !told.is_empty() { std::mem::take(&mut told) } else { key };
        if !is_secret(place, name, "a value") {
            continue;
        }
        let end = start + end_of_value(text.get(start..).unwrap_or_default());
        if is_secret(place, name, text.get(start..end).unwrap_or_default()) {
            found.push(start..end);
        }
        done = end + 1;
    }
    found
}

/// What was seen at this place of a Message, when it is a secret: all between the first quote and the last.
pub(super) fn seen_at(path: &str, seen: &str) -> Option<Range<usize>> {
    let name = path.trim_end_matches(['"', ']']).rsplit(['.', '"', '[']).next().unwrap_or(path);
    let start = seen.find('"')? + 1;
    let end = seen.rfind('"').filter(|end| *end >= start).unwrap_or(seen.len());
    is_secret("", name, seen.get(start..end)?).then_some(start..end)
}

/// Stars in quotes that are as long as a secret: what stands in the bytes of a masked Trace, where they are a whole value.
pub(super) fn stars(text: &str, is_length: impl Fn(usize) -> bool) -> Vec<Range<usize>> {
    let length = |start: usize| text.as_bytes().iter().skip(start).take_while(|octet| **octet == b'*').count();
    let begins = text.match_indices("\"*").map(|(quote, _)| quote + 1);
    let runs = begins.map(|start| start..start + length(start));
    let whole = |run: &Range<usize>| text.as_bytes().get(run.end) == Some(&b'"');
    runs.filter(|run| run.len() >= MIN_STARS && whole(run) && is_length(run.len())).collect()
}

/// The name that stands before a value, with a colon or an equals sign between them.
fn key(before: &str) -> Option<&str> {
    let named = before.trim_end_matches(' ');
    let name = named.trim_end_matches([':', '=']);
    if name.len() == named.len() {
        return None;
    }
    let name = name.trim_end_matches(' ');
    let name = name.strip_suffix('"').unwrap_or(name);
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let length: usize = name.chars().rev().take(MAX_NAME).take_while(|c| is_of_name(*c)).map(char::len_utf8).sum();
    name.get(name.len() - length..).filter(|name| !name.is_empty())
}

/// Where the value ends: before a quote that is not escaped, or with the text, where it is cut.
fn end_of_value(text: &str) -> usize {
    let mut escaped = false;
    let end = text.bytes().position(|octet| {
        let ends = octet == b'"' && !escaped;
        escaped = octet == b'\\' && !escaped;
        ends
    });
    end.unwrap_or(text.len())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(r#"{"Password":"1","Enable":"1"}"#, &["1"])]
    #[case(r#"{Password: "a\"b", Enable: "1"}"#, &[r#"a\"b"#])]
    #[case(r#""{"Password":"1"}""#, &["1"])]
    #[case(r#"   password = "1""#, &["1"])]
    #[case(r#"Device.X.[Password=="1"]."#, &["1"])]
    #[case(r#"{"param":"Password","value":"1","required":true},{"param":"ID","value":"2"}"#, &["1"])]
    #[case(r#"{"command":"ChallengeResponse()","input_args":{"Value":"1"}}"#, &["1"])]
    #[case(r#"{"Password":"1… (4 more characters)"#, &["1… (4 more characters)"])]
    #[case(r#"{"EnablePassword":"true","Password":"","Value":"1"}"#, &[])]
    fn a_value_stands_behind_its_name(#[case] text: &str, #[case] expected: &[&str]) {
        assert_eq!(named(text).into_iter().map(|it| &text[it]).collect::<Vec<_>>(), expected);
    }

    #[rstest]
    #[case("GetResp.req_path_results[0].result_params.Password", r#""1""#, Some("1"))]
    #[case(r#"headers["passcode"]"#, r#""1… (3 more characters)""#, Some("1… (3 more characters)"))]
    #[case("a.Password", "absent", None)]
    #[case("a.Username", r#""1""#, None)]
    fn the_path_of_a_finding_is_a_name(#[case] path: &str, #[case] seen: &str, #[case] expected: Option<&str>) {
        assert_eq!(seen_at(path, seen).map(|it| &seen[it]), expected);
    }

    #[test]
    fn stars_are_known_by_their_number() {
        assert_eq!(stars(r#""***" "****" "***x" "*""#, |length| length != 4), Vec::from_iter(Some(1..4)));
    }
}
