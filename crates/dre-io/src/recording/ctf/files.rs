//! Which files a `.ds` folder holds.

use std::fs;
use std::path::{Path, PathBuf};

use crate::recording::check_there;
use crate::{Error, Result};

/// A `.ds` folder and the name that its files share.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    pub(super) path: PathBuf,
    stem: String,
    /// Whether the folder was renamed without its files.
    pub(super) renamed: bool,
}

impl Folder {
    /// Finds the name that the files share: that of the folder, or that of its one `.res4`.
    pub(super) fn open(path: &Path) -> Result<Self> {
        if !path.is_dir() {
            return Err(Error::format(
                path,
                "is a file, but a CTF recording is a folder .ds with .res4 and .meg4 in it",
                "give the folder",
            ));
        }
        let stem = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let own = Self { path: path.to_owned(), stem, renamed: false };
        let header = own.file("res4");
        if header.is_file() || header.is_symlink() {
            check_there(&header)?;
            return Ok(own);
        }
        let mut others: Vec<PathBuf> =
            names(path)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "res4")).collect();
        match (others.pop(), others.is_empty()) {
            (Some(other), true) => {
                check_there(&other)?;
                let stem = other.file_stem().unwrap_or_default().to_string_lossy().into_owned();
                Ok(Self { stem, renamed: true, ..own })
            }
            (Some(_), false) => Err(Error::format(
                path,
                format!("holds several .res4 files and none is called {}.res4", own.stem),
                "keep one recording in each .ds folder, with files of the folder's name",
            )),
            (None, _) => Err(Error::MissingPart {
                path: path.to_owned(),
                what: "header",
                name: format!("{}.res4", own.stem),
                advice: "copy the whole .ds folder again from the source".to_owned(),
            }),
        }
    }

    /// A file that carries the recording's name.
    pub(super) fn file(&self, extension: &str) -> PathBuf {
        self.path.join(format!("{}.{extension}", self.stem))
    }

    /// The files of samples in their order: `.meg4`, `.1_meg4`, `.2_meg4` …, at most 2 GB each.
    pub(super) fn samples(&self) -> Result<Vec<PathBuf>> {
        let mut numbers: Vec<u32> = names(&self.path)?
            .iter()
            .filter_map(|path| {
                let name = path.file_name()?.to_str()?;
                let rest = name.strip_prefix(self.stem.as_str())?.strip_prefix('.')?;
                match rest.strip_suffix("meg4")? {
                    "" => Some(0),
                    number => number.strip_suffix('_')?.parse().ok(),
                }
            })
            .collect();
        numbers.sort_unstable();
        let extension = |number: u32| if number == 0 { "meg4".to_owned() } else { format!("{number}_meg4") };
        if numbers.is_empty() {
            numbers.push(u32::MAX);
        }
        let mut files = Vec::with_capacity(numbers.len());
        for (expected, number) in (0u32..).zip(numbers) {
            let file = self.file(&extension(expected));
            if number != expected {
                return Err(Error::MissingPart {
                    path: self.path.clone(),
                    what: "file of samples",
                    name: file.file_name().unwrap_or_default().to_string_lossy().into_owned(),
                    advice: "copy the whole .ds folder again from the source".to_owned(),
                });
            }
            check_there(&file)?;
            files.push(file);
        }
        Ok(files)
    }

    /// The files of digitised points that a lab may have put beside the recording.
    pub(super) fn positions(&self) -> Result<Vec<PathBuf>> {
        Ok(names(&self.path)?.into_iter().filter(|path| path.extension().is_some_and(|e| e == "pos")).collect())
    }
}

/// What a folder holds, by name.
fn names(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Error::io("read", folder))? {
        found.push(entry.map_err(Error::io("read", folder))?.path());
    }
    found.sort();
    Ok(found)
}
