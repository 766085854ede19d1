//! A length of time in a case: known when the case is read, or only when the step begins.

use std::{collections::BTreeMap, time::Duration};

use crate::{raw, template};

/// A length of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lapse {
    /// This long.
    Fixed(Duration),
    /// A text with variables and a unit, such as `{{minimum}}s`: resolved when the step begins.
    Template(String),
}

/// Why a template is no length of time now.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LapseError {
    /// One of its variables has no value.
    #[error(transparent)]
    Undefined(#[from] template::Undefined),
    /// What it comes to is none, or is beyond [`Lapse::LONGEST`].
    #[error("`{template}` comes to `{text}`, which is no duration up to an hour, such as 30s")]
    NoDuration {
        /// The template.
        template: String,
        /// What it came to.
        text: String,
    },
}

impl Lapse {
    /// The longest time that a template may come to: its values are the EUT's own, and must not stop the run.
    pub const LONGEST: Duration = Duration::from_secs(3600);

    /// How long it is, with the variables as they stand now.
    pub fn resolve(&self, variables: &BTreeMap<String, String>) -> Result<Duration, LapseError> {
        let template = match self {
            Self::Fixed(duration) => return Ok(*duration),
            Self::Template(template) => template,
        };
        let text = template::substitute(template, variables)?;
        let duration = raw::text::Duration(text.clone()).get().filter(|it| *it <= Self::LONGEST);
        duration.ok_or_else(|| LapseError::NoDuration { template: template.clone(), text })
    }

    /// The longest that it can be, before anything is known.
    pub const fn longest(&self) -> Duration {
        match self {
            Self::Fixed(duration) => *duration,
            Self::Template(_) => Self::LONGEST,
        }
    }

    /// Its variables.
    pub fn placeholders(&self) -> Vec<String> {
        match self {
            Self::Fixed(_) => Vec::new(),
            Self::Template(template) => template::placeholders(template),
        }
    }
}

impl From<Duration> for Lapse {
    fn from(duration: Duration) -> Self {
        Self::Fixed(duration)
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("{{minimum}}s", Ok(5))]
    #[case("{{minimum}}0s", Ok(50))]
    #[case("{{minimum}}", Err("`{{minimum}}` comes to `5`, which is no duration up to an hour, such as 30s"))]
    #[case("{{minimum}}00h", Err("`{{minimum}}00h` comes to `500h`, which is no duration up to an hour, such as 30s"))]
    #[case("{{nothing}}s", Err("the variable `nothing` has no value"))]
    #[case("{{odd}}s", Err("`{{odd}}s` comes to `-1s`, which is no duration up to an hour, such as 30s"))]
    fn templates_come_to_durations(#[case] text: &str, #[case] expected: Result<u64, &str>) {
        let variables = [("minimum", "5"), ("odd", "-1")].map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let seen = Lapse::Template(text.to_owned()).resolve(&variables);
        let expected = expected.map(Duration::from_secs).map_err(str::to_owned);
        assert_eq!(seen.map_err(|error| error.to_string()), expected);
    }
}
