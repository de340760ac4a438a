//! What can go wrong with recordings.

use std::io;
use std::path::{Path, PathBuf};

use crate::store::StoreError;

/// A result whose error is [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What can go wrong with recordings. Every message names the place, what was found against what was expected, and what
/// to do.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The operating system refused.
    #[error("cannot {action} {}: {source}; {}", path.display(), io_advice(source.kind()))]
    Io {
        /// What was tried: `read`, `write`, `create the folder` …
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
    /// A link that leads nowhere: a file whose content `datalad` or git-annex has not fetched.
    #[error("{}: its content has not been fetched; run `datalad get` (or `git annex get`) on it", path.display())]
    NotFetched {
        /// The link.
        path: PathBuf,
    },
    /// No reader knows the file's extension.
    #[error("{}: recordings of the format `{found}` cannot be read; supported: {supported}; convert the file to one of these", path.display())]
    UnsupportedFormat {
        /// The file.
        path: PathBuf,
        /// Its extension.
        found: String,
        /// The formats that can be read.
        supported: &'static str,
    },
    /// A text file does not follow its format.
    #[error("{} line {line}: {problem}; {advice}", path.display())]
    Line {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What was found, and what was expected.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// A file does not follow its format, in no one line.
    #[error("{}: {problem}; {advice}", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What was found, and what was expected.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// A binary file does not follow its format at a place that is known.
    #[error("{} at byte {offset}: {problem}; {advice}", path.display())]
    At {
        /// The file.
        path: PathBuf,
        /// The place, from 0.
        offset: u64,
        /// What was found, and what was expected.
        problem: String,
        /// What to do.
        advice: String,
    },
    /// A header and its data file disagree about the amount of data.
    #[error("{}: {found} bytes, but its header {} describes {expected}; the file is damaged, incomplete or belongs to another header: copy both again from the source", path.display(), header.display())]
    DataSize {
        /// The data file.
        path: PathBuf,
        /// The header that describes it.
        header: PathBuf,
        /// Its size in bytes.
        found: u64,
        /// The size that the header asks for, in words with bytes.
        expected: String,
    },
    /// A file that another one names is not there.
    #[error("{}: names the {what} `{name}`, which is not in its folder; {advice}", path.display())]
    MissingPart {
        /// The file that names the other.
        path: PathBuf,
        /// What the missing file holds.
        what: &'static str,
        /// Its name.
        name: String,
        /// What to do.
        advice: String,
    },
    /// Two channels have the same name.
    #[error("{}: channels {first} and {second} are both called `{name}`; give each channel its own name", path.display())]
    DuplicateChannel {
        /// The header.
        path: PathBuf,
        /// The name.
        name: String,
        /// Position of the one (from 1).
        first: usize,
        /// Position of the other.
        second: usize,
    },
    /// A channel's unit does not fit its type.
    #[error("{}: channel `{channel}` is of type {kind} but its unit is `{found}`; expected {expected}: correct its type in channels.tsv or its unit in the header, or mark it as bad", path.display())]
    ChannelUnit {
        /// The recording.
        path: PathBuf,
        /// The channel.
        channel: String,
        /// Its type.
        kind: dre::data::ChannelType,
        /// Its unit as the file says it.
        found: String,
        /// The SI unit of that type.
        expected: String,
    },
    /// A sample is NaN or infinite.
    #[error("{}: channel `{channel}` holds {value} at sample {sample} ({time:.3} s); {advice}", path.display())]
    NotFinite {
        /// The recording.
        path: PathBuf,
        /// The channel.
        channel: String,
        /// The sample, from 0.
        sample: usize,
        /// Its time (s).
        time: f64,
        /// The value found.
        value: f64,
        /// What to do.
        advice: &'static str,
    },
    /// A description, such as `channels.tsv`, is of a channel that the recording does not have.
    #[error("{}: has no channel `{channel}`, which its channels.tsv describes; {found}", path.display())]
    UnknownChannel {
        /// The recording.
        path: PathBuf,
        /// The name in the description.
        channel: String,
        /// The nearest name, and all names.
        found: String,
    },
    /// A file could not be written.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The library found a fault in what it was given.
    #[error(transparent)]
    Dre(#[from] dre::Error),
}

impl Error {
    /// Wraps an error of the operating system; for use with `map_err`.
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        move |source| Self::Io { action, path: path.as_ref().to_owned(), source }
    }

    /// A fault in a line of a text file.
    pub(crate) fn line(path: &Path, line: usize, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Line { path: path.to_owned(), line, problem: problem.into(), advice: advice.into() }
    }

    /// A fault at a place in a binary file.
    pub(crate) fn at(path: &Path, offset: u64, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::At { path: path.to_owned(), offset, problem: problem.into(), advice: advice.into() }
    }

    /// A fault of a whole file.
    pub(crate) fn format(path: &Path, problem: impl Into<String>, advice: impl Into<String>) -> Self {
        Self::Format { path: path.to_owned(), problem: problem.into(), advice: advice.into() }
    }
}

/// What to do about an error of the operating system.
fn io_advice(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::NotFound => "check the path",
        io::ErrorKind::PermissionDenied => "check that you may read and write there",
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
            "free some space or choose another disk, then run the same command again"
        }
        io::ErrorKind::FileTooLarge => "the file system or a limit (ulimit -f) allows no larger file",
        io::ErrorKind::ReadOnlyFilesystem => "choose a place that can be written to",
        io::ErrorKind::NotADirectory => "a part of the path is a file",
        io::ErrorKind::UnexpectedEof => "the file is shorter than its header says; copy it again from the source",
        _ => "check the disk and try again",
    }
}

/// `did you mean `x`? there are: a, b, c` for error messages: the nearest of `known` if it is near, then all of them.
pub(crate) fn suggest<'a>(wanted: &str, what: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 12;
    let known: Vec<&str> = known.into_iter().collect();
    if known.is_empty() {
        return format!("there are no {what}");
    }
    let nearest = known
        .iter()
        .map(|name| (strsim::normalized_damerau_levenshtein(&wanted.to_lowercase(), &name.to_lowercase()), name))
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .filter(|(similarity, _)| *similarity >= 0.5);
    let mut list = known.iter().take(MOST).map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    if known.len() > MOST {
        list = format!("{list} and {} more", known.len() - MOST);
    }
    match nearest {
        Some((_, name)) => format!("did you mean `{name}`? {what}: {list}"),
        None => format!("{what}: {list}"),
    }
}
