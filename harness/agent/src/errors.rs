//! What goes wrong inside the Agent, in the error codes of TR-369 ("Error Codes" of its Messages chapter).

/// The codes that this Agent uses, by the name that TR-369 gives them.
pub mod code {
    /// General failure of a Message.
    pub const MESSAGE_FAILED: u32 = 7000;
    /// The Message is not one that an Agent answers.
    pub const MESSAGE_NOT_SUPPORTED: u32 = 7001;
    /// Refused without a reason.
    pub const REQUEST_DENIED: u32 = 7002;
    /// A value in the Message is not valid.
    pub const INVALID_ARGUMENTS: u32 = 7004;
    /// A limit of the Agent is reached.
    pub const RESOURCES_EXCEEDED: u32 = 7005;
    /// The Controller's Roles do not allow it.
    pub const PERMISSION_DENIED: u32 = 7006;
    /// The Path Name does not follow the grammar.
    pub const INVALID_PATH_SYNTAX: u32 = 7008;
    /// The Object has no such Parameter.
    pub const UNSUPPORTED_PARAMETER: u32 = 7010;
    /// The text is no value of the Parameter's type.
    pub const INVALID_TYPE: u32 = 7011;
    /// A value of the right type that the Parameter does not accept.
    pub const INVALID_VALUE: u32 = 7012;
    /// The Parameter cannot be written (any more).
    pub const NON_WRITEABLE_PARAMETER: u32 = 7013;
    /// The addressed Object is not in the Instantiated Data Model.
    pub const OBJECT_DOES_NOT_EXIST: u32 = 7016;
    /// The instance could not be made.
    pub const OBJECT_NOT_CREATED: u32 = 7017;
    /// The Path Name is not that of a Multi-Instance Object.
    pub const NOT_A_TABLE: u32 = 7018;
    /// Controllers cannot create instances of this Object.
    pub const NON_CREATABLE_OBJECT: u32 = 7019;
    /// A required Parameter of an Add or Set failed.
    pub const REQUIRED_PARAMETER_FAILED: u32 = 7021;
    /// The command did not succeed.
    pub const COMMAND_FAILURE: u32 = 7022;
    /// The command was cancelled through its Request.
    pub const COMMAND_CANCELED: u32 = 7023;
    /// The instance could not be deleted.
    pub const DELETE_FAILURE: u32 = 7024;
    /// Another instance has the same unique key.
    pub const DUPLICATE_KEY: u32 = 7025;
    /// The Path Name is not in the Supported Data Model.
    pub const INVALID_PATH: u32 = 7026;
    /// A command argument is missing or not valid.
    pub const INVALID_COMMAND_ARGUMENTS: u32 = 7027;
    /// The Record asks for secured payloads, which are not supported.
    pub const SECURE_SESSION_NOT_SUPPORTED: u32 = 7102;
    /// A field of the Record has no valid value.
    pub const INVALID_RECORD_VALUE: u32 = 7104;
    /// Session Contexts are not supported.
    pub const SESSION_CONTEXT_NOT_ALLOWED: u32 = 7106;
}

/// A failure that ends up in an Error, an `oper_failure`, a `cmd_failure` or a `ParameterError`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct Failure {
    /// The TR-369 error code.
    pub code: u32,
    /// What a person reads next to the code.
    pub message: String,
}

impl Failure {
    /// A failure with `code` and its explanation.
    pub fn new(code: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }
}

/// A failure of one Parameter, named relative to its Object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParamFailure {
    /// Path of the Parameter relative to the Object that the request addressed.
    pub param: String,
    /// Why it failed.
    pub failure: Failure,
}
