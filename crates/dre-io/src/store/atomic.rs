//! Writing beside and renaming into place: whoever looks sees the old file, the new one, or none, never a part.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tempfile::{NamedTempFile, TempDir};

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
/// Dropped without [`NewFolder::finish`], it vanishes and the place stays as it was.
#[derive(Debug)]
pub struct NewFolder {
    temporary: TempDir,
    place: PathBuf,
}

impl NewFolder {
    /// Starts a folder that will be at `place`.
    ///
    /// # Errors
    /// [`StoreError::Write`].
    pub fn new(place: &Path) -> Result<Self, StoreError> {
        let temporary = TempDir::with_prefix_in(".dre-", parent(place)?).map_err(StoreError::write(place))?;
        Ok(Self { temporary, place: place.to_path_buf() })
    }

    /// Where to write for now.
    pub fn path(&self) -> &Path {
        self.temporary.path()
    }

    /// Puts the folder in its place; what was there is removed.
    ///
    /// # Errors
    /// [`StoreError::Write`]; what was there is then still there.
    pub fn finish(self) -> Result<(), StoreError> {
        let fail = StoreError::write(&self.place);
        let old = self.place.with_file_name(format!(
            ".dre-old-{}-{}",
            std::process::id(),
            self.place.file_name().unwrap_or_default().to_string_lossy()
        ));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            if let Err(e) = fs::set_permissions(self.temporary.path(), fs::Permissions::from_mode(0o755)) {
                return Err(fail(e));
            }
        }
        let replaced = match fs::rename(&self.place, &old) {
            Ok(()) => true,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => false,
            Err(e) => return Err(fail(e)),
        };
        let new = self.temporary.keep();
        if let Err(e) = fs::rename(&new, &self.place) {
            // Put everything back; what fails now cannot be mended here.
            let _ = fs::remove_dir_all(&new);
            if replaced {
                let _ = fs::rename(&old, &self.place);
            }
            return Err(fail(e));
        }
        if replaced {
            fs::remove_dir_all(&old).map_err(StoreError::write(&old))?;
        }
        Ok(())
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
    fn a_dropped_folder_leaves_nothing() {
        let home = tempfile::tempdir().unwrap();
        drop(NewFolder::new(&home.path().join("cohort")).unwrap());
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), 0);
    }
}
