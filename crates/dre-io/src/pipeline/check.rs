//! What can be known to be wrong before the first model is fitted.

use dre::data::{Dataset, Epoch, EpochSource, FEW_EPOCHS, Pooled, Selected, Set};
use dre::linear::{FeatureTask, check_components};

use super::fit::{score_from, seen_features, valid_from, windows};
use super::linear::in_model;
use super::{Job, Monitor, PipelineError, Result};
use crate::study::ModelSpec;

/// Whether all models of the study, and its decoders, fit the data set; warns of what is allowed but unwise.
pub(super) fn settings(job: &Job, data: &Dataset, monitor: &dyn Monitor) -> Result<()> {
    check_scored(job, data, monitor)?;
    job.study.check_baseline(data.sfreq())?;
    check_held_out(job, data)?;
    warn_of_few_epochs(data, monitor);
    for name in &job.models {
        let spec = &job.study.models[name];
        let pooled = Pooled::new(data);
        let source: &dyn EpochSource = if spec.is_pooled() { &pooled } else { data };
        let seen = &Selected::new(source, &seen_features(spec, data))?;
        let checked = match spec {
            ModelSpec::Trf(spec) => FeatureTask::Trf(&spec.linear, spec.options).check(seen),
            ModelSpec::Banded(spec) => FeatureTask::Banded(&spec.linear, spec.options, job.study.seed).check(seen),
            ModelSpec::Rtrf(spec) => spec.linear.check(spec.options, seen),
            ModelSpec::Dre(spec) => check_components(spec.reduction.n_components, data.n_channels()),
        };
        checked.map_err(in_model(name))?;
        warn_of_settings(name, spec, data, monitor);
    }
    for (name, others) in data.fixed_features() {
        monitor.warn(&format!(
            "feature `{name}` is a sum of {}: penalties alone divide what they share, and no score or importance of one of them \
             is its own",
            others.iter().map(|other| format!("`{other}`")).collect::<Vec<_>>().join(", ")
        ));
    }
    if job.study.state.is_some() && job.is_whole() {
        super::state::check(job, data, monitor)?;
    }
    if let Some(decode) = super::decode::wanted(job) {
        decode.check(data).map_err(in_model("decode"))?;
    }
    Ok(())
}

/// Says what a model of the study is allowed to be but hardly meant to.
fn warn_of_settings(name: &str, spec: &ModelSpec, data: &Dataset, monitor: &dyn Monitor) {
    let n_times = data.n_times();
    let (lag_min, lag_max) = match spec {
        ModelSpec::Trf(spec) => (spec.linear.lag_min, spec.linear.lag_max),
        ModelSpec::Banded(spec) => (spec.linear.lag_min, spec.linear.lag_max),
        ModelSpec::Rtrf(_) | ModelSpec::Dre(_) => (0, 0),
    };
    if lag_min.unsigned_abs().max(lag_max.unsigned_abs()) >= n_times {
        monitor.warn(&format!(
            "{name}: lags {lag_min} to {lag_max} reach as far as an epoch is long, {n_times} samples; the farthest see nothing"
        ));
    }
    match spec {
        ModelSpec::Trf(spec) if spec.options.leave_one_out => warn_of_overlap(name, data, monitor),
        ModelSpec::Rtrf(spec) if spec.init.n_init_times < spec.linear.n_lags_data => monitor.warn(&format!(
            "{name}: n_init_times = {} is below n_lags_data = {}: its roll-out starts from fewer samples than it looks back on, \
             with 0, the centre of the data, in the place of the others",
            spec.init.n_init_times, spec.linear.n_lags_data
        )),
        _ => {}
    }
}

/// Leaving one epoch out leaves its samples in the epochs that overlap it.
fn warn_of_overlap(name: &str, data: &Dataset, monitor: &dyn Monitor) {
    let share = shared_samples(data.epochs(Set::Train), data.n_times());
    if share > 0.0 {
        monitor.warn(&format!(
            "{name}: leave_one_out, but {:.0} % of the samples of a training epoch are in others, too, so that its errors are \
             too small and penalties may be; n_folds leaves whole stretches out",
            (100.0 * share).max(1.0)
        ));
    }
}

