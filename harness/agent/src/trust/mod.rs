//! Whom the Agent trusts: the certificates of `Device.LocalAgent.Certificate.`, what they are trusted for, and how a Controller that
//! connects is authenticated (TR-369 "Authentication and Authorization").

pub mod authentication;
pub mod certificate;

use crate::model::value;
use crate::store::{RowKey, Store, keys};
use certificate::Certificate;

/// The table of certificates.
pub const CERTIFICATES: &str = "Device.LocalAgent.Certificate.{i}.";
/// The table of certificates that vouch for Controllers.
const CREDENTIALS: &str = "Device.LocalAgent.ControllerTrust.Credential.{i}.";
/// Under this name the Agent keeps the certificate itself, which no Parameter shows.
const CONTENT: &str = "#pem";

/// Enters a certificate. Neither makes it trusted (TR-181 AddCertificate()); none when it is there already, or the Alias is.
pub fn enter(store: &mut Store, certificate: &Certificate, alias: Option<&str>) -> Option<RowKey> {
    let known = store.all_of(CERTIFICATES);
    let taken = |row: &RowKey| {
        let same = store.text(row, "SerialNumber") == certificate.serial_number
            && store.text(row, "Issuer") == certificate.issuer;
        same || alias.is_some_and(|alias| store.text(row, "Alias") == alias)
    };
    if known.iter().any(taken) {
        return None;
    }
    let row = store.create(store.model().find(CERTIFICATES)?, &[]);
    store.set(&row, "SerialNumber", certificate.serial_number.clone());
    store.set(&row, "Issuer", certificate.issuer.clone());
    store.set(&row, CONTENT, certificate.pem.clone());
    match alias {
        Some(alias) => {
            store.set(&row, "Alias", alias);
            store.mark_written(&row, "Alias");
        }
        None => keys::complete(store, &row, &[]),
    }
    Some(row)
}

/// Makes an entered certificate one that vouches for others or itself, without a Role of its own.
pub fn vouch(store: &mut Store, certificate: &RowKey) {
    let Some(object) = store.model().find(CREDENTIALS) else { return };
    let reference = certificate.reference(store.model());
    let row = store.create(object, &[]);
    store.set(&row, "Enable", "true");
    store.set(&row, "Credential", reference);
    keys::complete(store, &row, &["Credential"]);
}

/// The certificate that a row stands for.
pub fn content(store: &Store, row: &RowKey) -> Option<Certificate> {
    Certificate::parse(store.private(row, CONTENT)?).ok()
}

/// What peers are verified against: the enabled certificates that a Credential or a Controller refers to, as PEM.
pub fn anchors(store: &Store) -> String {
    let rows = store.all_of(CERTIFICATES).into_iter();
    let trusted = rows.filter(|row| store.flag(row, "Enable") && is_referred_to(store, row));
    trusted.filter_map(|row| store.private(&row, CONTENT).map(str::to_owned)).collect()
}

fn is_referred_to(store: &Store, certificate: &RowKey) -> bool {
    let refers = |row: &RowKey| store.flag(row, "Enable") && refers_to(store, row, certificate);
    store.all_of(CREDENTIALS).iter().any(refers) || store.all_of("Device.LocalAgent.Controller.{i}.").iter().any(refers)
}

/// Whether the `Credential` of a row names the certificate.
fn refers_to(store: &Store, row: &RowKey, certificate: &RowKey) -> bool {
    let items = value::items(store.text(row, "Credential")).into_iter();
    items.filter_map(|item| RowKey::parse(item, store.model())).any(|row| row == *certificate)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Model;
    use uspec_mtp::tls::{IdentityKind, Pki};

    fn some() -> Certificate {
        let pki = Pki::generate().unwrap();
        let material = pki.issue(IdentityKind::Alternate, "proto::c", &["localhost"]).unwrap();
        Certificate::parse(&material.chain_pem()).unwrap()
    }

    #[test]
    fn a_certificate_is_trusted_when_something_refers_to_it() {
        let mut store = Store::new(Model::device().unwrap());
        let (first, second) = (some(), some());
        let row = enter(&mut store, &first, Some("addedCert")).unwrap();
        assert_eq!(store.text(&row, "Alias"), "addedCert");
        assert_eq!(anchors(&store), "");
        vouch(&mut store, &row);
        assert_eq!(anchors(&store), first.pem);
        let other = enter(&mut store, &second, None).unwrap();
        let controller = store.create(store.model().find("Device.LocalAgent.Controller.{i}.").unwrap(), &[]);
        store.set(&controller, "Enable", "true");
        store.set(&controller, "Credential", "Device.LocalAgent.Certificate.2");
        assert_eq!(anchors(&store), format!("{}{}", first.pem, second.pem));
        store.remove(&other);
        assert_eq!(store.text(&controller, "Credential"), "");
        store.set(&row, "Enable", "false");
        assert_eq!(anchors(&store), "");
    }

    #[test]
    fn neither_the_certificate_nor_its_alias_comes_twice() {
        let mut store = Store::new(Model::device().unwrap());
        let (first, second) = (some(), some());
        assert!(enter(&mut store, &first, Some("one")).is_some());
        assert!(enter(&mut store, &first, Some("two")).is_none());
        assert!(enter(&mut store, &second, Some("one")).is_none());
        assert!(enter(&mut store, &second, None).is_some());
        assert_eq!(content(&store, &store.all_of(CERTIFICATES)[0]), Some(first));
    }
}
