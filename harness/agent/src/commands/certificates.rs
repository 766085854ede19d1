//! The Commands around `Device.LocalAgent.Certificate.`.

use super::{Invocation, Outcome, done};
use crate::errors::{Failure, code};
use crate::faults::Fault;
use crate::model::value;
use crate::store::{RowKey, Store};
use crate::trust::{self, certificate::Certificate};

/// AddCertificate(): the certificate is known from then on; what trusts it is another Parameter.
pub(super) fn add(store: &mut Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let before = store.clone();
    enter(store, invocation)?;
    let faults = invocation.caller.faults;
    if faults.has(Fault::AddCertificateStoresNothing) {
        *store = before;
    }
    if faults.has(Fault::AddCertificateFails) { Err(failed("refused without a reason")) } else { Ok(done(Vec::new())) }
}

/// AddMyCertificate(): the same for the Controller that the Object belongs to, and by nobody else.
pub(super) fn add_mine(store: &mut Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    if invocation.row != invocation.caller.controller {
        return Err(invocation.caller.denied("only the Controller itself may add a certificate of its own"));
    }
    let row = enter(store, invocation)?;
    let reference = row.reference(store.model());
    let mut own: Vec<String> =
        value::items(store.text(invocation.row, "Credential")).into_iter().map(str::to_owned).collect();
    own.push(reference);
    store.set(invocation.row, "Credential", own.join(","));
    Ok(done(Vec::new()))
}

/// Delete(): the certificate goes, and with it every reference.
pub(super) fn delete(store: &mut Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let faults = invocation.caller.faults;
    if faults.has(Fault::CertificateCannotBeDeleted) {
        return Err(failed("refused without a reason"));
    }
    if !faults.has(Fault::CertificateDeleteKeepsIt) {
        store.remove(invocation.row);
    }
    Ok(done(Vec::new()))
}

/// GetFingerprint()
pub(super) fn fingerprint(store: &Store, invocation: &Invocation<'_>) -> Result<Outcome, Failure> {
    let algorithm = invocation.argument("FingerprintAlgorithm");
    let certificate = trust::content(store, invocation.row);
    let fingerprint = certificate.and_then(|certificate| certificate.fingerprint(algorithm));
    let fingerprint = fingerprint.ok_or_else(|| failed("there is no such fingerprint"))?;
    Ok(Outcome::Done { output: [("Fingerprint".to_owned(), fingerprint)].into(), effects: Vec::new() })
}

fn enter(store: &mut Store, invocation: &Invocation<'_>) -> Result<RowKey, Failure> {
    let certificate = Certificate::parse(invocation.argument("Certificate")).map_err(failed)?;
    let ignores_alias = invocation.caller.faults.has(Fault::AddCertificateIgnoresAlias);
    let alias = Some(invocation.argument("Alias")).filter(|alias| !alias.is_empty() && !ignores_alias);
    trust::enter(store, &certificate, alias).ok_or_else(|| failed("the certificate or its Alias is there already"))
}

fn failed(why: impl Into<String>) -> Failure {
    Failure::new(code::COMMAND_FAILURE, why)
}
