//! What was found, in sentences that claim no more than the numbers carry.

use dre::data::ChannelType;
use dre::results::{ModelResult, Results};
use dre::stats::LEAST_SUBJECTS;
use serde::Serialize;

use crate::values::p_value;
use crate::{families, format, stimulus};

/// A piece of a sentence.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Part {
    pub(crate) text: String,
    /// A number that the sentence is about.
    pub(crate) strong: bool,
}

/// One model against another, over the subjects that both have.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Comparison {
    pub(crate) numerator: String,
    pub(crate) denominator: String,
    /// Ratio of mean r as text, or why there is none.
    pub(crate) ratio: String,
    /// Difference of mean r as text.
    pub(crate) difference: String,
    /// `4 of 4`.
    pub(crate) higher_in: String,
    /// Why the ratio should not be leant on; empty where it may be.
    pub(crate) caveat: String,
}

/// Sentences of the headline.
pub(crate) fn sentences(results: &Results) -> Vec<Vec<Part>> {
    let Some((best_name, best)) = best_model(results) else {
        return vec![plain(if results.models.is_empty() {
            "No model was fitted.".to_owned()
        } else {
            "No score could be computed: no model has a finite mean r.".to_owned()
        })];
    };
    let mut out = vec![first(results, best_name, best)];
    if !best.is_near_zero()
        && let Some((numerator, denominator)) = leading_pair(results, best_name)
    {
        out.push(second(results, numerator, denominator));
    }
    out.extend(past(results, best_name, best));
    out
}

/// The model with the highest mean r, among those that see features where any of them has one.
pub(crate) fn best_model(results: &Results) -> Option<(&str, &ModelResult)> {
    let of = |past: bool| {
        let models = results.models.iter().filter(move |(name, _)| past || !families::is_past_alone(results, name));
        highest(models.map(|(name, model)| (name.as_str(), model)))
    };
    of(false).or_else(|| of(true))
}

fn highest<'a>(models: impl Iterator<Item = (&'a str, &'a ModelResult)>) -> Option<(&'a str, &'a ModelResult)> {
    models.filter(|(_, m)| m.mean_r.is_finite()).max_by(|a, b| a.1.mean_r.total_cmp(&b.1.mean_r))
}

/// What to keep in mind, as whole sentences.
pub(crate) fn caveats(results: &Results) -> Vec<String> {
    let mut out = Vec::new();
    let named = |shown: bool| -> Vec<String> {
        let is_meant =
            |name: &str, m: &ModelResult| (m.n_init_times > 0) == shown && !families::is_past_alone(results, name);
        let models = results.models.iter().filter(|(name, m)| is_meant(name, m));
        models.map(|(name, _)| name.clone()).collect()
    };
    let (shown, hidden) = (named(true), named(false));
    if !shown.is_empty() && !hidden.is_empty() {
        out.push(format!(
            "{} {} shown true samples at the start of every test epoch{}; {} {} not. Part of the difference is what the \
             brain’s recent past tells about its near future.",
            format::list(&shown),
            if shown.len() == 1 { "is" } else { "are" },
            init_window(results).map_or_else(String::new, |(from, to)| {
                format!(" ({} to {} s)", format::trimmed(from), format::trimmed(to))
            }),
            format::list(&hidden),
            if hidden.len() == 1 { "is" } else { "are" },
        ));
    }
    let unknown = stimulus::unknown(results);
    if !unknown.is_empty() {
        out.push(unknown);
    }
    if results.models.values().any(|m| m.mean_r.is_finite()) {
        let n = results.models.values().map(|m| m.subjects.len()).max().unwrap_or(0);
        out.push(if n < LEAST_SUBJECTS {
            format!(
                "{} {} too few for a group test; read the single values.",
                format::counted(n, "subject", "subjects"),
                if n == 1 { "is" } else { "are" }
            )
        } else if results.statistics.comparisons.iter().any(|comparison| comparison.test.is_some()) {
            "Tests across subjects are below, adjusted for the number of comparisons.".to_owned()
        } else {
            "No significance test enters this page; the spread across subjects is shown instead.".to_owned()
        });
    }
    out
}

/// First and last time (s) of the longest init window; none where no model has one.
pub(crate) fn init_window(results: &Results) -> Option<(f64, f64)> {
    let n = results.models.values().map(|m| m.n_init_times).max()?.min(results.times.len());
    Some((*results.times.first()?, *results.times.get(n.checked_sub(1)?)?))
}

