//! Samples as text: one line for each, its channels side by side.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use ndarray::ArrayViewMut2;

use crate::{Error, Result};

use super::header::TextLayout;
use super::text::shorten;

/// One place is remembered for so many lines.
const STRIDE: usize = 256;

/// The lines of a data file.
#[derive(Debug)]
pub(super) struct Lines {
    path: PathBuf,
    reader: BufReader<File>,
    layout: TextLayout,
    n_channels: usize,
    pub(super) n_times: usize,
    /// Where samples 0, `STRIDE`, 2 × `STRIDE` … begin (bytes).
    places: Vec<u64>,
    line: Vec<u8>,
}

impl Lines {
    /// Looks for the lines; the file is read once.
    pub(super) fn open(path: &Path, file: File, layout: TextLayout, n_channels: usize) -> Result<Self> {
        let reader = BufReader::with_capacity(1 << 16, file);
        let line = Vec::new();
        let path = path.to_owned();
        let mut lines = Self { path, reader, layout, n_channels, n_times: 0, places: Vec::new(), line };
        let mut at = 0;
        for _ in 0..layout.n_skip {
            let n_bytes = lines.next_line(0)?;
            if n_bytes == 0 {
                break;
            }
            at += n_bytes as u64;
        }
        loop {
            let n_bytes = lines.next_line(lines.n_times)?;
            // Blank lines at the end are no samples.
            if n_bytes == 0 || lines.line.trim_ascii().is_empty() {
                break;
            }
            if lines.n_times.is_multiple_of(STRIDE) {
                lines.places.push(at);
            }
            at += n_bytes as u64;
            lines.n_times += 1;
        }
        if lines.n_times == 0 {
            return Err(Error::format(&lines.path, "there are no samples", "the file is incomplete; export it again"));
        }
        Ok(lines)
    }

    /// Reads the next line; `sample` is for messages.
    fn next_line(&mut self, sample: usize) -> Result<usize> {
        // Longer than any number that is written out, so that a file without line ends is not read as one line.
        let most = 1024 + 64 * self.n_channels as u64;
        self.line.clear();
        let mut limited = std::io::Read::take(&mut self.reader, most);
        let n_bytes = limited.read_until(b'\n', &mut self.line).map_err(Error::io("read", &self.path))?;
        if n_bytes as u64 == most && !self.line.ends_with(b"\n") {
            return Err(self.fault(sample, format!("the line is longer than {most} bytes")));
        }
        Ok(n_bytes)
    }

    fn fault(&self, sample: usize, problem: String) -> Error {
        let advice = "the file is damaged or has another layout; export it with DataFormat=BINARY";
        Error::line(&self.path, self.layout.n_skip + sample + 1, problem, advice)
    }

    /// Reads a block whose request has been checked; each channel times its scale.
    pub(super) fn read(
        &mut self,
        channels: &[usize],
        start: usize,
        scales: &[f64],
        out: &mut ArrayViewMut2<'_, f64>,
    ) -> Result<()> {
        if out.is_empty() {
            return Ok(());
        }
        let place = self.places.get(start / STRIDE).copied().unwrap_or(0);
        self.reader.seek(SeekFrom::Start(place)).map_err(Error::io("read", &self.path))?;
        for sample in start - start % STRIDE..start {
            self.next_line(sample)?;
        }
        let mut values = Vec::with_capacity(self.n_channels);
        for (sample, mut column) in (start..).zip(out.columns_mut()) {
            self.next_line(sample)?;
            self.values(sample, &mut values)?;
            for (to, channel) in column.iter_mut().zip(channels) {
                *to = values[*channel] * scales[*channel];
            }
        }
        Ok(())
    }

    /// The numbers of the line that was read last.
    fn values(&self, sample: usize, values: &mut Vec<f64>) -> Result<()> {
        let text = String::from_utf8_lossy(&self.line);
        let text = if self.layout.decimal_comma { text.replace(',', ".") } else { text.into_owned() };
        values.clear();
        let words = text.split(|c: char| c.is_whitespace() || c == ',').filter(|word| !word.is_empty());
        for word in words.skip(self.layout.n_skip_columns) {
            match word.parse() {
                Ok(value) => values.push(value),
                Err(_) => return Err(self.fault(sample, format!("`{}` is not a number", shorten(word)))),
            }
        }
        if values.len() != self.n_channels {
            let problem = format!("{} numbers, expected one for each of {} channels", values.len(), self.n_channels);
            return Err(self.fault(sample, problem));
        }
        Ok(())
    }
}
