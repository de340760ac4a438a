//! The command line, as clap reads it.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use clap::builder::styling::{AnsiColor, Styles};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum};
use dre::sensors::SensorArray;
use dre::simulate::{Effects, SimulationConfig, Timing};

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Green.on_default().bold())
    .usage(AnsiColor::Green.on_default().bold())
    .literal(AnsiColor::Cyan.on_default().bold())
    .placeholder(AnsiColor::Cyan.on_default());

/// The Deep Recurrent Encoder for MEG and EEG, beside linear references on identical terms.
///
/// `dre` predicts the brain responses of many subjects at once from what was presented and from the first samples of
/// each epoch. It compares the prediction with that of a temporal receptive field on the same epochs, scalers and
/// metric.
#[derive(Debug, Parser)]
#[command(
    name = "dre",
    version,
    styles = STYLES,
    max_term_width = 100,
    subcommand_required = true,
    arg_required_else_help = true,
    after_long_help = "\
Examples:
  dre demo                                     simulated recordings, everything below, a report
  dre run study.toml --data ~/data/ds000117    one command from a BIDS data set to a report
  dre info study.toml                          what a study file says, defaults filled in

Results go to stdout, progress and messages to stderr.
Exit status: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What is said, and how.
#[derive(Args, Debug)]
pub(crate) struct OutputArgs {
    /// Say only results and errors
    #[arg(short, long, global = true, conflicts_with = "verbose", help_heading = "Messages")]
    quiet: bool,
    /// Say more; twice for everything
    #[arg(short, long, global = true, action = clap::ArgAction::Count, help_heading = "Messages")]
    verbose: u8,
    /// Colour messages; `auto` does on a terminal, unless `NO_COLOR` is set
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Messages")]
    pub(crate) color: Color,
}

impl OutputArgs {
    /// −1 quiet, 0 as usual, 1 and 2 more.
    pub(crate) fn level(&self) -> i8 {
        if self.quiet { -1 } else { self.verbose.min(2).cast_signed() }
    }
}

/// When messages are coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    Auto,
    Always,
    Never,
}