/// Every ratio that the results name, with what it is worth.
pub(crate) fn comparisons(results: &Results) -> Vec<Comparison> {
    let ratios = results.ratios.iter().filter_map(|ratio| {
        let (a, b) = (results.models.get(&ratio.numerator)?, results.models.get(&ratio.denominator)?);
        let (higher, paired) = higher_in(a, b);
        let caveat = if b.is_near_zero() {
            format!("{} is close to zero, so the ratio says little; read the difference.", ratio.denominator)
        } else {
            String::new()
        };
        Some(Comparison {
            numerator: ratio.numerator.clone(),
            denominator: ratio.denominator.clone(),
            ratio: ratio.ratio.filter(|r| r.is_finite()).map_or_else(|| "none".to_owned(), format::ratio),
            difference: format::signed_r(a.mean_r - b.mean_r),
            higher_in: format!("{higher} of {paired}"),
            caveat,
        })
    });
    ratios.collect()
}

fn first(results: &Results, name: &str, best: &ModelResult) -> Vec<Part> {
    let n = best.subjects.values().filter(|s| s.r.is_finite()).count();
    let range = crate::scale::extent(best.subjects.values().map(|s| s.r));
    let over = match range {
        Some((lo, hi)) if n > 1 => format!(" over {n} subjects ({} to {})", format::r(lo), format::r(hi)),
        _ if n == 1 => " in one subject".to_owned(),
        _ => String::new(),
    };
    let title = title(results, name);
    let test = format!("held-out {}", modality(results));
    if best.is_near_zero() {
        let is_past_clear =
            families::of_the_past(results).any(|(_, past)| past.mean_r.is_finite() && !past.is_near_zero());
        let nobody = if is_past_clear { "No model with features" } else { "No model" };
        return vec![
            text(format!("{nobody} predicts the {test} clearly: the highest mean r is ")),
            strong(format::r(best.mean_r)),
            text(format!(" ({title}){over}, too close to zero to tell it from nothing.")),
        ];
    }
    vec![
        text(format!("{title} predicts {test} with a mean r of ")),
        strong(format::r(best.mean_r)),
        text(format!("{over}.")),
    ]
}

/// What the past alone reaches beside the best model with features, and how much of the latter's r the stimulus adds.
fn past(results: &Results, best_name: &str, best: &ModelResult) -> Option<Vec<Part>> {
    let (name, past) = highest(families::of_the_past(results))?;
    let mut parts = vec![
        text("Without any feature, from the brain’s own past alone, ".to_owned()),
        text(format!("{name} reaches ")),
        strong(format::r(past.mean_r)),
    ];
    if past.mean_r >= best.mean_r {
        parts.push(text(", no less than any model with features".to_owned()));
    }
    let added = results.stimulus.iter().find(|one| one.model == best_name && one.delta_r.is_finite());
    if let Some((added, without)) = added.and_then(|one| Some((one, one.without.as_deref()?))) {
        parts.push(text("; the stimulus adds ".to_owned()));
        parts.push(strong(format::signed_r(added.delta_r)));
        let mut about = Vec::new();
        if without != name {
            about.push(format!("over {without}"));
        }
        if let Some([low, high]) = added.confidence {
            about.push(format!("95 % CI {} to {}", format::r(low), format::r(high)));
        }
        if let Some(p) = added.p {
            let p = p_value(Some(p));
            about.push(if p.starts_with('<') { format!("p {p}") } else { format!("p = {p}") });
        }
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        let doubt = if added.p.is_some_and(|p| p > 0.05) { ", not distinguishable from none" } else { "" };
        parts.push(text(format!(" to the r of {best_name}{about}{doubt}")));
    }
    parts.push(text(".".to_owned()));
    Some(parts)
}

