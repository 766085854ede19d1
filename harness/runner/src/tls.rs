//! Our certificates for one MTP: from the profile's files, or issued by an authority that the EUT trusts.

use crate::config::{ConfigError, TlsSupply};
use std::{path::Path, sync::Arc};
use uspec_mtp::tls::{
    CertificateAuthority, ClientAuth, IdentityKind, KeyLogSink, Pki, ServerVerification, TlsClient, TlsError,
    TlsMaterial, TlsServer,
};
use uspec_testplan::{
    case::CertificateKind,
    profile::{Tls, TlsFiles},
};

/// What there is to make TLS of.
#[derive(Debug)]
pub(crate) struct Means {
    files: TlsFiles,
    /// The EUT's certificate is verified against the authority that issues ours.
    verifies: bool,
    /// The authority that issues what is not in files.
    pub(crate) pki: Option<Arc<Pki>>,
    key_log: Option<KeyLogSink>,
}

impl Means {
    /// Reads the profile's authority, or takes the one that was handed in.
    pub(crate) fn read(tls: &Tls, supply: &TlsSupply) -> Result<Self, ConfigError> {
        let key_log = supply.key_log.clone();
        match tls {
            Tls::Generate => {
                let pki = Some(Arc::clone(supply.pki.as_ref().ok_or(ConfigError::NoPki)?));
                let files = TlsFiles { identity: None, trust: None, authority: None };
                Ok(Self { files, verifies: true, pki, key_log })
            }
            Tls::Files(files) => {
                let authority = files.authority.as_ref();
                let pki = authority.map(|(certificate, key)| Pki::from_pem_files(certificate, key)).transpose()?;
                let verifies = files.trust.is_some();
                Ok(Self { files: files.clone(), verifies, pki: pki.map(Arc::new), key_log })
            }
        }
    }

    /// TLS of an end that listens at `host`.
    pub(crate) fn server(&self, controller: &str, host: &str) -> Result<TlsServer, ConfigError> {
        let material = self.material(controller, host)?.ok_or(ConfigError::NoIdentity)?;
        let mut server = TlsServer::new(material);
        server.client_auth = if self.verifies { ClientAuth::Require } else { ClientAuth::Record };
        server.key_log.clone_from(&self.key_log);
        Ok(server)
    }

    /// TLS of an end that connects to `host`.
    pub(crate) fn client(&self, controller: &str, host: &str) -> Result<TlsClient, ConfigError> {
        let material = if let Some(material) = self.material(controller, host)? {
            material
        } else {
            // An Agent demands a certificate of its Controller (R-MTP.1); without one of our own, one is made for the run.
            let authority = CertificateAuthority::generate("uspec")?;
            self.trusting(TlsMaterial::generate(controller, &authority)?)?
        };
        let mut client = TlsClient::new(material);
        client.verification = if self.verifies { ServerVerification::Full } else { ServerVerification::AcceptAny };
        client.key_log.clone_from(&self.key_log);
        Ok(client)
    }

    /// Our identity: the profile's, or one that is issued.
    fn material(&self, controller: &str, host: &str) -> Result<Option<TlsMaterial>, TlsError> {
        match (&self.files.identity, &self.pki) {
            (Some((certificate, key)), _) => {
                let trust = self.files.trust.as_deref();
                TlsMaterial::from_pem_files(certificate, key, trust).map(Some)
            }
            (None, Some(pki)) => {
                let issued = pki.issue(IdentityKind::Trusted, controller, &hosts(&[host]))?;
                self.trusting(issued).map(Some)
            }
            (None, None) => Ok(None),
        }
    }

    fn trusting(&self, material: TlsMaterial) -> Result<TlsMaterial, TlsError> {
        match self.files.trust.as_deref() {
            Some(trust) => material.trusting_pem_file(Path::new(trust)),
            None => Ok(material),
        }
    }
}

/// The names under which we may be reached: those given, and this very machine.
pub(crate) fn hosts(given: &[&str]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for name in given.iter().copied().chain(["localhost", "127.0.0.1", "::1"]) {
        if !is_everywhere(name) && !names.iter().any(|known| known == name) {
            names.push(name.to_owned());
        }
    }
    names
}

/// Whether an address says "at every address of this machine", which nobody can connect to.
pub(crate) fn is_everywhere(host: &str) -> bool {
    matches!(host, "0.0.0.0" | "::" | "")
}

/// The same certificate and key, trusting whom `other` trusts.
pub(crate) fn trusting_as(material: TlsMaterial, other: &TlsMaterial) -> Result<TlsMaterial, TlsError> {
    let trust = other.trust_pem();
    if trust.is_empty() { Ok(material.trusting_nobody()) } else { material.trusting_pem(&trust) }
}

/// The same kind in the words of the MTP.
pub(crate) fn identity_kind(kind: CertificateKind) -> IdentityKind {
    match kind {
        // None is a right one that is then not shown.
        CertificateKind::Trusted | CertificateKind::None => IdentityKind::Trusted,
        CertificateKind::SelfSigned => IdentityKind::SelfSigned,
        CertificateKind::Untrusted => IdentityKind::Untrusted,
        CertificateKind::Expired => IdentityKind::Expired,
        CertificateKind::NotYetValid => IdentityKind::NotYetValid,
        CertificateKind::WrongName => IdentityKind::WrongName,
        CertificateKind::WrongHost => IdentityKind::WrongHost,
        CertificateKind::Alternate => IdentityKind::Alternate,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_certificate_names_no_address_that_is_none() {
        assert_eq!(hosts(&["0.0.0.0"]), ["localhost", "127.0.0.1", "::1"]);
        assert_eq!(hosts(&["bench.example", "localhost"]), ["bench.example", "localhost", "127.0.0.1", "::1"]);
    }

    #[test]
    fn what_is_to_be_generated_needs_somebody_who_issues_it() {
        assert!(matches!(Means::read(&Tls::Generate, &TlsSupply::default()), Err(ConfigError::NoPki)));
    }
}
