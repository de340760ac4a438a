//! Settings that make no sense, alone or beside others.

use std::collections::BTreeSet;
use std::fmt::Display;

use dre::data::{BaselineSpec, EpochSpec};
use dre::linear::{BandedConfig, Bands, FeatureLags, LinearOptions, Penalty, RtrfConfig, TrfConfig, band_weights};
use dre::signal::Reference;
use dre::{Error, Result};

use super::{DreSpec, EventSource, ModelSpec, SeenSpec, Study, TriggerSpec};

/// Fits of one network that a study may ask for.
const MOST_SEEDS: usize = 100;
const SEEDS: &str = "1 to 100 fits, each with a seed of its own";

impl Study {
    /// Checks what the types cannot: ranges, orders, names.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first setting that makes no sense, under its dotted name in the study file.
    pub fn validate(&self) -> Result<()> {
        check_name("name", &self.name)?;
        self.check_data()?;
        self.check_prepare()?;
        check_epochs(&self.epochs)?;
        self.check_split()?;
        check(
            self.cleaning.reject_above > 0.0,
            "cleaning.reject_above",
            self.cleaning.reject_above,
            "a number of interquartile ranges above 0",
        )?;
        self.check_features()?;
        self.check_report()?;
        self.check_importance()?;
        self.check_state()?;
        self.check_decode()?;
        self.check_ablate()?;
        self.check_models()?;
        self.prepare.sfreq.map_or(Ok(()), |sfreq| self.check_baseline(sfreq))?;
        self.check_phase_is_stated()
    }

    fn check_data(&self) -> Result<()> {
        let data = &self.data;
        let logs = data.logs.as_ref().map_or_else(|| "none".to_owned(), |logs| logs.display().to_string());
        match data.events {
            EventSource::Bids | EventSource::Triggers => {
                check(data.logs.is_none(), "data.logs", logs, "none, unless data.events is \"mous\"")
            }
            EventSource::Mous => check(data.logs.is_some(), "data.logs", logs, "the folder of the logs of MOUS"),
        }?;
        let (duration, is_used) = (data.triggers.min_duration, data.events == EventSource::Triggers);
        check(
            is_used || data.triggers == TriggerSpec::default(),
            "data.triggers",
            "set",
            "nothing, unless data.events is \"triggers\"",
        )?;
        let expected = "a time of 0 s or more";
        check(duration.is_finite() && duration >= 0.0, "data.triggers.min_duration", duration, expected)
    }

    fn check_prepare(&self) -> Result<()> {
        let prepare = &self.prepare;
        for (name, freq) in [("prepare.l_freq", prepare.l_freq), ("prepare.h_freq", prepare.h_freq)] {
            if let Some(freq) = freq {
                check(
                    freq.is_finite() && freq > 0.0,
                    name,
                    freq,
                    "a frequency above 0 Hz; leave it out for no filter",
                )?;
            }
        }
        if let (Some(l_freq), Some(h_freq)) = (prepare.l_freq, prepare.h_freq) {
            check(l_freq < h_freq, "prepare.l_freq", l_freq, &format!("a frequency below h_freq ({h_freq} Hz)"))?;
        }
        check(prepare.decim >= 1, "prepare.decim", prepare.decim, "1 (every sample is kept) or above")?;
        if let Some(sfreq) = prepare.sfreq {
            check(sfreq.is_finite() && sfreq > 0.0, "prepare.sfreq", sfreq, "a sampling frequency above 0 Hz")?;
            check(prepare.decim == 1, "prepare.decim", prepare.decim, "1 beside prepare.sfreq: set one of the two")?;
        } else {
            let expected = "prepare.sfreq, the new sampling frequency (Hz), beside it";
            check(prepare.resample.is_none(), "prepare.resample", "set alone", expected)?;
        }
        prepare.check_phase().map_err(|error| below("prepare", error))?;
        if let Some(Reference::Channels(names)) = &prepare.reference {
            check(!names.is_empty(), "prepare.reference", "[]", "\"average\", or at least one channel")?;
        }
        check(!self.data.picks.is_empty(), "data.picks", "[]", "at least one channel type, such as \"eeg\"")
    }

    fn check_split(&self) -> Result<()> {
        let split = &self.split;
        let share = "a share between 0 and 1, both excluded";
        check(split.train > 0.0 && split.train < 1.0, "split.train", split.train, share)?;
        check(split.valid > 0.0 && split.valid < 1.0, "split.valid", split.valid, share)?;
        let rest = 1.0 - split.train;
        check(
            split.train + split.valid < 1.0,
            "split.valid",
            split.valid,
            &format!("a share below {rest:.3}, since train = {} and the test set needs one, too", split.train),
        )?;
        split.check()?;
        let above = self.audit.duplicates_above;
        check(above > 0.5, "audit.duplicates_above", above, "a correlation above 0.5, such as 0.999; 1 looks for none")
    }

