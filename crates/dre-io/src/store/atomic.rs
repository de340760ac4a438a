//! Writing beside and renaming into place: whoever looks sees the old file, the new one, or none, never a part.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::{Manifest, StoreError};

/// How names of files begin that are still being written; six letters or digits follow.
const TEMPORARY: &str = ".dre-tmp-";

/// Letters and digits that follow.
const N_RANDOM: usize = 6;

/// Whether a file of this name is one that is still being written, or was when a program was killed.
pub(super) fn is_temporary(name: &OsStr) -> bool {
    let rest = name.to_str().and_then(|name| name.strip_prefix(TEMPORARY));
    rest.is_some_and(|rest| rest.len() == N_RANDOM && rest.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A new file beside its place, locked while this program writes it. It is as readable as any other new file, whatever the
/// user's mask (`umask`) lets through.
fn temporary(folder: &Path) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(TEMPORARY).rand_bytes(N_RANDOM);
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        builder.permissions(fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    // Where the file system has no locks, what a killed program leaves stays.
    let _ = file.as_file().try_lock();
    Ok(file)
}

/// A new folder within `folder` that vanishes when it is dropped.
pub(super) fn new_folder_in(folder: &Path) -> std::io::Result<tempfile::TempDir> {
    tempfile::Builder::new().prefix(TEMPORARY).rand_bytes(N_RANDOM).tempdir_in(folder)
}

/// How long a file is let be that nobody holds: between its making and its lock there is a moment.
const GRACE: Duration = Duration::from_mins(1);

/// Removes files and folders in `folder` (not in folders below it) that programs were writing when they were killed. What cannot
/// be removed stays. `is_held`: no other program writes there, so that a folder, which has no lock, can be one of those only.
pub fn clear_temporaries(folder: &Path, is_held: bool) {
    let Ok(list) = fs::read_dir(folder) else { return };
    for entry in list.flatten().filter(|entry| is_temporary(&entry.file_name())) {
        let path = entry.path();
        let Ok(about) = entry.metadata() else { continue };
        let is_old = about.modified().is_ok_and(|time| time.elapsed().is_ok_and(|age| age > GRACE));
        if about.is_dir() && is_held {
            let _ = fs::remove_dir_all(path);
        } else if about.is_file()
            && is_old
            && let Ok(file) = OpenOptions::new().write(true).open(&path)
            && file.try_lock().is_ok()
        {
            let _ = fs::remove_file(path);
        }
    }
}

/// The folder that a path lies in, made if need be.
pub(super) fn parent(path: &Path) -> Result<PathBuf, StoreError> {
    let folder = match path.parent() {
        Some(p) if !p.as_os_str().is_empty() => p.to_path_buf(),
        _ => PathBuf::from("."),
    };
    fs::create_dir_all(&folder).map_err(StoreError::write(&folder))?;
    Ok(folder)
}

/// Writes a file as a whole; an existing one is replaced. Missing folders are made.
///
/// # Errors
/// [`StoreError::Write`]; the place is then as it was.
pub fn write_file(path: &Path, content: impl FnOnce(&mut dyn Write) -> std::io::Result<()>) -> Result<(), StoreError> {
    let mut file = NewFile::new(path)?;
    content(&mut file.file).map_err(StoreError::write(path))?;
    file.finish()?;
    Ok(())
}

/// A file that is written piece by piece beside its place and appears there as a whole.
///
/// Dropped without [`NewFile::finish`], it vanishes and the place stays as it was.
#[derive(Debug)]
pub struct NewFile {
    file: std::io::BufWriter<NamedTempFile>,
    place: PathBuf,
}

impl NewFile {
    /// Starts a file that will be at `place`. Missing folders are made.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn new(place: &Path) -> Result<Self, StoreError> {
        let folder = parent(place)?;
        let file = temporary(&folder).map_err(StoreError::write(place))?;
        Ok(Self { file: std::io::BufWriter::with_capacity(1 << 16, file), place: place.to_path_buf() })
    }

    /// Appends bytes.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.file.write_all(bytes).map_err(StoreError::write(&self.place))
    }

    /// Puts the file in its place and returns the place; what was there is replaced.
    ///
    /// # Errors
    /// [`StoreError::Write`]; what was there is then still there.
    pub fn finish(self) -> Result<PathBuf, StoreError> {
        let Self { file, place } = self;
        let file = file.into_inner().map_err(|e| StoreError::Write { path: place.clone(), source: e.into_error() })?;
        persist(file, &place)?;
        Ok(place)
    }

    /// Changes where the file will be, within the same folder.
    pub fn rename(&mut self, name: impl AsRef<std::ffi::OsStr>) {
        self.place.set_file_name(name);
    }
}

