//! The Requests that an Agent answers, one file each. A handler turns the Request into a Response or a [`Refusal`] and touches
//! nothing but the store it is given.

pub mod add;
mod assign;
pub mod delete;
pub mod get;
pub mod get_instances;
pub mod get_supported_dm;
pub mod operate;
pub mod set;

use crate::errors::{Failure, ParamFailure, code};
use crate::faults::{Fault, FaultSet};
use crate::path::Scope;
use crate::store::{RowKey, Store};
use uspec_usp::msg;

/// Versions of USP that the Agent speaks.
pub const SUPPORTED_VERSIONS: &str = "1.0,1.1,1.2,1.3,1.4";

/// For whom, when and with which faults a Request is handled.
#[derive(Debug, Clone, Copy)]
pub struct Caller<'a> {
    /// The row of the Controller that asks.
    pub controller: &'a RowKey,
    /// The faults that are on.
    pub faults: &'a FaultSet,
    /// The time of day.
    pub now: jiff::Timestamp,
}

impl<'a> Caller<'a> {
    /// The store as this Controller may see it.
    pub fn scope(&self, store: &'a Store) -> Scope<'a> {
        Scope { store, faults: self.faults, controller: Some(self.controller) }
    }

    /// The failure of what the Controller may not do.
    pub fn denied(&self, why: impl Into<String>) -> Failure {
        let wrong = self.faults.has(Fault::PermissionDeniedWrongCode);
        Failure::new(if wrong { code::INVALID_ARGUMENTS } else { code::PERMISSION_DENIED }, why)
    }
}

/// A Request that is answered with an Error Message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// Why the Message as a whole failed.
    pub failure: Failure,
    /// Which Objects or Parameters made it fail, by their path.
    pub details: Vec<(String, Failure)>,
}

impl Refusal {
    /// A refusal that one path causes.
    pub fn of(path: impl Into<String>, failure: Failure) -> Self {
        Self { details: vec![(path.into(), failure.clone())], failure }
    }

    /// The Error Message.
    pub fn into_error(self) -> msg::Error {
        let detail = |(param_path, failure): (String, Failure)| msg::error::ParamError {
            param_path,
            err_code: failure.code,
            err_msg: failure.message,
        };
        msg::Error {
            err_code: self.failure.code,
            err_msg: self.failure.message,
            param_errs: self.details.into_iter().map(detail).collect(),
        }
    }
}

impl From<Failure> for Refusal {
    fn from(failure: Failure) -> Self {
        Self { failure, details: Vec::new() }
    }
}

/// An Object that could not be made or updated.
#[derive(Debug, Clone, PartialEq, Eq)]
struct ObjectFailure {
    failure: Failure,
    params: Vec<ParamFailure>,
}

impl ObjectFailure {
    /// What the Error says: each Parameter by its path below `path`, or the Object itself when no Parameter is to blame.
    fn details(&self, path: &str) -> Vec<(String, Failure)> {
        if self.params.is_empty() {
            return vec![(path.to_owned(), self.failure.clone())];
        }
        self.params.iter().map(|param| (format!("{path}{}", param.param), param.failure.clone())).collect()
    }
}

/// The code of an Object whose required Parameters failed: a missing permission is named as such (TP-469 2.26).
fn object_code(fatal: &[ParamFailure]) -> u32 {
    let denied = fatal.iter().any(|param| param.failure.code == code::PERMISSION_DENIED);
    if denied { code::PERMISSION_DENIED } else { code::REQUIRED_PARAMETER_FAILED }
}

impl From<Failure> for ObjectFailure {
    fn from(failure: Failure) -> Self {
        Self { failure, params: Vec::new() }
    }
}
