//! Follows a written path (`created_obj_results.0.oper_status`) through the schema, without any message at hand.

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

use crate::{
    field_path::{FieldPath, Segment},
    json::FieldError,
};

/// What a path leads to.
#[derive(Debug, Clone, PartialEq)]
pub enum Resolved {
    /// The message that the path started from, or one below it.
    Message(MessageDescriptor),
    /// All items of a repeated field.
    List(FieldDescriptor),
    /// All entries of a map field.
    Map(FieldDescriptor),
    /// One scalar: a string, number, boolean, enum or bytes value.
    Scalar(Kind),
}

/// Resolves a dotted path of field names, list positions and map keys below `start`.
///
/// A map key may itself contain dots; it then takes the rest of the path. The error names the first step that the
/// schema does not have.
pub fn resolve_path(start: &MessageDescriptor, path: &str) -> Result<Resolved, FieldError> {
    let mut here = Resolved::Message(start.clone());
    let mut walked = FieldPath::root();
    let mut rest = (!path.is_empty()).then_some(path);
    while let Some(remaining) = rest {
        let (step, after) = remaining.split_once('.').map_or((remaining, None), |(step, after)| (step, Some(after)));
        rest = after;
        here = match here {
            Resolved::Message(message) => {
                let field = message.get_field_by_name(step);
                walked.push(Segment::Field(step.to_owned()));
                field.map(of_field).ok_or_else(|| FieldError::unknown_field(walked.clone(), step, &message))?
            }
            Resolved::List(field) => {
                let index = step.parse().map_err(|_| {
                    FieldError::new(walked.clone(), format!("{step:?} is not a position in the list {}", field.name()))
                })?;
                walked.push(Segment::Index(index));
                of_kind(field.kind())
            }
            Resolved::Map(field) => {
                rest = None;
                walked.push(Segment::Key(remaining.to_owned()));
                map_value(&field)
            }
            Resolved::Scalar(_) => {
                return Err(FieldError::new(
                    walked,
                    format!("nothing stands below a single value, but {step:?} follows"),
                ));
            }
        };
    }
    Ok(here)
}

fn of_field(field: FieldDescriptor) -> Resolved {
    if field.is_map() {
        Resolved::Map(field)
    } else if field.is_list() {
        Resolved::List(field)
    } else {
        of_kind(field.kind())
    }
}

fn of_kind(kind: Kind) -> Resolved {
    match kind {
        Kind::Message(message) => Resolved::Message(message),
        scalar => Resolved::Scalar(scalar),
    }
}

fn map_value(field: &FieldDescriptor) -> Resolved {
    match field.kind() {
        Kind::Message(entry) => of_kind(entry.map_entry_value_field().kind()),
        scalar => Resolved::Scalar(scalar),
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::schema::{Content, MessageKind, Schema};

    fn add_resp() -> MessageDescriptor {
        Schema::get().unwrap().content(Content::Response(MessageKind::Add)).unwrap()
    }

    #[rstest]
    #[case("created_obj_results.0.oper_status.oper_success.instantiated_path")]
    #[case("created_obj_results.0.oper_status.oper_success.unique_keys.Some.Dotted.Key")]
    fn a_path_of_the_schema_ends_in_a_string(#[case] path: &str) {
        assert_eq!(resolve_path(&add_resp(), path), Ok(Resolved::Scalar(Kind::String)));
    }

    #[test]
    fn containers_are_told_apart() {
        assert!(matches!(resolve_path(&add_resp(), ""), Ok(Resolved::Message(_))));
        assert!(matches!(resolve_path(&add_resp(), "created_obj_results"), Ok(Resolved::List(_))));
        let keys = "created_obj_results.0.oper_status.oper_success.unique_keys";
        assert!(matches!(resolve_path(&add_resp(), keys), Ok(Resolved::Map(_))));
    }

    #[rstest]
    #[case("created_objs_results", "created_objs_results", Some("created_obj_results"))]
    #[case("created_obj_results.first", "created_obj_results", None)]
    #[case("created_obj_results.0.requested_path.x", "created_obj_results[0].requested_path", None)]
    fn an_error_names_the_step(#[case] path: &str, #[case] at: &str, #[case] nearest: Option<&str>) {
        let error = resolve_path(&add_resp(), path).unwrap_err();
        assert_eq!(error.path.to_string(), at);
        assert_eq!(error.nearest.as_deref(), nearest);
    }
}
