//! Where the catalogue's files come from.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use sha2::{Digest, Sha256};

use crate::diagnostic::Diagnostics;

mod embedded {
    include!(concat!(env!("OUT_DIR"), "/catalogue.rs"));
}

/// Where the catalogue comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The one that was built in.
    Embedded,
    /// A folder like `testcases/`.
    Directory(PathBuf),
}

/// The catalogue's YAML files: path relative to its folder, with `/`, and text.
pub(super) type Files = BTreeMap<String, String>;

impl Source {
    pub(super) fn files(&self) -> Result<Files, Diagnostics> {
        match self {
            Self::Embedded => {
                Ok(embedded::FILES.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect())
            }
            Self::Directory(folder) => directory(folder),
        }
    }
}

fn directory(folder: &Path) -> Result<Files, Diagnostics> {
    let mut files = Files::new();
    for entry in walkdir::WalkDir::new(folder) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(folder).display().to_string();
            Diagnostics::of_file(&path, format!("cannot be read: {error}"))
        })?;
        let path = entry.path();
        if !entry.file_type().is_file() || path.extension().is_none_or(|extension| extension != "yaml") {
            continue;
        }
        let name = path.strip_prefix(folder).unwrap_or(path).to_string_lossy().replace('\\', "/");
        let text = std::fs::read_to_string(path)
            .map_err(|error| Diagnostics::of_file(&name, format!("cannot be read: {error}")))?;
        files.insert(name, text);
    }
    Ok(files)
}

/// The same for the same names and texts, wherever they stand: SHA-256 over each name and text with their lengths.
pub(super) fn hash(files: &Files) -> String {
    let mut hasher = Sha256::new();
    for (name, text) in files {
        for part in [name, text] {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part.as_bytes());
        }
    }
    format!("sha256:{}", hex::encode(hasher.finalize()))
}
