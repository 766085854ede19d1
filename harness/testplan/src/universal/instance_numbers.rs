//! TP-469 universal 4: Path Names from the Instantiated Data Model address rows by Instance Number (R-MSG.3).
//!
//! Not judged: paths of the Supported Data Model, texts that are the Controller's own, texts outside the grammar (universal 3), and
//! values of reference parameters: which parameters are references is not in the Message.

use uspec_usp::path::Path;

use super::{Tally, path_fields::Form, path_names::each};
use crate::{
    judge::{evidence::Evidence, finding::unmet},
    show,
};

pub(super) fn judge(evidence: Evidence<'_>, tally: &mut Tally) {
    const EXPECTED: &str = "a Path Name with Instance Numbers only";
    tally.expects(EXPECTED);
    for record in evidence.view.received() {
        each(evidence, record, |field| {
            let whole = match field.form {
                Form::Object | Form::Instance | Form::Parameter | Form::Command | Form::Any => field.text.to_owned(),
                Form::RelativeParameter => format!("Any.{}", field.text),
                _ => return,
            };
            let Ok(path) = Path::parse(&whole) else { return };
            if field.echo {
                return;
            }
            tally.holds(path.uses_instance_numbers_only(), || {
                let seen = format!("{} in {}", show::quoted(field.text), record.name());
                unmet(EXPECTED, seen, vec![record.seq]).at(field.place.as_str()).by("R-MSG.3")
            });
        });
    }
}