    fn check_features(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (i, feature) in self.features.iter().enumerate() {
            let key = format!("features[{i}].name");
            check(!feature.name.is_empty(), &key, "\"\"", "a name")?;
            check(seen.insert(&feature.name), &key, &feature.name, "a name that no other feature has")?;
            if let Some(duration) = feature.duration {
                check(
                    duration.is_finite() && duration > 0.0,
                    &format!("features[{i}].duration"),
                    duration,
                    "a time above 0 s; leave it out for the event's own duration",
                )?;
            }
        }
        Ok(())
    }

    fn check_report(&self) -> Result<()> {
        let EpochSpec { tmin, tmax, .. } = self.epochs;
        let from = self.report.score_from;
        let expected = format!("a time within the epoch, {tmin} to {tmax} s");
        check(from >= tmin && from <= tmax, "report.score_from", from, &expected)?;
        let mut seen = BTreeSet::new();
        for (i, window) in self.report.windows.iter().enumerate() {
            let key = |name: &str| format!("report.windows[{i}].{name}");
            check(!window.name.trim().is_empty(), &key("name"), format!("\"{}\"", window.name), "a name")?;
            check(seen.insert(&window.name), &key("name"), &window.name, "a name that no other window has")?;
            for (name, time) in [("tmin", window.tmin), ("tmax", window.tmax)] {
                if let Some(time) = time {
                    check(time >= tmin && time <= tmax, &key(name), time, &expected)?;
                }
            }
            if let (Some(from), Some(to)) = (window.tmin, window.tmax) {
                check(from <= to, &key("tmax"), to, &format!("a time not before tmin ({from} s)"))?;
            }
        }
        Ok(())
    }

    fn check_importance(&self) -> Result<()> {
        let Some(spec) = &self.importance else { return Ok(()) };
        spec.check().map_err(|error| below("importance", error))?;
        let names: Vec<&str> = self.features.iter().map(|f| f.name.as_str()).collect();
        // One level of a category is `NAME[LEVEL]`; which levels there are is known once the events are read.
        let is_known = |name: &str| {
            names.contains(&name) || name.split_once('[').is_some_and(|(feature, _)| names.contains(&feature))
        };
        let groups = spec.groups.iter().map(|(name, list)| (format!("importance.groups.{name}"), list));
        for (key, list) in std::iter::once(("importance.features".to_owned(), &spec.features)).chain(groups) {
            for name in list {
                let expected = format!("names of features of the study: {}", names.join(", "));
                check(is_known(name), &key, format!("`{name}`"), &expected)?;
            }
        }
        self.check_chosen("importance", &spec.models, [spec.tmin, spec.tmax])
    }

    fn check_state(&self) -> Result<()> {
        let Some(spec) = &self.state else { return Ok(()) };
        spec.check().map_err(|error| below("state", error))?;
        if let Some(sfreq) = self.prepare.sfreq {
            let expected = format!("frequencies below {} Hz, half of prepare.sfreq", sfreq / 2.0);
            check(
                spec.band[1] < sfreq / 2.0,
                "state.band",
                format!("[{}, {}]", spec.band[0], spec.band[1]),
                &expected,
            )?;
        }
        self.check_chosen("state", &spec.models, [spec.tmin, spec.tmax])
    }

    /// The models and the window that the table `at` names are of the study and within the epoch.
    fn check_chosen(&self, at: &str, models: &[String], window: [Option<f64>; 2]) -> Result<()> {
        for name in models {
            let expected = self.models.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
            let expected = format!("names of models of the study: {expected}");
            check(self.models.contains_key(name), &format!("{at}.models"), format!("`{name}`"), &expected)?;
        }
        let EpochSpec { tmin, tmax, .. } = self.epochs;
        for (key, time) in ["tmin", "tmax"].into_iter().zip(window) {
            if let Some(time) = time {
                let expected = format!("a time within the epoch, {tmin} to {tmax} s");
                check(time >= tmin && time <= tmax, &format!("{at}.{key}"), time, &expected)?;
            }
        }
        Ok(())
    }

