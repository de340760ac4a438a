//! What can go wrong with the program's own files.

use std::io;
use std::path::{Path, PathBuf};

/// A file of this program cannot be read or written, or is not what it should be.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The operating system refuses to read.
    #[error("cannot read {}", path.display())]
    Read {
        /// File or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The operating system refuses to write.
    #[error("cannot write {}{}", path.display(), if source.kind() == io::ErrorKind::StorageFull { " (the disk is full; free some space or choose another folder with --out)" } else { "" })]
    Write {
        /// File or folder.
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// The content is not what it should be.
    #[error("{}: {found}, expected {expected}; {advice}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found.
        found: String,
        /// What was expected.
        expected: String,
        /// What to do.
        advice: String,
    },
}

impl StoreError {
    pub(crate) fn read(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Read { path: path.to_path_buf(), source }
    }

    pub(crate) fn write(path: &Path) -> impl FnOnce(io::Error) -> Self + '_ {
        |source| Self::Write { path: path.to_path_buf(), source }
    }

    /// A file of ours that someone else changed or cut short.
    pub(crate) fn damaged(path: &Path, found: impl Into<String>, expected: impl Into<String>) -> Self {
        Self::Format {
            path: path.to_path_buf(),
            found: found.into(),
            expected: expected.into(),
            advice: "delete it and run the step that writes it again (--force)".into(),
        }
    }
}
