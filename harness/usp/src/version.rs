//! Versions of USP, as the Record's `version` field and GetSupportedProtocol write them: `major.minor`.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A version of USP. Ordered as versions are: 1.10 comes after 1.9. Serialised as a string.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UspVersion {
    /// The part before the dot.
    pub major: u32,
    /// The part after the dot.
    pub minor: u32,
}

impl UspVersion {
    /// The newest version whose schema this crate has.
    pub const LATEST: Self = Self::new(1, 5);

    /// The version `major.minor`.
    pub const fn new(major: u32, minor: u32) -> Self {
        Self { major, minor }
    }

    /// Reads a comma-separated list, as `agent_supported_protocol_versions` has it.
    ///
    /// Spaces around an item are passed over. Every item that is not a version is reported; an empty list is an error,
    /// because an Endpoint supports at least the version that it speaks.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, Vec<VersionError>> {
        let mut versions = Vec::new();
        let mut errors = Vec::new();
        for item in text.split(',') {
            match item.trim_matches(' ').parse() {
                Ok(version) => versions.push(version),
                Err(error) => errors.push(error),
            }
        }
        if errors.is_empty() { Ok(versions) } else { Err(errors) }
    }
}

impl fmt::Display for UspVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

impl FromStr for UspVersion {
    type Err = VersionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |reason| VersionError { text: text.to_owned(), reason };
        let (major, minor) = text.split_once('.').ok_or_else(|| error("a version has the form major.minor"))?;
        let number = |part: &str, reason| {
            let digits = !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
            let padded = part.len() > 1 && part.starts_with('0');
            let value = if digits && !padded { part.parse().ok() } else { None };
            value.ok_or_else(|| error(reason))
        };
        Ok(Self {
            major: number(major, "the major version is no plain decimal number")?,
            minor: number(minor, "the minor version is no plain decimal number")?,
        })
    }
}

impl TryFrom<String> for UspVersion {
    type Error = VersionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<UspVersion> for String {
    fn from(version: UspVersion) -> Self {
        version.to_string()
    }
}

/// Why a text is no version of USP.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no version of USP: {reason}")]
pub struct VersionError {
    /// What was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("1.3", 1, 3)]
    #[case("1.10", 1, 10)]
    #[case("0.0", 0, 0)]
    fn a_version_is_read(#[case] text: &str, #[case] major: u32, #[case] minor: u32) {
        assert_eq!(text.parse(), Ok(UspVersion::new(major, minor)));
    }

    #[rstest]
    fn anything_else_is_refused(
        #[values("", "1", "1.", ".3", "1.3.0", "1.x", "+1.3", "1.-3", "1.03", " 1.3", "1.99999999999")] text: &str,
    ) {
        assert!(text.parse::<UspVersion>().is_err());
    }

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(UspVersion::new(1, 9) < UspVersion::new(1, 10));
        assert!(UspVersion::new(1, 10) < UspVersion::new(2, 0));
    }

    #[test]
    fn a_list_reports_every_bad_item() {
        let listed = vec![UspVersion::new(1, 0), UspVersion::new(1, 3)];
        assert_eq!(UspVersion::parse_list("1.0, 1.3"), Ok(listed));
        let errors = UspVersion::parse_list("1.0,,one").unwrap_err();
        assert_eq!(errors.iter().map(|error| error.text.as_str()).collect::<Vec<_>>(), ["", "one"]);
        assert!(UspVersion::parse_list("").is_err());
    }

    proptest! {
        #[test]
        fn a_version_round_trips(major: u32, minor: u32) {
            let version = UspVersion::new(major, minor);
            prop_assert_eq!(version.to_string().parse(), Ok(version));
            let json = serde_json::to_string(&version).unwrap();
            prop_assert_eq!(serde_json::from_str::<UspVersion>(&json).unwrap(), version);
        }
    }
}
