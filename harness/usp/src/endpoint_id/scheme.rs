//! The authority-schemes and what each asks of authority-id and instance-id (R-ARC.2a).

use std::{fmt, str::FromStr};

use super::{Violation, is_unreserved};

/// Lengths in hex digits of the blocks that IEEE assigns: 24, 28 and 36 bits.
const OUI_LENGTHS: [usize; 3] = [6, 7, 9];
/// Reserved by Broadband Forum for its documents and prototypes (R-ARC.3).
const BBF_OUI: &str = "00256D";
/// Reserved by Broadband Forum for its documents and prototypes (R-ARC.3).
const BBF_PEN: &str = "3561";
/// Longest authority-id that an Endpoint, user, prototyper or author may invent.
const MAX_FREE_AUTHORITY: usize = 6;
/// IMEI: eight digits of type allocation code, six of serial number, one check digit.
const IMEI_DIGITS: usize = 15;
/// Longest domain name and longest label (RFC 1035).
const MAX_DOMAIN: usize = 253;
const MAX_LABEL: usize = 63;

/// Who assigns an Endpoint ID. The names are those of R-ARC.2a.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[allow(missing_docs, reason = "the names are the standard's own")]
pub enum AuthorityScheme {
    Oui,
    Cid,
    Pen,
    SelfAssigned,
    User,
    Os,
    Ops,
    Uuid,
    Imei,
    Proto,
    Doc,
    Fqdn,
}

impl AuthorityScheme {
    /// Every scheme, in the order of R-ARC.2a.
    pub const ALL: [Self; 12] = [
        Self::Oui,
        Self::Cid,
        Self::Pen,
        Self::SelfAssigned,
        Self::User,
        Self::Os,
        Self::Ops,
        Self::Uuid,
        Self::Imei,
        Self::Proto,
        Self::Doc,
        Self::Fqdn,
    ];

    /// As it is written in an Endpoint ID.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Oui => "oui",
            Self::Cid => "cid",
            Self::Pen => "pen",
            Self::SelfAssigned => "self",
            Self::User => "user",
            Self::Os => "os",
            Self::Ops => "ops",
            Self::Uuid => "uuid",
            Self::Imei => "imei",
            Self::Proto => "proto",
            Self::Doc => "doc",
            Self::Fqdn => "fqdn",
        }
    }

    /// Notes what is wrong with the two other parts. Characters and length of the instance-id are checked elsewhere.
    pub(super) fn check(self, authority_id: &str, instance_id: &str, violations: &mut Vec<Violation>) {
        let authority = self.check_authority(authority_id);
        violations.extend(authority.err().map(|rule| violation(self, "authority-id", rule)));
        // An empty instance-id is one violation, not two.
        if !instance_id.is_empty() {
            let instance = self.check_instance(instance_id);
            violations.extend(instance.err().map(|rule| violation(self, "instance-id", rule)));
        }
    }

    fn check_authority(self, text: &str) -> Result<(), &'static str> {
        let length = text.chars().count();
        let free = text.chars().all(is_unreserved) && length <= MAX_FREE_AUTHORITY;
        match self {
            Self::Oui => ensure(is_oui(text), "6, 7 or 9 hex digits of an assigned OUI"),
            Self::Cid => ensure(length == 6 && is_hex(text), "6 hex digits of an assigned CID"),
            Self::Pen => ensure(is_pen(text), "the decimal Private Enterprise Number"),
            Self::SelfAssigned => ensure(free, "absent or 1 to 6 unreserved characters"),
            Self::User | Self::Doc => ensure(free, "0 to 6 unreserved characters"),
            Self::Proto => ensure(free && !text.contains('.'), "0 to 6 unreserved characters other than the dot"),
            Self::Os | Self::Ops | Self::Uuid | Self::Imei | Self::Fqdn => ensure(text.is_empty(), "empty"),
        }
    }

    fn check_instance(self, text: &str) -> Result<(), &'static str> {
        match self {
            Self::Os => ensure(oui_and_rest(text).is_some(), "OUI-SerialNumber"),
            Self::Ops => ensure(ops_parts(text).is_some(), "OUI-ProductClass-SerialNumber"),
            Self::Uuid => ensure(is_uuid(text), "a UUID in its textual form"),
            Self::Imei => ensure(text.len() == IMEI_DIGITS && is_digits(text), "an IMEI of 15 digits"),
            Self::Fqdn => ensure(is_domain(text), "a fully qualified domain name without wildcard"),
            Self::Oui | Self::Cid | Self::Pen | Self::SelfAssigned | Self::User | Self::Proto | Self::Doc => Ok(()),
        }
    }
}

