//! The Agent's own certificate and what it trusts, read once, so that nothing but texts is needed from then on.

use super::AgentError;
use crate::config::{AgentConfig, Pem, TlsIdentity};
use uspec_mtp::MtpError;
use uspec_mtp::tls::TlsMaterial;

/// Puts the text of each PEM file in the place of its name.
pub(super) async fn load(config: &mut AgentConfig) -> Result<(), AgentError> {
    if let Some(TlsIdentity { certificate, key, trust }) = &mut config.tls {
        for pem in [certificate, key].into_iter().chain(trust) {
            read(pem).await?;
        }
    }
    Ok(())
}

/// What an end shows, and the certificates that it verifies its peers against.
pub(super) fn material(identity: Option<&TlsIdentity>, trust: &str) -> Result<TlsMaterial, MtpError> {
    let missing = || MtpError::Config("TLS is asked for, and no certificate is configured".to_owned());
    let identity = identity.ok_or_else(missing)?;
    let (certificate, key) = (text(&identity.certificate)?, text(&identity.key)?);
    Ok(TlsMaterial::from_pem(certificate, key, (!trust.is_empty()).then_some(trust))?)
}

async fn read(pem: &mut Pem) -> Result<(), AgentError> {
    if let Pem::File(path) = pem {
        let read = tokio::fs::read_to_string(&*path).await;
        let text = read.map_err(|source| AgentError::Identity { path: path.clone(), source })?;
        *pem = Pem::Text(text);
    }
    Ok(())
}

fn text(pem: &Pem) -> Result<&str, MtpError> {
    match pem {
        Pem::Text(text) => Ok(text),
        Pem::File(path) => Err(MtpError::Config(format!("{} has not been read", path.display()))),
    }
}
