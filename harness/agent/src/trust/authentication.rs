//! Whether Records of an Endpoint are processed, and with which Roles (the decisions of TR-369's figures "Checking a Certificate" and
//! "Determining the Role").
//!
//! In clear text nobody can be authenticated (R-SEC.0). A Controller that somebody has entered is served all the same, because that is
//! what a bench without TLS asks for; one that is not in the table is not, and never gets there by itself.

use super::certificate::Certificate;
use super::{CERTIFICATES, CREDENTIALS, content, enter, refers_to};
use crate::faults::{Fault, FaultSet};
use crate::model::value;
use crate::permissions::{self, TRUST};
use crate::store::{RowKey, Store, factory, keys};
use uspec_mtp::tls::{CertificateProblem, PeerCertificate, TlsSession, Verification};

/// The table of Controllers.
pub const CONTROLLERS: &str = "Device.LocalAgent.Controller.{i}.";

/// How an Endpoint is to be treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It is the Controller in that row.
    Known(RowKey),
    /// It is a Controller that nobody has entered, but whose certificate the Agent accepts.
    New,
    /// Nothing of it is processed.
    Refused,
}

/// The standing of an Endpoint at the other end of a connection, with the TLS session of that connection if it has one.
pub fn standing(store: &Store, faults: &FaultSet, endpoint_id: &str, tls: Option<&TlsSession>) -> Standing {
    let rows = store.all_of(CONTROLLERS);
    let mut of_it = rows.into_iter().filter(|row| store.text(row, "EndpointID") == endpoint_id).peekable();
    let is_entered = of_it.peek().is_some();
    let row = of_it.find(|row| store.flag(row, "Enable") && !permissions::is_banned(store, row));
    let certificate = match tls.map(|tls| (tls, tls.peer_certificate.as_ref())) {
        None => return row.map_or(Standing::Refused, Standing::Known),
        Some((_, None)) => return Standing::Refused,
        Some((tls, Some(certificate))) => (tls, certificate),
    };
    match (row, certificate) {
        (Some(row), (tls, certificate)) => {
            let verified = tls.verification == Verification::Verified || faults.has(Fault::TlsAcceptsAnyCertificate);
            let by_name = verified && names(faults, certificate, endpoint_id);
            let by_copy = (verified || lacks_an_issuer(tls)) && is_stored(store, &row, certificate);
            if by_name || by_copy { Standing::Known(row) } else { Standing::Refused }
        }
        (None, (tls, certificate)) => {
            let anyone = faults.has(Fault::TlsAcceptsAnyCertificate);
            let accepted = anyone || vouched_for(store, tls, certificate) || on_first_use(store, tls);
            let new = !is_entered && accepted && names(faults, certificate, endpoint_id);
            if new && !faults.has(Fault::UnknownControllersAreRefused) { Standing::New } else { Standing::Refused }
        }
    }
}

/// Enters a Controller whose certificate the Agent has accepted: without a Role of its own it gets the untrusted one (R-SEC.6).
pub fn welcome(store: &mut Store, faults: &FaultSet, endpoint_id: &str, tls: &TlsSession) -> Option<RowKey> {
    let row = store.create(store.model().find(CONTROLLERS)?, &[]);
    for (name, value) in [("EndpointID", endpoint_id), ("Enable", "true"), ("OnBoardingComplete", "true")] {
        store.set(&row, name, value);
    }
    keys::complete(store, &row, &["EndpointID"]);
    if tls.verification != Verification::Verified {
        remember(store, &row, tls);
    }
    Some(row).inspect(|row| determine_roles(store, faults, row, tls))
}

