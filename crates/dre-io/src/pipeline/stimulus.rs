//! What the stimulus adds: models beside their fits without features, and single fits of networks.

use dre::data::Dataset;
use dre::metrics::Scores;
use dre::results::{ComparisonResult, SeedScore, StimulusResult};
use dre::stats::{Tail, compare_fits, test_group};
use indexmap::IndexMap;

use super::Job;
use super::linear::{BOOTSTRAP_SEED, confidence};
use crate::study::ModelSpec;

/// Scores of a model, and of its single fits where it was fitted with several seeds.
pub(super) struct Scored<'a> {
    pub(super) name: &'a str,
    pub(super) scores: Scores,
    pub(super) seeds: Vec<SeedScore>,
}

impl Scored<'_> {
    /// r by fit, then by subject of the data set; NaN for a subject that it does not have.
    fn fits(&self, data: &Dataset) -> Vec<Vec<f64>> {
        if self.seeds.is_empty() {
            return vec![by_subject(data, &self.scores)];
        }
        let of = |seed: &SeedScore| {
            data.subjects().iter().map(|label| seed.subjects.get(label).copied().unwrap_or(f64::NAN)).collect()
        };
        self.seeds.iter().map(of).collect()
    }
}

/// r by subject of the data set; NaN for a subject without a score.
pub(super) fn by_subject(data: &Dataset, scores: &Scores) -> Vec<f64> {
    let of = |label: &String| scores.subjects.iter().find(|s| s.subject == *label).map_or(f64::NAN, |s| s.r);
    data.subjects().iter().map(of).collect()
}

/// Puts the differences of single fits beside those of means of fits.
pub(super) fn compare_seeds(comparisons: &mut [ComparisonResult], scored: &[Scored<'_>], data: &Dataset) {
    let fits = |name: &str| scored.iter().find(|one| one.name == name).map(|one| one.fits(data));
    for comparison in comparisons {
        if let (Some(first), Some(second)) = (fits(&comparison.first), fits(&comparison.second)) {
            comparison.seeds = compare_fits(&first, &second, BOOTSTRAP_SEED);
        }
    }
}

/// What the stimulus adds to each model: its r less that of the study's model that is as it is but is given no feature. A
/// model that sees nothing but features predicts a constant without them, whose r is 0.
pub(super) fn stimulus(job: &Job, data: &Dataset, scored: &[Scored<'_>]) -> Vec<StimulusResult> {
    let mut found = Vec::new();
    for one in scored {
        let spec = &job.study.models[one.name];
        if spec.seen().is_none() || data.n_features() == 0 {
            continue;
        }
        let without = if spec.n_init_times() == 0 {
            None
        } else {
            let name = job.study.without_features(one.name);
            let Some(without) = scored.iter().find(|other| Some(other.name) == name) else { continue };
            Some(without)
        };
        found.push(difference(one, without, data));
    }
    found
}

fn difference(one: &Scored<'_>, without: Option<&Scored<'_>>, data: &Dataset) -> StimulusResult {
    let less = |of: &dyn Fn(&Scores) -> Vec<f64>| -> Vec<f64> {
        let own = of(&one.scores);
        match without {
            Some(without) => own.iter().zip(of(&without.scores)).map(|(a, b)| a - b).collect(),
            None => own,
        }
    };
    let deltas = less(&|scores| by_subject(data, scores));
    let subjects: IndexMap<String, f64> = data
        .subjects()
        .iter()
        .zip(&deltas)
        .filter(|(_, delta)| delta.is_finite())
        .map(|(label, delta)| (label.clone(), *delta))
        .collect();
    let test = test_group(&deltas, Tail::Positive);
    StimulusResult {
        model: one.name.to_owned(),
        without: without.map(|without| without.name.to_owned()),
        delta_r: subjects.values().sum::<f64>() / subjects.len() as f64,
        confidence: confidence(subjects.values().copied()),
        p: test.map(|test| test.p),
        test,
        over_time: less(&|scores| scores.r_over_time.clone()),
        per_channel: less(&|scores| scores.r_per_channel.clone()),
        seeds: match without {
            Some(without) => compare_fits(&one.fits(data), &without.fits(data), BOOTSTRAP_SEED),
            None => None,
        },
        subjects,
    }
}

/// What people call a model: its kind, and how this one differs from others of the kind.
pub(super) fn title(kind: &str, spec: &ModelSpec) -> String {
    let mut title = kind.to_owned();
    if spec.is_pooled() {
        title.push_str(", one for all subjects");
    }
    match &spec.seen().features {
        Some(names) if names.is_empty() => title.push_str(", without features"),
        Some(names) => title.push_str(&format!(", from {}", names.join(", "))),
        None => {}
    }
    if spec.n_seeds() > 1 {
        title.push_str(&format!(", mean prediction of {} fits", spec.n_seeds()));
    }
    title
}
