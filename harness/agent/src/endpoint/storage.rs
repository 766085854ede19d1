//! State between restarts of the process.

use super::AgentError;
use crate::config::Persistence;
use crate::core::Saved;
use std::io::ErrorKind;
use std::path::Path;

/// What was saved, if anything was.
pub(super) async fn load(persistence: &Persistence) -> Result<Option<Saved>, AgentError> {
    let Persistence::File(path) = persistence else { return Ok(None) };
    match tokio::fs::read(path).await {
        Ok(text) => {
            let state = |source| AgentError::State { path: path.clone(), source };
            serde_json::from_slice(&text).map(Some).map_err(state)
        }
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(AgentError::Storage { path: path.clone(), source }),
    }
}

/// Saves, where there is a place for it. The file is replaced in one step, so that a crash leaves the old or the new state.
pub(super) async fn save(persistence: &Persistence, saved: &Saved) -> Result<(), AgentError> {
    let Persistence::File(path) = persistence else { return Ok(()) };
    let state = |source| AgentError::State { path: path.clone(), source };
    let text = serde_json::to_vec_pretty(saved).map_err(state)?;
    replace(path, &text).await.map_err(|source| AgentError::Storage { path: path.clone(), source })
}

async fn replace(path: &Path, text: &[u8]) -> std::io::Result<()> {
    let fresh = path.with_extension("new");
    tokio::fs::write(&fresh, text).await?;
    tokio::fs::rename(&fresh, path).await
}