fn persist(file: NamedTempFile, place: &Path) -> Result<(), StoreError> {
    // Data before name, so that a power cut does not leave an empty file under the final name.
    file.as_file().sync_all().map_err(StoreError::write(place))?;
    file.persist(place).map_err(|e| StoreError::Write { path: place.to_path_buf(), source: e.error })?;
    Ok(())
}

/// Writes a value as indented JSON, as [`write_file`].
///
/// # Errors
/// As [`write_file`].
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<(), StoreError> {
    write_file(path, |out| {
        serde_json::to_writer_pretty(&mut *out, value)?;
        out.write_all(b"\n")
    })
}

/// Reads JSON that [`write_json`] wrote.
///
/// # Errors
/// [`StoreError::Read`], or [`StoreError::Format`] with line and column.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<T, StoreError> {
    let text = fs::read_to_string(path).map_err(StoreError::read(path))?;
    serde_json::from_str(&text).map_err(|e| StoreError::damaged(path, e.to_string(), "JSON that this version wrote"))
}

/// A folder that is filled beside its place and appears there as a whole.
///
/// It takes the place of a folder that dre wrote, as its [`Manifest`] says, and of nothing else: neither of a folder that holds a
/// single file of somebody else's nor of a link. Dropped without [`NewFolder::finish`], it vanishes and the place stays as it
/// was. What a killed program left is known by its lock, which nobody holds any more, and is cleared away by the next
/// [`NewFolder::new`] or [`NewFolder::recover`].
#[derive(Debug)]
pub struct NewFolder {
    names: Names,
    /// The folder within it that holds the manifest.
    manifest: &'static str,
    place: PathBuf,
    /// Held while the folder is being filled; the system lets go of it when the program ends, however it ends.
    lock: File,
}

/// What stands beside a place while a folder for it is being filled.
#[derive(Debug)]
struct Names {
    new: PathBuf,
    old: PathBuf,
    lock: PathBuf,
}

const NEW: &str = ".dre-new-";

impl Names {
    /// `id` tells apart programs that fill the same place at the same time.
    fn new(place: &Path, id: &str) -> Self {
        let name = place.file_name().unwrap_or_default().to_string_lossy();
        let beside = |prefix: &str, suffix: &str| place.with_file_name(format!("{prefix}{name}-{id}{suffix}"));
        Self { new: beside(NEW, ""), old: beside(".dre-old-", ""), lock: beside(NEW, ".lock") }
    }

    /// Removes what was being filled; what was in the place before comes back if nothing has taken it, and else is removed if it
    /// is dre's.
    fn clear(&self, place: &Path, manifest: &str) {
        // What cannot be removed now will be tried again by the next run.
        let _ = fs::remove_dir_all(&self.new);
        if place.exists() {
            if matches!(Manifest::foreign(&self.old, manifest), Ok(None)) {
                let _ = fs::remove_dir_all(&self.old);
            }
        } else {
            let _ = fs::rename(&self.old, place);
        }
        let _ = fs::remove_file(&self.lock);
    }
}

impl NewFolder {
    /// Starts a folder that will be at `place`.
    ///
    /// # Errors
    /// [`StoreError::Write`]; [`StoreError::NotOurs`] where something is there that dre did not write.
    pub fn new(place: &Path) -> Result<Self, StoreError> {
        Self::with_manifest_at(place, "")
    }

    /// As [`NewFolder::new`]; the manifest lies in the folder `manifest` within it.
    ///
    /// # Errors
    /// As [`NewFolder::new`].
    pub fn with_manifest_at(place: &Path, manifest: &'static str) -> Result<Self, StoreError> {
        parent(place)?;
        recover(place, manifest)?;
        check_replaceable(place, manifest)?;
        for count in 0.. {
            let names = Names::new(place, &format!("{}-{count}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&names.lock) {
                Ok(lock) => {
                    lock.lock().map_err(StoreError::write(&names.lock))?;
                    let new = Self { names, manifest, place: place.to_path_buf(), lock };
                    fs::create_dir(new.path()).map_err(StoreError::write(place))?;
                    return Ok(new);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::write(place)(error)),
            }
        }
        unreachable!("fewer locks than numbers")
    }

    /// Whether a folder may be put at `place`: nothing is there, or a folder that dre wrote.
    ///
    /// # Errors
    /// [`StoreError::NotOurs`] where it may not; [`StoreError::Read`].
    pub fn check(place: &Path) -> Result<(), StoreError> {
        check_replaceable(place, "")
    }

    /// Clears away what programs that were killed left beside `place`; puts back what they had moved aside.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn recover(place: &Path) -> Result<(), StoreError> {
        recover(place, "")
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        &self.names.new
    }

