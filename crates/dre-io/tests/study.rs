//! The study file: the example of the repository, and what is said about broken ones.

use std::path::Path;

use dre::data::{BaselineSpec, ChannelType, CleaningSpec, EpochSpec, SplitSpec};
use dre::linear::{LinearOptions, TrfConfig};
use dre::nn::{Loss, NetworkConfig, Precision, TrainConfig};
use dre::signal::{Phase, PrepareSpec, Reference, Resample};
use dre_io::study::{DreSpec, EventSource, ModelSpec, ReportSpec, SeedSpec, Study, StudyFile, TrfSpec};

const EXAMPLE: &str = include_str!("../../../examples/p300.toml");

const MOTOR: &str = include_str!("../../../examples/motor.toml");

fn parse(text: &str) -> Result<Study, String> {
    Study::parse(text, Path::new("study.toml")).map_err(|e| e.to_string())
}

/// The smallest study; tests break it or add to it.
const SMALL: &str = "\
name = 'small'
[epochs]
tmin = -0.5
tmax = 1.0
[[features]]
name = 'onset'
kind = 'presence'
[models.dre]
kind = 'dre'
";

#[test]
fn the_example_says_what_the_issue_asks_for() {
    let study = parse(EXAMPLE).expect("examples/p300.toml is valid");
    assert_eq!((study.name.as_str(), study.seed), ("p300", 0));
    assert_eq!(study.data.task.as_deref(), Some("p300"));
    assert_eq!(study.data.picks, [ChannelType::Eeg]);
    assert_eq!(
        study.prepare,
        PrepareSpec {
            l_freq: Some(1.0),
            h_freq: Some(30.0),
            phase: Some(Phase::Minimum),
            decim: 2,
            ..PrepareSpec::default()
        }
    );
    let baseline = BaselineSpec::Switch(false);
    assert_eq!(study.epochs, EpochSpec { tmin: -0.5, tmax: 1.0, baseline, ..study.epochs.clone() });
    assert!(study.epochs.events.is_empty());
    assert_eq!(study.split, SplitSpec::default());
    assert_eq!(study.cleaning, CleaningSpec { min_epochs_per_subject: 200, ..CleaningSpec::default() });
    assert_eq!(study.features.iter().map(|f| f.name.as_str()).collect::<Vec<_>>(), ["onset", "target"]);
    assert_eq!(study.report, ReportSpec { condition: Some("trial_type".into()), ..ReportSpec::default() });
    let past = ["rtrf-past", "rtrf40-past", "rtrf_pooled-past", "dre-past"];
    let models = ["trf", "trf_pooled", "banded", "rtrf", "rtrf40", "rtrf_pooled", "dre"];
    assert_eq!(study.models.keys().collect::<Vec<_>>(), [&models[..], &past].concat());
    let linear = TrfConfig { lag_min: 0, lag_max: 100, ..TrfConfig::default() };
    let options = LinearOptions { n_folds: 5, ..LinearOptions::DEFAULT };
    assert_eq!(study.models["trf"], ModelSpec::Trf(TrfSpec { linear, options, ..TrfSpec::default() }));
    let network = NetworkConfig { conv_filters: 64, lstm_hidden: 64, n_init_times: 64, ..NetworkConfig::paper() };
    let train = TrainConfig { lr: 1e-3, batch_size: 32, n_passes: 20, loss: Loss::Mse, precision: Precision::F32 };
    assert_eq!(
        study.models["dre"],
        ModelSpec::Dre(DreSpec { network, train, seeds: SeedSpec { n_seeds: 5 }, ..DreSpec::default() })
    );
}

#[test]
fn a_study_written_out_reads_back_equal() {
    let windows =
        "[[report.windows]]\nname = 'N400'\nchannels = ['Cz']\ntmin = 0.3\n[[report.windows]]\nname = 'all'\n";
    for text in [EXAMPLE, MOTOR, SMALL, &format!("{SMALL}{windows}")] {
        let study = parse(text).expect("valid");
        let written = study.to_toml().expect("paths are UTF-8");
        assert_eq!(parse(&written), Ok(study), "\n{written}");
    }
}

#[test]
fn the_small_study_written_out_shows_every_default() {
    insta::assert_snapshot!(parse(SMALL).expect("valid").to_toml().expect("paths are UTF-8"));
}

