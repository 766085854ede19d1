//! The ways in which a secret can be written, other than as hex or base64.

use crate::show;

/// So much of a secret is looked for; what follows of a longer one is compared.
pub(super) const MAX_PATTERN: usize = 256;

/// So much of a longer secret can be shown escaped: findings and lines are cut long before.
const MAX_ESCAPED: usize = 4096;

/// The secret as it is, and as texts, JSON and STOMP write it, each once.
pub(super) fn forms(secret: &[u8]) -> Vec<Vec<u8>> {
    let text = String::from_utf8_lossy(secret);
    let mut bound = text.len().min(MAX_ESCAPED);
    while !text.is_char_boundary(bound) {
        bound -= 1;
    }
    let text = text.get(..bound).unwrap_or_default();
    let json = serde_json::Value::from(text).to_string();
    let debug = format!("{text:?}");
    let (json, debug) = (within_quotes(&json), within_quotes(&debug));
    let stomp = text.replace('\\', "\\\\").replace(':', "\\c").replace('\r', "\\r").replace('\n', "\\n");
    let escaped = [
        text.to_owned(),
        json.to_owned(),
        show::cut_at(text, usize::MAX),
        show::cut_at(json, usize::MAX),
        debug.to_owned(),
        stomp,
    ];
    let mut forms = vec![secret.to_vec()];
    for form in escaped {
        // The beginning of a form that is there already adds nothing.
        if !form.is_empty() && !forms.iter().any(|it| it.starts_with(form.as_bytes())) {
            forms.push(form.into_bytes());
        }
    }
    forms
}

fn within_quotes(quoted: &str) -> &str {
    quoted.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(quoted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_secret_has_one_form() {
        assert_eq!(forms(b"hunter22"), [b"hunter22".to_vec()]);
        assert_eq!(forms(&vec![b'x'; 1_000_000]).len(), 1);
    }

    #[test]
    fn what_json_and_findings_escape_has_more() {
        let forms = forms("a\"b\u{200e}c".as_bytes());
        for form in ["a\"b\u{200e}c", "a\\\"b\u{200e}c", "a\"b\\u{200e}c", "a\\\"b\\u{200e}c"] {
            assert!(forms.contains(&form.as_bytes().to_vec()), "{form}");
        }
    }
}