    /// Writes the manifest and puts the folder in its place; what dre had written there is removed.
    ///
    /// # Errors
    /// [`StoreError::Write`], [`StoreError::NotOurs`]; what was there is then still there.
    pub fn finish(self) -> Result<(), StoreError> {
        Manifest::write(self.path(), self.manifest)?;
        // It may have changed while this one was being filled.
        check_replaceable(&self.place, self.manifest)?;
        match fs::rename(&self.place, &self.names.old) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::write(&self.place)(error)),
        }
        // Where this fails, dropping puts everything back.
        fs::rename(&self.names.new, &self.place).map_err(StoreError::write(&self.place))
    }
}

/// See [`NewFolder::recover`]; `manifest` is the folder within the place that holds the manifest.
fn recover(place: &Path, manifest: &str) -> Result<(), StoreError> {
    let folder = match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::read(folder)(error)),
    };
    let prefix = format!("{NEW}{}-", place.file_name().unwrap_or_default().to_string_lossy());
    for entry in entries.flatten() {
        let name = entry.file_name();
        let id = name.to_str().and_then(|name| name.strip_prefix(&prefix)?.strip_suffix(".lock"));
        // The whole of it: `sim` is not the beginning of `sim-b`.
        let Some(id) = id.filter(|id| is_id(id)) else { continue };
        // Nobody holds the lock of a program that has ended.
        if let Ok(lock) = OpenOptions::new().write(true).open(entry.path())
            && lock.try_lock().is_ok()
        {
            Names::new(place, id).clear(place, manifest);
        }
    }
    Ok(())
}

/// Whether `id` is what [`NewFolder::with_manifest_at`] makes: two numbers.
fn is_id(id: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    id.split_once('-').is_some_and(|(a, b)| is_number(a) && is_number(b))
}

/// Refuses to replace what dre did not write.
fn check_replaceable(place: &Path, manifest: &str) -> Result<(), StoreError> {
    let about = match fs::symlink_metadata(place) {
        Ok(about) => about,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(StoreError::read(place)(error)),
    };
    let foreign = if about.is_dir() { Manifest::foreign(place, manifest)? } else { Some(place.to_path_buf()) };
    match foreign {
        None => Ok(()),
        Some(found) => Err(StoreError::NotOurs { place: place.to_path_buf(), found }),
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        self.names.clear(&self.place, self.manifest);
        let _ = self.lock.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a/b.txt");
        write_file(&path, |out| out.write_all(b"old")).unwrap();
        let full = || std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = write_file(&path, |out| out.write_all(b"half").and(Err(full()))).unwrap_err();
        assert!(error.to_string().contains("the disk is full"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path().join("a")).unwrap().count(), 1, "no temporary file is left");
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_full_disk_is_an_error_that_says_so() {
        // Every write to this device fails as on a full disk.
        let mut full = fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
        let path = Path::new("results.json");
        let error = full.write_all(b"x").map_err(StoreError::write(path)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "cannot write results.json (the disk is full; free some space or choose another folder with --out)"
        );
    }

    #[test]
    fn a_folder_appears_as_a_whole_and_replaces_the_old_one() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("cohort");
        for text in ["first", "second"] {
            let new = NewFolder::new(&place).unwrap();
            fs::write(new.path().join(text), text).unwrap();
            assert!(!place.join(text).exists());
            new.finish().unwrap();
            assert_eq!(fs::read_to_string(place.join(text)).unwrap(), text);
        }
        assert!(!place.join("first").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
    }

    #[test]
    fn what_a_killed_program_left_is_cleared_and_what_it_had_moved_comes_back() {
        let home = tempfile::tempdir().unwrap();
        let place = home.path().join("cohort");
        // As after a kill between the two renames: the lock is there and nobody holds it.
        let names = Names::new(&place, "1234-0");
        fs::write(&names.lock, "").unwrap();
        for (folder, text) in [(&names.new, "half"), (&names.old, "whole")] {
            fs::create_dir(folder).unwrap();
            fs::write(folder.join(text), text).unwrap();
        }
        Manifest::write(&names.old, "").unwrap();
        NewFolder::recover(&place).unwrap();
        assert!(place.join("whole").exists());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 1);
        // One that is still being filled stays.
        let filling = NewFolder::new(&place).unwrap();
        let other = NewFolder::new(&place).unwrap();
        assert!(filling.path().exists() && other.path().exists() && filling.path() != other.path());
    }

    #[test]
    fn a_dropped_folder_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        drop(NewFolder::new(&home.path().join("cohort")).unwrap());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
