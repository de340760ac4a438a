//! How a training gets on: a bar on a terminal, a line per pass elsewhere.

use std::time::{Duration, Instant};

use dre::results::PassRecord;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressFinish, ProgressStyle};

use crate::console::Console;

/// Shows loss, speed and the time that is left, until it is dropped.
#[derive(Debug)]
pub(crate) struct TrainingProgress<'a> {
    console: &'a Console,
    model: String,
    bar: Option<ProgressBar>,
    /// Time of the first batch, and the samples learnt from since.
    started: Instant,
    samples: u64,
    n_passes: usize,
    passes_done: usize,
    n_times: usize,
    samples_left: u64,
    last_valid: Option<f64>,
}

impl<'a> TrainingProgress<'a> {
    /// Starts to show the training of `model`: `n_passes` over `n_epochs` epochs of `n_times` samples, of which
    /// `passes_done` were done before.
    pub(crate) fn new(
        console: &'a Console,
        model: &str,
        (n_passes, passes_done): (usize, usize),
        n_epochs: usize,
        n_times: usize,
    ) -> Self {
        let samples_left = (n_passes.saturating_sub(passes_done) * n_epochs * n_times) as u64;
        let bar = console.is_terminal().then(|| {
            let template = "{prefix:>12} [{bar:24}] {msg}";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(samples_left), ProgressDrawTarget::hidden());
            let bar = bar.with_style(style.progress_chars("=> ")).with_prefix(model.to_owned());
            console.add(bar.with_finish(ProgressFinish::AndClear))
        });
        Self {
            console,
            model: model.to_owned(),
            bar,
            started: Instant::now(),
            samples: 0,
            n_passes,
            passes_done,
            n_times,
            samples_left,
            last_valid: None,
        }
    }

    /// After each batch: the mean loss of the pass so far, and the batch's number of epochs.
    pub(crate) fn batch(&mut self, loss: f64, n_epochs: usize) {
        let samples = (n_epochs * self.n_times) as u64;
        self.samples += samples;
        self.samples_left = self.samples_left.saturating_sub(samples);
        if let Some(bar) = &self.bar {
            bar.inc(samples);
            bar.set_message(self.line(self.passes_done + 1, loss));
        }
    }

    /// After each pass.
    pub(crate) fn pass(&mut self, record: &PassRecord) {
        self.passes_done += 1;
        self.last_valid = Some(record.valid_loss);
        if self.bar.is_none() {
            self.console.step(&self.model, self.line(self.passes_done, record.train_loss));
        }
    }

    fn line(&self, pass: usize, loss: f64) -> String {
        let elapsed = self.started.elapsed().as_secs_f64();
        let speed = if elapsed > 0.0 { self.samples as f64 / elapsed } else { 0.0 };
        let valid = self.last_valid.map_or_else(String::new, |loss| format!("  valid {loss:.4}"));
        let left = if speed > 0.0 {
            format!("  {} left", clock(Duration::from_secs_f64(self.samples_left as f64 / speed)))
        } else {
            String::new()
        };
        let width = self.n_passes.to_string().len();
        format!("pass {pass:>width$}/{}  loss {loss:.4}{valid}  {} samples/s{left}", self.n_passes, thousands(speed))
    }
}

/// A bar for permuted epochs on a terminal, nothing elsewhere, until it is dropped.
#[derive(Debug)]
pub(crate) struct PermutingProgress {
    bar: Option<ProgressBar>,
}

impl PermutingProgress {
    /// Starts at 0 of `n_epochs`.
    pub(crate) fn new(console: &Console, model: &str, n_epochs: usize) -> Self {
        let bar = console.is_terminal().then(|| {
            let template = "{prefix:>12} [{bar:24}] {human_pos}/{human_len} epochs permuted  {eta} left";
            let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
            let bar = ProgressBar::with_draw_target(Some(n_epochs as u64), ProgressDrawTarget::hidden());
            let bar = bar.with_style(style.progress_chars("=> ")).with_prefix(model.to_owned());
            console.add(bar.with_finish(ProgressFinish::AndClear))
        });
        Self { bar }
    }

    /// So many are done.
    pub(crate) fn done(&self, n_epochs: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(n_epochs as u64);
        }
    }
}

/// `75` s as `1:15`, longer times with hours.
fn clock(time: Duration) -> String {
    let seconds = time.as_secs_f64().round() as u64;
    let (hours, minutes, seconds) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    if hours > 0 { format!("{hours}:{minutes:02}:{seconds:02}") } else { format!("{minutes}:{seconds:02}") }
}

/// Three digits and a prefix: `12.3 k`.
fn thousands(value: f64) -> String {
    let (value, prefix) = match value {
        v if v >= 1e9 => (v / 1e9, " G"),
        v if v >= 1e6 => (v / 1e6, " M"),
        v if v >= 1e3 => (v / 1e3, " k"),
        v => (v, ""),
    };
    let whole = value >= 100.0 || prefix.is_empty();
    if whole { format!("{value:.0}{prefix}") } else { format!("{value:.1}{prefix}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_as_people_write_them() {
        for (seconds, text) in
            [(0.4, "0:00"), (9.6, "0:10"), (75.0, "1:15"), (3600.0, "1:00:00"), (45_296.0, "12:34:56")]
        {
            assert_eq!(clock(Duration::from_secs_f64(seconds)), text);
        }
    }

    #[test]
    fn speeds_keep_three_digits() {
        for (value, text) in [(0.0, "0"), (999.4, "999"), (1234.0, "1.2 k"), (123_456.0, "123 k"), (4.56e6, "4.6 M")] {
            assert_eq!(thousands(value), text);
        }
    }
}
