//! The compiled USP schema for reflection, and the names that the standard gives to its Messages.
//!
//! One decision behind it: the descriptors are compiled into the crate, so loading them cannot fail on a user's
//! machine. The accessors still return a `Result`, because a broken build must end in an error of ours and never in a
//! finding against the EUT.

mod kind;
mod resolve;

use std::sync::LazyLock;

use prost_reflect::{DescriptorPool, MessageDescriptor};

pub use kind::{Content, MessageKind};
pub use resolve::{Resolved, resolve_path};

static DESCRIPTORS: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

static SCHEMA: LazyLock<Result<Schema, SchemaError>> = LazyLock::new(Schema::load);

/// The descriptors of the two roots of USP: the Record (R-ENC.1) and the Message (R-ENC.0).
#[derive(Debug, Clone)]
pub struct Schema {
    pool: DescriptorPool,
    record: MessageDescriptor,
    msg: MessageDescriptor,
}

impl Schema {
    /// The schema compiled into this crate. An error means that the crate itself was built wrongly.
    pub fn get() -> Result<&'static Self, SchemaError> {
        SCHEMA.as_ref().map_err(Clone::clone)
    }

    fn load() -> Result<Self, SchemaError> {
        let pool = DescriptorPool::decode(DESCRIPTORS).map_err(|error| SchemaError::Unreadable(error.to_string()))?;
        let root =
            |name: &'static str| pool.get_message_by_name(name).ok_or_else(|| SchemaError::Missing(name.to_owned()));
        Ok(Self { record: root("usp_record.Record")?, msg: root("usp.Msg")?, pool: pool.clone() })
    }

    /// Every descriptor of both files, for generated tables and documentation.
    pub fn pool(&self) -> &DescriptorPool {
        &self.pool
    }

    /// `usp_record.Record`.
    pub fn record(&self) -> &MessageDescriptor {
        &self.record
    }

    /// `usp.Msg`.
    pub fn msg(&self) -> &MessageDescriptor {
        &self.msg
    }

    /// The message that a part of a USP Message's body has: of a Request, of a Response, or of an Error.
    pub fn content(&self, content: Content) -> Result<MessageDescriptor, SchemaError> {
        let name = content.full_name();
        self.pool.get_message_by_name(&name).ok_or(SchemaError::Missing(name))
    }
}

/// Why the compiled schema cannot be used; a fault of the harness, never of an Endpoint under test.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SchemaError {
    /// The descriptor set in the crate is not a descriptor set.
    #[error("the schema compiled into uspec-usp is unreadable: {0}")]
    Unreadable(String),
    /// The descriptor set lacks a message that the standard defines.
    #[error("the schema compiled into uspec-usp has no message {0}")]
    Missing(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_compiled_schema_has_both_roots() {
        let schema = Schema::get().unwrap();
        assert_eq!(schema.record().full_name(), "usp_record.Record");
        assert_eq!(schema.msg().full_name(), "usp.Msg");
    }

    #[test]
    fn every_content_has_a_descriptor() {
        let schema = Schema::get().unwrap();
        for kind in MessageKind::ALL {
            assert_eq!(schema.content(Content::Request(kind)).unwrap().name(), kind.name());
            assert_eq!(schema.content(Content::Response(kind)).unwrap().name(), format!("{}Resp", kind.name()));
        }
        assert_eq!(schema.content(Content::Error).unwrap().full_name(), "usp.Error");
    }
}
