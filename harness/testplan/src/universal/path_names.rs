//! TP-469 universal 3: Path Names follow the Data Model Path Grammar (R-ARC.7, TR-106).
//!
//! Not judged: texts that are the Controller's own. `supported_obj_path` may lack the dot at its end: TR-369 calls it an
//! Object Path, and its own example leaves the dot out.

use uspec_usp::path::{Path, PathKind, SupportedPath};

use super::{
    Tally,
    path_fields::{self, Form, PathField},
};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    pattern::is_relative,
    show,
    view::RecordSeen,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    tally.expects("Path Names as the grammar has them");
    for record in evidence.view.received() {
        each(evidence, record, |field| {
            if field.echo {
                return;
            }
            tally.holds(is_valid(field.form, field.text), || {
                let seen = format!("{} in {}", show::quoted(field.text), record.name());
                unmet(expected(field.form), seen, vec![record.seq]).at(field.place.as_str()).by("R-ARC.7")
            });
        });
    }
}

/// Calls `visit` with every Path Name of a Record.
pub(super) fn each(evidence: Evidence<'_>, record: &RecordSeen<'_>, mut visit: impl FnMut(&PathField<'_>)) {
    let (Some(content), Some(body)) = (record.content, record.body()) else { return };
    let request = evidence.view.request_of(record).and_then(RecordSeen::body);
    for field in path_fields::of(content, body, request) {
        visit(&field);
    }
}

fn is_valid(form: Form, text: &str) -> bool {
    let instantiated = |kinds: &[PathKind]| Path::parse(text).is_ok_and(|path| kinds.contains(&path.kind()));
    match form {
        Form::Object => instantiated(&[PathKind::Object]),
        Form::Instance => {
            Path::parse(text).is_ok_and(|path| path.kind() == PathKind::Object && path.ends_in_instance())
        }
        Form::Parameter => instantiated(&[PathKind::Parameter]),
        Form::Command => instantiated(&[PathKind::Command]),
        Form::Any => Path::parse(text).is_ok() || SupportedPath::parse(text).is_ok(),
        Form::RelativeParameter => below(text, PathKind::Parameter),
        Form::EitherParameter => below(text, PathKind::Parameter) || instantiated(&[PathKind::Parameter]),
        Form::RelativeCommand => is_relative(text, PathKind::Command),
        Form::RelativeEvent => is_relative(text, PathKind::Event),
        Form::Argument => is_relative(text, PathKind::Parameter) || is_relative(text, PathKind::Object),
        Form::Supported => {
            SupportedPath::parse(text).is_ok_and(|path| matches!(path.kind(), PathKind::Object | PathKind::Parameter))
        }
    }
}

/// How rows are addressed in it is R-MSG.3's business, not the grammar's.
fn below(text: &str, kind: PathKind) -> bool {
    !text.starts_with("Device.") && Path::parse(&format!("Any.{text}")).is_ok_and(|path| path.kind() == kind)
}

const fn expected(form: Form) -> &'static str {
    match form {
        Form::Object => "an Object Path, ending in a dot",
        Form::Instance => "the path of an Object Instance, ending in its identifier and a dot",
        Form::Parameter => "a Parameter Path",
        Form::Command => "a Command Path, ending in ()",
        Form::Any => "a Path Name",
        Form::RelativeParameter => "a Parameter relative to its Object",
        Form::EitherParameter => "a Parameter, relative to its Object or from the root",
        Form::RelativeCommand => "a Command relative to its Object, ending in ()",
        Form::RelativeEvent => "an Event relative to its Object, ending in !",
        Form::Argument => "the relative path of an argument",
        Form::Supported => "an Object Path of the Supported Data Model",
    }
}
