//! Opening files that others wrote: regular ones only, and whole ones only up to a size.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::path::Path;

/// Bytes that a header, table or list may have at most to be read into memory as a whole.
const MOST_BYTES: u64 = 1 << 29;

/// Opens a regular file. A pipe would be waited for until somebody writes to it, and a device has no end.
///
/// # Errors
/// Those of the system; [`ErrorKind::InvalidInput`] for what is no regular file.
pub(crate) fn open(path: &Path) -> Result<File> {
    let kind = fs::metadata(path)?.file_type();
    if kind.is_file() {
        return File::open(path);
    }
    Err(Error::new(ErrorKind::InvalidInput, format!("it is {}, expected a regular file", name(kind))))
}

fn name(kind: fs::FileType) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt;
        if kind.is_fifo() {
            return "a named pipe";
        }
        if kind.is_socket() {
            return "a socket";
        }
        if kind.is_block_device() || kind.is_char_device() {
            return "a device";
        }
    }
    if kind.is_dir() { "a folder" } else { "something else" }
}

/// Reads a regular file of at most 512 MiB as a whole.
///
/// # Errors
/// As [`open`]; [`ErrorKind::FileTooLarge`] for a larger one.
pub(crate) fn read(path: &Path) -> Result<Vec<u8>> {
    read_at_most(path, MOST_BYTES)
}

fn read_at_most(path: &Path, most: u64) -> Result<Vec<u8>> {
    let file = open(path)?;
    let mut bytes = Vec::new();
    // It may grow meanwhile.
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let found = fs::metadata(path)?.len();
        let text = format!("it has {found} bytes, expected at most {most} of a file that is read as a whole");
        return Err(Error::new(ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_regular_files_of_a_bounded_size_are_read() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("x");
        fs::write(&path, "12345").unwrap();
        assert_eq!(read_at_most(&path, 5).unwrap(), b"12345");
        assert_eq!(
            read_at_most(&path, 4).unwrap_err().to_string(),
            "it has 5 bytes, expected at most 4 of a file that is read as a whole"
        );
        assert_eq!(open(home.path()).unwrap_err().to_string(), "it is a folder, expected a regular file");
        assert_eq!(open(&home.path().join("y")).unwrap_err().kind(), ErrorKind::NotFound);
        #[cfg(unix)]
        assert_eq!(read(Path::new("/dev/zero")).unwrap_err().to_string(), "it is a device, expected a regular file");
    }
}
