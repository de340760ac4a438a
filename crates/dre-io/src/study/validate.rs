//! Settings that make no sense, alone or beside others.

use std::collections::BTreeSet;
use std::fmt::Display;

use dre::data::{BaselineSpec, EpochSpec};
use dre::linear::TrfConfig;
use dre::{Error, Result};

use super::{DreSpec, ModelSpec, Study};

impl Study {
    /// Checks what the types cannot: ranges, orders, names.
    ///
    /// # Errors
    /// [`Error::Setting`] for the first setting that makes no sense, under its dotted name in the study file.
    pub fn validate(&self) -> Result<()> {
        check_name("name", &self.name)?;
        self.check_prepare()?;
        check_epochs(&self.epochs)?;
        self.check_split()?;
        check(
            self.cleaning.reject_above > 0.0,
            "cleaning.reject_above",
            self.cleaning.reject_above,
            "must be above 0 interquartile ranges",
        )?;
        self.check_features()?;
        self.check_report()?;
        self.check_models()
    }

    fn check_prepare(&self) -> Result<()> {
        let prepare = &self.prepare;
        for (name, freq) in [("prepare.l_freq", prepare.l_freq), ("prepare.h_freq", prepare.h_freq)] {
            if let Some(freq) = freq {
                check(freq.is_finite() && freq > 0.0, name, freq, "must be above 0 Hz; leave it out for no filter")?;
            }
        }
        if let (Some(l_freq), Some(h_freq)) = (prepare.l_freq, prepare.h_freq) {
            check(l_freq < h_freq, "prepare.l_freq", l_freq, &format!("must be below h_freq ({h_freq} Hz)"))?;
        }
        check(prepare.decim >= 1, "prepare.decim", prepare.decim, "must be 1 (keep every sample) or above")?;
        check(!self.data.picks.is_empty(), "data.picks", "[]", "name at least one channel type, such as \"eeg\"")
    }

    fn check_split(&self) -> Result<()> {
        let split = &self.split;
        let share = "must be between 0 and 1, both excluded";
        check(split.train > 0.0 && split.train < 1.0, "split.train", split.train, share)?;
        check(split.valid > 0.0 && split.valid < 1.0, "split.valid", split.valid, share)?;
        let rest = 1.0 - split.train;
        check(
            split.train + split.valid < 1.0,
            "split.valid",
            split.valid,
            &format!("must be below {rest:.3}, since train = {} and the test set needs a share, too", split.train),
        )
    }

    fn check_features(&self) -> Result<()> {
        let mut seen = BTreeSet::new();
        for (i, feature) in self.features.iter().enumerate() {
            let key = format!("features[{i}].name");
            check(!feature.name.is_empty(), &key, "\"\"", "a feature needs a name")?;
            check(seen.insert(&feature.name), &key, &feature.name, "another feature has this name; rename one")?;
            if let Some(duration) = feature.duration {
                check(
                    duration.is_finite() && duration > 0.0,
                    &format!("features[{i}].duration"),
                    duration,
                    "must be above 0 s; leave it out for the event's own duration",
                )?;
            }
        }
        Ok(())
    }

    fn check_report(&self) -> Result<()> {
        let EpochSpec { tmin, tmax, .. } = self.epochs;
        let from = self.report.score_from;
        let expected = format!("must be within the epoch, {tmin} to {tmax} s");
        check(from >= tmin && from <= tmax, "report.score_from", from, &expected)
    }

    fn check_models(&self) -> Result<()> {
        check(
            !self.models.is_empty(),
            "models",
            "none",
            "name at least one, such as [models.dre] with kind = \"dre\"",
        )?;
        for (name, model) in &self.models {
            let at = format!("models.{name}");
            check_name(&at, name)?;
            match model {
                ModelSpec::Trf(config) => {
                    check(!self.features.is_empty(), &at, "trf", "a TRF needs at least one [[features]]")?;
                    check_trf(&at, config)?;
                }
                ModelSpec::Dre(spec) => check_dre(&at, spec)?,
            }
        }
        Ok(())
    }
}

fn check_epochs(epochs: &EpochSpec) -> Result<()> {
    let EpochSpec { tmin, tmax, .. } = *epochs;
    check(tmin.is_finite(), "epochs.tmin", tmin, "must be a finite number of seconds")?;
    check(tmax.is_finite(), "epochs.tmax", tmax, "must be a finite number of seconds")?;
    check(tmin < tmax, "epochs.tmax", tmax, &format!("must be after tmin ({tmin} s)"))?;
    if let BaselineSpec::Window { tmin: start, tmax: end } = epochs.baseline {
        let (start, end) = (start.unwrap_or(tmin), end.unwrap_or(tmax));
        let found = format!("{start} to {end} s");
        let expected = format!(
            "must lie within the epoch ({tmin} to {tmax} s) and end after it starts; `baseline = false` turns it off"
        );
        check(tmin <= start && start <= end && end <= tmax, "epochs.baseline", found, &expected)?;
    }
    Ok(())
}

fn check_trf(at: &str, config: &TrfConfig) -> Result<()> {
    let TrfConfig { lag_min, lag_max, alphas } = config;
    check(
        lag_min <= lag_max,
        &format!("{at}.lag_max"),
        lag_max,
        &format!("must not be below lag_min ({lag_min} samples)"),
    )?;
    let key = format!("{at}.alphas");
    check(!alphas.is_empty(), &key, "[]", "give at least one penalty")?;
    match alphas.iter().find(|a| !a.is_finite() || **a < 0.0) {
        None => Ok(()),
        Some(alpha) => check(false, &key, alpha, "a penalty must be a finite number, 0 or above"),
    }
}

fn check_dre(at: &str, spec: &DreSpec) -> Result<()> {
    let (network, train) = (&spec.network, &spec.train);
    let key = |name: &str| format!("{at}.{name}");
    check(network.conv_layers <= 4, &key("conv_layers"), network.conv_layers, "must be 0 to 4")?;
    check(network.lstm_layers <= 3, &key("lstm_layers"), network.lstm_layers, "must be 0 to 3")?;
    check(
        network.conv_layers + network.lstm_layers > 0,
        &key("lstm_layers"),
        network.lstm_layers,
        "conv_layers is 0, too; a network needs at least one layer of either",
    )?;
    for (name, value) in [
        ("kernel", network.kernel),
        ("stride", network.stride),
        ("conv_filters", network.conv_filters),
        ("lstm_hidden", network.lstm_hidden),
        ("batch_size", train.batch_size),
        ("n_passes", train.n_passes),
    ] {
        check(value >= 1, &key(name), value, "must be 1 or above")?;
    }
    check(train.lr.is_finite() && train.lr > 0.0, &key("lr"), train.lr, "must be a finite number above 0")
}

/// Names become folders, so they hold nothing that a file system or a shell reads in its own way.
fn check_name(key: &str, name: &str) -> Result<()> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    check(
        name.starts_with(|c: char| c.is_ascii_alphanumeric()) && name.chars().all(plain),
        key,
        format!("\"{name}\""),
        "a name starts with a letter or digit and holds letters, digits, `-`, `_` and `.` only",
    )
}

fn check(holds: bool, name: &str, found: impl Display, expected: &str) -> Result<()> {
    if holds {
        return Ok(());
    }
    Err(Error::Setting { name: name.to_owned(), found: found.to_string(), expected: expected.to_owned() })
}
