//! What dre wrote into a folder: names, sizes and checksums. Nothing else is ever cleared, and nothing less passes for whole.

use std::collections::BTreeMap;
use std::fs;
use std::hash::Hasher as _;
use std::io::Read as _;
use std::path::{Component, Path, PathBuf};

use serde::{Deserialize, Serialize};
use twox_hash::XxHash3_64;

use super::atomic::{is_temporary, parent};
use super::{StoreError, read_json, write_json};

/// The file in each folder of dre's that says what dre wrote there. It is written last.
pub const MANIFEST_FILE: &str = "dre-manifest.json";

/// Version of the file's layout.
const FORMAT: u32 = 1;

/// Names, sizes and checksums of the files that dre wrote into a folder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Version of the layout.
    format: u32,
    /// Version of the program that wrote the files.
    version: String,
    /// Whether files were being replaced when it was written, so that they may be of before or after.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    unfinished: bool,
    /// The folder within the one that it is about, in which it lies, where it does not lie in that itself.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    at: String,
    /// By path within the folder, with `/` between names.
    files: BTreeMap<String, Stamp>,
}

/// Size and content of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Stamp {
    bytes: u64,
    /// XXH3 (64 bits) of the content, in hexadecimal, as `xxhsum -H3` has it.
    xxh3: String,
}

impl Stamp {
    fn of(path: &Path) -> Result<Self, StoreError> {
        let mut file = crate::files::open(path).map_err(StoreError::read(path))?;
        let (mut hash, mut bytes, mut block) = (XxHash3_64::new(), 0, vec![0; 1 << 20]);
        loop {
            let n = file.read(&mut block).map_err(StoreError::read(path))?;
            if n == 0 {
                return Ok(Self { bytes, xxh3: format!("{:016x}", hash.finish()) });
            }
            hash.write(&block[..n]);
            bytes += n as u64;
        }
    }
}

/// What differs between a folder and its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// A file is not there, or is no regular file.
    Missing(PathBuf),
    /// A file has another size.
    Size {
        /// The file.
        path: PathBuf,
        /// Its size (bytes).
        found: u64,
        /// The size (bytes) that was written.
        expected: u64,
    },
    /// A file has another content of the same size.
    Content(PathBuf),
}

impl std::fmt::Display for Fault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Missing(path) => write!(f, "{}: is gone", path.display()),
            Self::Size { path, found, expected } => {
                write!(f, "{}: has {found} bytes, {expected} were written", path.display())
            }
            Self::Content(path) => write!(f, "{}: its content has changed since it was written", path.display()),
        }
    }
}

impl From<Fault> for StoreError {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Missing(path) => Self::damaged(&path, "nothing", "the file that was written there"),
            Fault::Size { path, found, expected } => {
                Self::damaged(&path, format!("{found} bytes"), format!("the {expected} that were written"))
            }
            Fault::Content(path) => Self::damaged(&path, "another content", "what was written"),
        }
    }
}

impl Manifest {
    /// Looks at every file in `folder`, but for the manifest itself.
    pub(super) fn of(folder: &Path) -> Result<Self, StoreError> {
        let mut files = BTreeMap::new();
        for (name, path) in entries(folder)? {
            files.insert(name, Stamp::of(&path)?);
        }
        Ok(Self {
            format: FORMAT,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            unfinished: false,
            at: String::new(),
            files,
        })
    }

    /// Writes down what `folder` holds, so that it is known as dre's and as whole. `at` is the folder within it that holds
    /// the manifest; empty for the folder itself.
    ///
    /// # Errors
    /// [`StoreError::Read`] or [`StoreError::Write`].
    pub fn write(folder: &Path, at: &str) -> Result<(), StoreError> {
        Self { at: at.to_owned(), ..Self::of(folder)? }.save(folder, at)
    }

    pub(super) fn save(&self, folder: &Path, at: &str) -> Result<(), StoreError> {
        write_json(&folder.join(at).join(MANIFEST_FILE), self)
    }