    fn check_decode(&self) -> Result<()> {
        let Some(decode) = &self.decode else { return Ok(()) };
        check(!self.features.is_empty(), "features", "none", "at least one for [decode] to tell from the data")?;
        for name in &decode.features {
            let known = self.features.iter().any(|f| f.name == *name);
            let names: Vec<&str> = self.features.iter().map(|f| f.name.as_str()).collect();
            let expected = format!("names of features of the study: {}", names.join(", "));
            check(known, "decode.features", format!("`{name}`"), &expected)?;
            let is_once = decode.features.iter().filter(|other| *other == name).count() == 1;
            check(is_once, "decode.features", format!("`{name}` twice"), "each feature once")?;
        }
        check_lag_order("decode", decode.lag_min, decode.lag_max)?;
        check_folds("decode", decode.n_folds)?;
        check_alphas("decode", &decode.alphas)
    }

    fn check_ablate(&self) -> Result<()> {
        let Some(ablate) = &self.ablate else { return Ok(()) };
        check(!ablate.variants.is_empty(), "ablate.variants", "[]", "at least one, such as \"no-conv\"")?;
        let (_, base) = ablate.base(self)?;
        for name in ablate.variants.iter().chain(ablate.changes.keys()) {
            check_name("ablate.variants", name)?;
            check_dre(&format!("ablate.changes.{name}"), &ablate.variant(base, name)?)?;
        }
        Ok(())
    }

    fn check_models(&self) -> Result<()> {
        check(!self.models.is_empty(), "models", "none", "at least one, such as [models.dre] with kind = \"dre\"")?;
        for (name, model) in &self.models {
            let at = format!("models.{name}");
            check_name(&at, name)?;
            self.check_seen(&at, model)?;
            match model {
                ModelSpec::Trf(spec) => {
                    let expected = format!("at least one for the TRF `{name}` to predict from");
                    check(!self.features.is_empty(), "features", "none", &expected)?;
                    check_trf(&at, &spec.linear)?;
                    self.check_lags(&at, &spec.linear.lags)?;
                    check_options(&at, spec.options, spec.linear.penalty == Penalty::Ridge)?;
                    check(
                        !spec.options.leave_one_out || spec.options.n_folds == 0,
                        &format!("{at}.n_folds"),
                        spec.options.n_folds,
                        "0 where leave_one_out is true: choose by one of the two",
                    )?;
                }
                ModelSpec::Banded(spec) => {
                    let expected = format!("at least one for the banded model `{name}` to predict from");
                    check(!self.features.is_empty(), "features", "none", &expected)?;
                    self.check_banded(&at, &spec.linear, &spec.seen)?;
                    check_no_leaving_out(&at, spec.options)?;
                    check_options(&at, spec.options, true)?;
                }
                ModelSpec::Rtrf(spec) => {
                    check_rtrf(&at, &spec.linear)?;
                    check_no_leaving_out(&at, spec.options)?;
                    check_options(&at, spec.options, false)?;
                }
                ModelSpec::Dre(spec) => check_dre(&at, spec)?,
            }
        }
        Ok(())
    }
}

impl Study {
    /// The features that a model names are there, each once, and a model that sees nothing else has some; so has `n_seeds`.
    fn check_seen(&self, at: &str, model: &ModelSpec) -> Result<()> {
        check((1..=MOST_SEEDS).contains(&model.n_seeds()), &format!("{at}.n_seeds"), model.n_seeds(), SEEDS)?;
        let Some(names) = &model.seen().features else { return Ok(()) };
        let key = format!("{at}.features");
        for (place, name) in names.iter().enumerate() {
            let expected = format!("names of features of the study: {}", self.feature_names().join(", "));
            check(self.feature_names().contains(&name.as_str()), &key, format!("`{name}`"), &expected)?;
            check(!names[..place].contains(name), &key, format!("`{name}` twice"), "each feature once")?;
        }
        let expected = format!("at least one: a model of kind \"{}\" predicts from nothing else", model.kind());
        check(!names.is_empty() || model.n_init_times() > 0, &key, "[]", &expected)
    }

    fn feature_names(&self) -> Vec<&str> {
        self.features.iter().map(|feature| feature.name.as_str()).collect()
    }

    /// The lags of single features are of features that there are, and in order.
    fn check_lags(&self, at: &str, lags: &FeatureLags) -> Result<()> {
        for (feature, [first, last]) in lags {
            let key = format!("{at}.lags.{feature}");
            let known = self.features.iter().any(|f| f.name == *feature);
            check(known, &key, format!("lags of `{feature}`"), "the name of a feature of the study")?;
            check(first <= last, &key, format!("[{first}, {last}]"), "the first lag (samples), then the last")?;
        }
        Ok(())
    }

