//! Files of one folder that belong together, replaced together.

use std::fs;
use std::path::Path;

use super::atomic::{new_folder_in, parent};
use super::{Manifest, StoreError};

/// Writes files into `folder`, where others may lie: `write` puts them into a folder of its own, from which they are moved when all
/// are there. Files that dre wrote before and that are not among the new ones are removed. What dre did not write stays.
///
/// The manifest says at every moment which files are dre's. They are whole where it agrees with them; in a folder where this was
/// interrupted it does not.
///
/// # Errors
/// Those of `write`; [`StoreError::NotOurs`] where a file that dre did not write has the name of a new one, and
/// [`StoreError::Read`] or [`StoreError::Write`]. The files are then as they were, except where moving them fails.
pub fn write_together<E: From<StoreError>>(folder: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    put(folder, write, false)
}

/// As [`write_together`]; files that dre wrote before and that are not among the new ones stay.
///
/// # Errors
/// As [`write_together`].
pub fn write_more<E: From<StoreError>>(folder: &Path, write: impl FnOnce(&Path) -> Result<(), E>) -> Result<(), E> {
    put(folder, write, true)
}

fn put<E: From<StoreError>>(
    folder: &Path,
    write: impl FnOnce(&Path) -> Result<(), E>,
    keeps_others: bool,
) -> Result<(), E> {
    parent(&folder.join("file"))?;
    let new = new_folder_in(folder).map_err(StoreError::write(folder))?;
    write(new.path())?;
    let manifest = Manifest::of(new.path())?;
    let old = Manifest::read(folder, "");
    for name in manifest.names() {
        let place = folder.join(name);
        let is_ours = old.as_ref().is_some_and(|old| old.has(name));
        if !is_ours && fs::symlink_metadata(&place).is_ok() {
            return Err(StoreError::NotOurs { place: place.clone(), found: place }.into());
        }
    }
    manifest.unfinished(old.as_ref()).save(folder, "")?;
    for name in manifest.names() {
        let place = parent(&folder.join(name))?.join(Path::new(name).file_name().unwrap_or_default());
        fs::rename(new.path().join(name), &place).map_err(StoreError::write(&place))?;
    }
    if keeps_others {
        return Ok(manifest.beside(old.as_ref()).save(folder, "")?);
    }
    for name in old.iter().flat_map(Manifest::names).filter(|name| !manifest.has(name)) {
        let place = folder.join(name);
        match fs::remove_file(&place) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(StoreError::write(&place)(error).into());
            }
            _ => {}
        }
    }
    Ok(manifest.save(folder, "")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{MANIFEST_FILE, write_file};

    fn put(folder: &Path, files: &[(&str, &str)]) -> Result<(), StoreError> {
        write_together(folder, |new| {
            files.iter().try_for_each(|(name, text)| write_file(&new.join(name), |out| out.write_all(text.as_bytes())))
        })
    }

    fn names(folder: &Path) -> Vec<String> {
        let list = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = list.filter(|name| name != MANIFEST_FILE).collect();
        names.sort();
        names
    }

    #[test]
    fn files_are_replaced_together_and_the_user_s_stay() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("model");
        put(&folder, &[("a", "1"), ("b", "2")]).unwrap();
        fs::write(folder.join("notes"), "mine").unwrap();
        put(&folder, &[("a", "3"), ("c", "4")]).unwrap();
        assert_eq!(names(&folder), ["a", "c", "notes"]);
        assert_eq!(fs::read_to_string(folder.join("a")).unwrap(), "3");
        assert_eq!(Manifest::foreign(&folder, "").unwrap(), Some(folder.join("notes")));
        let message = put(&folder, &[("a", "5"), ("notes", "dre's")]).unwrap_err().to_string();
        assert!(message.contains("notes") && message.contains("move it away"), "{message}");
        assert_eq!(names(&folder), ["a", "c", "notes"]);
        for (name, text) in [("a", "3"), ("notes", "mine")] {
            assert_eq!(fs::read_to_string(folder.join(name)).unwrap(), text);
        }
        let manifest = Manifest::read(&folder, "").unwrap();
        assert!(manifest.is_whole(&folder) && manifest.verify(&folder).unwrap().is_empty());
    }

    #[test]
    fn an_interrupted_write_is_not_whole_and_is_done_again() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path();
        put(folder, &[("a", "old"), ("b", "old")]).unwrap();
        // As after a kill when the manifest and one file of the new ones are there.
        let new = tempfile::tempdir().unwrap();
        fs::write(new.path().join("a"), "newer").unwrap();
        fs::write(new.path().join("c"), "new").unwrap();
        let old = Manifest::read(folder, "");
        Manifest::of(new.path()).unwrap().unfinished(old.as_ref()).save(folder, "").unwrap();
        let between = Manifest::read(folder, "").unwrap();
        assert!(!between.is_whole(folder) && Manifest::foreign(folder, "").unwrap().is_none());
        fs::copy(new.path().join("c"), folder.join("c")).unwrap();
        put(folder, &[("a", "newer"), ("c", "new")]).unwrap();
        assert_eq!(names(folder), ["a", "c"]);
        assert!(Manifest::read(folder, "").unwrap().is_whole(folder));
    }

    #[test]
    fn a_manifest_that_names_files_elsewhere_is_none() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("model");
        fs::write(home.path().join("precious"), "mine").unwrap();
        for name in ["../precious", "a/../../precious", "/etc/hostname", "./a", ""] {
            put(&folder, &[("a", "1")]).unwrap();
            let path = folder.join(MANIFEST_FILE);
            let stamp = serde_json::json!({ "bytes": 4, "xxh3": "0" });
            let mut content: serde_json::Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            content["files"][name] = stamp;
            fs::write(&path, content.to_string()).unwrap();
            assert_eq!(Manifest::read(&folder, ""), None, "{name}");
            // Then nothing there is known to be dre's.
            assert!(put(&folder, &[("a", "2")]).is_err());
            assert_eq!(fs::read_to_string(home.path().join("precious")).unwrap(), "mine");
            fs::remove_dir_all(&folder).unwrap();
        }
    }

    #[test]
    fn a_failed_write_changes_nothing() {
        let home = tempfile::tempdir().unwrap();
        put(home.path(), &[("a", "old")]).unwrap();
        let failed = write_together(home.path(), |new| {
            write_file(&new.join("a"), |out| out.write_all(b"new"))?;
            Err(StoreError::write(new)(std::io::ErrorKind::StorageFull.into()))
        });
        assert!(failed.unwrap_err().to_string().contains("the disk is full"));
        assert_eq!(
            (names(home.path()), fs::read_to_string(home.path().join("a")).unwrap()),
            (vec!["a".into()], "old".into())
        );
    }
}