    /// Paths of its files, within the folder.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.files.keys()
    }

    /// Whether this file is dre's.
    pub(super) fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    /// While files of `other` are replaced by those of this one: what both have.
    pub(super) fn unfinished(&self, other: Option<&Self>) -> Self {
        Self { unfinished: true, ..self.beside(other) }
    }

    /// This one's files, and those that only `other` has.
    pub(super) fn beside(&self, other: Option<&Self>) -> Self {
        let mut both = self.clone();
        for (name, stamp) in other.iter().flat_map(|other| &other.files) {
            both.files.entry(name.clone()).or_insert_with(|| stamp.clone());
        }
        both
    }

    /// The manifest of `folder`; none where there is none that can be read.
    pub fn read(folder: &Path, at: &str) -> Option<Self> {
        let manifest: Self = read_json(&folder.join(at).join(MANIFEST_FILE)).ok()?;
        // Whoever can write a manifest must not be able to have files elsewhere removed or read.
        let is_sound = manifest.format <= FORMAT
            && manifest.files.keys().all(|name| !name.is_empty() && is_below(name))
            && is_below(&manifest.at);
        is_sound.then_some(manifest)
    }

    /// The first thing in `folder` that is not in its manifest: what clearing it would lose. None where all is dre's, and
    /// where the folder is empty or not there.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn foreign(folder: &Path, at: &str) -> Result<Option<PathBuf>, StoreError> {
        let known = Self::read(folder, at).map(|manifest| manifest.files).unwrap_or_default();
        let is_foreign = |(name, _): &(String, PathBuf)| !known.contains_key(name);
        Ok(entries(folder)?.into_iter().find(is_foreign).map(|(_, path)| path))
    }

    /// Whether every file is there with its size; does not read them.
    pub fn is_whole(&self, folder: &Path) -> bool {
        !self.unfinished && self.sizes(folder).next().is_none()
    }

    /// The first file that is gone or has another size; none where all are as they were written.
    pub fn first_fault(&self, folder: &Path) -> Option<Fault> {
        self.sizes(folder).next()
    }

    /// Files that are gone or have another size.
    fn sizes<'a>(&'a self, folder: &'a Path) -> impl Iterator<Item = Fault> + 'a {
        self.files.iter().filter_map(|(name, stamp)| {
            let path = folder.join(name);
            match fs::symlink_metadata(&path) {
                Ok(about) if about.is_file() && about.len() == stamp.bytes => None,
                Ok(about) if about.is_file() => Some(Fault::Size { path, found: about.len(), expected: stamp.bytes }),
                _ => Some(Fault::Missing(path)),
            }
        })
    }

    /// Reads every file and compares it with what was written.
    ///
    /// # Errors
    /// [`StoreError::Read`] for a file that is there and cannot be read.
    pub fn verify(&self, folder: &Path) -> Result<Vec<Fault>, StoreError> {
        let mut faults: Vec<Fault> = self.sizes(folder).collect();
        let is_known = |path: &Path| {
            faults.iter().any(|fault| match fault {
                Fault::Missing(other) | Fault::Size { path: other, .. } | Fault::Content(other) => other == path,
            })
        };
        let mut changed = Vec::new();
        for (name, stamp) in &self.files {
            let path = folder.join(name);
            if !is_known(&path) && Stamp::of(&path)? != *stamp {
                changed.push(Fault::Content(path));
            }
        }
        faults.extend(changed);
        Ok(faults)
    }

    /// Copies its files from one folder to another.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub(crate) fn copy(&self, from: &Path, to: &Path) -> Result<(), StoreError> {
        for name in self.names() {
            let place = to.join(name);
            parent(&place)?;
            fs::copy(from.join(name), &place).map_err(StoreError::write(&place))?;
        }
        Ok(())
    }

    /// Reads every file and compares it with what was written.
    ///
    /// # Errors
    /// [`StoreError::Format`] for the first that differs; [`StoreError::Read`].
    pub fn check(&self, folder: &Path) -> Result<(), StoreError> {
        match self.verify(folder)?.into_iter().next() {
            Some(fault) => Err(fault.into()),
            None => Ok(()),
        }
    }

    /// The folder that it is about, of one that lies in `place`.
    pub fn folder(&self, place: &Path) -> PathBuf {
        let depth = Path::new(&self.at).components().count();
        place.ancestors().nth(depth).unwrap_or(place).to_path_buf()
    }

    /// Whether files were being replaced when the program that wrote it ended.
    pub fn is_unfinished(&self) -> bool {
        self.unfinished
    }

    /// Number of files, and their bytes together.
    pub fn size(&self) -> (usize, u64) {
        (self.files.len(), self.files.values().map(|stamp| stamp.bytes).sum())
    }
}

/// Whether a path leads into the folder that it is relative to, and not out of it again.
fn is_below(path: &str) -> bool {
    Path::new(path).components().all(|part| matches!(part, Component::Normal(_)))
}

/// Everything below `folder` that is not a folder, with its path within it; links are things of their own and not followed. Left
/// out are manifests, and files that were still being written when a program was killed.
fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let mut found = Vec::new();
    let mut folders = vec![(String::new(), folder.to_path_buf())];
    while let Some((prefix, folder)) = folders.pop() {
        let list = match fs::read_dir(&folder) {
            Ok(list) => list,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && prefix.is_empty() => return Ok(found),
            Err(error) => return Err(StoreError::read(&folder)(error)),
        };
        for entry in list {
            let entry = entry.map_err(StoreError::read(&folder))?;
            let (path, name) = (entry.path(), entry.file_name());
            let kind = entry.file_type().map_err(StoreError::read(&path))?;
            let full = format!("{prefix}{}", name.to_string_lossy());
            if name == MANIFEST_FILE || is_temporary(&name) {
                continue;
            }
            if kind.is_dir() {
                folders.push((format!("{full}/"), path));
            } else {
                found.push((full, path));
            }
        }
    }
    found.sort();
    Ok(found)
}

/// Every folder below `folder`, itself included, that has a manifest, with the folder within it that holds the manifest. Links
/// are not followed.
///
/// # Errors
/// [`StoreError::Read`].
pub fn manifests(folder: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        if folder.join(MANIFEST_FILE).is_file() {
            found.push(folder.clone());
        }
        for entry in fs::read_dir(&folder).map_err(StoreError::read(&folder))? {
            let entry = entry.map_err(StoreError::read(&folder))?;
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                folders.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}
