//! Where in a value a pattern is being held against it. A chain on the stack: only a finding pays for a path.

use uspec_usp::field_path::{FieldPath, Segment};

/// One place, linked to the one that surrounds it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    parent: Option<&'a Place<'a>>,
    step: Step<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Step<'a> {
    Root,
    Key(&'a str),
    Index(usize),
}

impl<'a> Place<'a> {
    /// The value itself.
    pub(super) const fn root() -> Self {
        Self { parent: None, step: Step::Root }
    }

    /// A field or map entry of this place.
    pub(super) const fn key(&'a self, key: &'a str) -> Self {
        Self { parent: Some(self), step: Step::Key(key) }
    }

    /// An item of this place.
    pub(super) const fn index(&'a self, index: usize) -> Self {
        Self { parent: Some(self), step: Step::Index(index) }
    }

    /// The names on the way here, innermost first; list positions are passed over.
    pub(super) fn names(&self) -> impl Iterator<Item = &'a str> {
        let mut here = Some(*self);
        std::iter::from_fn(move || {
            loop {
                let place = here?;
                here = place.parent.copied();
                if let Step::Key(key) = place.step {
                    return Some(key);
                }
            }
        })
    }

    /// The path from the root.
    pub(super) fn path(&self) -> FieldPath {
        let mut segments = Vec::new();
        let mut here = Some(self);
        while let Some(place) = here {
            match place.step {
                Step::Root => {}
                Step::Key(key) if is_field_name(key) => segments.push(Segment::Field(key.to_owned())),
                Step::Key(key) => segments.push(Segment::Key(key.to_owned())),
                Step::Index(index) => segments.push(Segment::Index(index)),
            }
            here = place.parent;
        }
        segments.into_iter().rev().collect()
    }
}

/// The schema's fields are lower case; keys of its maps are names of the data model, which are not, or arbitrary.
fn is_field_name(key: &str) -> bool {
    !key.is_empty() && key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
}
