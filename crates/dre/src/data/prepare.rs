//! One recording's way from events to scaled epochs: cut, split, fit the scaler, reject.

use std::collections::BTreeMap;
use std::ops::Range;

use super::scaler::{Spread, median_and_iqr};
use super::split::Kept;
use super::{BadSegments, CleaningSpec, Cohort, CohortRecording, EpochSpec, EpochWindow, Gaps, RobustScaler};
use crate::{Error, Result};

/// Channels whose samples are held at once to find their median: a compromise of memory and of reading the recording often.
const CHANNELS_AT_ONCE: usize = 8;

/// An epoch before it is known whose it is: event and first sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) event: usize,
    pub(super) start: usize,
}

/// The epochs that a recording's events ask for, in chronological order.
pub(super) struct Candidates {
    pub(super) epochs: Vec<Candidate>,
    pub(super) n_events: usize,
    pub(super) n_outside: usize,
    /// Epochs dropped for bad segments.
    pub(super) n_bad: usize,
    /// What of the recording counts as not measured.
    pub(super) gaps: Gaps,
}

/// A recording whose epochs are split, scaled and cleaned.
pub(super) struct Prepared {
    /// Epochs of each set, in chronological order.
    pub(super) sets: [Vec<Candidate>; 3],
    pub(super) n_border: usize,
    pub(super) n_rejected: usize,
    pub(super) scaler: RobustScaler,
    pub(super) n_calibration: usize,
    /// First samples of the epochs that the scaler was fitted on.
    pub(super) scaler_starts: Vec<usize>,
    /// Spread of each feature over the training epochs.
    pub(super) features: Vec<Spread>,
}

/// The epochs around the events that `spec` selects.
pub(super) fn candidates(
    recording: &CohortRecording,
    spec: &EpochSpec,
    window: &EpochWindow,
    sfreq: f64,
) -> Result<Candidates> {
    let events = &recording.events;
    events.check()?;
    let filters = filters(recording, &spec.events)?;
    let gaps = match spec.bad_segments {
        BadSegments::Ignore => recording.gaps.without_segments(),
        BadSegments::Mask | BadSegments::Reject => recording.gaps.clone(),
    };
    let is_usable = |start: usize| {
        let samples = start..start + window.n_times;
        if !gaps.overlaps(&samples) {
            return true;
        }
        let good = gaps.good(&samples);
        spec.bad_segments == BadSegments::Mask
            && match &window.baseline {
                None => !good.is_empty(),
                Some(baseline) => good.iter().any(|part| !overlap(part, baseline).is_empty()),
            }
    };
    let mut found = Candidates { epochs: Vec::new(), n_events: 0, n_outside: 0, n_bad: 0, gaps: Gaps::default() };
    for event in 0..events.len() {
        if !filters.iter().all(|(texts, wanted)| wanted.contains(&texts[event])) {
            continue;
        }
        found.n_events += 1;
        match window.start(events.onset[event], sfreq, recording.n_times) {
            Some(start) if is_usable(start) => found.epochs.push(Candidate { event, start }),
            Some(_) => found.n_bad += 1,
            None => found.n_outside += 1,
        }
    }
    found.gaps = gaps;
    Ok(found)
}

type Filter<'a> = (&'a [String], &'a Vec<String>);

fn filters<'a>(recording: &'a CohortRecording, wanted: &'a BTreeMap<String, Vec<String>>) -> Result<Vec<Filter<'a>>> {
    wanted
        .iter()
        .map(|(column, texts)| {
            let found = recording.events.column(column, || "epochs.events".to_owned())?;
            Ok((found, texts))
        })
        .collect()
}

