//! Where in a protobuf message something stands, as reports and diagnostics write it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A path into a protobuf message or its JSON form; `body.response.add_resp.created_obj_results[0].oper_status`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FieldPath(Vec<Segment>);

/// One step of a [`FieldPath`].
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Segment {
    /// A field by its name in the schema.
    Field(String),
    /// An item of a repeated field, counted from 0.
    Index(usize),
    /// An entry of a map by its key.
    Key(String),
}

impl FieldPath {
    /// The path of the message itself.
    pub const fn root() -> Self {
        Self(Vec::new())
    }

    /// The steps from the root on.
    pub fn segments(&self) -> &[Segment] {
        &self.0
    }

    /// This path, one step further.
    #[must_use]
    pub fn child(&self, segment: Segment) -> Self {
        let mut path = self.clone();
        path.push(segment);
        path
    }

    pub(crate) fn push(&mut self, segment: Segment) {
        self.0.push(segment);
    }

    pub(crate) fn pop(&mut self) {
        self.0.pop();
    }
}

impl FromIterator<Segment> for FieldPath {
    fn from_iter<I: IntoIterator<Item = Segment>>(segments: I) -> Self {
        Self(segments.into_iter().collect())
    }
}

impl fmt::Display for FieldPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, segment) in self.0.iter().enumerate() {
            match segment {
                Segment::Field(name) if position == 0 => f.write_str(name)?,
                Segment::Field(name) => write!(f, ".{name}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Key(key) => write!(f, "[{key:?}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_reads_like_the_schema() {
        let path: FieldPath =
            [Segment::Field("a".into()), Segment::Index(2), Segment::Field("b".into()), Segment::Key("x.y".into())]
                .into_iter()
                .collect();
        assert_eq!(path.to_string(), r#"a[2].b["x.y"]"#);
        assert_eq!(FieldPath::root().to_string(), "");
    }
}
