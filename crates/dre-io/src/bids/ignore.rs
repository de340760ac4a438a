//! What a data set asks to leave alone: `.bidsignore`, with the patterns of `.gitignore`.

use std::io;
use std::path::Path;

use super::BidsError;
use super::table::decode;

/// Name of the file, in the root of a data set.
const FILE: &str = ".bidsignore";

/// The patterns of a data set, in the file's order; the last that fits decides.
#[derive(Debug, Default)]
pub(super) struct Ignore {
    patterns: Vec<Pattern>,
}

#[derive(Debug)]
struct Pattern {
    /// From the root of the data set on.
    glob: String,
    /// Whether it takes back what one before it says (`!`).
    keeps: bool,
    folders_only: bool,
}

impl Ignore {
    /// Reads the file of a data set; no patterns where there is none.
    pub(super) fn read(root: &Path) -> Result<Self, BidsError> {
        let path = root.join(FILE);
        match crate::files::read(&path) {
            Ok(bytes) => Ok(Self::parse(decode(Path::new(FILE), &bytes)?)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(source) => Err(BidsError::Read { path, source }),
        }
    }

    fn parse(text: &str) -> Self {
        Self { patterns: text.lines().filter_map(Pattern::parse).collect() }
    }

    /// Whether a path, relative to the root, or a folder above it is to be left alone.
    pub(super) fn covers(&self, relative: &Path, is_folder: bool) -> bool {
        if self.patterns.is_empty() {
            return false;
        }
        let parts: Vec<_> = relative.iter().map(|part| part.to_string_lossy()).collect();
        (1..=parts.len()).any(|n| {
            let is_folder = n < parts.len() || is_folder;
            let path = parts[..n].join("/");
            let last = self.patterns.iter().rev().find(|pattern| pattern.fits(&path, is_folder));
            last.is_some_and(|pattern| !pattern.keeps)
        })
    }
}

impl Pattern {
    fn parse(line: &str) -> Option<Self> {
        let line = line.trim_end();
        if line.is_empty() || line.starts_with('#') {
            return None;
        }
        let (keeps, rest) = line.strip_prefix('!').map_or((false, line), |rest| (true, rest));
        let (folders_only, rest) = rest.strip_suffix('/').map_or((false, rest), |rest| (true, rest));
        // A slash within ties a pattern to the root; without one it fits in any folder.
        let (anchored, rest) = rest.strip_prefix('/').map_or((rest.contains('/'), rest), |rest| (true, rest));
        if rest.is_empty() {
            return None;
        }
        let mut glob = if anchored { String::new() } else { "**/".to_owned() };
        let mut escaped = false;
        for c in rest.chars() {
            // Braces mean themselves in these files, but not to the matcher.
            if matches!(c, '{' | '}') && !escaped {
                glob.push('\\');
            }
            escaped = c == '\\' && !escaped;
            glob.push(c);
        }
        Some(Self { glob, keeps, folders_only })
    }

    fn fits(&self, path: &str, is_folder: bool) -> bool {
        (is_folder || !self.folders_only) && fast_glob::glob_match(&self.glob, path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_what_they_mean_to_git() {
        let covers = |patterns: &str, path: &str| Ignore::parse(patterns).covers(Path::new(path), false);
        for (patterns, path, expected) in [
            ("", "sub-01/eeg/x.edf", false),
            ("# sub-01\n\n", "sub-01/eeg/x.edf", false),
            ("*.edf", "sub-01/eeg/x.edf", true),
            ("*.edf", "x.edf", true),
            ("/*.edf", "sub-01/x.edf", false),
            ("/*.edf", "x.edf", true),
            ("sub-01/", "sub-01/eeg/x.edf", true),
            ("sub-01", "sub-01/eeg/x.edf", true),
            ("x.edf/", "sub-01/eeg/x.edf", false),
            ("sub-01/eeg/x.edf", "sub-01/eeg/x.edf", true),
            ("eeg/x.edf", "sub-01/eeg/x.edf", false),
            ("**/eeg/x.edf", "sub-01/eeg/x.edf", true),
            ("sub-*/**/*_run-0[12]_*", "sub-01/eeg/sub-01_run-02_eeg.edf", true),
            ("sub-*/**/*_run-0[12]_*", "sub-01/eeg/sub-01_run-03_eeg.edf", false),
            ("*.edf\n!keep.edf", "sub-01/keep.edf", false),
            ("!keep.edf\n*.edf", "sub-01/keep.edf", true),
            ("sub-01\n!keep.edf", "sub-01/keep.edf", true),
            ("x?.edf", "x1.edf", true),
            ("x?.edf", "x.edf", false),
            ("{a,b}.edf", "a.edf", false),
            ("{a,b}.edf", "{a,b}.edf", true),
            ("*.edf  ", "a.edf", true),
        ] {
            assert_eq!(covers(patterns, path), expected, "{patterns:?} on {path}");
        }
    }
}
