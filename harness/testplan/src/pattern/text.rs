//! `$regex`: a regular expression on a whole string.

use regex::Regex;
use serde_json::Value;
use uspec_usp::field_path::FieldPath;

use super::{Context, Matcher, Place, unmet};
use crate::{problem::Problem, show, template, verdict::Finding};

/// `$regex`: variables in it stand for their text, not for expressions.
#[derive(Debug)]
struct Matches {
    source: String,
    /// Compiled once when there is no variable in it.
    compiled: Option<Regex>,
}

impl Matcher for Matches {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let expanded;
        let regex = if let Some(regex) = &self.compiled {
            regex
        } else {
            let escaped = context.variables.iter().map(|(name, value)| (name.clone(), regex::escape(value))).collect();
            let quoted = Context { variables: &escaped, ..*context };
            let Some(text) = super::expand(&self.source, place, &quoted, findings) else { return };
            match whole(&text) {
                Ok(regex) => {
                    expanded = regex;
                    &expanded
                }
                // The template compiled with words in place of its variables, and their values are escaped.
                Err(error) => {
                    findings.push(super::finding(
                        crate::verdict::Outcome::Unknown,
                        place,
                        format!("a match of {}", self.source),
                        format!("the expression cannot be used: {error}"),
                    ));
                    return;
                }
            }
        };
        if !seen.and_then(Value::as_str).is_some_and(|text| regex.is_match(text)) {
            findings.push(unmet(place, format!("a match of {}", show::cut(regex.as_str())), show::optional(seen)));
        }
    }
}

pub(super) fn regex(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let Value::String(source) = argument else {
        problems.push(Problem::new(path.clone(), "`$regex` takes a string"));
        return None;
    };
    let names = template::placeholders(source);
    let sample = names.iter().map(|name| (name.clone(), "x".to_owned())).collect();
    let tried = template::substitute(source, &sample).unwrap_or_default();
    match whole(&tried) {
        Ok(regex) => {
            let compiled = names.is_empty().then_some(regex);
            Some(Box::new(Matches { source: source.clone(), compiled }))
        }
        Err(error) => {
            problems.push(Problem::new(path.clone(), error.to_string()));
            None
        }
    }
}

fn whole(source: &str) -> Result<Regex, regex::Error> {
    Regex::new(&format!("^(?s:{source})$"))
}