/// Scales and cleans one recording, of whose epochs these were kept; `Ok(Err(reason))` where it cannot be used.
pub(super) fn prepare(
    cohort: &Cohort,
    recording: &CohortRecording,
    candidates: &Candidates,
    window: &EpochWindow,
    kept: Kept,
    cleaning: &CleaningSpec,
) -> Result<std::result::Result<Prepared, String>> {
    let epochs = &candidates.epochs;
    let n_kept = kept.len();
    let [train, ..] = &kept.sets;
    // A held-out subject has no training epochs; its calibration epochs are in no set.
    let fitted_on = if train.is_empty() { &kept.calibration } else { train };
    if fitted_on.is_empty() {
        return Ok(Err(format!("none of its {} epochs is left to train on", epochs.len())));
    }
    let gaps = &candidates.gaps;
    check_finite(cohort, (recording, gaps), &kept.sets.iter().flatten().chain(&kept.calibration), window)?;
    let scaler = match fit_scaler(cohort, (recording, gaps), fitted_on, window) {
        Ok(scaler) => scaler,
        Err(reason) => return Ok(Err(reason)),
    };
    let scaler_starts = fitted_on.iter().map(|epoch| epoch.start).collect();
    let n_calibration = kept.calibration.len();
    let sets = kept.sets.map(|epochs| {
        epochs
            .into_iter()
            .filter(|epoch| is_within((recording, gaps), &scaler, epoch.start, window, cleaning.reject_above))
            .collect::<Vec<_>>()
    });
    let features = (0..cohort.features.len())
        .map(|row| {
            let signal = recording.feature(row);
            sets[0]
                .iter()
                .map(|epoch| Spread::of(&signal[epoch.start..epoch.start + window.n_times]))
                .fold(Spread::default(), Spread::merge)
        })
        .collect();
    recording.data.release();
    Ok(Ok(Prepared {
        n_border: epochs.len() - n_kept,
        n_rejected: n_kept - n_calibration - sets.iter().map(Vec::len).sum::<usize>(),
        n_calibration,
        scaler_starts,
        sets,
        scaler,
        features,
    }))
}

/// Mean of an epoch's baseline (f64) over its `good` parts, 0 where there is no baseline correction.
pub(super) fn baseline(epoch: &[f32], good: &[Range<usize>], window: &EpochWindow) -> f64 {
    let Some(range) = &window.baseline else { return 0.0 };
    let (mut total, mut n) = (0.0, 0);
    for part in good.iter().map(|part| overlap(part, range)).filter(|part| !part.is_empty()) {
        total += sum(&epoch[part.clone()]);
        n += part.len();
    }
    total / n as f64
}

fn overlap(a: &Range<usize>, b: &Range<usize>) -> Range<usize> {
    a.start.max(b.start)..a.end.min(b.end)
}

fn sum(values: &[f32]) -> f64 {
    // Four sums side by side, because one would wait for each addition before it starts the next.
    let mut sums = [0.0; 4];
    let (chunks, rest) = values.as_chunks::<4>();
    for chunk in chunks {
        for (sum, &value) in sums.iter_mut().zip(chunk) {
            *sum += f64::from(value);
        }
    }
    let rest: f64 = rest.iter().map(|&value| f64::from(value)).sum();
    sums[0] + sums[1] + sums[2] + sums[3] + rest
}

fn check_finite<'a>(
    cohort: &Cohort,
    (recording, gaps): (&CohortRecording, &Gaps),
    epochs: &(impl Iterator<Item = &'a Candidate> + Clone),
    window: &EpochWindow,
) -> Result<()> {
    let wrong = |what: String, sample: usize, value: f32| Error::NotFinite {
        what,
        place: format!("{} s (sample {sample})", sample as f64 / cohort.sfreq),
        value: f64::from(value),
    };
    let mut cut = vec![0.0; cohort.channels.len() * window.n_times];
    for epoch in epochs.clone() {
        let samples = epoch.start..epoch.start + window.n_times;
        recording.data.will_need(samples.clone());
        recording.data.copy(samples.clone(), 0..cohort.channels.len(), &mut cut);
        let good = gaps.good(&samples);
        for (row, values) in cut.chunks_exact(window.n_times).enumerate().filter(|(row, _)| gaps.has_channel(*row)) {
            if let Some(t) = good.iter().cloned().flatten().find(|&t| !values[t].is_finite()) {
                return Err(wrong(format!("channel {}", cohort.channels[row].name), epoch.start + t, values[t]));
            }
        }
        for (row, name) in cohort.features.iter().enumerate() {
            let values = &recording.feature(row)[samples.clone()];
            // NaN says that it has no value there.
            if let Some(t) = values.iter().position(|value| value.is_infinite()) {
                return Err(wrong(format!("feature {name}"), epoch.start + t, values[t]));
            }
        }
    }
    Ok(())
}