impl fmt::Display for AuthorityScheme {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for AuthorityScheme {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|scheme| scheme.name() == text).ok_or(())
    }
}

/// What a valid Endpoint ID had better not be.
pub(super) fn remarks(scheme: AuthorityScheme, authority_id: &str, instance_id: &str) -> Vec<Violation> {
    let mut remarks = Vec::new();
    if matches!(scheme, AuthorityScheme::Proto | AuthorityScheme::Doc) {
        remarks.push(Violation::new("R-ARC.4", format!("the authority-scheme {scheme} is not for production")));
    }
    let oui = match scheme {
        AuthorityScheme::Oui => Some(authority_id),
        AuthorityScheme::Os | AuthorityScheme::Ops => oui_and_rest(instance_id).map(|(oui, _)| oui),
        _ => None,
    };
    if oui.is_some_and(|oui| oui.eq_ignore_ascii_case(BBF_OUI)) {
        remarks.push(Violation::new("R-ARC.3", format!("the OUI {BBF_OUI} is reserved by Broadband Forum")));
    }
    if scheme == AuthorityScheme::Pen && authority_id == BBF_PEN {
        let message = format!("the Private Enterprise Number {BBF_PEN} is reserved by Broadband Forum");
        remarks.push(Violation::new("R-ARC.3", message));
    }
    if scheme == AuthorityScheme::Imei && !luhn(instance_id) {
        remarks.push(Violation::new("R-ARC.2a", "the check digit of the IMEI is wrong"));
    }
    if scheme == AuthorityScheme::Fqdn && instance_id.contains('_') {
        remarks.push(Violation::new("R-ARC.2a", "no host name contains an underscore"));
    }
    if scheme == AuthorityScheme::Ops && ops_parts(instance_id).is_some_and(|(class, _)| class.is_empty()) {
        remarks.push(Violation::new("R-ARC.2a", "the ProductClass is empty; the scheme os is meant for that"));
    }
    remarks
}

fn ensure(condition: bool, rule: &'static str) -> Result<(), &'static str> {
    if condition { Ok(()) } else { Err(rule) }
}

fn violation(scheme: AuthorityScheme, part: &str, rule: &str) -> Violation {
    Violation::new("R-ARC.2a", format!("with {scheme} the {part} is {rule}"))
}

fn is_hex(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn is_digits(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_oui(text: &str) -> bool {
    OUI_LENGTHS.contains(&text.len()) && is_hex(text)
}

/// IANA numbers fit 32 bits.
fn is_pen(text: &str) -> bool {
    is_digits(text) && !text.starts_with('0') && text.parse::<u32>().is_ok()
}

fn oui_and_rest(text: &str) -> Option<(&str, &str)> {
    text.split_once('-').filter(|(oui, rest)| is_oui(oui) && !rest.is_empty())
}

/// ProductClass and SerialNumber. Either may contain further dashes, so where one ends is not told here for sure; an
/// empty ProductClass is let through, since devices without one exist.
fn ops_parts(text: &str) -> Option<(&str, &str)> {
    oui_and_rest(text)?.1.split_once('-').filter(|(_, serial)| !serial.is_empty())
}

fn is_uuid(text: &str) -> bool {
    let groups: Vec<_> = text.split('-').collect();
    groups.iter().map(|group| group.len()).eq([8, 4, 4, 4, 12]) && groups.iter().all(|group| is_hex(group))
}

/// Labels of letters, digits, dashes and underscores, of which the last is no number, so that an IP address is none.
fn is_domain(text: &str) -> bool {
    let name = text.strip_suffix('.').unwrap_or(text);
    let label = |label: &str| {
        (1..=MAX_LABEL).contains(&label.len())
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    name.len() <= MAX_DOMAIN && name.split('.').all(label) && name.rsplit('.').next().is_some_and(|it| !is_digits(it))
}

fn luhn(digits: &str) -> bool {
    let values = digits.chars().rev().filter_map(|digit| digit.to_digit(10));
    let sum: u32 = values
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit) {
            (0, digit) => digit,
            (_, digit @ 0..=4) => digit * 2,
            (_, digit) => digit * 2 - 9,
        })
        .sum();
    sum.is_multiple_of(10)
}
