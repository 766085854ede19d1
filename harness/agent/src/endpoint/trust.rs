//! Whom the ends with TLS let in.

use crate::config::{AgentConfig, Pem, TlsIdentity};
use crate::faults::Fault;
use crate::store::Store;
use crate::trust;
use uspec_mtp::MtpError;
use uspec_mtp::tls::{ClientAuth, TlsMaterial, TlsServer};

/// Whom the ends with TLS let in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// The trust anchors as PEM.
    pub(super) anchors: String,
    /// Servers take on clients with any certificate and leave it to the engine what may be done with it.
    first_use: bool,
    /// Nothing is refused whoever shows what.
    anyone: bool,
}

impl Trust {
    /// What the data model says. With no anchor at all the Agent trusts its own certificate, and so nobody else.
    pub(super) fn read(store: &Store, config: &AgentConfig, met: bool) -> Self {
        let faults = &config.faults;
        let own = || match config.tls.as_ref().map(|tls| &tls.certificate) {
            Some(Pem::Text(text)) => text.clone(),
            _ => String::new(),
        };
        let frozen = faults.has(Fault::AddedCertificateIsNotTrusted);
        let anchors = if frozen { configured(config.tls.as_ref()) } else { trust::anchors(store) };
        let nobody = anchors.is_empty() || (met && faults.has(Fault::TlsRefusesAfterFirstSession));
        Self {
            anchors: if nobody { own() } else { anchors },
            first_use: trust::authentication::allows_first_use(store),
            anyone: faults.has(Fault::TlsAcceptsAnyCertificate),
        }
    }

    /// Makes an end with TLS verify its later peers accordingly.
    /// `set_trust` is that of its handle.
    pub(super) fn apply(&self, is_server: bool, set_trust: impl FnOnce(&str, bool) -> Result<(), MtpError>) {
        let accept_any = self.anyone || (self.first_use && is_server);
        if let Err(error) = set_trust(&self.anchors, accept_any) {
            tracing::warn!(%error, "trust not changed");
        }
    }
}

/// A server that demands a certificate from the very first connection on.
pub(super) fn demanding(material: TlsMaterial) -> TlsServer {
    TlsServer { client_auth: ClientAuth::Require, ..TlsServer::new(material) }
}

fn configured(identity: Option<&TlsIdentity>) -> String {
    match identity.and_then(|identity| identity.trust.as_ref()) {
        Some(Pem::Text(text)) => text.clone(),
        _ => String::new(),
    }
}
