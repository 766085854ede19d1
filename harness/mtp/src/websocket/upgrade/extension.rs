//! The `bbf-usp-protocol` extension of the handshake (R-WS.10a, R-WS.11a).

use super::super::EXTENSION;
use crate::event::HttpHead;

/// The header that offers and answers extensions.
pub(super) const HEADER: &str = "Sec-WebSocket-Extensions";

/// The extension with an Endpoint ID, as it stands in the header.
pub(super) fn format(endpoint_id: &str) -> String {
    format!("{EXTENSION}; eid=\"{}\"", endpoint_id.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether the head has the extension.
pub(super) fn is_in(head: &HttpHead) -> bool {
    names(head).iter().any(|name| name == EXTENSION)
}

/// The names of all extensions in the head.
pub(super) fn names(head: &HttpHead) -> Vec<String> {
    extensions(head).into_iter().map(|extension| name_of(&extension)).collect()
}

/// The Endpoint ID in the extension's `eid` parameter.
pub(super) fn eid_in(head: &HttpHead) -> Option<String> {
    let extension = extensions(head).into_iter().find(|extension| name_of(extension) == EXTENSION)?;
    split(&extension, ';').into_iter().skip(1).find_map(|parameter| {
        let (name, value) = parameter.split_once('=')?;
        (name.trim().eq_ignore_ascii_case("eid")).then(|| unquote(value.trim()))
    })
}

fn extensions(head: &HttpHead) -> Vec<String> {
    let lines = head.headers.iter().filter(|one| one.name.eq_ignore_ascii_case(HEADER));
    lines.flat_map(|one| split(&one.value, ',')).filter(|one| !one.is_empty()).collect()
}

fn name_of(extension: &str) -> String {
    split(extension, ';').into_iter().next().unwrap_or_default()
}

/// Splits at a separator outside of quotation marks and trims the parts.
fn split(text: &str, separator: char) -> Vec<String> {
    let (mut quoted, mut escaped) = (false, false);
    let at_separator = |c: char| {
        let splits = c == separator && !quoted;
        if c == '"' && !escaped {
            quoted = !quoted;
        }
        escaped = quoted && c == '\\' && !escaped;
        splits
    };
    text.split(at_separator).map(|part| part.trim().to_owned()).collect()
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut plain = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(c) = characters.next() {
        plain.extend(if c == '\\' { characters.next() } else { Some(c) });
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::StartLine;
    use rstest::rstest;

    #[rstest]
    #[case("bbf-usp-protocol; eid=\"doc::agent\"", Some("doc::agent"))]
    #[case("bbf-usp-protocol;eid=doc::agent", Some("doc::agent"))]
    #[case("permessage-deflate; a=\"b,c\", bbf-usp-protocol; x=1; EID=\"doc::a;b,c\\\"d\"", Some("doc::a;b,c\"d"))]
    #[case("bbf-usp-protocol", None)]
    #[case("permessage-deflate; eid=\"doc::agent\"", None)]
    #[case("\"bbf-usp-protocol; eid=x", None)]
    #[case("", None)]
    fn reads_the_endpoint_id(#[case] value: &str, #[case] eid: Option<&str>) {
        assert_eq!(eid_in(&head(value)).as_deref(), eid);
    }

    #[test]
    fn round_trip() {
        let eid = "doc::a\"b\\c, d; e";
        assert_eq!(eid_in(&head(&format(eid))).as_deref(), Some(eid));
    }

    fn head(value: &str) -> HttpHead {
        let start = StartLine::Response { status: 101, reason: String::new(), minor_version: 1 };
        HttpHead { start, headers: vec![super::super::head::header(HEADER, value)] }
    }
}