impl From<Color> for anstream::ColorChoice {
    fn from(color: Color) -> Self {
        match color {
            Color::Auto => Self::Auto,
            Color::Always => Self::AlwaysAnsi,
            Color::Never => Self::Never,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Do everything a study file asks for: prepare, fit, evaluate, report
    ///
    /// Prepares the recordings, fits every model of the study file, scores all of them on the same test epochs, permutes
    /// their inputs where the study file has `[importance]`, orders the test epochs by brain state where it has `[state]`, and
    /// writes one HTML report. Whatever is up to date from an
    /// earlier run is kept. Ctrl-C stops after the current batch and saves; `--resume` continues from there with the very
    /// weights that an uninterrupted run would have had.
    #[command(after_long_help = "\
Examples:
  dre run examples/p300.toml --data ~/data/p300
  dre run study.toml --out results/first --threads 8
  dre run study.toml --out results/first --resume       after Ctrl-C or a crash

All folds of a study with `fold = \"1 of 5\"`, each into a folder of its own:
  for i in 1 2 3 4 5; do dre run study.toml --fold $i; done")]
    Run(RunArgs),
    /// Read, filter and decimate the recordings; build the features
    ///
    /// Writes the cohort: continuous prepared data, features and events of every recording. Nothing is fitted, so the
    /// cohort does not depend on the split.
    #[command(after_long_help = "\
Examples:
  dre prepare study.toml --data ~/data/ds000117")]
    Prepare(PrepareArgs),
    /// Fit the models of a study on its cohort
    ///
    /// Needs the cohort that `dre prepare` writes into the same output folder. A checkpoint is written after each pass.
    #[command(after_long_help = "\
Examples:
  dre fit study.toml
  dre fit study.toml --model dre --resume")]
    Fit(FitArgs),
    /// Score the fitted models on the test epochs
    ///
    /// Pearson's r across test epochs for each time and channel, within each subject. Writes `results.json` and prints
    /// the table.
    #[command(after_long_help = "\
Examples:
  dre evaluate study.toml")]
    Evaluate(EvaluateArgs),
    /// Permute the models' inputs to learn what their predictions rest on
    ///
    /// Δr is how much Pearson's r falls when an input is permuted over the test epochs within each subject: the value of a
    /// feature that an epoch's own event carries, and whatever else `[importance]` of the study file names. Scores the models
    /// first, as `dre evaluate` does; writes maps and tables below `importance`, `results.json` and the report, and prints
    /// the table. Models whose analysis is up to date are not done again. `dre run` does the same where the study file has
    /// `[importance]`.
    #[command(after_long_help = "\
Examples:
  dre importance study.toml
  dre importance study.toml --model trf")]
    Importance(ImportanceArgs),
    /// Order the test epochs by a rhythm before the response, and compare true and predicted responses
    ///
    /// Test epochs are ordered, within each subject, by power and by phase of the alpha rhythm (or of any band that `[state]` of
    /// the study file names) in the init window. Shows the responses in each quantile, true and as each model predicts them, and
    /// how well a model's difference between states follows the true one. Scores the models first, as `dre evaluate` does; writes
    /// responses and tables below `state`, `results.json` and the report. `dre run` does the same where the study file has
    /// `[state]`.
    #[command(after_long_help = "\
Examples:
  dre state study.toml

Another rhythm, measured on some channels, in the study file:
  [state]
  band = [15.0, 30.0]
  by = [\"power\"]
  channels = [\"C3\", \"C4\"]")]
    State(StateArgs),
    /// Write the HTML report of a run again from its results.json
    #[command(after_long_help = "\
Examples:
  dre report dre-p300")]
    Report(ReportArgs),
    /// Write each figure of a run as a file fit for a paper, with its numbers beside it
    ///
    /// Light, on white, at the size at which it is to be printed (180 mm or a single column), text of 7 pt or larger; colours can be
    /// told apart by people with colour-blindness. Beside each figure lies a table of its numbers with the same name, `.tsv`. Text in
    /// PNG and PDF is set in Noto Sans, which is part of the program. Of an ablation in the run's folder, the comparison is written,
    /// too.
    #[command(after_long_help = "\
Examples:
  dre figures dre-p300
  dre figures dre-p300 --format pdf,png --dpi 600 --out paper/figures
  dre figures dre-p300 --only importance --only state-power-map")]
    Figures(FiguresArgs),
    /// Say what a data set, recording, study file, run's folder, cohort or checkpoint holds
    #[command(after_long_help = "\
Examples:
  dre info study.toml           the study with every default filled in
  dre info dre-p300             the scores of a run
  dre info ~/data/ds000117      recordings of a data set, and why any is left out
  dre info rest.ds              channels, bads, annotations of a recording")]
    Info(InfoArgs),
    /// Define the kinds of features, or show what values a study's features have
    ///
    /// Without a study file: every kind with its definition, unit, keys and an example. With one: for each of its features
    /// how many events have a value, how many miss one, and mean, least and greatest value, over all recordings. Only
    /// events, lexica and stimuli are read, not the recordings.
    #[command(after_long_help = "\
Examples:
  dre features                                       all kinds
  dre features zipf                                  one kind
  dre features study.toml --data ~/data/ds000117     values of a study's features")]
    Features(FeaturesArgs),
    /// Compare every file that dre wrote into a folder with its size and checksum when it was written
    ///
    /// A run's folder or any folder below it, or a simulated data set. Exit status 1 where a file is gone or has changed.
    #[command(after_long_help = "\
Examples:
  dre verify dre-p300
  dre verify dre-p300/models/dre")]
    Verify(VerifyArgs),
    /// Show what training, validation and test sets share: samples, stimuli, near-duplicates
    ///
    /// For a study file, cuts the epochs of its prepared cohort and audits them anew, without fitting anything; for a run's
    /// folder, shows the audit that the last fit wrote. Exit status 1 where the sets share samples or hold near-duplicates.
    #[command(after_long_help = "\
Examples:
  dre audit study.toml
  dre audit dre-p300
  dre audit dre-p300 --json > audit.json")]
    Audit(AuditArgs),
    /// Take parts of a network away and see what it loses
    ///
    /// Fits the network of the study (the first of kind `dre`, or `ablate.model`) without its convolutions, without the init
    /// window, without the subject embedding and on 40 principal components (or as the table `[ablate]` says), on the same
    /// splits and seed, and compares them. Everything is written into the folder `ablation` of the run's folder.
    #[command(after_long_help = "\
Examples:
  dre ablate study.toml
  dre ablate study.toml --resume        after Ctrl-C or a crash

A change of one's own, in the study file:
  [ablate]
  variants = [\"no-init\", \"narrow\"]
  [ablate.changes.narrow]
  conv_filters = 16")]
    Ablate(RunArgs),
    /// Adapt a network to a subject that it has not seen, with more and more minutes of data
    ///
    /// Trains the network of the study on all subjects but one, freezes it, and fits the one's embedding (and, beside it, a
    /// linear map of channels) to the first minutes of its training epochs. Scores are on the subject's test epochs, beside
    /// those of a TRF on the same minutes and of the network that the subject took part in. The report of the run shows it.
    #[command(after_long_help = "\
Examples:
  dre adapt study.toml --subject 05
  dre adapt study.toml --subject 05 --minutes 1,2,5,10")]
    Adapt(AdaptArgs),
    /// Write a recording of any format as FIF, which MNE-Python reads
    ///
    /// Channels, positions, bads, annotations and projectors go along; samples are stored in single precision. A recording
    /// above 2 GB becomes several files.
    #[command(after_long_help = "\
Examples:
  dre export rest.ds rest_raw.fif")]
    Export(ExportArgs),
    /// Simulate a reading study with known truth as a BIDS data set
    ///
    /// Subjects read sentences word by word. Dipoles in a spherical head give the fields and potentials; alpha rhythm, background
    /// activity, heart, blinks, the surroundings and the sensors add what recordings hold. MEG is written as FIF, EEG as
    /// BrainVision; `derivatives/truth` says what went into it: sources, kernels, latencies, topographies, and the state of the
    /// brain at each word. The same settings give the same bytes on any number of threads.
    #[command(after_long_help = "\
Examples:
  dre simulate --out reading                              MEG, six subjects, five minutes each
  dre simulate --out eeg --array eeg64 --sfreq 500
  dre simulate --out linear --linear                      responses in white noise, nothing else
  dre simulate --out one --without adaptation             everything but one effect
  dre simulate --out two --linear --with saturation       one effect alone

Effects: saturation, adaptation, alpha-gain, subject-gain, subject-latency, head-position, alpha,
background, heartbeat, blinks, environment, sensor-noise.")]
    Simulate(SimulateArgs),
    /// Simulate six subjects, then do everything on them (about two minutes)
    ///
    /// Writes simulated EEG of six readers as a BIDS data set, with the study file that describes it, then does what
    /// `dre run` does. The simulated brains adapt to fast words and have an alpha rhythm that carries on: effects that the
    /// Deep Recurrent Encoder can use and a linear model of the words cannot.
    #[command(after_long_help = "\
Examples:
  dre demo
  dre demo --out trial --threads 2")]
    Demo(DemoArgs),
}

/// The study, its data and where results go.
#[derive(Args, Debug)]
pub(crate) struct StudyArgs {
    /// Study file (TOML)
    #[arg(value_name = "STUDY.toml")]
    pub(crate) study: PathBuf,
    /// BIDS data set; replaces `data.bids` of the study file
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Folder for everything that is written [default: dre-NAME, NAME being the study's]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Let this fold test, of a study with `fold = "1 of K"`; results go to dre-NAME-fold-N unless --out is given
    #[arg(long, value_name = "N")]
    pub(crate) fold: Option<usize>,
}

/// Arguments of `dre adapt`.
#[derive(Args, Debug)]
pub(crate) struct AdaptArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    /// Subject to adapt to, with or without `sub-`
    #[arg(long, value_name = "LABEL")]
    pub(crate) subject: String,
    /// Minutes of data to try [default: doubling from 0.5 to all there are]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub(crate) minutes: Vec<f64>,
    /// Network of the study to adapt [default: its first of kind `dre`]
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    #[command(flatten)]
    pub(crate) fit: FitOptions,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

/// How much of the machine is used.
#[derive(Args, Debug)]
pub(crate) struct ThreadArgs {
    /// Number of threads; results do not depend on it [default: all cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

impl ThreadArgs {
    pub(crate) fn count(&self) -> usize {
        self.threads.map_or_else(|| std::thread::available_parallelism().map_or(1, NonZeroUsize::get), usize::from)
    }
}

/// How models are fitted.
#[derive(Args, Clone, Copy, Debug, Default)]
pub(crate) struct FitOptions {
    /// Random seed; replaces `seed` of the study file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Continue an interrupted fit from its checkpoint
    #[arg(long, conflicts_with = "force")]
    pub(crate) resume: bool,
    /// Do everything again, even what is up to date
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) fit: FitOptions,
}

#[derive(Args, Debug)]
pub(crate) struct PrepareArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Prepare again, even what is up to date
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct FitArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    /// Fit this model of the study only; may be given several times [default: all]
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    #[command(flatten)]
    pub(crate) fit: FitOptions,
}

#[derive(Args, Debug)]
pub(crate) struct EvaluateArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Random seed that the models were fitted with; replaces `seed` of the study file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
}

#[derive(Args, Debug)]
pub(crate) struct ImportanceArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    /// Permute the inputs of this model only; may be given several times [default: those that the study file names, else
    /// all]
    #[arg(long = "model", value_name = "NAME")]
    pub(crate) models: Vec<String>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Random seed that the models were fitted with; replaces `seed` of the study file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Do it again, even what is up to date
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct StateArgs {
    #[command(flatten)]
    pub(crate) study: StudyArgs,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Random seed that the models were fitted with; replaces `seed` of the study file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Do it again, even what is up to date
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// Output folder of a run, or a results.json
    #[arg(value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// Folder that dre wrote
    #[arg(value_name = "DIR")]
    pub(crate) path: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct InfoArgs {
    /// What to look at
    #[arg(value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
}

#[derive(Args, Debug)]
pub(crate) struct FiguresArgs {
    /// Output folder of a run, or its results.json
    #[arg(value_name = "DIR|FILE")]
    pub(crate) path: PathBuf,
    /// Folder for the figures [default: `figures` in the run's folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// File formats, separated by commas
    #[arg(long = "format", value_name = "LIST", value_enum, value_delimiter = ',', default_value = "svg")]
    pub(crate) formats: Vec<FigureFormat>,
    /// Resolution of PNG (dots per inch)
    #[arg(long, value_name = "N", default_value_t = 300, value_parser = clap::value_parser!(u32).range(50..=2400))]
    pub(crate) dpi: u32,
    /// Write this figure only, or all whose names begin with these words; may be given several times [default: all]
    #[arg(long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
}

/// File formats of figures.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum FigureFormat {
    Svg,
    Png,
    Pdf,
}

#[derive(Args, Debug)]
pub(crate) struct FeaturesArgs {
    /// Study file, or the name of one kind
    #[arg(value_name = "STUDY.toml|KIND")]
    pub(crate) what: Option<PathBuf>,
    /// BIDS data set; replaces `data.bids` of the study file
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
}

#[derive(Args, Debug)]
pub(crate) struct AuditArgs {
    /// Study file, or the output folder of a run
    #[arg(value_name = "STUDY.toml|DIR")]
    pub(crate) what: PathBuf,
    /// BIDS data set; replaces `data.bids` of the study file
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// Output folder of the study, which holds its cohort [default: dre-NAME, NAME being the study's]
    #[arg(long, value_name = "DIR")]
    pub(crate) out: Option<PathBuf>,
    /// Let this fold test, of a study with `fold = "1 of K"`
    #[arg(long, value_name = "N")]
    pub(crate) fold: Option<usize>,
    /// Random seed, from which the split by stimulus follows; replaces `seed` of the study file
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Print the audit as JSON, as it lies in audit.json
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

#[derive(Args, Debug)]
pub(crate) struct ExportArgs {
    /// Recording
    #[arg(value_name = "RECORDING")]
    pub(crate) recording: PathBuf,
    /// File to write
    #[arg(value_name = "OUT_raw.fif")]
    pub(crate) out: PathBuf,
    /// Replace the file if it is there
    #[arg(long)]
    pub(crate) force: bool,
}

#[derive(Args, Debug)]
pub(crate) struct SimulateArgs {
    /// Folder for the data set
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Sensors
    #[arg(long, default_value_t = SimulationConfig::study().array, value_parser = array())]
    pub(crate) array: SensorArray,
    /// Number of subjects
    #[arg(long, value_name = "N", default_value_t = SimulationConfig::study().n_subjects)]
    pub(crate) subjects: usize,
    /// Recordings of each subject, on different days
    #[arg(long, value_name = "N", default_value_t = SimulationConfig::study().n_sessions)]
    pub(crate) sessions: usize,
    /// Length of each recording (minutes)
    #[arg(long, value_name = "MINUTES", default_value_t = SimulationConfig::study().duration / 60.0)]
    pub(crate) minutes: f64,
    /// Sampling frequency (Hz)
    #[arg(long, value_name = "HZ", default_value_t = SimulationConfig::study().sfreq)]
    pub(crate) sfreq: f64,
    /// How words follow each other: 300 ms every 600 ms; 200 ms every 300-1100 ms; or 300-1400 ms, 300 ms apart
    #[arg(long, default_value = SimulationConfig::study().timing.name(), value_parser = timing())]
    pub(crate) timing: Timing,
    /// Fewest and most words of a sentence [default: 9-15]
    #[arg(long, value_name = "MIN-MAX", value_parser = range)]
    pub(crate) words_per_sentence: Option<(usize, usize)>,
    /// Factor on the responses to words; 1 is a realistic size
    #[arg(long, value_name = "FACTOR", default_value_t = SimulationConfig::study().snr)]
    pub(crate) snr: f64,
    /// Random seed
    #[arg(long, value_name = "N", default_value_t = SimulationConfig::study().seed)]
    pub(crate) seed: u64,
    /// Channels that are absent from each recording, drawn anew for each
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) missing_channels: usize,
    /// Bad segments of 1-3 s in each recording, marked as `BAD_muscle` in events.tsv
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) bad_segments: usize,
    /// Switch all effects off but sensor noise: linear, stationary, the same in all subjects
    #[arg(long, help_heading = "Effects")]
    pub(crate) linear: bool,
    /// Switch an effect on, after --linear; may be given several times
    #[arg(long, value_name = "EFFECT", value_parser = Effects::NAMES, help_heading = "Effects", hide_possible_values = true)]
    pub(crate) with: Vec<String>,
    /// Switch an effect off; may be given several times
    #[arg(long, value_name = "EFFECT", value_parser = Effects::NAMES, help_heading = "Effects", hide_possible_values = true)]
    pub(crate) without: Vec<String>,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
    /// Replace a simulated data set that is there
    #[arg(long)]
    pub(crate) force: bool,
}

fn array() -> impl TypedValueParser<Value = SensorArray> {
    PossibleValuesParser::new(SensorArray::ALL.map(SensorArray::name)).try_map(|name| name.parse::<SensorArray>())
}

fn timing() -> impl TypedValueParser<Value = Timing> {
    PossibleValuesParser::new(Timing::ALL.map(Timing::name))
        .map(|name| Timing::ALL.into_iter().find(|timing| timing.name() == name).unwrap_or(Timing::Mous))
}

/// `9-15`, or `12` for exactly so many.
fn range(text: &str) -> Result<(usize, usize), String> {
    let (fewest, most) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| text.trim().parse().map_err(|_| "expected two whole numbers, such as 9-15".to_owned());
    Ok((number(fewest)?, number(most)?))
}

#[derive(Args, Debug)]
pub(crate) struct DemoArgs {
    /// Folder for the simulated data and the results
    #[arg(long, value_name = "DIR", default_value = "dre-demo")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) threads: ThreadArgs,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::Cli;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn help_states_the_default_and_the_effects_that_there_are() {
        let mut command = Cli::command();
        let help = command.find_subcommand_mut("simulate").expect("there").render_long_help().to_string();
        let (fewest, most) = super::SimulationConfig::study().words_per_sentence;
        assert!(help.contains(&format!("[default: {fewest}-{most}]")));
        assert!(super::Effects::NAMES.iter().all(|name| help.contains(name)));
    }
}
