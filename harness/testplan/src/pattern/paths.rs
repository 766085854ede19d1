//! `$instance_of`, `$object_path` and its like: texts that are paths of the data model.

use serde_json::Value;
use uspec_usp::{
    field_path::FieldPath,
    path::{Path, PathKind, Segment, SupportedPath, SupportedSegment},
};

use super::{Context, Matcher, Place, expand, finding, presence::only_true, unmet};
use crate::{
    problem::Problem,
    show, template,
    verdict::{Finding, Outcome},
};

/// `$instance_of`: the table, an Instance Number, a dot.
#[derive(Debug)]
struct InstanceOf {
    table: String,
}

impl Matcher for InstanceOf {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, context: &Context<'_>, findings: &mut Vec<Finding>) {
        let Some(table) = expand(&self.table, place, context, findings) else { return };
        let expected = format!("the path of an instance of {table}");
        match parse_table(&table) {
            Ok(parsed) => {
                let path = seen.and_then(Value::as_str).and_then(|text| Path::parse(text).ok());
                if !path.is_some_and(|path| is_instance_of(&path, &parsed)) {
                    findings.push(unmet(place, expected, show::optional(seen)));
                }
            }
            Err(reason) => findings.push(finding(Outcome::Unknown, place, expected, reason)),
        }
    }
}

/// The table's path, with `{i}` or numbers for the rows that it stands in; a final `{i}.` may be left out.
pub(crate) fn parse_table(text: &str) -> Result<SupportedPath, String> {
    let table = text.strip_suffix("{i}.").unwrap_or(text);
    match SupportedPath::parse(table) {
        Ok(path) if path.kind() == PathKind::Object => Ok(path),
        Ok(_) => Err(format!("{table} is no table: its path ends in a dot")),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether `path` is one row of `table`, addressed by number.
pub(crate) fn is_instance_of(path: &Path, table: &SupportedPath) -> bool {
    let segments = path.segments();
    let Some((Segment::Instance(_), above)) = segments.split_last() else { return false };
    path.kind() == PathKind::Object
        && above.len() == table.segments().len()
        && above.iter().zip(table.segments()).all(|(segment, pattern)| match (segment, pattern) {
            (Segment::Name(name), SupportedSegment::Name(expected)) => name == expected,
            (Segment::Instance(_), SupportedSegment::Placeholder) => true,
            (Segment::Instance(number), SupportedSegment::Instance(expected)) => number == expected,
            _ => false,
        })
}

/// A text of one of these forms.
#[derive(Debug, Clone, Copy)]
enum Form {
    Instantiated(PathKind),
    Relative,
    RelativeObject,
    Supported,
}

impl Form {
    const fn expected(self) -> &'static str {
        match self {
            Self::Instantiated(PathKind::Object) => "an Object Path with instance numbers only, ending in a dot",
            Self::Instantiated(PathKind::Parameter) => "a Parameter Path with instance numbers only",
            Self::Instantiated(PathKind::Command) => "a Command Path with instance numbers only",
            Self::Instantiated(PathKind::Event) => "an Event Path with instance numbers only",
            Self::Relative => "a path relative to its Object, without a dot at its end",
            Self::RelativeObject => "a path relative to its Object, with a dot at its end",
            Self::Supported => "a path of the Supported Data Model",
        }
    }

    fn allows(self, text: &str) -> bool {
        match self {
            Self::Instantiated(kind) => {
                Path::parse(text).is_ok_and(|path| path.kind() == kind && path.uses_instance_numbers_only())
            }
            Self::Relative => is_relative(text, PathKind::Parameter),
            Self::RelativeObject => is_relative(text, PathKind::Object),
            Self::Supported => SupportedPath::parse(text).is_ok(),
        }
    }
}

/// Whether `text` names something below an Object: rows as numbers, or as `{i}` where it is about what is supported.
/// What begins at the root of the data model is not relative.
pub(crate) fn is_relative(text: &str, kind: PathKind) -> bool {
    let whole = format!("Any.{text}");
    let instantiated =
        || Path::parse(&whole).is_ok_and(|path| path.kind() == kind && path.uses_instance_numbers_only());
    let supported = || SupportedPath::parse(&whole).is_ok_and(|path| path.kind() == kind);
    !text.is_empty() && !text.starts_with("Device.") && (instantiated() || supported())
}

impl Matcher for Form {
    fn check(&self, place: &Place<'_>, seen: Option<&Value>, _: &Context<'_>, findings: &mut Vec<Finding>) {
        if !seen.and_then(Value::as_str).is_some_and(|text| self.allows(text)) {
            findings.push(unmet(place, self.expected(), show::optional(seen)));
        }
    }
}

pub(super) fn instance_of(argument: &Value, path: &FieldPath, problems: &mut Vec<Problem>) -> Option<Box<dyn Matcher>> {
    let Value::String(table) = argument else {
        problems.push(Problem::new(path.clone(), "`$instance_of` takes the path of a table"));
        return None;
    };
    if template::placeholders(table).is_empty()
        && let Err(reason) = parse_table(table)
    {
        problems.push(Problem::new(path.clone(), reason));
        return None;
    }
    Some(Box::new(InstanceOf { table: table.clone() }))
}

macro_rules! forms {
    ($($name:ident: $form:expr;)*) => {
        $(
            pub(super) fn $name(
                argument: &Value,
                path: &FieldPath,
                problems: &mut Vec<Problem>,
            ) -> Option<Box<dyn Matcher>> {
                only_true(argument, path, "$not", problems).then(|| Box::new($form) as _)
            }
        )*
    };
}

forms! {
    object_path: Form::Instantiated(PathKind::Object);
    parameter_path: Form::Instantiated(PathKind::Parameter);
    command_path: Form::Instantiated(PathKind::Command);
    event_path: Form::Instantiated(PathKind::Event);
    relative_path: Form::Relative;
    relative_object: Form::RelativeObject;
    supported_path: Form::Supported;
}