    fn check_banded(&self, at: &str, config: &BandedConfig, seen: &SeenSpec) -> Result<()> {
        check_lag_order(at, config.lag_min, config.lag_max)?;
        check_alphas(at, &config.alphas)?;
        self.check_lags(at, &config.lags)?;
        let is_seen = |name: &&str| seen.features.as_ref().is_none_or(|seen| seen.iter().any(|own| own == name));
        let mut names: Vec<String> = self.feature_names().into_iter().filter(is_seen).map(str::to_owned).collect();
        names.sort();
        let bands = Bands::new(config, &names).map_err(|error| below(at, error))?;
        // Drawing them is the check; it takes microseconds.
        band_weights(bands.len(), config.n_iter, &config.concentration, 0).map_err(|error| below(at, error))?;
        Ok(())
    }
}

fn check_no_leaving_out(at: &str, options: LinearOptions) -> Result<()> {
    let expected = "false: leaving one epoch out is exact for `trf` alone; choose with n_folds";
    check(!options.leave_one_out, &format!("{at}.leave_one_out"), true, expected)
}

fn check_folds(at: &str, n_folds: usize) -> Result<()> {
    check(n_folds != 1, &format!("{at}.n_folds"), 1, "2 or above, or 0 to choose penalties on the validation set")
}

fn check_options(at: &str, options: LinearOptions, can_nest: bool) -> Result<()> {
    check_folds(at, options.n_folds)?;
    if options.nested {
        check(
            can_nest,
            &format!("{at}.nested"),
            true,
            "false: nested cross-validation is there for `trf` with penalty = \"ridge\" and for `banded`",
        )?;
        check(
            options.n_folds >= 3,
            &format!("{at}.n_folds"),
            options.n_folds,
            "3 or above for nested cross-validation (nested = true)",
        )?;
    }
    Ok(())
}

fn check_epochs(epochs: &EpochSpec) -> Result<()> {
    let EpochSpec { tmin, tmax, .. } = *epochs;
    check(tmin.is_finite(), "epochs.tmin", tmin, "a finite number of seconds")?;
    check(tmax.is_finite(), "epochs.tmax", tmax, "a finite number of seconds")?;
    check(tmin < tmax, "epochs.tmax", tmax, &format!("a time after tmin ({tmin} s)"))?;
    if let BaselineSpec::Window { tmin: start, tmax: end } = epochs.baseline {
        let (start, end) = (start.unwrap_or(tmin), end.unwrap_or(tmax));
        let found = format!("{start} to {end} s");
        let expected = format!(
            "a window within the epoch, {tmin} to {tmax} s, that ends after it starts; `baseline = false` turns it off"
        );
        check(tmin <= start && start <= end && end <= tmax, "epochs.baseline", found, &expected)?;
    }
    Ok(())
}

fn check_trf(at: &str, config: &TrfConfig) -> Result<()> {
    check_lag_order(at, config.lag_min, config.lag_max)?;
    check_alphas(at, &config.alphas)
}

fn check_lag_order(at: &str, lag_min: isize, lag_max: isize) -> Result<()> {
    check(
        lag_min <= lag_max,
        &format!("{at}.lag_max"),
        lag_max,
        &format!("a lag not below lag_min ({lag_min} samples)"),
    )
}

fn check_rtrf(at: &str, config: &RtrfConfig) -> Result<()> {
    for (name, lags) in [("n_lags_data", config.n_lags_data), ("n_lags_features", config.n_lags_features)] {
        check(lags >= 1, &format!("{at}.{name}"), lags, "1 sample or above")?;
    }
    check_alphas(at, &config.alphas)
}

fn check_alphas(at: &str, alphas: &[f64]) -> Result<()> {
    let key = format!("{at}.alphas");
    check(!alphas.is_empty(), &key, "[]", "at least one penalty")?;
    match alphas.iter().find(|a| !a.is_finite() || **a < 0.0) {
        None => Ok(()),
        Some(alpha) => check(false, &key, alpha, "penalties that are finite and not below 0"),
    }
}

fn check_dre(at: &str, spec: &DreSpec) -> Result<()> {
    let layers = spec.network.conv_layers + spec.network.lstm_layers;
    check(
        layers > 0,
        &format!("{at}.lstm_layers"),
        0,
        "1 or above where conv_layers is 0, since a network needs a layer",
    )?;
    spec.network.check().and_then(|()| spec.train.check()).map_err(|error| below(at, error))
}

/// Names a setting as the study file does.
fn below(at: &str, error: Error) -> Error {
    match error {
        Error::Setting { name, found, expected } => Error::Setting { name: format!("{at}.{name}"), found, expected },
        other => other,
    }
}

/// Names become folders, so they hold nothing that a file system or a shell reads in its own way.
fn check_name(key: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    check(
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain),
        key,
        format!("\"{name}\""),
        "a name of letters, digits, `-`, `_` and `.` that starts with a letter or digit",
    )
}

fn check(holds: bool, name: &str, found: impl Display, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() })
}