/// Writes the Roles that come from the authority behind the certificate, and the untrusted one where there is none at all.
pub fn determine_roles(store: &mut Store, faults: &FaultSet, controller: &RowKey, tls: &TlsSession) {
    if let Some(peer) = tls.peer_certificate.as_ref().filter(|_| faults.has(Fault::CertificateLosesAliasWhenUsed)) {
        for row in entries(store, peer) {
            store.set(&row, "Alias", format!("used-{}", row.number()));
        }
    }
    let inherited = tls.peer_certificate.as_ref().and_then(|peer| authority(store, peer));
    let inherited = inherited.map(|row| store.text(&row, "Role").to_owned()).unwrap_or_default();
    if store.text(controller, "InheritedRole") != inherited {
        store.set(controller, "InheritedRole", inherited.clone());
    }
    if inherited.is_empty() && store.text(controller, "AssignedRole").is_empty() {
        let untrusted = RowKey::parse(TRUST, store.model()).map(|row| store.text(&row, "UntrustedRole").to_owned());
        let role = match untrusted {
            _ if faults.has(Fault::UntrustedRoleIsNotAssigned) => return,
            _ if faults.has(Fault::UntrustedGetFullAccess) => factory::FULL_ACCESS.to_owned(),
            role => role.unwrap_or_default(),
        };
        store.set(controller, "AssignedRole", role);
    }
}

/// R-SEC.0a: the certificate stands for the Endpoint.
fn names(faults: &FaultSet, certificate: &PeerCertificate, endpoint_id: &str) -> bool {
    faults.has(Fault::TlsIgnoresEndpointId) || certificate.stands_for(endpoint_id).is_exact()
}

/// R-SEC.4: the certificate is the one that is stored for this very Controller.
fn is_stored(store: &Store, controller: &RowKey, certificate: &PeerCertificate) -> bool {
    entries(store, certificate).iter().any(|row| store.flag(row, "Enable") && refers_to(store, controller, row))
}

/// The rows that hold this very certificate; one at most.
fn entries(store: &Store, certificate: &PeerCertificate) -> Vec<RowKey> {
    let same = |row: &RowKey| content(store, row).is_some_and(|stored| stored.der == certificate.der);
    store.all_of(CERTIFICATES).into_iter().filter(same).collect()
}

/// The certificate was verified, and whoever vouches for it may vouch for Controllers.
fn vouched_for(store: &Store, tls: &TlsSession, certificate: &PeerCertificate) -> bool {
    tls.verification == Verification::Verified && authority(store, certificate).is_some()
}

/// Trust on first use: nobody vouches for the certificate, nothing else is wrong with it, and the policy allows that.
fn on_first_use(store: &Store, tls: &TlsSession) -> bool {
    allows_first_use(store) && lacks_an_issuer(tls)
}

/// Whether certificates that nobody vouches for may be trusted when they are seen for the first time.
pub fn allows_first_use(store: &Store) -> bool {
    RowKey::parse(TRUST, store.model()).is_some_and(|row| store.flag(&row, "TOFUAllowed"))
}

/// Nothing is wrong with the certificate but that nobody vouches for it. One that is not valid at this time is none of these (R-SEC.20).
fn lacks_an_issuer(tls: &TlsSession) -> bool {
    use CertificateProblem::{NoTrustAnchor, SelfSigned, UnknownIssuer};
    let unknown = |problem: &CertificateProblem| matches!(problem, SelfSigned | UnknownIssuer | NoTrustAnchor);
    matches!(&tls.verification, Verification::Accepted { problem, .. } if unknown(problem))
}

/// The Credential whose certificate has issued the peer's, or is the peer's; of several the first (R-SEC.25).
fn authority(store: &Store, peer: &PeerCertificate) -> Option<RowKey> {
    let usable = |row: &RowKey| store.flag(row, "Enable") && store.text(row, "AllowedUses") != "MTP-only";
    let vouches = |certificate: &Certificate| certificate.subject == peer.issuer || certificate.der == peer.der;
    store.all_of(CREDENTIALS).into_iter().filter(usable).find(|credential| {
        let items = value::items(store.text(credential, "Credential")).into_iter();
        let mut certificates = items.filter_map(|item| content(store, &RowKey::parse(item, store.model())?));
        certificates.any(|certificate| vouches(&certificate))
    })
}

/// R-SEC.8: what was trusted on first use is known from then on.
fn remember(store: &mut Store, controller: &RowKey, tls: &TlsSession) {
    let Some(peer) = &tls.peer_certificate else { return };
    let pem = pem::encode(&pem::Pem::new("CERTIFICATE", peer.der.to_vec()));
    let entered = Certificate::parse(&pem).ok().and_then(|certificate| enter(store, &certificate, None));
    if let Some(row) = entered {
        let reference = row.reference(store.model());
        store.set(controller, "Credential", reference);
    }
}
