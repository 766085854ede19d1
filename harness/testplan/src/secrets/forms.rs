//! The ways in which a secret can be written in a text or in octets.

use base64::{
    Engine as _,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE_NO_PAD},
};

/// A secret shorter than this is masked only where it stands by itself: three letters also stand in words that are none.
pub(super) const LONG_ENOUGH: usize = 4;

/// A shorter piece of base64 would be found by chance.
const MIN_BASE64: usize = 6;

/// One way to write a secret: octets that are kept, then those that are masked, then some that are kept again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Form {
    /// What is looked for.
    pub(super) pattern: Vec<u8>,
    /// How many octets of it stand before the secret.
    pub(super) before: usize,
    /// How many stand behind it.
    pub(super) after: usize,
}

impl Form {
    fn whole(pattern: impl Into<Vec<u8>>) -> Self {
        Self { pattern: pattern.into(), before: 0, after: 0 }
    }
}

/// How a secret can stand in a text that a report shows.
pub(super) fn in_text(secret: &[u8]) -> Vec<Form> {
    let text = String::from_utf8_lossy(secret);
    let mut forms = Vec::new();
    let mut add = |form: &str| {
        if secret.len() >= LONG_ENOUGH {
            forms.push(Form::whole(form));
        } else {
            forms.push(Form { pattern: format!("\"{form}\"").into_bytes(), before: 1, after: 1 });
        }
    };
    add(&text);
    let json = serde_json::Value::from(&*text).to_string();
    add(json.strip_prefix('"').and_then(|json| json.strip_suffix('"')).unwrap_or(&json));
    add(&crate::show::cut_at(&text, usize::MAX));
    if secret.len() >= LONG_ENOUGH {
        forms.extend(encoded(secret));
    }
    tidy(forms)
}

/// How a secret can stand in octets: by itself, encoded, and where it is short behind its length or the name of a header.
pub(super) fn in_octets(secret: &[u8]) -> Vec<Form> {
    let stomp = String::from_utf8_lossy(secret).replace('\\', "\\\\").replace(':', "\\c").replace('\n', "\\n");
    let mut forms = Vec::new();
    if secret.len() >= LONG_ENOUGH {
        forms.push(Form::whole(secret));
        forms.push(Form::whole(stomp));
        forms.extend(encoded(secret));
    } else {
        // protobuf and MQTT put the length before it.
        let length = u8::try_from(secret.len()).unwrap_or(u8::MAX);
        forms.push(Form { pattern: [&[length][..], secret].concat(), before: 1, after: 0 });
        let header = b"passcode:";
        forms.push(Form { pattern: [&header[..], stomp.as_bytes()].concat(), before: header.len(), after: 0 });
    }
    tidy(forms)
}

/// Hex, and base64 wherever in a longer run of it the secret begins.
fn encoded(secret: &[u8]) -> impl Iterator<Item = Form> {
    let hex = [hex::encode(secret), hex::encode_upper(secret)].map(Form::whole);
    let whole = [STANDARD.encode(secret), URL_SAFE_NO_PAD.encode(secret)].map(Form::whole);
    let shifted = [0usize, 1, 2].into_iter().flat_map(move |shift| {
        let mut octets = vec![0; shift];
        octets.extend_from_slice(secret);
        // The first digits also hold what stands before the secret, the last one what comes behind.
        let first = (shift * 8).div_ceil(6);
        let last = octets.len() * 8 / 6;
        [STANDARD_NO_PAD.encode(&octets), URL_SAFE_NO_PAD.encode(&octets)]
            .into_iter()
            .filter_map(move |digits| digits.get(first..last).filter(|it| it.len() >= MIN_BASE64).map(Form::whole))
    });
    hex.into_iter().chain(whole).chain(shifted)
}

fn tidy(mut forms: Vec<Form>) -> Vec<Form> {
    forms.retain(|form| !form.pattern.is_empty());
    forms.sort();
    forms.dedup();
    forms
}
