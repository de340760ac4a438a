//! Logs of the program Presentation (Neurobehavioral Systems).

use std::path::{Path, PathBuf};

use crate::{Error, Result};

use super::text::{lines, read, shown};

/// Presentation counts tenths of a millisecond.
pub(super) const TICKS_PER_SECOND: f64 = 1e4;

/// Event types that the second table has rows for.
const PRESENTED: [&str; 3] = ["Picture", "Sound", "Nothing"];

/// A log of one subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresentationLog {
    path: PathBuf,
    events: Vec<LogEvent>,
}

/// A row of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEvent {
    /// Line in the file, from 1.
    pub line: usize,
    /// Event type, such as `Picture` or `Response`.
    pub kind: String,
    /// What was presented, such as `FIX` or a word.
    pub code: String,
    /// When (0.1 ms) on Presentation's clock.
    pub time: i64,
    /// For how long (0.1 ms), from the second table; none where it does not tell.
    pub duration: Option<i64>,
}

impl PresentationLog {
    /// Reads a log.
    ///
    /// # Errors
    /// As [`PresentationLog::parse`]; [`Error::Io`].
    pub fn read(path: &Path) -> Result<Self> {
        Self::parse(path, &read(path)?)
    }

    /// Reads the content of a log, which messages call `path`: a header, a table with the columns `Event Type`, `Code` and
    /// `Time`, two empty lines, and a table with `Event Type`, `Code` and `Duration`, which has rows for what was presented
    /// (`Picture`, `Sound`, `Nothing`) only. Of a file that holds several logs the first is read.
    ///
    /// # Errors
    /// [`Error::Line`] for tables that lack a column, values that are no times, times that go backwards, and tables that do not
    /// fit together; [`Error::Format`] where a table is missing.
    pub fn parse(path: &Path, content: &[u8]) -> Result<Self> {
        let lines = one_log(lines(path, content)?);
        let mut blocks = Blocks { path, lines: &lines, place: 0 };
        let first = blocks.table("first", &["Event Type", "Code", "Time"])?;
        let second = blocks.table("second", &["Event Type", "Code", "Duration"])?;
        let mut events = Vec::with_capacity(first.len());
        let mut last = i64::MIN;
        for row in &first {
            // Rows about the program itself have no time.
            if row.number.trim().is_empty() {
                continue;
            }
            let Ok(time) = row.number.trim().parse::<i64>() else {
                let problem = format!("Time is `{}`, expected a whole number of 0.1 ms", shown(&row.number));
                return Err(Error::line(path, row.line, problem, "the log is damaged; copy it again from the source"));
            };
            if time < last {
                let problem = format!("Time is {time}, after {last} on a line before it, expected times that ascend");
                return Err(Error::line(path, row.line, problem, "the log is damaged; copy it again from the source"));
            }
            last = time;
            let (kind, code) = (row.kind.clone(), row.code.clone());
            events.push(LogEvent { line: row.line, kind, code, time, duration: None });
        }
        let mut presented = events.iter_mut().filter(|event| PRESENTED.contains(&event.kind.as_str()));
        for row in &second {
            let fault = |found: String| {
                let advice = "the log is damaged; copy it again from the source";
                Error::line(
                    path,
                    row.line,
                    format!("{} `{}` in the second table {found}", row.kind, shown(&row.code)),
                    advice,
                )
            };
            let Some(event) = presented.next() else {
                return Err(fault("has no row in the first".to_owned()));
            };
            if (event.kind.as_str(), event.code.trim()) != (row.kind.as_str(), row.code.trim()) {
                let other = format!("{} `{}` of line {}", event.kind, shown(&event.code), event.line);
                return Err(fault(format!("stands where the first has {other}")));
            }
            let text = row.number.trim();
            event.duration = match text.parse::<i64>() {
                Ok(duration) if duration >= 0 => Some(duration),
                // Presentation writes `next` and the like where the end is not known.
                _ if text.is_empty() || text.chars().all(char::is_alphabetic) => None,
                _ => return Err(fault(format!("lasts `{}`, expected a whole number of 0.1 ms", shown(text)))),
            };
        }
        Ok(Self { path: path.to_owned(), events })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All rows that have a time, in order.
    pub fn events(&self) -> &[LogEvent] {
        &self.events
    }
}

/// The lines of the first log of a file; some files hold the same log twice.
fn one_log(lines: Vec<(usize, String)>) -> Vec<(usize, String)> {
    let starts = |line: &str| line.starts_with("Scenario -");
    let mut n_starts = 0;
    lines
        .into_iter()
        .take_while(|(_, line)| {
            n_starts += usize::from(starts(line));
            n_starts < 2
        })
        .collect()
}

struct Row {
    line: usize,
    kind: String,
    code: String,
    /// The time or the duration.
    number: String,
}

struct Blocks<'a> {
    path: &'a Path,
    lines: &'a [(usize, String)],
    place: usize,
}

impl Blocks<'_> {
    /// The next table; it ends with two empty lines or the file.
    fn table(&mut self, which: &str, columns: &[&str; 3]) -> Result<Vec<Row>> {
        let header = |line: &str| line.split('\t').any(|name| name.trim() == "Event Type");
        let Some(at) = self.lines[self.place..].iter().position(|(_, line)| header(line)) else {
            let problem = format!("no {which} table with the columns {}", columns.join(", "));
            return Err(Error::format(self.path, problem, "copy the log again from the source"));
        };
        let (number, header) = &self.lines[self.place + at];
        let names: Vec<&str> = header.split('\t').map(str::trim).collect();
        let mut wanted = [0; 3];
        for (place, column) in wanted.iter_mut().zip(columns) {
            *place = names.iter().position(|name| name == column).ok_or_else(|| {
                let problem =
                    format!("the {which} table has no column `{column}`; it has {}", shown(&names.join(", ")));
                Error::line(self.path, *number, problem, "copy the log again from the source")
            })?;
        }
        self.place += at + 1;
        let mut rows = Vec::new();
        let mut n_empty = 0;
        while let Some((line, text)) = self.lines.get(self.place) {
            self.place += 1;
            if text.trim().is_empty() {
                n_empty += 1;
                if n_empty >= 2 && !rows.is_empty() {
                    break;
                }
                continue;
            }
            n_empty = 0;
            let mut text = text.clone();
            // Some codes hold a line break behind a full stop.
            if text.ends_with('.')
                && text.split('\t').count() <= wanted.iter().copied().max().unwrap_or(0)
                && let Some((_, rest)) = self.lines.get(self.place)
            {
                text.push_str(rest);
                self.place += 1;
            }
            let fields: Vec<&str> = text.split('\t').collect();
            let field = |column: usize| fields.get(column).copied();
            let (Some(kind), Some(code)) = (field(wanted[0]), field(wanted[1])) else {
                let problem =
                    format!("{} fields, expected {} as in the {which} table's header", fields.len(), names.len());
                return Err(Error::line(
                    self.path,
                    *line,
                    problem,
                    "the log is damaged; copy it again from the source",
                ));
            };
            let number = field(wanted[2]).unwrap_or_default().to_owned();
            rows.push(Row { line: *line, kind: kind.trim().to_owned(), code: code.to_owned(), number });
        }
        Ok(rows)
    }
}
