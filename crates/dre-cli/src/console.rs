//! What the program says: results on stdout, everything else on stderr.

use std::fmt::{Display, Write as _};
use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anstream::{AutoStream, ColorChoice};
use anstyle::{AnsiColor, Style};
use dre::text::plain_lines;
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget};

use crate::error::{CliError, Result};

const STEP: Style = AnsiColor::Green.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const ERROR: Style = AnsiColor::Red.on_default().bold();
const ADVICE: Style = AnsiColor::Cyan.on_default().bold();

/// The two output streams and how much is said.
#[derive(Clone, Debug)]
pub(crate) struct Console {
    level: i8,
    color: ColorChoice,
    terminal: bool,
    bars: MultiProgress,
    /// Why a result could not be written.
    lost: Arc<OnceLock<String>>,
}

impl Console {
    /// `level`: −1 only results and errors, 0 steps and warnings, 1 and 2 details.
    pub(crate) fn new(level: i8, color: ColorChoice) -> Self {
        let stderr = io::stderr();
        let terminal = stderr.is_terminal();
        let color = if color == ColorChoice::Auto { AutoStream::choice(&stderr) } else { color };
        let target = if level < 0 || !terminal { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { level, color, terminal, bars: MultiProgress::with_draw_target(target), lost: Arc::default() }
    }

    /// Whether stderr is a terminal, where a line can be drawn again.
    pub(crate) fn is_terminal(&self) -> bool {
        self.terminal
    }

    /// Puts a progress bar below the messages.
    pub(crate) fn add(&self, bar: ProgressBar) -> ProgressBar {
        self.bars.add(bar)
    }

    /// A result, on stdout. A reader that has gone away, such as `head`, is no error; a disk that is full is one, which
    /// [`Console::check_results`] tells at the end.
    pub(crate) fn result(&self, text: impl Display) {
        let written = self.bars.suspend(|| {
            let mut out = io::stdout().lock();
            writeln!(out, "{}", plain_lines(&text.to_string())).and_then(|()| out.flush())
        });
        match written {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
                self.lost.get_or_init(|| error.to_string());
            }
            _ => {}
        }
    }

    /// Whether all results were written.
    ///
    /// # Errors
    /// [`CliError::Output`] where one was not.
    pub(crate) fn check_results(&self) -> Result<()> {
        self.lost.get().map_or(Ok(()), |reason| Err(CliError::Output { reason: reason.clone() }))
    }

    /// A step that begins or has ended: a verb and what it is about.
    pub(crate) fn step(&self, verb: &str, text: impl Display) {
        if self.level >= 0 {
            self.message(format_args!("{STEP}{verb:>12}{STEP:#} {}", plain_lines(&text.to_string())));
        }
    }

    /// Something that the user should know although the work goes on.
    pub(crate) fn warn(&self, text: impl Display) {
        if self.level >= 0 {
            self.message(format_args!("{WARNING}warning{WARNING:#}: {}", plain_lines(&text.to_string())));
        }
    }

    /// Something that only the curious want to know (`-v`).
    pub(crate) fn detail(&self, text: impl Display) {
        if self.level >= 1 {
            self.message(format_args!("{:>12} {}", "", plain_lines(&text.to_string())));
        }
    }

    /// Says what went wrong, why, and what to do; gives the exit status.
    pub(crate) fn failure(&self, error: &CliError) -> ExitCode {
        let mut text = format!("{ERROR}error{ERROR:#}: {}", plain_lines(&error.to_string()));
        let mut source = std::error::Error::source(error);
        while let Some(cause) = source {
            // Some messages quote their cause already.
            let cause_text = cause.to_string();
            if !text.contains(&cause_text) {
                text.extend(["\n  caused by: ", &plain_lines(&cause_text)]);
            }
            source = cause.source();
        }
        if let Some(advice) = error.advice() {
            let _ = write!(text, "\n  {ADVICE}advice{ADVICE:#}: {advice}");
        }
        self.message(text);
        ExitCode::from(error.exit_status())
    }

    fn message(&self, text: impl Display) {
        self.bars.suspend(|| {
            let _ = writeln!(AutoStream::new(io::stderr().lock(), self.color), "{text}");
        });
    }
}
