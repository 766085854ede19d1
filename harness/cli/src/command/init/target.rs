//! The file that is written: whole or not at all, and never over another one.

use crate::outcome::Error;
use std::{
    ffi::OsString,
    fs::{self, OpenOptions},
    io::{self, Write as _},
    path::{Path, PathBuf},
};

/// A place that was free when it was looked at, and that can be written to.
#[derive(Debug)]
pub(super) struct Target {
    path: PathBuf,
}

impl Target {
    /// Looks before anything else is done.
    ///
    /// # Errors
    /// Something is there already, or the folder is none or cannot be written to.
    pub(super) fn prepare(path: &Path) -> Result<Self, Error> {
        let target = Self { path: path.to_owned() };
        if path.symlink_metadata().is_ok() {
            return Err(target.there());
        }
        if path.file_name().is_none() {
            return Err(Error::Message(format!("error: {} is no name of a file", path.display())));
        }
        let trial = target.beside("trial");
        open(&trial, false).map_err(|cause| Error::file("written", path, &cause))?;
        fs::remove_file(&trial).map_err(|cause| Error::file("removed", &trial, &cause))?;
        Ok(target)
    }

    /// Writes the text; what holds a secret is for its owner's eyes only.
    ///
    /// # Errors
    /// A file that has appeared since, or one that cannot be written.
    pub(super) fn write(&self, text: &str, secret: bool) -> Result<(), Error> {
        let part = self.beside("part");
        let written = open(&part, secret)
            .and_then(|mut file| file.write_all(text.as_bytes()).and_then(|()| file.sync_all()))
            .and_then(|()| place(&part, &self.path));
        // What was only on the way there must not stay; when it is gone already, all is well.
        let _ = fs::remove_file(&part);
        written.map_err(|cause| match cause.kind() {
            io::ErrorKind::AlreadyExists => self.there(),
            _ => Error::file("written", &self.path, &cause),
        })
    }

    /// Where the file goes.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    fn there(&self) -> Error {
        Error::Message(format!(
            "error: {} is there already, and nothing is overwritten: name another file with --out, or move this one",
            self.path.display()
        ))
    }

    fn beside(&self, what: &str) -> PathBuf {
        let mut name = OsString::from(".");
        name.push(self.path.file_name().unwrap_or_default());
        name.push(format!(".{}.{what}", std::process::id()));
        self.path.with_file_name(name)
    }
}

/// Gives a file its name, unless another one has it: a rename would overwrite that.
fn place(part: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(part, path) {
        Err(cause) if cause.kind() != io::ErrorKind::AlreadyExists => {
            // A file system without links. Between look and rename there is a moment that cannot be closed here.
            if path.symlink_metadata().is_ok() {
                return Err(io::ErrorKind::AlreadyExists.into());
            }
            fs::rename(part, path)
        }
        linked => linked,
    }
}

fn open(path: &Path, secret: bool) -> io::Result<fs::File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        options.mode(if secret { 0o600 } else { 0o644 });
    }
    options.open(path)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a test may stop on the first surprise

    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        fs::read_dir(folder).unwrap().map(|it| it.unwrap().file_name().to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn a_file_is_written_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eut.yaml");
        let target = Target::prepare(&path).unwrap();
        assert!(names(folder.path()).is_empty());
        target.write("text", true).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "text");
        assert_eq!(names(folder.path()), ["eut.yaml"]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_is_there_stays_as_it_is_whenever_it_came() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("eut.yaml");
        let target = Target::prepare(&path).unwrap();
        fs::write(&path, "mine").unwrap();
        for refused in [Target::prepare(&path).map(drop).unwrap_err(), target.write("text", false).unwrap_err()] {
            assert!(refused.to_string().contains("eut.yaml is there already"), "{refused}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
        assert_eq!(names(folder.path()), ["eut.yaml"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_told_before_anything_is_asked() {
        let folder = tempfile::tempdir().unwrap();
        let told = Target::prepare(&folder.path().join("nowhere/eut.yaml")).unwrap_err().to_string();
        assert!(told.contains("nowhere/eut.yaml cannot be written"), "{told}");
    }
}
