//! What can go wrong with the program's own files.

use std::io;
use std::path::{Path, PathBuf};

use super::RUN_FILE;

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
    /// A place that would be cleared or replaced holds something that dre did not write.
    #[error("{}", not_ours(place, found))]
    NotOurs {
        /// What would be replaced.
        place: PathBuf,
        /// What it holds.
        found: PathBuf,
    },
    /// A folder for a run holds other things.
    #[error(
        "{}: holds {}, and no {RUN_FILE} that would say that dre may write there; choose another folder with --out, or an empty \
         one",
        path.display(), shown(names)
    )]
    NotARun {
        /// The folder.
        path: PathBuf,
        /// What it holds.
        names: Vec<String>,
    },
    /// Another program works in a folder.
    #[error(
        "{}: another dre is working here ({holder}); wait for it, or choose another folder with --out",
        path.display()
    )]
    Busy {
        /// The folder.
        path: PathBuf,
        /// Which one, and since when.
        holder: String,
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

/// The first few names.
fn shown(names: &[String]) -> String {
    let more = names.len().saturating_sub(4);
    let few = names[..names.len() - more].join(", ");
    if more > 0 { format!("{few} and {more} more") } else { few }
}

fn not_ours(place: &Path, found: &Path) -> String {
    let place = place.display();
    if found.as_os_str() == place.to_string().as_str() {
        return format!(
            "{place}: was not written by dre, which replaces nothing else; move it away, or choose another folder with --out"
        );
    }
    format!(
        "{}: was not written by dre, which would replace {place} as a whole; move it away, or choose another folder with --out",
        found.display()
    )
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