/// Mean share of the samples of an epoch that the one before or after it in the recording has, too.
fn shared_samples(epochs: &[Epoch], n_times: usize) -> f64 {
    let mut places: Vec<(usize, usize)> = epochs.iter().map(|epoch| (epoch.recording, epoch.start)).collect();
    places.sort_unstable();
    let overlap = |a: (usize, usize), b: (usize, usize)| if a.0 == b.0 { n_times.saturating_sub(b.1 - a.1) } else { 0 };
    let gaps: Vec<usize> = places.windows(2).map(|pair| overlap(pair[0], pair[1])).collect();
    let shared = |i: usize| {
        let before = if i > 0 { gaps[i - 1] } else { 0 };
        (before + gaps.get(i).copied().unwrap_or(0)).min(n_times)
    };
    (0..places.len()).map(shared).sum::<usize>() as f64 / (places.len() * n_times).max(1) as f64
}

/// Refuses models that cannot predict subjects who are held out.
fn check_held_out(job: &Job, data: &Dataset) -> Result<()> {
    let held_out: Vec<&str> =
        (0..data.n_subjects()).filter(|&s| data.is_held_out(s)).map(|s| data.subjects()[s].as_str()).collect();
    if held_out.is_empty() {
        return Ok(());
    }
    let subjects = held_out.join(", ");
    match job.models.iter().find(|name| {
        let spec = &job.study.models[*name];
        !matches!(spec, ModelSpec::Dre(_)) && !spec.is_pooled()
    }) {
        Some(name) => {
            Err(PipelineError::HeldOut { model: name.clone(), kind: job.study.models[name].kind(), subjects })
        }
        None if super::decode::wanted(job).is_some() => Err(PipelineError::HeldOutDecoder { subjects }),
        None => Ok(()),
    }
}

/// Every init window leaves something to score and, for linear models, to choose penalties by; so does every window of the
/// report. Says where models are scored from later than the study file asks.
fn check_scored(job: &Job, data: &Dataset, monitor: &dyn Monitor) -> Result<()> {
    let (times, most) = (data.times(), data.n_times() - 1);
    for (name, spec) in &job.study.models {
        if spec.n_init_times() > most {
            return Err(PipelineError::Dre(dre::Error::Setting {
                name: format!("models.{name}.n_init_times"),
                found: spec.n_init_times().to_string(),
                expected: format!(
                    "at most {most} of the {} samples of an epoch, since samples that a model is shown are not scored",
                    times.len()
                ),
            }));
        }
    }
    let (from, asked) = (score_from(job, data)?, job.study.report.score_from);
    let n_init_times = valid_from(job);
    if n_init_times > 0 && from > asked && times[n_init_times - 1] >= asked {
        let longest = job.study.models.iter().filter(|(_, spec)| spec.n_init_times() == n_init_times);
        let names: Vec<&str> = longest.map(|(name, _)| name.as_str()).collect();
        monitor.warn(&format!(
            "report.score_from = {asked} s lies within the init window of {}, {n_init_times} samples to {:.3} s; all models are \
             scored from {from:.3} s, since samples that a model is shown are not scored",
            names.join(", "),
            times[n_init_times - 1]
        ));
    }
    windows(job, data)?;
    Ok(())
}

/// Names subjects across whose epochs r is mostly noise.
fn warn_of_few_epochs(data: &Dataset, monitor: &dyn Monitor) {
    for set in [Set::Valid, Set::Test] {
        let n = |subject: usize| data.subject_epochs(set, subject).len();
        // Held-out subjects are tested alone, and others are not.
        let few: Vec<usize> = (0..data.n_subjects()).filter(|&s| (1..FEW_EPOCHS).contains(&n(s))).collect();
        let Some(least) = few.iter().map(|&s| n(s)).min() else { continue };
        let mut shown: Vec<String> =
            few.iter().take(8).map(|&s| format!("{} ({})", data.subjects()[s], n(s))).collect();
        if few.len() > shown.len() {
            shown.push(format!("and {} more", few.len() - shown.len()));
        }
        monitor.warn(&format!(
            "fewer than {FEW_EPOCHS} {} epochs: {}; r across {least} epochs is noisy, with a standard deviation of {:.2} where \
             nothing is predicted",
            set.name(),
            shown.join(", "),
            1.0 / ((least - 1) as f64).sqrt()
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_samples_by_hand() {
        let epoch = |recording, start| Epoch { subject: 0, recording, event: 0, start };
        // Two that share 4 of 10 samples, one far away, one in another recording at the place of the first.
        let epochs = [epoch(0, 6), epoch(0, 0), epoch(0, 50), epoch(1, 0)];
        assert!((shared_samples(&epochs, 10) - 8.0 / 40.0).abs() < 1e-12);
        let dense = [epoch(0, 0), epoch(0, 2), epoch(0, 4)];
        assert!((shared_samples(&dense, 10) - (8.0 + 10.0 + 8.0) / 30.0).abs() < 1e-12);
        assert!(shared_samples(&[], 10).abs() < 1e-12);
    }
}