fn second(results: &Results, numerator: &str, denominator: &str) -> Vec<Part> {
    let (a, b) = (&results.models[numerator], &results.models[denominator]);
    let (higher, paired) = higher_in(a, b);
    let difference = a.mean_r - b.mean_r;
    let (a_title, b_title) = (title(results, numerator), title(results, denominator));
    let subjects = match paired {
        0 | 1 => String::new(),
        n => format!(", and {a_title} is higher in {higher} of {n} subjects"),
    };
    let reaches = text(format!("{b_title} reaches {}", format::r(b.mean_r)));
    if difference <= 0.0 {
        return vec![
            text(format!(
                "{a_title} ({}) does not exceed {b_title} ({}): the difference is ",
                format::r(a.mean_r),
                format::r(b.mean_r)
            )),
            strong(format::signed_r(difference)),
            text(format!("{subjects}.")),
        ];
    }
    if b.mean_r <= 0.0 {
        return vec![
            reaches,
            text(format!(", so a ratio would mean nothing; the difference {numerator} − {denominator} is ")),
            strong(format::signed_r(difference)),
            text(format!("{subjects}.")),
        ];
    }
    let ratio = format::ratio(a.mean_r / b.mean_r);
    if b.is_near_zero() {
        return vec![
            reaches,
            text(format!(
                ", too close to zero for the ratio of {ratio} to mean much; the difference {numerator} − {denominator} is "
            )),
            strong(format::signed_r(difference)),
            text(format!("{subjects}.")),
        ];
    }
    vec![
        reaches,
        text(format!(": the ratio {numerator} / {denominator} is ")),
        strong(ratio),
        text(format!("{subjects}.")),
    ]
}

/// The two models that the page compares first: where ratios were formed, the best of those above the line and the best of
/// those below it, so that a network is held against the best linear model; else the best model and the next best.
pub(crate) fn leading_pair<'a>(results: &'a Results, best: &'a str) -> Option<(&'a str, &'a str)> {
    let r = |name: &str| results.models.get(name).map_or(f64::NAN, |m| m.mean_r);
    let best_of = |names: &mut dyn Iterator<Item = &'a str>| {
        // The first of equals. What the past alone predicts stands beside its model, not against others.
        names
            .filter(|name| r(name).is_finite() && !families::is_past_alone(results, name))
            .reduce(|a, b| if r(b) > r(a) { b } else { a })
    };
    let above = best_of(&mut results.ratios.iter().map(|ratio| ratio.numerator.as_str()));
    let below = best_of(&mut results.ratios.iter().map(|ratio| ratio.denominator.as_str()));
    if let (Some(above), Some(below)) = (above, below) {
        return Some((above, below));
    }
    best_of(&mut results.models.keys().map(String::as_str).filter(|name| *name != best)).map(|other| (best, other))
}

/// In how many subjects `a` scores higher than `b`, and how many have both scores.
fn higher_in(a: &ModelResult, b: &ModelResult) -> (usize, usize) {
    let pairs = a.subjects.iter().filter_map(|(name, s)| Some((s.r, b.subjects.get(name)?.r)));
    let pairs: Vec<_> = pairs.filter(|(x, y)| x.is_finite() && y.is_finite()).collect();
    (pairs.iter().filter(|(x, y)| x > y).count(), pairs.len())
}

/// Standard deviation (n − 1); none with fewer than two values.
pub(crate) fn standard_deviation(values: &[f64]) -> Option<f64> {
    let n = values.len() as f64;
    if values.len() < 2 {
        return None;
    }
    let mean = values.iter().sum::<f64>() / n;
    Some((values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / (n - 1.0)).sqrt())
}

/// What a model is called: its title, with its name where another model has the same title.
fn title(results: &Results, name: &str) -> String {
    let of = |name: &str| results.models.get(name).map_or("", |model| model.title.trim());
    let own = of(name);
    let is_shared = results.models.keys().any(|other| other != name && of(other) == own);
    match (own, is_shared) {
        ("", _) => name.to_owned(),
        (own, true) => format!("{own} ({name})"),
        (own, false) => own.to_owned(),
    }
}

fn modality(results: &Results) -> &'static str {
    let has = |kinds: &[ChannelType]| results.cohort.channels.iter().any(|c| kinds.contains(&c.kind));
    match (has(&[ChannelType::Mag, ChannelType::Grad]), has(&[ChannelType::Eeg])) {
        (true, true) => "M/EEG",
        (true, false) => "MEG",
        (false, true) => "EEG",
        (false, false) => "data",
    }
}

fn text(text: String) -> Part {
    Part { text, strong: false }
}

fn strong(text: String) -> Part {
    Part { text, strong: true }
}

fn plain(sentence: String) -> Vec<Part> {
    vec![text(sentence)]
}