#[test]
fn models_keep_the_order_of_the_file() {
    let text = SMALL.replace("[models.dre]\nkind = 'dre'\n", "");
    let text = text + "[models.zeta]\nkind = 'trf'\n[models.alpha]\nkind = 'dre'\n[models.mid]\nkind = 'trf'\n";
    let study = parse(&text).expect("valid");
    assert_eq!(study.models.keys().collect::<Vec<_>>(), ["zeta", "alpha", "mid", "alpha-past"]);
}

#[test]
fn a_relative_data_folder_is_relative_to_the_file() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let path = folder.path().join("study.toml");
    std::fs::write(&path, format!("{SMALL}[data]\nbids = 'recordings/bids'\n")).expect("written");
    let file = StudyFile::read(&path).expect("valid");
    assert_eq!(file.study.data.bids.as_deref(), Some(folder.path().join("recordings/bids").as_path()));
    assert!(file.text.ends_with("bids = 'recordings/bids'\n"), "the text is kept as it was read");
}

#[test]
fn a_missing_file_is_named() {
    let error = StudyFile::read(Path::new("no/such/study.toml")).expect_err("there is no such file");
    assert_eq!(error.to_string(), "cannot read the study file no/such/study.toml");
}

/// Each row: what is replaced in the small study, by what, and the message.
const BROKEN: &[(&str, &str, &str)] = &[
    // Keys.
    ("tmax = 1.0", "tmxa = 1.0", "study.toml line 4: unknown key `tmxa` in [epochs]; did you mean `tmax`?"),
    (
        "tmax = 1.0",
        "tmax = 1.0\nfilter = 3",
        "study.toml line 5: unknown key `filter` in [epochs]; known keys are tmin, tmax, bad_segments, baseline, events",
    ),
    ("[epochs]", "sede = 1\n[epochs]", "study.toml line 2: unknown key `sede` at the top level; did you mean `seed`?"),
    (
        "kind = 'dre'",
        "kind = 'dre'\nlearning_rate = 1",
        "study.toml line 10: unknown key `learning_rate` in [models.dre]; known keys are batch_size, \
         conv_filters, conv_layers, features, kernel, kind, loss, lr, lstm_hidden, lstm_layers, n_components, \
         n_init_times, n_passes, n_seeds, precision, stride, subject_dim",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nalpha = 1.0",
        "study.toml line 10: unknown key `alpha` in [models.dre]; did you mean `alphas`?",
    ),
    (
        "tmax = 1.0",
        "tmax = 1.0\nbaseline = { tmni = -0.2 }",
        "study.toml line 5: unknown key `tmni` in [epochs.baseline]; did you mean `tmin`?",
    ),
    (
        "kind = 'presence'",
        "kind = 'presence'\ndurations = 0.2",
        "study.toml line 8: unknown key `durations` in features[0]; did you mean `duration`?",
    ),
    ("name = 'small'\n", "", "study.toml line 1: `name` is missing at the top level"),
    ("tmin = -0.5", "", "study.toml line 2: `tmin` is missing in [epochs]"),
    (
        "kind = 'dre'",
        "knid = 'dre'",
        "study.toml line 8: `kind` is missing in [models.dre]; `knid` is there, is that what it should be?",
    ),
    // Types and texts.
    ("-0.5", "'soon'", "study.toml line 3: epochs.tmin is the text \"soon\", expected a number"),
    ("'small'", "7", "study.toml line 1: name is 7, expected a text in quotes"),
    ("[epochs]", "seed = -3\n[epochs]", "study.toml line 2: seed is -3, expected a whole number, 0 or above"),
    (
        "tmax = 1.0",
        "tmax = 1.0\nbaseline = 'no'",
        "study.toml line 5: epochs.baseline is the text \"no\", expected true, false, or a window such as { tmin \
         = -0.2, tmax = 0.0 } in seconds",
    ),
    ("kind = 'dre'", "kind = 'der'", "study.toml line 9: models.dre.kind is \"der\"; did you mean `dre`?"),
    (
        "kind = 'dre'",
        "kind = 'dre'\nloss = 'huber'",
        "study.toml line 10: models.dre.loss is \"huber\"; expected one of mse, l1",
    ),
    (
        "[epochs]",
        "data = { picks = ['eeg', 'egg'] }\n[epochs]",
        "study.toml line 2: data.picks[1] is \"egg\"; did you mean `eeg`?",
    ),
    (
        "[epochs]",
        "data = { picks = ['ref_meg'] }\n[epochs]",
        "study.toml line 2: data.picks[0] is \"ref_meg\"; expected one of mag, grad, meg, eeg, eog, ecg, emg, misc",
    ),
    (
        "[epochs]",
        "data = { channels = 'commn' }\n[epochs]",
        "study.toml line 2: data.channels is \"commn\"; did you mean `common`?",
    ),
    (
        "tmax = 1.0",
        "tmax = 1.0\nbad_segments = 'drop'",
        "study.toml line 5: epochs.bad_segments is \"drop\"; expected one of mask, reject, ignore",
    ),
    (
        "[epochs]",
        "data = { picks = 'eeg' }\n[epochs]",
        "study.toml line 2: data.picks is the text \"eeg\", expected a list in [ ]",
    ),
    ("[epochs]", "split = 0.7\n[epochs]", "study.toml line 2: split is 0.7, expected a table"),
    ("[models.dre]\nkind = 'dre'", "[models]\ndre = 1", "study.toml line 9: models.dre is 1, expected a table"),
    (
        "tmin = -0.5",
        "tmin = -0.5 s",
        "study.toml line 3, column 8: not valid TOML: string values must be quoted, expected literal string",
    ),
    (
        "kind = 'presence'",
        "kind = 'column'",
        "study.toml line 5: features[0]: feature `onset`: kind `column` needs `column`, the name of an events column",
    ),
    ("'presence'", "'presense'", "study.toml line 7: features[0].kind is \"presense\"; did you mean `presence`?"),
    // Values.
    (
        "[models.dre]\nkind = 'dre'",
        "[ablate]\nvariants = ['no-lstm']\n[models.dre]\nkind = 'dre'",
        "study.toml line 9: ablate.variants = `no-lstm`, expected one of no-conv, no-init, no-subject, pca-40; a table \
         [ablate.changes.no-lstm] makes it one",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "[ablate.changes.x]\nkernel = 0\n[models.dre]\nkind = 'dre'",
        "study.toml line 9: ablate.changes.x.kernel = 0, expected a whole number from 1 to 64",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "[decode]\nfeatures = ['offset']\n[models.dre]\nkind = 'dre'",
        "study.toml line 9: decode.features = `offset`, expected names of features of the study: onset",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "[decode]\nfeatures = ['onset', 'onset']\n[models.dre]\nkind = 'dre'",
        "study.toml line 9: decode.features = `onset` twice, expected each feature once",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "[models.trf]\nkind = 'trf'\nn_folds = 4\nleave_one_out = true",
        "study.toml line 10: models.trf.n_folds = 4, expected 0 where leave_one_out is true: choose by one of the two",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "[models.rtrf]\nkind = 'rtrf'\nleave_one_out = true",
        "study.toml line 10: models.rtrf.leave_one_out = true, expected false: leaving one epoch out is exact for `trf` \
         alone; choose with n_folds",
    ),
    (
        "'small'",
        "'a/b'",
        "study.toml line 1: name = \"a/b\", expected a name of letters, digits, `-`, `_` and `.` that starts with \
         a letter or digit",
    ),
    (
        "[models.dre]",
        "[importance]\nmodes = ['evnt']\n[models.dre]",
        "study.toml line 9: importance.modes[0] is \"evnt\"; did you mean `event`?",
    ),
    (
        "[models.dre]",
        "[importance]\nfeatures = ['lenght']\n[models.dre]",
        "study.toml line 9: importance.features = `lenght`, expected names of features of the study: onset",
    ),
    (
        "[models.dre]",
        "[importance]\ngroups = { words = ['onset', 'length'] }\n[models.dre]",
        "study.toml line 9: importance.groups.words = `length`, expected names of features of the study: onset",
    ),
    (
        "[models.dre]",
        "[importance]\nmodels = ['trf']\n[models.dre]",
        "study.toml line 9: importance.models = `trf`, expected names of models of the study: dre, dre-past",
    ),
    (
        "[models.dre]",
        "[importance]\nn_permutations = 0\n[models.dre]",
        "study.toml line 9: importance.n_permutations = 0, expected 1 to 10000; 20 or more for a stable mean",
    ),
    (
        "[models.dre]",
        "[importance]\ntmin = -2.0\n[models.dre]",
        "study.toml line 9: importance.tmin = -2, expected a time within the epoch, -0.5 to 1 s",
    ),
    (
        "[models.dre]",
        "[state]\nbins = 4\n[models.dre]",
        "study.toml line 9: unknown key `bins` in [state]; did you mean `n_bins`?",
    ),
    (
        "[models.dre]",
        "[state]\nby = ['pwer']\n[models.dre]",
        "study.toml line 9: state.by[0] is \"pwer\"; did you mean `power`?",
    ),
    (
        "[models.dre]",
        "[state]\nband = [13, 8]\n[models.dre]",
        "study.toml line 9: state.band = [13, 8], expected two frequencies (Hz) above 0, the lower one first, such as \
         [8.0, 13.0]",
    ),
    (
        "[models.dre]",
        "[state]\nmodels = ['trf']\n[models.dre]",
        "study.toml line 9: state.models = `trf`, expected names of models of the study: dre, dre-past",
    ),
    (
        "[models.dre]",
        "[state]\ntmin = -2.0\n[models.dre]",
        "study.toml line 9: state.tmin = -2, expected a time within the epoch, -0.5 to 1 s",
    ),
    (
        "[models.dre]",
        "[state]\ntmin = -0.5\ntmax = -0.4\n[models.dre]",
        "study.toml line 10: state.tmax = -0.4, expected at least 0.250 s after tmin (-0.5 s): 2 cycles of 8 Hz",
    ),
    ("tmax = 1.0", "tmax = -1.0", "study.toml line 4: epochs.tmax = -1, expected a time after tmin (-0.5 s)"),
    (
        "tmax = 1.0",
        "tmax = 1.0\nbaseline = { tmin = -0.7, tmax = 0.0 }",
        "study.toml line 5: epochs.baseline = -0.7 to 0 s, expected a window within the epoch, -0.5 to 1 s, that \
         ends after it starts; `baseline = false` turns it off",
    ),
    (
        "tmin = -0.5\ntmax = 1.0",
        "tmin = 0.1\ntmax = 1.0\nbaseline = { tmax = 0.0 }",
        "study.toml line 5: epochs.baseline = 0.1 to 0 s, expected a window within the epoch, 0.1 to 1 s, that \
         ends after it starts; `baseline = false` turns it off",
    ),
    (
        "[epochs]",
        "prepare = { l_freq = 40, h_freq = 30.0 }\n[epochs]",
        "study.toml line 2: prepare.l_freq = 40, expected a frequency below h_freq (30 Hz)",
    ),
    (
        "[epochs]",
        "prepare.h_freq = 0\n[epochs]",
        "study.toml line 2: prepare.h_freq = 0, expected a frequency above 0 Hz; leave it out for no filter",
    ),
    (
        "[epochs]",
        "prepare.decim = 0\n[epochs]",
        "study.toml line 2: prepare.decim = 0, expected 1 (every sample is kept) or above",
    ),
    (
        "[epochs]",
        "split = { train = 0.9, valid = 0.1 }\n[epochs]",
        "study.toml line 2: split.valid = 0.1, expected a share below 0.100, since train = 0.9 and the test set \
         needs one, too",
    ),
    (
        "[epochs]",
        "split.train = nan\n[epochs]",
        "study.toml line 2: split.train = NaN, expected a share between 0 and 1, both excluded",
    ),
    (
        "[epochs]",
        "cleaning.reject_above = 0\n[epochs]",
        "study.toml line 2: cleaning.reject_above = 0, expected a number of interquartile ranges above 0",
    ),
    (
        "[epochs]",
        "data.picks = []\n[epochs]",
        "study.toml line 2: data.picks = [], expected at least one channel type, such as \"eeg\"",
    ),
    (
        "[models.dre]",
        "[[features]]\nname = 'onset'\nkind = 'presence'\n[models.dre]",
        "study.toml line 9: features[1].name = onset, expected a name that no other feature has",
    ),
    (
        "kind = 'presence'",
        "kind = 'presence'\nduration = 0.0",
        "study.toml line 8: features[0].duration = 0, expected a time above 0 s; leave it out for the event's own \
         duration",
    ),
    (
        "[epochs]",
        "report.score_from = 1.5\n[epochs]",
        "study.toml line 2: report.score_from = 1.5, expected a time within the epoch, -0.5 to 1 s",
    ),
    (
        "[epochs]",
        "[[report.windows]]\nname = 'a'\n[[report.windows]]\nname = 'a'\n[epochs]",
        "study.toml line 5: report.windows[1].name = a, expected a name that no other window has",
    ),
    (
        "[epochs]",
        "[[report.windows]]\nname = ''\n[epochs]",
        "study.toml line 3: report.windows[0].name = \"\", expected a name",
    ),
    (
        "[epochs]",
        "[[report.windows]]\nname = 'a'\ntmax = 1.5\n[epochs]",
        "study.toml line 4: report.windows[0].tmax = 1.5, expected a time within the epoch, -0.5 to 1 s",
    ),
    (
        "[epochs]",
        "[[report.windows]]\nname = 'a'\ntmin = 0.5\ntmax = 0.2\n[epochs]",
        "study.toml line 5: report.windows[0].tmax = 0.2, expected a time not before tmin (0.5 s)",
    ),
    (
        "[epochs]",
        "[[report.windows]]\nname = 'a'\nchanels = ['Cz']\n[epochs]",
        "study.toml line 4: unknown key `chanels` in report.windows[0]; did you mean `channels`?",
    ),
    (
        "[models.dre]\nkind = 'dre'",
        "",
        "study.toml: models = none, expected at least one, such as [models.dre] with kind = \"dre\"",
    ),
    (
        "[[features]]\nname = 'onset'\nkind = 'presence'\n[models.dre]\nkind = 'dre'",
        "[models.dre]\nkind = 'trf'",
        "study.toml: features = none, expected at least one for the TRF `dre` to predict from",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nlag_max = -1",
        "study.toml line 10: models.dre.lag_max = -1, expected a lag not below lag_min (0 samples)",
    ),
    (
        "kind = 'dre'",
        "kind = 'rtrf'\nn_lags_data = 0",
        "study.toml line 10: models.dre.n_lags_data = 0, expected 1 sample or above",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nalphas = [1.0, -1.0]",
        "study.toml line 10: models.dre.alphas = -1, expected penalties that are finite and not below 0",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nalphas = []",
        "study.toml line 10: models.dre.alphas = [], expected at least one penalty",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nlags = { offset = [0, 3] }",
        "study.toml line 10: models.dre.lags.offset = lags of `offset`, expected the name of a feature of the study",
    ),
    (
        "kind = 'dre'",
        "kind = 'trf'\nlags = { onset = [4, 3] }",
        "study.toml line 10: models.dre.lags.onset = [4, 3], expected the first lag (samples), then the last",
    ),
    (
        "kind = 'dre'",
        "kind = 'banded'\nbands = { a = ['ofset'] }",
        "study.toml line 10: models.dre.bands.a = ofset, expected features of the study: onset",
    ),
    (
        "kind = 'dre'",
        "kind = 'banded'\nn_iter = 0",
        "study.toml line 10: models.dre.n_iter = 0, expected 1 to 1000000 sets of band weights",
    ),
    (
        "kind = 'dre'",
        "kind = 'rtrf'\nn_folds = 1",
        "study.toml line 10: models.dre.n_folds = 1, expected 2 or above, or 0 to choose penalties on the validation set",
    ),
    (
        "kind = 'dre'",
        "kind = 'banded'\nnested = true",
        "study.toml line 8: models.dre.n_folds = 0, expected 3 or above for nested cross-validation (nested = true)",
    ),
    (
        "kind = 'dre'",
        "kind = 'dre'\nconv_layers = 5",
        "study.toml line 10: models.dre.conv_layers = 5, expected a whole number from 0 to 4",
    ),
    (
        "kind = 'dre'",
        "kind = 'dre'\nlstm_layers = 4",
        "study.toml line 10: models.dre.lstm_layers = 4, expected a whole number from 0 to 3",
    ),
    (
        "kind = 'dre'",
        "kind = 'dre'\nconv_layers = 0\nlstm_layers = 0",
        "study.toml line 11: models.dre.lstm_layers = 0, expected 1 or above where conv_layers is 0, since a \
         network needs a layer",
    ),
    (
        "kind = 'dre'",
        "kind = 'dre'\nlr = 0",
        "study.toml line 10: models.dre.lr = 0, expected a step size above 0 and at most 1",
    ),
    (
        "kind = 'dre'",
        "kind = 'dre'\nbatch_size = 0",
        "study.toml line 10: models.dre.batch_size = 0, expected at least one epoch per batch",
    ),
];

