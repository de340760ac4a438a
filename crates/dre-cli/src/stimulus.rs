//! What the stimulus adds to predictions, and single fits of networks, as text.

use dre::results::{ModelResult, Results, StimulusResult};

use crate::statistics::{interval, small};
use crate::table::number;

/// A line for each model: what the stimulus adds to it, or that this is unknown; none where there is nothing to say.
pub(crate) fn text(results: &Results) -> Option<String> {
    let mut lines: Vec<String> = results.stimulus.iter().map(|one| added(results, one)).collect();
    let is_compared =
        |name: &String| results.stimulus.iter().any(|one| one.model == *name || one.without.as_ref() == Some(name));
    let is_unknown = |name: &String, model: &ModelResult| {
        model.n_init_times > 0 && model.n_features != Some(0) && !is_compared(name)
    };
    if !results.cohort.features.is_empty() {
        let unknown = results.models.iter().filter(|(name, model)| is_unknown(name, model));
        lines.extend(unknown.map(|(name, _)| {
            format!("Δr of {name} is unknown: the study has no fit of it without features (report.past_alone = true adds it)")
        }));
    }
    (!lines.is_empty())
        .then(|| format!("What the stimulus adds: Δr, r less r without features\n\n{}\n", lines.join("\n")))
}

/// `rtrf: Δr = 0.015 (95 % 0.010 to 0.020), p = 0.0020 one-sided; without features (rtrf-past) r = 0.114`.
fn added(results: &Results, one: &StimulusResult) -> String {
    let mut line = format!("{}: Δr = {}{}", one.model, number(one.delta_r), interval(one.confidence));
    if let Some(p) = one.p {
        line += &format!(", p = {} one-sided", small(p));
    }
    line += &match one.without.as_ref().and_then(|name| Some((name, results.models.get(name)?))) {
        Some((name, past)) => format!("; without features ({name}) r = {}", number(past.mean_r)),
        None => "; it sees features alone, so that Δr is r".to_owned(),
    };
    if let Some(seeds) = &one.seeds {
        line += &format!("; single fits {}{}", number(seeds.mean), of_both(seeds.confidence));
    }
    line
}

/// ` (95 % 0.010 to 0.020 over subjects and seeds)`, or nothing.
pub(crate) fn of_both(confidence: Option<[f64; 2]>) -> String {
    interval(confidence).replace(')', " over subjects and seeds)")
}

/// How far a network's seed moves its score: its single fits, or that there is one; none for a model without a seed.
pub(crate) fn fits(name: &str, model: &ModelResult) -> Option<String> {
    // Linear models make no passes.
    if model.seeds.is_empty() {
        let is_network = !model.history.is_empty();
        return is_network
            .then(|| format!("{name}: one fit; a network's r varies with its seed (n_seeds fits it several times)"));
    }
    let r: Vec<f64> = model.seeds.iter().map(|fit| fit.mean_r).filter(|r| r.is_finite()).collect();
    let n = r.len() as f64;
    let mean = r.iter().sum::<f64>() / n;
    let sd = (r.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt();
    let [low, high] = [r.iter().copied().fold(f64::NAN, f64::min), r.iter().copied().fold(f64::NAN, f64::max)];
    let [mean, sd, low, high] = [mean, sd, low, high].map(number);
    Some(format!(
        "{name}: r of the mean prediction of {} fits; single fits {mean} ± {sd} ({low} to {high})",
        model.seeds.len()
    ))
}
