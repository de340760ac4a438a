//! A run's folder: known as dre's, and held by one program at a time.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use serde::{Deserialize, Serialize};

use super::atomic::is_temporary;
use super::{StoreError, clear_temporaries, read_json, write_json};

/// The file that says that dre made a folder for a run, and may replace what it writes there.
pub const RUN_FILE: &str = "dre-run.json";

/// The file that is locked while a program works in a run's folder. It says which one.
const LOCK_FILE: &str = ".dre-lock";

/// Version of the layout of a run's folder.
const FORMAT: u32 = 1;

/// Content of [`RUN_FILE`].
#[derive(Debug, Serialize, Deserialize)]
struct Run {
    format: u32,
    version: String,
}

/// A run's folder, held until this is dropped.
#[derive(Debug)]
pub struct Hold {
    /// The system lets go of it when the program ends, however it ends.
    _lock: File,
}

/// What this program holds, by the folder's real path.
static HELD: Mutex<BTreeMap<PathBuf, Weak<Hold>>> = Mutex::new(BTreeMap::new());

impl Hold {
    /// Takes hold of the run's folder `folder` for this program, which may hold it several times. A folder that is not there is
    /// made; one that is empty becomes a run's. Clears away what programs left that were killed while they wrote.
    ///
    /// # Errors
    /// [`StoreError::NotARun`] where the folder holds other things than a run's, [`StoreError::Busy`] where another program holds
    /// it; those of the file system.
    pub fn take(folder: &Path) -> Result<Arc<Self>, StoreError> {
        fs::create_dir_all(folder).map_err(StoreError::write(folder))?;
        let place = fs::canonicalize(folder).map_err(StoreError::read(folder))?;
        let mut held = HELD.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(hold) = held.get(&place).and_then(Weak::upgrade) {
            return Ok(hold);
        }
        let is_run = check(folder)?;
        let lock = locked(folder)?;
        if !is_run {
            let run = Run { format: FORMAT, version: env!("CARGO_PKG_VERSION").to_owned() };
            write_json(&folder.join(RUN_FILE), &run)?;
        }
        clear(folder, DEPTH);
        let hold = Arc::new(Self { _lock: lock });
        held.retain(|_, other| other.strong_count() > 0);
        held.insert(place, Arc::downgrade(&hold));
        Ok(hold)
    }
}

/// Whether a folder is a run's; not yet where it is empty.
fn check(folder: &Path) -> Result<bool, StoreError> {
    let path = folder.join(RUN_FILE);
    match read_json::<Run>(&path) {
        Ok(run) if run.format > FORMAT => {
            return Err(StoreError::Format {
                path,
                found: format!("format {}", run.format),
                expected: format!("at most {FORMAT}"),
                advice: "it was written by a newer version; update dre, or choose another folder with --out".into(),
            });
        }
        Ok(_) => return Ok(true),
        Err(StoreError::Read { source, .. }) if source.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    let mut names = Vec::new();
    for entry in fs::read_dir(folder).map_err(StoreError::read(folder))? {
        let name = entry.map_err(StoreError::read(folder))?.file_name().to_string_lossy().into_owned();
        // The lock is there before the rest is written. What a file browser leaves in a folder is nobody's.
        if name != LOCK_FILE && name != ".DS_Store" && !is_temporary(name.as_ref()) {
            names.push(name);
        }
    }
    names.sort();
    if names.is_empty() { Ok(false) } else { Err(StoreError::NotARun { path: folder.to_path_buf(), names }) }
}

fn locked(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join(LOCK_FILE);
    let open = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path);
    let mut lock = open.map_err(StoreError::write(&path))?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            let mut holder = String::new();
            // What cannot be read is not what matters.
            let _ = (&lock).take(200).read_to_string(&mut holder);
            return Err(StoreError::Busy { path: folder.to_path_buf(), holder: holder.trim().to_owned() });
        }
        // A file system without locks: two programs at once are then the user's to avoid.
        Err(TryLockError::Error(error)) if matches!(error.kind(), ErrorKind::Unsupported) => {}
        Err(TryLockError::Error(error)) => return Err(StoreError::write(&path)(error)),
    }
    let text = format!("process {} since {}\n", std::process::id(), crate::clock::now());
    let written = lock.set_len(0).and_then(|()| lock.rewind()).and_then(|()| lock.write_all(text.as_bytes()));
    written.map_err(StoreError::write(&path))?;
    Ok(lock)
}

/// How deep folders of a run lie within each other.
const DEPTH: usize = 6;

/// Clears away temporary files in a run's folder and in folders below it; links are not followed.
fn clear(folder: &Path, depth: usize) {
    clear_temporaries(folder, true);
    let Some(depth) = depth.checked_sub(1) else { return };
    let Ok(list) = fs::read_dir(folder) else { return };
    for entry in list.flatten() {
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
            clear(&entry.path(), depth);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_folder_becomes_a_run_s_and_any_other_is_refused() {
        let home = tempfile::tempdir().unwrap();
        let (new, mine) = (home.path().join("a/new"), home.path().join("mine"));
        drop(Hold::take(&new).unwrap());
        assert!(new.join(RUN_FILE).is_file());
        fs::write(new.join("notes.txt"), "the user's").unwrap();
        drop(Hold::take(&new).unwrap());
        fs::create_dir_all(mine.join("cohort")).unwrap();
        fs::write(mine.join("results.json"), "mine").unwrap();
        let message = Hold::take(&mine).unwrap_err().to_string();
        assert!(message.contains("cohort, results.json") && message.contains("--out"), "{message}");
        assert_eq!(fs::read_dir(&mine).unwrap().count(), 2);
    }

    #[test]
    fn a_program_holds_a_folder_as_often_as_it_likes_and_others_do_not() {
        let home = tempfile::tempdir().unwrap();
        let first = Hold::take(home.path()).unwrap();
        let second = Hold::take(&home.path().join(".")).unwrap();
        assert!(Arc::ptr_eq(&first, &second));
        // As another program would.
        let message = locked(home.path()).unwrap_err().to_string();
        assert!(message.contains(&format!("process {} since 2", std::process::id())), "{message}");
        drop((first, second));
        locked(home.path()).unwrap();
    }

    #[test]
    fn what_was_being_written_is_cleared_and_what_is_being_written_stays() {
        let home = tempfile::tempdir().unwrap();
        let below = home.path().join("models/dre");
        fs::create_dir_all(&below).unwrap();
        fs::write(home.path().join(RUN_FILE), "{\"format\": 1, \"version\": \"0\"}").unwrap();
        let long_ago = std::time::SystemTime::now() - std::time::Duration::from_hours(1);
        let old = |path: PathBuf| {
            let file = File::create(&path).unwrap();
            file.set_modified(long_ago).unwrap();
            (path, file)
        };
        let (dead, _) = old(below.join(".dre-tmp-aB3xY9"));
        let (other, _) = old(below.join(".dre-tmp-aB3xY9.txt"));
        let (alive, lock) = old(below.join(".dre-tmp-000000"));
        lock.lock().unwrap();
        let young = below.join(".dre-tmp-111111");
        File::create(&young).unwrap();
        drop(Hold::take(home.path()).unwrap());
        assert_eq!([dead, other, alive, young].map(|path| path.exists()), [false, true, true, true]);
    }
}