#[test]
fn broken_studies_are_refused_with_line_and_advice() {
    let mut wrong = Vec::new();
    for (old, new, expected) in BROKEN {
        let text = SMALL.replacen(old, new, 1);
        assert_ne!(text, SMALL, "`{old}` must be in the small study");
        let found = parse(&text).map_or_else(|e| e, |_| "no error".to_owned());
        if found != *expected {
            wrong.push(format!("{old:?} -> {new:?}\n  expected: {expected}\n  found:    {found}"));
        }
    }
    assert!(wrong.is_empty(), "{} messages differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn meg_stands_for_both_kinds_of_sensors() {
    let picks = |list: &str| {
        let text = format!(
            "name = 'x'\n[data]\npicks = [{list}]\n[epochs]\ntmin = 0.0\ntmax = 1.0\n[models.rtrf]\nkind = 'rtrf'"
        );
        Study::parse(&text, Path::new("study.toml")).unwrap().data.picks
    };
    assert_eq!(picks("'meg'"), [ChannelType::Mag, ChannelType::Grad]);
    assert_eq!(picks("'grad', 'meg', 'eeg'"), [ChannelType::Grad, ChannelType::Mag, ChannelType::Eeg]);
}

#[test]
fn sampling_frequency_and_reference_are_read_and_checked() {
    let prepare = |keys: &str| parse(&SMALL.replacen("[epochs]", &format!("[prepare]\n{keys}\n[epochs]"), 1));
    let study = prepare("sfreq = 120\nphase = 'zero'\nresample = 'fft'\nreference = ['M1', 'M2']").expect("valid");
    let names = vec!["M1".to_owned(), "M2".to_owned()];
    let spec = PrepareSpec {
        sfreq: Some(120.0),
        phase: Some(Phase::Zero),
        resample: Some(Resample::Fft),
        reference: Some(Reference::Channels(names)),
        ..PrepareSpec::default()
    };
    assert_eq!(study.prepare, spec);
    let average = prepare("reference = 'average'").expect("valid");
    assert_eq!(average.prepare.reference, Some(Reference::Average));
    for study in [study, average] {
        let written = study.to_toml().expect("no paths");
        assert_eq!(parse(&written), Ok(study), "\n{written}");
    }
    for (keys, parts) in [
        ("sfreq = 0", &["line 3", "prepare.sfreq = 0", "above 0 Hz"][..]),
        ("sfreq = 120\ndecim = 2", &["line 4", "prepare.decim = 2", "set one of the two"]),
        ("resample = 'fft'", &["line 3", "prepare.resample", "prepare.sfreq"]),
        ("sfreq = 120\nresample = 'fourier'", &["line 4", "prepare.resample", "fourier", "polyphase"]),
        ("reference = 'mean'", &["line 3", "prepare.reference", "average"]),
        ("reference = []", &["line 3", "prepare.reference", "at least one channel"]),
    ] {
        let message = prepare(keys).expect_err(keys);
        for part in parts {
            assert!(message.contains(part), "{keys}: `{part}` is not in: {message}");
        }
    }
}

#[test]
fn events_come_from_tables_or_from_logs() {
    let data = |text: &str| parse(&SMALL.replace("[epochs]", &format!("[data]\n{text}\n[epochs]")));
    let study = data("events = 'mous'\nlogs = 'logs'\nderivatives = 'clean'\ndescriptions = ['sss']").expect("sound");
    assert_eq!(study.data.events, EventSource::Mous);
    assert_eq!(
        (study.data.derivatives.as_deref(), study.data.descriptions.as_slice()),
        (Some("clean"), &["sss".to_owned()][..])
    );
    let reread = parse(&study.to_toml().expect("text")).expect("its own text");
    assert_eq!(reread, study);
    assert_eq!(
        data("events = 'mous'").expect_err("no logs"),
        "study.toml line 2: data.logs = none, expected the folder of the logs of MOUS"
    );
    assert_eq!(
        data("logs = 'x'").expect_err("not used"),
        "study.toml line 3: data.logs = x, expected none, unless data.events is \"mous\""
    );
    assert!(data("events = 'mouse'").expect_err("a slip").contains("did you mean `mous`?"));
}
