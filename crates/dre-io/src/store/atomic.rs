//! Writing beside and renaming into place: whoever looks sees the old file, the new one, or none, never a part.

use std::fs::{self, File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::NamedTempFile;

use super::StoreError;

/// The folder that a path lies in, made if need be.
fn parent(path: &Path) -> Result<PathBuf, StoreError> {
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
        let file = NamedTempFile::with_prefix_in(".dre-", &folder).map_err(StoreError::write(place))?;
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
    set_usual_permissions(file.as_file()).map_err(StoreError::write(place))?;
    file.persist(place).map_err(|e| StoreError::Write { path: place.to_path_buf(), source: e.error })?;
    Ok(())
}

/// Temporary files are private; results are as readable as any other new file.
#[cfg(unix)]
fn set_usual_permissions(file: &fs::File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn set_usual_permissions(_: &fs::File) -> std::io::Result<()> {
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
/// Dropped without [`NewFolder::finish`], it vanishes and the place stays as it was. What a killed program left is known by
/// its lock, which nobody holds any more, and is cleared away by the next [`NewFolder::new`] or [`NewFolder::recover`].
#[derive(Debug)]
pub struct NewFolder {
    names: Names,
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

    /// Removes what was being filled; what was in the place before comes back if nothing has taken it.
    fn clear(&self, place: &Path) {
        // What cannot be removed now will be tried again by the next run.
        let _ = fs::remove_dir_all(&self.new);
        if place.exists() {
            let _ = fs::remove_dir_all(&self.old);
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
    /// [`StoreError::Write`].
    pub fn new(place: &Path) -> Result<Self, StoreError> {
        parent(place)?;
        Self::recover(place)?;
        for count in 0.. {
            let names = Names::new(place, &format!("{}-{count}", std::process::id()));
            match OpenOptions::new().write(true).create_new(true).open(&names.lock) {
                Ok(lock) => {
                    lock.lock().map_err(StoreError::write(&names.lock))?;
                    let new = Self { names, place: place.to_path_buf(), lock };
                    fs::create_dir(new.path()).map_err(StoreError::write(place))?;
                    return Ok(new);
                }
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(StoreError::write(place)(error)),
            }
        }
        unreachable!("fewer locks than numbers")
    }

    /// Clears away what programs that were killed left beside `place`; puts back what they had moved aside.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    pub fn recover(place: &Path) -> Result<(), StoreError> {
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
            let Some(id) = id else { continue };
            // Nobody holds the lock of a program that has ended.
            if let Ok(lock) = OpenOptions::new().write(true).open(entry.path())
                && lock.try_lock().is_ok()
            {
                Names::new(place, id).clear(place);
            }
        }
        Ok(())
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        &self.names.new
    }

    /// Puts the folder in its place; what was there is removed.
    ///
    /// # Errors
    /// [`StoreError::Write`]; what was there is then still there.
    pub fn finish(self) -> Result<(), StoreError> {
        match fs::rename(&self.place, &self.names.old) {
            Ok(()) => {}
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(StoreError::write(&self.place)(error)),
        }
        // Where this fails, dropping puts everything back.
        fs::rename(&self.names.new, &self.place).map_err(StoreError::write(&self.place))
    }
}

impl Drop for NewFolder {
    fn drop(&mut self) {
        self.names.clear(&self.place);
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
