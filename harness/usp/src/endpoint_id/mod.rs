//! Endpoint IDs: `authority-scheme ":" [authority-id] ":" instance-id`, with every rule of R-ARC.2a to R-ARC.6.
//!
//! One decision behind it: a text is either an [`EndpointId`], or all its violations are told at once. What is allowed
//! by syntax but suspicious in production (R-ARC.3, R-ARC.4) is a remark, because nobody can see from a text where it
//! is used.

mod scheme;
mod uri;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use scheme::AuthorityScheme;
pub use uri::{EidError, decode_eid, encode_eid};

/// What precedes an Endpoint ID where it is written as a URN, as in certificates.
pub const URN_PREFIX: &str = "urn:bbf:usp:id:";
/// Longest instance-id in characters, percent-encodings counted as written (R-ARC.6).
pub const MAX_INSTANCE_ID: usize = 50;

/// A valid Endpoint ID. Compared and ordered as written: nothing in TR-369 makes two spellings equal.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct EndpointId {
    scheme: AuthorityScheme,
    authority_id: String,
    instance_id: String,
}

impl EndpointId {
    /// Reads an Endpoint ID as a Record has it, or reports every rule that it breaks.
    pub fn parse(text: &str) -> Result<Self, EndpointIdError> {
        let mut violations = Vec::new();
        let parsed = read(text, &mut violations);
        match parsed {
            Some(id) if violations.is_empty() => Ok(id),
            _ => Err(EndpointIdError { text: text.to_owned(), violations }),
        }
    }

    /// Reads the form with `urn:bbf:usp:id:`; URN and namespace are compared without regard to case (RFC 2141).
    pub fn parse_urn(text: &str) -> Result<Self, EndpointIdError> {
        match text.split_at_checked(URN_PREFIX.len()) {
            Some((prefix, id)) if prefix.eq_ignore_ascii_case(URN_PREFIX) => Self::parse(id),
            _ => {
                let violation = Violation::new("R-ARC.2a", format!("a URN of an Endpoint ID begins with {URN_PREFIX}"));
                Err(EndpointIdError { text: text.to_owned(), violations: vec![violation] })
            }
        }
    }

    /// The form with `urn:bbf:usp:id:`.
    pub fn to_urn(&self) -> String {
        format!("{URN_PREFIX}{self}")
    }

    /// Who assigned the ID, and by which rules.
    pub const fn scheme(&self) -> AuthorityScheme {
        self.scheme
    }

    /// The middle part; empty where the scheme has none.
    pub fn authority_id(&self) -> &str {
        &self.authority_id
    }

    /// The last part.
    pub fn instance_id(&self) -> &str {
        &self.instance_id
    }

    /// What is allowed by syntax but no production device should have (R-ARC.3, R-ARC.4), and what is doubtful.
    pub fn remarks(&self) -> Vec<Violation> {
        scheme::remarks(self.scheme, &self.authority_id, &self.instance_id)
    }
}

impl fmt::Display for EndpointId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.scheme, self.authority_id, self.instance_id)
    }
}

impl FromStr for EndpointId {
    type Err = EndpointIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::parse(text)
    }
}

impl TryFrom<String> for EndpointId {
    type Error = EndpointIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<EndpointId> for String {
    fn from(id: EndpointId) -> Self {
        id.to_string()
    }
}

/// A text that is no Endpoint ID, with every reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no Endpoint ID: {}", violations.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct EndpointIdError {
    /// What was written.
    pub text: String,
    /// The rules that it breaks; never empty.
    pub violations: Vec<Violation>,
}

/// One rule that an Endpoint ID breaks or, as a remark, touches.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// The requirement of TR-369.
    pub requirement: &'static str,
    /// What is wrong.
    pub message: String,
}

impl Violation {
    fn new(requirement: &'static str, message: impl Into<String>) -> Self {
        Self { requirement, message: message.into() }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.message, self.requirement)
    }
}

fn read(text: &str, violations: &mut Vec<Violation>) -> Option<EndpointId> {
    let mut parts = text.splitn(3, ':');
    let (Some(scheme), Some(authority_id), Some(instance_id)) = (parts.next(), parts.next(), parts.next()) else {
        violations.push(Violation::new("R-ARC.2a", "it has not the form authority-scheme:[authority-id]:instance-id"));
        return None;
    };
    let known = scheme.parse::<AuthorityScheme>().ok();
    match known {
        Some(known) => known.check(authority_id, instance_id, violations),
        None => violations.push(Violation::new("R-ARC.2a", format!("{scheme:?} is no authority-scheme"))),
    }
    check_instance_id(instance_id, violations);
    let (authority_id, instance_id) = (authority_id.to_owned(), instance_id.to_owned());
    known.map(|scheme| EndpointId { scheme, authority_id, instance_id })
}

fn check_instance_id(instance_id: &str, violations: &mut Vec<Violation>) {
    if instance_id.is_empty() {
        violations.push(Violation::new("R-ARC.5", "the instance-id is empty"));
    }
    let length = instance_id.chars().count();
    if length > MAX_INSTANCE_ID {
        let message = format!("the instance-id has {length} characters, at most {MAX_INSTANCE_ID} are allowed");
        violations.push(Violation::new("R-ARC.6", message));
    }
    let mut rest = instance_id.chars();
    while let Some(character) = rest.next() {
        let encoded = rest.as_str().get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        let message = match character {
            '%' if encoded => continue,
            '%' => "a % in the instance-id has no two hex digits after it".to_owned(),
            character if is_unreserved(character) => continue,
            character => format!("the instance-id contains {character:?}"),
        };
        let violation = Violation::new("R-ARC.5", message);
        // One report for each wrong character, however often it comes.
        if !violations.contains(&violation) {
            violations.push(violation);
        }
    }
}

/// TR-369's own set, which is smaller than that of RFC 3986 by the tilde.
const fn is_unreserved(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '.' | '_')
}

#[cfg(test)]
mod tests;