/// Median and interquartile range of each channel over what was measured of the training epochs; a reason where a channel
/// is flat. A channel that the recording lacks gets 0 and 1.
fn fit_scaler(
    cohort: &Cohort,
    (recording, gaps): (&CohortRecording, &Gaps),
    train: &[Candidate],
    window: &EpochWindow,
) -> std::result::Result<RobustScaler, String> {
    let good: Vec<_> = train.iter().map(|epoch| gaps.good(&(epoch.start..epoch.start + window.n_times))).collect();
    let (mut centre, mut scale) = (vec![0.0; cohort.channels.len()], vec![1.0; cohort.channels.len()]);
    let mut values = [(); CHANNELS_AT_ONCE].map(|()| Vec::<f64>::with_capacity(train.len() * window.n_times));
    let mut cut = vec![0.0; CHANNELS_AT_ONCE * window.n_times];
    for first in (0..cohort.channels.len()).step_by(CHANNELS_AT_ONCE) {
        let channels = first..cohort.channels.len().min(first + CHANNELS_AT_ONCE);
        values.iter_mut().for_each(Vec::clear);
        for (epoch, good) in train.iter().zip(&good) {
            let cut = &mut cut[..channels.len() * window.n_times];
            recording.data.copy(epoch.start..epoch.start + window.n_times, channels.clone(), cut);
            for (values, cut) in values.iter_mut().zip(cut.chunks_exact(window.n_times)) {
                let offset = baseline(cut, good, window);
                for part in good {
                    values.extend(cut[part.clone()].iter().map(|&value| f64::from(value) - offset));
                }
            }
        }
        for (row, values) in channels.zip(&mut values).filter(|(row, _)| gaps.has_channel(*row)) {
            (centre[row], scale[row]) = median_and_iqr(values);
        }
    }
    let there = || cohort.channels.iter().zip(&scale).enumerate().filter(|(row, _)| gaps.has_channel(*row));
    for (_, (channel, &iqr)) in there() {
        let mut alike: Vec<f64> =
            there().filter(|(_, (c, _))| c.kind == channel.kind).map(|(_, (_, &iqr))| iqr).collect();
        // A dead channel is seldom exactly constant: filters leave rounding errors of its offset.
        if iqr <= 1e-6 * median_and_iqr(&mut alike).0 {
            return Err(format!(
                "channel {} is flat (interquartile range {iqr:e} over the training epochs); mark it bad to keep the recording",
                channel.name
            ));
        }
    }
    Ok(RobustScaler { centre, scale })
}

/// Whether what was measured of the epoch stays within ±`limit` after scaling.
fn is_within(
    (recording, gaps): (&CohortRecording, &Gaps),
    scaler: &RobustScaler,
    start: usize,
    window: &EpochWindow,
    limit: f64,
) -> bool {
    let samples = start..start + window.n_times;
    let good = gaps.good(&samples);
    let mut epoch = vec![0.0; recording.data.n_channels() * window.n_times];
    recording.data.copy(samples, 0..recording.data.n_channels(), &mut epoch);
    let mut rows = scaler.centre.iter().zip(&scaler.scale).enumerate().filter(|(row, _)| gaps.has_channel(*row));
    rows.all(|(row, (&centre, &scale))| {
        let cut = &epoch[row * window.n_times..(row + 1) * window.n_times];
        let offset = baseline(cut, &good, window) + centre;
        let measured = good.iter().flat_map(|part| &cut[part.clone()]);
        let (low, high) = measured.fold((f32::INFINITY, f32::NEG_INFINITY), |(l, h), &v| (l.min(v), h.max(v)));
        f64::from(high) - offset <= limit * scale && offset - f64::from(low) <= limit * scale
    })
}
