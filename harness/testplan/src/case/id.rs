//! A case's number or name.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A case's number: a chapter and a number for the plan's (`1.10`), or a name for our own (`R-WS.17`).
/// Orders as the plan does: 1.9 before 1.10.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub enum CaseId {
    /// A case of TP-469.
    Plan {
        /// The chapter.
        chapter: u16,
        /// The number within it.
        number: u16,
    },
    /// A case of our own, named by the requirement that it tests.
    Own(String),
}

/// Why a text is no case id.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no case id: write `<chapter>.<number>` as the plan does, or a requirement such as `R-WS.17`")]
pub struct CaseIdError(String);

impl FromStr for CaseId {
    type Err = CaseIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.starts_with("R-") && text.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c)) {
            return Ok(CaseId::Own(text.to_owned()));
        }
        let wrong = || CaseIdError(text.to_owned());
        let (chapter, number) = text.split_once('.').ok_or_else(wrong)?;
        let parse = |part: &str| match part.parse::<u16>() {
            Ok(n) if n > 0 && n.to_string() == part => Ok(n),
            _ => Err(wrong()),
        };
        Ok(CaseId::Plan { chapter: parse(chapter)?, number: parse(number)? })
    }
}

impl TryFrom<String> for CaseId {
    type Error = CaseIdError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<CaseId> for String {
    fn from(id: CaseId) -> Self {
        id.to_string()
    }
}

impl fmt::Display for CaseId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CaseId::Plan { chapter, number } => write!(f, "{chapter}.{number}"),
            CaseId::Own(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_order_as_the_plan_does() {
        let ids = ["1.9", "1.10", "2.1", "R-WS.17"].map(|text| text.parse::<CaseId>().unwrap());
        assert!(ids.is_sorted());
        for wrong in ["1", "1.", "1.01", "a.b", "1.2.3", "0.1", ""] {
            assert!(wrong.parse::<CaseId>().is_err(), "{wrong}");
        }
    }
}
